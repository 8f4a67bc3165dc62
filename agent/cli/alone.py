"""A studio for one piece of work from the shell while no service runs: devices open, lights under control, the broker
listened to for the air state, and a bar that says how far the work is."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.cli.hosts import host_for
from agent.cli.parser import NoConfig, complain
from agent.cli.served import UNKNOWN, CannotTell, Stopped, Tell, interrupted

if TYPE_CHECKING:
    from agent.app.agent import Agent
    from agent.selftest.listener import Listener
    from config.model import StudioConfig

OPENED_WITHIN = 5.0
"""Seconds devices have to be opened (or not) before the work begins."""
AIR_WITHIN = 5.0
"""Seconds to listen for the air state before lights are moved."""
INTERRUPTED = 130
"""128 + SIGINT, as shells count it."""


def ended(work: Callable[[], int]) -> int:
    """The exit code of this work, or of what kept it from being done, which is said."""
    try:
        return work()
    except NoConfig as error:
        complain(error)
        return UNKNOWN
    except CannotTell as error:
        complain(error)
        return error.code
    except Stopped as stopped:
        complain(stopped)
    except KeyboardInterrupt:
        complain("stopped before anything was done")
    return INTERRUPTED


@contextlib.asynccontextmanager
async def standing(
    path: Path, config: "StudioConfig", options: argparse.Namespace
) -> AsyncIterator[tuple["Agent", "Listener"]]:
    """The agent and its ear. Raises CannotTell, and Stopped when a person ended it: the look is back by then."""
    from agent.app.agent import Agent
    from agent.app.lock import StateLocked, StateUnusable
    from agent.selftest.listener import Listener
    from config.problems import ConfigError

    _quiet()
    task = asyncio.current_task()
    assert task is not None
    try:
        host = host_for(config, path, options.virtual)
        mode: Literal["real", "virtual"] = "virtual" if options.virtual else "real"
        apart = config.lighting.engine == "process" and mode == "real"
        agent = Agent(config, host, config_file=path, mode=mode, environ=os.environ, apart=apart)
        with interrupted(task.cancel):
            listener = Listener(config.mqtt, agent.topics, agent.bus.stamp, agent.bus.inbox.on_air)
            async with agent.standing(), listener:
                try:
                    yield agent, listener
                except asyncio.CancelledError:
                    await agent.tests.home()
                    raise
    except asyncio.CancelledError:
        raise Stopped("stopped; the look is restored") from None
    except ConfigError as error:
        raise CannotTell(str(error)) from None
    except (StateLocked, StateUnusable) as error:
        raise CannotTell(str(error)) from None


async def air_heard(agent: "Agent", listener: "Listener") -> None:
    """Until control software has said whether the studio is on air, if it does: it repeats that every few seconds."""
    until = agent.now() + min(AIR_WITHIN, agent.config.air.fresh)
    while listener.health.state == "online" and not agent.interlock.known(agent.now()) and agent.now() < until:
        await asyncio.sleep(0.02)


async def opened(agent: "Agent") -> None:
    """Until every device has answered or said why not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(OPENED_WITHIN):
            while any(unit.lane.health.state == "starting" for _, unit in agent.devices.all()):
                await asyncio.sleep(0.02)


@contextlib.contextmanager
def progress() -> Iterator[Tell]:
    """A bar on standard error while it runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda share, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(bar_width=30), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text)


def _quiet() -> None:
    """The result says it; the log would only say it again."""
    from agent.runtime import logs

    logs.set_up("error")
