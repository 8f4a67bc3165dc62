"""A small agent: a bus, a dispatcher and verbs whose effects can be counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.bus import Bus
from agent.messaging.commands import Identify, LightsSet, LookApply, Reload
from agent.messaging.dispatch import Dispatcher
from agent.messaging.header import Stamp
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.reconnect import BackOff
from agent.messaging.topics import Topics
from agent.messaging.verbs import Job, Verb
from agent.runtime.journal import Journal
from agent.runtime.store import Disk, at_once
from config.broker import MqttSection
from config.units import Text
from drivers.base import Impact
from drivers.errors import LinkLost
from tests.waiting import until


class Lights:
    """Verbs with effects to count. ``look.apply`` runs until ``release`` is set."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, Any]] = []
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    def verbs(self) -> Mapping[str, Verb[Any]]:
        made = (
            Verb("lights.set", LightsSet, self._set, check=self._known),
            Verb("look.apply", LookApply, self._look, deadline=5.0),
            Verb("identify", Identify, self._identify, impact=Impact.VISIBLE),
            Verb("reload", Reload, self._reload),
        )
        return {verb.name: verb for verb in made}

    def _known(self, args: LightsSet) -> None:
        if "ghost" in args.targets:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, "no fixture is called 'ghost'")

    async def _set(self, args: LightsSet, job: Job) -> Mapping[str, Any]:
        self.effects.append((job.id, dict(args.levels)))
        job.progress(0.5, Text("half way", "一半"))
        return {"fixtures": list(args.targets)}

    async def _look(self, args: LookApply, job: Job) -> Mapping[str, Any]:
        self.effects.append((job.id, args.look))
        self.started.set()
        await self.release.wait()
        return {}

    async def _identify(self, args: Identify, job: Job) -> Mapping[str, Any]:
        if args.fixture == "gone":
            raise LinkLost("the widget was unplugged")
        self.effects.append((job.id, args.fixture))
        return {}

    async def _reload(self, args: Reload, job: Job) -> Mapping[str, Any]:
        raise RuntimeError("a bug in a verb")


class SmallAgent:
    """Put together as the app does it."""

    def __init__(
        self,
        port: int,
        folder: Path,
        protocol: str = "auto",
        disk: Disk = at_once,
        **mqtt: Any,
    ) -> None:
        config = MqttSection.model_validate({"host": "127.0.0.1", "port": port, "protocol": protocol, **mqtt})
        self.topics = Topics("hall", "one")
        self.stamp = Stamp(time.time, time.monotonic)
        back_off = BackOff(0.05, 0.2)
        self.bus = Bus(config, self.topics, self.stamp, version="0", state=folder, disk=disk, back_off=back_off)
        self.lights = Lights()
        self.journal = Journal(folder / "journal.db")
        self.air = False
        self.dispatcher = Dispatcher(
            self.lights.verbs(),
            self.journal,
            lambda: self.air,
            self.bus.answer,
            time.time,
            disk=disk,
            max_running=4,
        )
        self.bus.serve(self.dispatcher)
        self._task: asyncio.Task[None] | None = None

    async def start(self, online: bool = True) -> "SmallAgent":
        await self.dispatcher.recover()
        self._task = asyncio.create_task(self.bus.run())
        if online:
            await until(self.bus.online.is_set)
        return self

    async def stop(self) -> None:
        if self._task is not None:
            await self.dispatcher.stop()
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.journal.close()


@pytest.fixture
async def small_agent(tmp_path: Path) -> AsyncIterator[Callable[..., SmallAgent]]:
    """Make a small agent: ``await small_agent(port).start()``."""
    made: list[SmallAgent] = []

    def make(port: int, **more: Any) -> SmallAgent:
        made.append(SmallAgent(port, tmp_path, **more))
        return made[-1]

    yield make
    for agent in made:
        await agent.stop()
