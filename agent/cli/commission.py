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
from agent.cli.parser import answers, complain, config_argument, console, load, mine
from agent.cli.served import CannotTell, Tell, asked

if TYPE_CHECKING:
    from config.model import StudioConfig

REFUSED = 2
NEEDS = (
    "Half a minute for one light, under a minute for four, 7 s for each one more. Before: set the look, lock the "
    "camera (camera.lock, or its own menu), be off air, and let nobody walk about. No light moves by more than 15 % "
    "(more with --empty), and all come back to the look, also when Ctrl-C ends it. It says why when it cannot be "
    "done: automatic exposure on, a scene that moves, a light that does nothing (exit 2)."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = NEEDS
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
        _show(found, mine(config.agent.language))
    return os.EX_OK


async def _found(path: Path, config: "StudioConfig", options: argparse.Namespace) -> Mapping[str, Any]:
    from agent.messaging.local import NAME

    control = config.agent.state_dir / NAME
    with progress() as tell:
        if not answers(control):
            return await _by_ourselves(path, config, options, tell)
        if options.off_air:
            raise CannotTell("--off-air: the service runs and knows the air state: leave it out", os.EX_USAGE)
        return await asked(control, "exposure.commission", {"empty": options.empty}, tell, REFUSED)


async def _by_ourselves(
    path: Path, config: "StudioConfig", options: argparse.Namespace, tell: Tell
) -> Mapping[str, Any]:
    from agent.app.commissions import told
    from agent.exposure.commissioning.refusals import Refused
    from agent.messaging.lifecycle import Refusal
    from config.units import Text

    async with standing(path, config, options) as (agent, listener):
        await opened(agent)
        if not options.off_air:
            await air_heard(agent, listener)
            if agent.on_air():
                raise CannotTell("the studio is on air, or nobody says that it is not: --off-air says so", REFUSED)
        try:
            found, file = await agent.commissions.run(options.empty, lambda share: tell(share, ""), options.off_air)
        except Refusal as refusal:
            raise CannotTell(refusal.message.say(mine(config.agent.language)), REFUSED) from None
        if isinstance(found, Refused):
            said = Text(f"{found.said.en} {found.remedy.en}", f"{found.said.zh}{found.remedy.zh}")
            raise CannotTell(said.say(mine(config.agent.language)), REFUSED)
        if not file:
            complain(f"what was found is shown, but not kept: {agent.config.agent.state_dir} takes nothing")
        return told(found, file)


def _show(found: Mapping[str, Any], language: str) -> None:
    from rich import box
    from rich.table import Table

    from agent.exposure.commissioning.findings import hardly
    from config.units import Text

    paper = console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heads = (
        Text("light", "灯具"),
        Text("share of the picture", "占画面光比例"),
        Text("down", "可调暗"),
        Text("up", "可调亮"),
    )
    for at, heading in enumerate(heads):
        table.add_column(heading.say(language), justify="right" if at else "left")
    unit = Text("stop", "档").say(language)
    for name, reach in found["lights"].items():
        down, up = f"{reach['down_stops']:+.2f} {unit}", f"{reach['up_stops']:+.2f} {unit}"
        table.add_row(name, f"{reach['share'] * 100:.0f} %", down, up)
    paper.print(table)
    camera, late, zones = found["camera"], f"{found['delay_ms']:.0f}", found["reference_zones"]
    done = Text(
        f"commissioned for {camera}: {late} ms from command to picture; {zones} reference zones",
        f"已为 {camera} 标定：指令到画面 {late} 毫秒；{zones} 个基准区域",
    )
    paper.print(f"[green]✓[/] {done.say(language)}")
    if useless := hardly({name: (reach["down_stops"], reach["up_stops"]) for name, reach in found["lights"].items()}):
        paper.print(f"[yellow]![/] {useless.say(language)}")
    if found["file"]:
        page = Path(found["file"]).with_suffix(".html")
        paper.print(Text(f"the page that shows it: {page}", f"图示页面：{page}").say(language), soft_wrap=True)
    hold = "studio-agent send exposure.set mode=hold"
    next_ = Text(f"to hold the light: {hold}", f"开始自动补光：{hold}")
    paper.print(next_.say(language), soft_wrap=True)
