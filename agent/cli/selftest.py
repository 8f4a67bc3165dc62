"""``studio-agent selftest``: through the running service if there is one, else by itself.

Exit codes are those of monitoring plug-ins: 0 all passed, 1 something came near its limit or was left out, 2 something
failed, 3 it could not be told (also: no configuration). 64 for wrong words, 130 when a person
ended it: the look comes back first.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli import streams
from agent.cli.alone import air_heard, ended, opened, progress, standing
from agent.cli.parser import answers, complain, config_argument, console, load, spoken
from agent.cli.served import CannotTell, Tell, by_service

if TYPE_CHECKING:
    from agent.messaging.service_args import SelftestStart
    from agent.selftest.report import Report
    from config.model import StudioConfig


def arguments(parser: argparse.ArgumentParser) -> None:
    config_argument(parser)
    parser.add_argument("--depth", choices=("quick", "full"), default="quick", help="full: also what is visible")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="ids or patterns: WID-01, 'LGT-*', '*:key'")
    parser.add_argument(
        "--accept", action="store_true", help="with --depth full: lights that did not fail join the baseline"
    )
    parser.add_argument(
        "--forget", action="store_true", help="with --accept: begin a new baseline (something was moved)"
    )
    parser.add_argument("--reason", default="at the shell", help="with --accept: why; it is noted")
    parser.add_argument(
        "--off-air",
        action="store_true",
        help="you are in the studio and say it is off air (only without the service; the report says so)",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON instead of a table")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also as JUnit XML")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also as one self-contained page")
    parser.add_argument("--virtual", action="store_true", help="on a virtual studio that matches the configuration")


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    _writable(options.junit, options.html)
    path, config = load(options.config, os.environ)
    report = asyncio.run(_report(path, config, options))
    if not report.number:
        complain(f"the report is shown, but not kept: {config.agent.state_dir / 'reports'} takes nothing")
    try:
        _write(report, options, config.agent.language)
        sys.stdout.flush()
    except BrokenPipeError:  # `… | head` does not change the verdict
        streams.unheard()
    return report.exit_code


async def _report(path: Path, config: "StudioConfig", options: argparse.Namespace) -> "Report":
    from agent.messaging.commands import read_args
    from agent.messaging.lifecycle import Refusal
    from agent.messaging.local import NAME
    from agent.messaging.service_args import SelftestStart

    asked = {name: getattr(options, name) for name in SelftestStart.model_fields}
    try:
        args = read_args(SelftestStart, asked)
    except Refusal as refusal:
        raise CannotTell(refusal.message.en.replace("args.", "--"), os.EX_USAGE) from None
    if options.accept and args.depth != "full":
        raise CannotTell("--accept: only with depth full: a quick test shows no light", os.EX_USAGE)
    if options.forget and not options.accept:
        raise CannotTell("--forget: only with accept: what is forgotten must be replaced", os.EX_USAGE)
    control = config.agent.state_dir / NAME
    with progress() as tell:
        if answers(control):
            if options.off_air:
                raise CannotTell("--off-air: the service runs and knows the air state: leave it out", os.EX_USAGE)
            return await by_service(control, config, args, options, tell)
        if options.off_air and config.air.source == "file":
            raise CannotTell(f"--off-air: air.source is a file: write 0 into {config.air.file}", os.EX_USAGE)
        return await _by_ourselves(path, config, args, options, tell)


async def _by_ourselves(
    path: Path, config: "StudioConfig", args: "SelftestStart", options: argparse.Namespace, tell: Tell
) -> "Report":
    async with standing(path, config, options) as (agent, listener):
        if wrong := agent.tests.unmatched(args.depth, args.only):
            raise CannotTell(f"--only: {wrong.en}", os.EX_USAGE)
        await opened(agent)
        if wrong := await agent.tests.unmatched_there(args.depth, args.only):
            raise CannotTell(f"--only: {wrong.en}", os.EX_USAGE)
        if args.depth == "full" and not options.off_air:
            await air_heard(agent, listener)
        report = await agent.tests.run(
            args.depth,
            args.only,
            trigger="shell",
            progress=lambda share, text: tell(share, text.en),
            accept=options.accept,
            forget=options.forget,
            bus=listener,
            off_air=options.off_air,
        )
        if report.accepted:
            await agent.tests.note("shell", f"selftest {' '.join(report.accepted)}: {options.reason}")
        return report


def _writable(*files: Path | None) -> None:
    """Said before anything is tested, not after it."""
    for file in files:
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            why = "is a folder" if file.is_dir() else f"there is no folder {file.parent}"
            raise CannotTell(f"{file}: {why}: name a file in a folder that is there", os.EX_USAGE)


def _write(report: "Report", options: argparse.Namespace, language: Any) -> None:
    try:
        if options.junit is not None:
            from agent.selftest.junit import junit

            options.junit.write_text(junit(report), encoding="utf-8")
        if options.html is not None:
            from agent.selftest.page import page

            options.html.write_text(page(report, language), encoding="utf-8")
    except OSError as error:
        raise CannotTell(f"{error.filename}: {error.strerror}") from None
    if options.json:
        print(report.to_json())
        return
    from agent.selftest.table import show

    paper = console(highlight=False)
    show(report, paper, spoken(language, paper.width, os.environ))
