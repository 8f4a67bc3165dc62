"""``studio-agent demo``: the production agent on a virtual studio, with a broker of its own, live in this terminal.

    broker (child process) ⇄ MQTT ⇄ agent (this process) ─ drivers ─ twins in the virtual studio
                               ⇅                                        ↑ faults
                    view: draws what the topics say              keys of the person

Everything it writes is below ``.demo/`` of the checkout.
"""

import argparse
import asyncio
import errno
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.parser import DEMO, answers, checkout, complain, port, seconds

if TYPE_CHECKING:
    from agent.cli.stage import Stage
    from agent.cli.view.seen import Seen
    from config.model import StudioConfig
    from drivers.virtual.relief import SceneMaker

BROKER_WITHIN = 10.0
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
"""What a disk says that takes no more."""
OURS = ".studio-demo"
"""Marks a folder as the demo's: in no other is anything taken away."""
HOME = Path(__file__).resolve().parents[2]
"""Where the broker's module is found, installed or not."""


class Trouble(Exception):
    """Why there is no demo, for people, and the exit code."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=seconds, metavar="N", help="end by itself after so long")
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a screen, and a walk through the effects"
    )
    parser.add_argument("--port", type=port, default=0, help="of the broker, on the loopback interface (default: any)")
    parser.add_argument("--folder", type=Path, help=f"for everything it writes (default: {DEMO} in the checkout)")
    parser.add_argument("--photograph", type=Path, metavar="FILE", help="what the cameras look at (default: a drawing)")


def run(options: argparse.Namespace) -> int:
    """0 when it was ended by a person or by --seconds; 66 no such photograph, 69 no broker, 73 folder not writable,
    75 a demo runs already."""
    from agent.app.lock import StateUnusable

    plain = options.plain or not sys.stdout.isatty()
    folder = (options.folder or checkout() / DEMO).absolute()
    try:
        return asyncio.run(_demo(folder, options.port, options.seconds, plain, options.photograph))
    except Trouble as trouble:
        complain(f"studio-agent demo: {trouble}")
        return trouble.code
    except OSError as error:
        if error.errno not in FULL:
            raise
        complain(f"studio-agent demo: {folder} cannot be written: {error.strerror}")
        return os.EX_CANTCREAT
    except StateUnusable as unusable:
        complain(f"studio-agent demo: {unusable}")
        return os.EX_CANTCREAT


async def _demo(folder: Path, port: int, seconds: float | None, plain: bool, photograph: Path | None) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    _clear(folder)
    if seconds is not None:
        loop.call_later(seconds, ended.set)
    with (folder / "agent.log").open("w", encoding="utf-8") as log:
        from agent.runtime import logs

        logs.set_up("info", stream=log, people=False)
        async with _broker(port) as bound:
            config, file = _configured(folder, await bound)
            return await _play(config, file, plain, ended, photograph)


def _scene(photograph: Path | None) -> "SceneMaker":
    """What the cameras look at: the drawn room, or a photograph."""
    from drivers.errors import DeviceMissing
    from drivers.virtual.photograph import load
    from drivers.virtual.scene import Scene

    try:
        return load(photograph) if photograph else Scene
    except DeviceMissing as missing:
        raise Trouble(f"{missing.reason}: {missing.remedy}", os.EX_NOINPUT) from None


def _clear(folder: Path) -> None:
    """A demo begins anew: no last look, no journal."""
    if answers(folder / "state" / "control.sock"):
        raise Trouble(f"another demo runs in {folder}: end it, or give this one another --folder", os.EX_TEMPFAIL)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / OURS).exists() and folder != checkout() / DEMO:
            raise Trouble(f"{folder} has other things in it: give the demo a --folder of its own", os.EX_CANTCREAT)
        (folder / OURS).touch()
        if (folder / "state").is_dir():
            shutil.rmtree(folder / "state")
    except FileExistsError:
        raise Trouble(f"{folder} is no folder: give the demo a --folder of its own", os.EX_CANTCREAT) from None
    except OSError as error:
        raise Trouble(f"{folder} cannot be written: {error.strerror}", os.EX_CANTCREAT) from None


@asynccontextmanager
async def _broker(port: int) -> "AsyncIterator[asyncio.Task[int]]":
    """The broker's process; the task gives its port once it listens. It lives no longer than the pipe to it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "agent.cli.broker", "--port", str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=HOME,
        process_group=0,  # a signal to all of a terminal or a job is for the demo, which says goodbye over the broker
    )
    bound = asyncio.create_task(_ready(process))
    try:
        yield bound
    finally:
        bound.cancel()
        await asyncio.gather(bound, return_exceptions=True)
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(2.0):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(BROKER_WITHIN):
            words = (await process.stdout.readline()).split()
            if len(words) == 2:
                return int(words[1])
            said = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    except TimeoutError:
        raise Trouble(f"the broker did not start within {BROKER_WITHIN:g} s", os.EX_UNAVAILABLE) from None
    raise Trouble(f"the broker did not start: {said[-1] if said else 'it ended at once'}", os.EX_UNAVAILABLE)


def _configured(folder: Path, port: int) -> "tuple[StudioConfig, Path]":
    """The example configuration, with this broker and a state folder beside it. It is a file, so that ``send`` and
    ``watch`` in another terminal find it."""
    import config
    from config.load import load

    example = Path(config.__file__).with_name("examples") / "demo.toml"
    lines: list[str] = []
    for line in example.read_text(encoding="utf-8").splitlines():
        key = line.partition("=")[0].strip()
        if key == "state_dir":
            line = 'state_dir = "state"'
        elif key == "host" and lines[-1].strip() == "[mqtt]":
            line = f'host = "127.0.0.1"\nport = {port}\nembedded = true\nprotocol = "3.1.1"        # all it speaks'
        lines.append(line)
    file = folder / "studio.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(file, {}), file


async def _play(
    config: "StudioConfig", file: Path, plain: bool, ended: asyncio.Event, photograph: Path | None = None
) -> int:
    from agent.app.agent import Agent
    from agent.cli.stage import LAN, Stage
    from agent.cli.view.live import at, feed
    from agent.cli.view.seen import Seen
    from agent.messaging.client import Client
    from agent.messaging.dial import NoConnection
    from agent.messaging.topics import Topics
    from drivers.virtual.furnish import furnish
    from drivers.virtual.lan import Lan

    topics = Topics(config.agent.site, config.agent.name)
    lan = Lan(LAN["delay"], LAN["jitter"], LAN["loss"])
    studio = furnish(config, lan=lan, scene=_scene(photograph))
    seen = Seen()
    agent = Agent(config, studio, config_file=file, mode="virtual", environ={})
    serving = asyncio.create_task(agent.run(), name="agent")
    serving.add_done_callback(lambda _: ended.set())
    others: list[asyncio.Task[None]] = []
    try:
        async with Client(config.mqtt, issuer="demo") as client:
            stage = Stage(studio, lan, config, client, lambda text: seen.note(text, at()))
            others += [asyncio.create_task(feed(config.mqtt, topics, seen)), asyncio.create_task(stage.tell_air())]
            await _look(stage, seen, config.agent.language, plain, ended)
            await stage.close()
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
    except NoConnection as error:
        raise Trouble(f"its broker is gone: {error.reason}", os.EX_UNAVAILABLE) from None
    finally:
        agent.stop()
        code = await serving
    return code


async def _look(stage: "Stage", seen: "Seen", language: str, plain: bool, ended: asyncio.Event) -> None:
    if plain:
        from agent.cli.tour import walk

        await walk(stage, seen, language, ended, lambda line: print(line, flush=True))
        return
    from agent.cli.view.live import show, terminal
    from agent.cli.view.screen import Foot

    acts = {key.name: key.act for key in stage.keys}
    foot = Foot([*((key.name, key.short, key.long) for key in stage.keys), ("q", "quit", "quit")], stage.hint)

    def pressed(name: str) -> None:
        if name == "q":
            ended.set()
        elif name in acts:
            acts[name]()
            foot.hint = stage.hint

    await show(seen, foot, language, ended, pressed, terminal())
