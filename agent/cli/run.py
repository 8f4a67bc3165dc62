"""``studio-agent run -c FILE``: the headless service. SIGTERM and SIGINT end it cleanly, SIGHUP reloads."""

import argparse
import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from agent.cli.hosts import host_for
from agent.cli.parser import NoConfig, complain, config_argument, load

if TYPE_CHECKING:
    from agent.app.agent import Agent

LEVEL = "STUDIO_AGENT_LOG_LEVEL"


def arguments(parser: argparse.ArgumentParser) -> None:
    config_argument(parser)
    parser.add_argument("--virtual", action="store_true", help="on a virtual studio that matches the configuration")
    log_argument(parser)


def log_argument(parser: argparse.ArgumentParser) -> None:
    """``--log-level``."""
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=os.environ.get(LEVEL, "info"),
        type=str.lower,
        help=f"default: ${LEVEL}, else info",
    )


def run(options: argparse.Namespace) -> int:
    """0 after a clean end; 66 no file, 78 a fault in it, 75 another agent has the state folder, 73 the state folder
    cannot be used, 70 a bug (the service manager restarts)."""
    from agent.runtime import logs

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # waits until somebody takes it: by itself it kills
    if options.log_level not in logs.LEVELS:  # argparse does not look at a default
        complain(f"studio-agent run: ${LEVEL} is {options.log_level!r}, one of: {', '.join(logs.LEVELS)}")
        return os.EX_CONFIG
    logs.set_up(options.log_level)
    try:
        path, config = load(options.config, os.environ)
    except NoConfig as error:
        complain(error)
        return error.code
    from agent.app.agent import Agent
    from agent.app.config_versions import first
    from agent.app.lock import StateLocked, StateUnusable
    from agent.runtime import cores
    from config.problems import ConfigError

    config = first(path, config, os.environ)
    halves = cores.split(cores.allowed())
    if halves is not None:
        cores.keep_to(halves.wires)
    pictures = halves.pictures if halves is not None else frozenset()
    try:
        host = host_for(config, path, options.virtual)

        async def serve() -> int:
            mode: Literal["real", "virtual"] = "virtual" if options.virtual else "real"
            apart = config.lighting.engine == "process" and not options.virtual
            agent = Agent(config, host, config_file=path, mode=mode, environ=os.environ, pictures=pictures, apart=apart)
            with signals(agent):
                return await agent.run()

        return asyncio.run(serve())
    except ConfigError as error:
        complain(error)
        return os.EX_CONFIG
    except StateLocked as locked:
        complain(f"studio-agent run: {locked}")
        return os.EX_TEMPFAIL
    except StateUnusable as unusable:
        complain(f"studio-agent run: {unusable}")
        return os.EX_CANTCREAT


@contextmanager
def signals(agent: "Agent") -> Iterator[None]:
    """SIGTERM, SIGINT: stop. SIGHUP: reload; a refused file is logged with all its faults and the old one goes on."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(agent))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
        for task in reloads:
            task.cancel()


async def _reload(agent: "Agent") -> None:
    import structlog

    from config.problems import ConfigError

    log = structlog.get_logger(__name__)
    await agent.ready.wait()
    if agent.tests.running:  # it would go on with the lights of the old configuration
        log.error("config.refused", why="a self-test is running", next="reload once more when it is over")
        return
    try:
        await agent.reload()
    except ConfigError as error:
        log.error("config.refused", problems=str(error).splitlines(), effect="the old configuration goes on")
    except Exception:
        log.exception("config.reload_failed", effect="the old configuration goes on")
