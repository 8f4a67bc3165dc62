"""A self-test through the running service, and how one ends before its time: by a person, or without a result."""

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agent.cli.parser import complain, mine
from config.units import Text

if TYPE_CHECKING:
    from agent.messaging.service_args import SelftestStart
    from agent.selftest.report import Report
    from config.model import StudioConfig

UNKNOWN = 3

Tell = Callable[[float, str], None]
"""Share done 0…1, and what is being done."""


class CannotTell(Exception):
    """There is no result; the text says why, ``code`` is the exit code."""

    def __init__(self, said: str, code: int = UNKNOWN) -> None:
        super().__init__(said)
        self.code = code


class Stopped(Exception):
    """A person ended it; the text says what becomes of the lights."""


@contextlib.contextmanager
def interrupted(stop: Callable[[], Any]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM calls ``stop``; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in numbers:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def by_service(
    control: Path, config: "StudioConfig", args: "SelftestStart", options: argparse.Namespace, tell: Tell
) -> "Report":
    """A new baseline is a test of its own; what is accepted is what the test before it has seen."""
    state = config.agent.state_dir
    if options.forget:
        wanted = {"targets": _lights(config, args.only), "reason": options.reason}
        done = await asked(control, "maintenance.rebaseline", wanted, tell)
        return _told({"id": done["report"]}, state)
    report = _told(await asked(control, "selftest.start", args.model_dump(mode="json"), tell), state)
    if not options.accept:
        return report
    accepted: Sequence[str] = ()
    if lights := sorted({check.name for check in report.checks if check.kind == "light"}):
        wanted = {"targets": lights, "reason": options.reason}
        try:
            accepted = (await asked(control, "maintenance.accept", wanted, tell))["accepted"]
        except CannotTell as why:  # of the test it can be told
            complain(why)
    return report.model_copy(update={"accepted": tuple(accepted)})


def _lights(config: "StudioConfig", only: Sequence[str]) -> list[str]:
    """Those of which ``only`` picks a check. Raises CannotTell when it picks none."""
    from agent.selftest.catalogue import CATALOGUE

    checks = [check for check in CATALOGUE if check.startswith("LGT-")]

    def picked(name: str) -> bool:
        words = [*checks, *(f"{check}:{name}" for check in checks)]
        return not only or any(fnmatchcase(word, pattern) for word in words for pattern in only)

    found = [name for name in config.fixtures if picked(name)]
    if not found:
        raise CannotTell("--only: picks no light to begin a baseline with", os.EX_USAGE)
    return found


async def asked(
    control: Path, verb: str, args: Mapping[str, Any], tell: Tell, refused: int = UNKNOWN
) -> Mapping[str, Any]:
    """The result of a command to the service; a person may end it. Raises CannotTell (``refused``: its code where the
    service says why not) and Stopped."""
    from agent.messaging.lifecycle import ReasonCode
    from agent.messaging.local import ask

    last = None
    known, begun, stop = uuid4().hex, asyncio.Event(), asyncio.Event()

    async def cancel() -> None:
        """Over a connection of its own: there is one command at a time on each. By its id: it ends nobody else's."""
        await stop.wait()
        await begun.wait()
        async for _ in ask(control, "command.cancel", {"id": known}):
            pass

    cancelling = asyncio.create_task(cancel())
    try:
        with interrupted(stop.set):
            async for answer in ask(control, verb, args, id=known):
                last = answer
                begun.set()
                if answer.progress is not None:
                    tell(answer.progress, answer.message.en if answer.message else "")
    except OSError as error:
        raise CannotTell(f"the service at {control}: {error}") from None
    finally:
        cancelling.cancel()
        await asyncio.gather(cancelling, return_exceptions=True)
    if stop.is_set() and last is not None and last.state.value == "cancelled":
        raise Stopped("stopped; the running service brings the look back")
    if last is not None and last.code is ReasonCode.UNKNOWN_TARGET and last.message and verb == "selftest.start":
        raise CannotTell(f"--only: {last.message.en}", os.EX_USAGE)
    if last is None or last.state.value != "succeeded":
        why = last.message if last is not None else None
        if why is None:
            raise CannotTell(f"the service did not run {verb}: it gave no reason")
        raise CannotTell(Text(f"{verb}: {why.en}", f"{verb}：{why.zh}").say(mine()), refused)
    return last.result


def _told(result: Mapping[str, Any], state_dir: Path) -> "Report":
    """The report of a self-test that the service ran: in the command's result when the disk did not take it."""
    from agent.selftest.report import Report
    from agent.selftest.store import ReportStore

    store = ReportStore(state_dir)
    if "report" in result:
        return Report.model_validate(result["report"])
    found = store.find(str(result.get("id")))
    if found is None:
        raise CannotTell(f"the self-test ran, but its report in {store.folder} cannot be read")
    return found
