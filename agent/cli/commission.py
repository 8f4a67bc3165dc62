"""``studio-agent commission``: measures what each light of the automatic fill light does to the picture, and how late;
through the running service if there is one, else by itself.

Exit codes: 0 commissioned, 2 refused (the reason is said), 3 it could not be told, 64 wrong words, 130 ended by a
person: the look comes back first.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.alone import air_heard, ended, opened, progress, standing
from agent.cli.parser import answers, complain, config_argument, console, load
from agent.cli.served import CannotTell, Tell, asked

if TYPE_CHECKING:
    from config.model import StudioConfig

REFUSED = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    config_argument(parser)
    parser.add_argument("--empty", action="store_true", help="nobody is on the set: larger steps, better figures")
    parser.add_argument("--json", action="store_true", help="what was found as JSON instead of a table")
    parser.add_argument(
        "--off-air",
        action="store_true",
        help="you are in the studio and say it is off air (only without the service)",
    )
    parser.add_argument("--virtual", action="store_true", help="on a virtual studio that matches the configuration")


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    path, config = load(options.config, os.environ)
    if config.exposure is None:
        raise CannotTell("the configuration has no [exposure]: nothing to commission", os.EX_CONFIG)
    found = asyncio.run(_found(path, config, options))
    if options.json:
        print(json.dumps(found))
    else:
        _show(found)
    return os.EX_OK


async def _found(path: Path, config: "StudioConfig", options: argparse.Namespace) -> Mapping[str, Any]:
    from agent.messaging.local import NAME

    control = config.agent.state_dir / NAME
    with progress() as tell:
        if not answers(control):
            return await _by_ourselves(path, config, options, tell)
        if options.off_air:
            raise CannotTell("--off-air: the service runs and knows the air state: leave it out", os.EX_USAGE)
        return await asked(control, "exposure.commission", {"empty": options.empty}, tell)


async def _by_ourselves(
    path: Path, config: "StudioConfig", options: argparse.Namespace, tell: Tell
) -> Mapping[str, Any]:
    from agent.app.commissions import told
    from agent.exposure.commissioning.refusals import Refused
    from agent.messaging.lifecycle import Refusal

    async with standing(path, config, options) as (agent, listener):
        await opened(agent)
        if not options.off_air:
            await air_heard(agent, listener)
            if agent.on_air():
                raise CannotTell("the studio is on air, or nobody says that it is not: --off-air says so", REFUSED)
        try:
            found, file = await agent.commissions.run(options.empty, lambda share: tell(share, ""), options.off_air)
        except Refusal as refusal:
            raise CannotTell(str(refusal.message.en), REFUSED) from None
        if isinstance(found, Refused):
            raise CannotTell(f"{found.said.en} {found.remedy.en}", REFUSED)
        if not file:
            complain(f"what was found is shown, but not kept: {agent.config.agent.state_dir} takes nothing")
        return told(found, file)


def _show(found: Mapping[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    paper = console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("light", "share of the picture", "down", "up"):
        table.add_column(heading, justify="left" if heading == "light" else "right")
    for name, reach in found["lights"].items():
        down, up = f"{reach['down_stops']:+.2f} stop", f"{reach['up_stops']:+.2f} stop"
        table.add_row(name, f"{reach['share'] * 100:.0f} %", down, up)
    paper.print(table)
    late = f"{found['delay_ms']:.0f} ms from command to picture"
    paper.print(f"[green]commissioned[/] for {found['camera']}: {late}; {found['reference_zones']} reference zones")
    if found["file"]:
        paper.print(f"the picture of it: {Path(found['file']).with_suffix('.html')}", soft_wrap=True)
