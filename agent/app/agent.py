"""The agent: the only place where the rooms are put together; start and drain order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import structlog

from agent import __version__
from agent.app import examined, keeper
from agent.app.all_verbs import all_verbs
from agent.app.commissions import Commissions
from agent.app.config_verbs import unfinished
from agent.app.devices import Devices, checked, word_for
from agent.app.dialects import spoken
from agent.app.exposing import Exposing
from agent.app.gatehouse import Gatehouse
from agent.app.herald import Herald
from agent.app.keeper import LookKeeper
from agent.app.lock import StateLock
from agent.app.rdm_lines import RdmLines
from agent.app.records import Records
from agent.app.service_verbs import SelfTests
from agent.app.stage import Stage
from agent.engine.client import EngineClient
from agent.engine.messages import Playing
from agent.exposure.camera.watch import Sight
from agent.exposure.loop.service import ExposureService
from agent.health.alerts import Alerts
from agent.health.interlock import Interlock
from agent.lighting.console import Console
from agent.lighting.memory import LookFile
from agent.lighting.scene import Scene
from agent.messaging.bus import Bus
from agent.messaging.dispatch import Dispatcher
from agent.messaging.exposure_args import ExposureSet
from agent.messaging.header import Stamp
from agent.messaging.local import NAME as CONTROL
from agent.messaging.local import ControlSocket
from agent.messaging.payloads import AirMessage
from agent.messaging.topics import Topics
from agent.runtime.journal import Journal
from agent.runtime.lane import Health, Idle, Lane, NoDevice
from agent.runtime.systemd import keep_alive, notify
from config.model import StudioConfig
from config.problems import ConfigError
from drivers.host import Host
from drivers.registry import Kind

log = structlog.get_logger(__name__)

TICK = 0.1  # seconds between looks at leases and the air state
CONTROL_WITHIN = 1.0
"""Seconds in which outputs must have answered (or not) for the agent to call itself ready."""
SOFTWARE = 70  # sysexits: a bug ended the agent


class Agent:
    """See the module. Constructing is silent and may raise ConfigError; :meth:`run` talks.

    A reload reads ``config_file`` again, with the overrides in ``environ``; ``pictures``: cores for cameras, none: any.
    ``apart``: outputs are played by the output engine, a process of its own, instead of by threads of this one.
    """

    def __init__(
        self,
        config: StudioConfig,
        host: Host,
        *,
        config_file: Path | None = None,
        mode: Literal["real", "virtual"] = "real",
        environ: Mapping[str, str] | None = None,
        pictures: frozenset[int] = frozenset(),
        apart: bool = False,
    ) -> None:
        self.config = config
        self.host = host
        self.ready = asyncio.Event()
        self.loop_lag = 0.0
        """Seconds the event loop came late to its last tick."""
        self.file = config_file
        self.environ = dict(environ or {})
        self._stop = asyncio.Event()
        self._exit = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        state = config.agent.state_dir
        fixtures = checked(config, str(config_file or "configuration"))
        self.interlock = Interlock(config.air, host.wall)
        self.alerts = Alerts()
        self.rig = keeper.rig(config, fixtures, self._show, None)
        self.exposure = ExposureService(config.exposure, self.rig) if config.exposure else None
        self.engine = EngineClient(state, self._on_health, self._on_held, host.now) if apart else None
        told = (self._told_health, self._told_bug, self._told_sight)
        self.devices = Devices(host, *told, pictures, self.engine, lambda held: self._soon(self._on_held, held), state)
        self.disk = Lane("disk", NoDevice("disk"), Idle(), now=host.now, tell=lambda *_: None, bug=self._told_bug)
        self.stage = Stage(self)
        cued, file = self.stage.playback.remembered, LookFile(state / "look.json")
        self.looks = LookKeeper(file, lambda: self.rig, self.on_disk, self.now, cued, host.wall, self.devices.sent)
        self.topics = Topics(config.agent.site, config.agent.name)
        stamp = Stamp(host.wall, host.now)
        self.bus = Bus(config.mqtt, self.topics, stamp, version=__version__, mode=mode, state=state, disk=self.on_disk)
        self.rdm = RdmLines(self)
        self.herald = Herald(self)
        self.tests = SelfTests(self, virtual=mode == "virtual")
        self.commissions = Commissions(self)
        self.exposing = Exposing(self, self.commissions)
        self.journal = Journal(state / "journal.sqlite")
        self.trust = Gatehouse(self, virtual=mode == "virtual")
        self.records = Records(self.journal, self.trust, self.herald.book, self.bus.outbox, self.on_disk)
        self.dispatcher = Dispatcher(
            all_verbs(self, self.tests, self.rdm, self.commissions),
            self.journal,
            on_air=self.on_air,
            publish_answer=self.bus.answer,
            wall=host.wall,
            disk=self.on_disk,
        )
        self.trust.serve(self.dispatcher)
        self.control = ControlSocket(state / CONTROL, self.dispatcher, stamp)
        self.bus.inbox.on_air = self._told_air
        self.dialects = spoken(config, self.bus, self.dispatcher, mode, self.on_disk)

    # --- what verbs and tests ask ----------------------------------------------------------------------------

    def now(self) -> float:
        return self.host.now()

    def on_air(self) -> bool:
        return self.interlock.on_air(self.host.now())

    def unstored(self) -> tuple[str, ...]:
        """What the disk does not take at present, for people."""
        return tuple(filter(None, (*self.records.unstored, self.looks.health, self.tests.health)))

    def exposure_set(self, args: ExposureSet) -> Mapping[str, Any]:
        assert self.exposure is not None
        self.exposure.set_mode(args.mode, self.now(), args.target)
        self.herald.exposure()
        return {"mode": self.exposure.mode, "target": self.exposure.target}

    def looks_through(self, camera: str) -> bool:
        """Whether the exposure loop uses this camera."""
        return self.config.exposure is not None and self.config.exposure.camera == camera

    async def on_disk(self, work: Callable[[], Any]) -> Any:
        """Run blocking work on the disk's lane."""
        return await self.disk.call(work, timeout=10.0)

    # --- life ------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask for a clean end: commands are ended, the last look is kept and held."""
        self._stop.set()

    async def run(self) -> int:
        """Until :meth:`stop`. Returns the exit code: 0, or 70 after a bug. Raises StateLocked when another agent
        has the state folder."""
        async with self.standing():
            await self.records.open()
            await self.dispatcher.recover()
            async with asyncio.TaskGroup() as group:
                services = (
                    self.bus.run(),
                    self.trust.auditor.run(),
                    self.control.run(),
                    self.looks.run(self.herald.lights),
                    self.stage.run(),
                    self._get_ready(),
                    self._tick(),
                    self._publish(),
                    self.rdm.run(),
                    self.records.run(),
                    keep_alive(),
                    *(dialect.run() for dialect in self.dialects),
                )
                tasks = [group.create_task(service) for service in services]
                await self._stop.wait()
                notify("STOPPING=1")
                log.info("agent.stopping")
                await self.dispatcher.stop()
                await self.tests.home()
                for task in tasks:
                    task.cancel()
            await self.looks.remembered()
            await self.records.close()
        log.info("agent.stopped", exit=self._exit)
        return self._exit

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator["Agent"]:
        """Devices open and lights under control, without broker or commands: what a self-test from the shell needs
        while no service runs."""
        self._loop = asyncio.get_running_loop()
        with StateLock(self.config.agent.state_dir):
            self.disk.start()
            try:
                found = await self.engine.open() if self.engine is not None else {}
                await self._take_up_look(found)
                self.devices.adopt(self.config, self.rig.scene)
                self.commissions.teach()
                yield self
            finally:
                await self._let_go()

    async def reload(self) -> None:
        """Read the file again and go over to it. Raises ConfigError, and changes nothing, when it is wrong or asks
        for what only a restart can give."""
        self.go_over(examined.reread(self))
        await self.commissions.recall()
        log.info("config.reloaded", file=str(self.file))

    def go_over(self, config: StudioConfig) -> None:
        """Put this in force. Raises ConfigError as :meth:`reload`."""
        fixtures = checked(config, str(self.file))
        if fixed := examined.restart_only(self.config, config):
            raise ConfigError(str(self.file), fixed)
        now = self.now()
        before = self.herald.state_topics()
        rig = keeper.successor(self.rig, config, fixtures, self._show, now)
        unchanged = config.exposure == self.config.exposure
        self.config, self.rig = config, rig
        self.interlock.use(config.air)
        self.trust.use(config.trust)
        if self.exposure is not None and unchanged:
            self.exposure.use(rig)
        else:
            self.exposure = ExposureService(config.exposure, rig) if config.exposure else None
        self.devices.adopt(config, rig.scene)
        self.commissions.teach()
        self._air_to_rig()
        self.herald.forget_alerts()
        self.herald.everything()
        for topic in before - self.herald.state_topics():
            self.bus.board.clear(topic)
        self.looks.changed()

    async def _take_up_look(self, found: Mapping[str, Playing]) -> None:
        """Start from what the lights show, or showed last; at the very first start from the configured look, faded in.
        ``found``: what an output engine that outlived the last agent shows."""
        last = await self.looks.read()
        if found and last is not None:
            last = keeper.seen(last, self.rig.fixtures, found, word_for(self.rig.fixtures))
        lighting = self.config.lighting
        self.rig = keeper.rig(self.config, self.rig.fixtures, self._show, last)
        self.devices.shown = keeper.frames(self.rig, self.now()) if last is not None else {}
        first = self.config.looks[lighting.start_look] if lighting.start_look else None
        keeper.begin(self.rig, last, first, self.now(), self.host.wall())
        await self.stage.take_up(last)
        if self.exposure is not None:
            self.exposure.use(self.rig)
        await self.commissions.recall()
        self._air_to_rig()

    async def _let_go(self) -> None:
        """End every lane without blocking the loop for longer than a stuck device needs to be closed."""
        stuck = await self.devices.let_go()
        if self.engine is not None:
            await self.engine.close(self.config.lighting.linger)
        self.disk.request_stop()
        self.disk.join()
        if stuck:
            log.error("lane.stuck", lanes=stuck)

    def _told_health(self, kind: Kind, name: str, health: Health) -> None:
        self._soon(self._on_health, kind, name, health)

    def _on_held(self, holding: Mapping[int, Console]) -> None:
        self.devices.desks.hold(holding, self.now())
        self.looks.changed()

    def _told_sight(self, camera: str, sight: Sight) -> None:
        self._soon(self.exposing.looked, camera, sight)

    def _told_bug(self, lane: str, error: BaseException) -> None:
        self._soon(self._on_bug, lane, error)

    def _soon(self, fn: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody listens any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(fn, *args)

    def _on_bug(self, lane: str, error: BaseException) -> None:
        log.error("agent.bug", lane=lane, error=repr(error), next="the service manager restarts the agent")
        self._exit = SOFTWARE
        self._stop.set()

    def _on_health(self, kind: Kind, name: str, health: Health) -> None:
        self.herald.device(kind, name)
        if kind in (Kind.OUTPUT, Kind.BUS):
            self.herald.lights()
        if kind is Kind.CAMERA and health.state != "ok" and self.looks_through(name) and self.exposure is not None:
            self.exposure.lost(f"camera {name} is {health.state}: {health.reason}")
            self.herald.exposure()

    def _told_air(self, message: AirMessage) -> None:
        if self.interlock.hear(message.on_air, message.source, message.issued_at.timestamp(), self.now()):
            self._air_to_rig()

    async def _get_ready(self) -> None:
        """Ready: every output drives its lights, or has said why not."""
        deadline = self.now() + CONTROL_WITHIN
        while self.now() < deadline and not all(unit.under_control for unit in self.devices.lighting()):
            await asyncio.sleep(0.005)
        self.ready.set()
        self.herald.everything()
        await self.tests.recall()
        await self.rdm.recall()
        self.bus.board.sweep()
        self.bus.set_ready(True)
        notify("READY=1")
        await unfinished(self)
        log.info("agent.ready", outputs={o.name: o.lane.health.state for o in self.devices.outputs.values()})

    async def _tick(self) -> None:
        beat = 0
        due = self.now()
        while True:
            now = self.now()
            self.loop_lag = max(0.0, now - due)
            self.rig.lapse(now)
            self._air_to_rig()
            beat += 1
            if beat % 5 == 0:
                self.herald.alerts()
                self.herald.exposure()
                self.herald.desks()
                if not self.rig.unmoved(now - 1.0):
                    self.herald.lights()
            due = max(due + TICK, now)
            await asyncio.sleep(due - now)

    async def _publish(self) -> None:
        await self.ready.wait()
        while True:
            self.herald.numbers()
            await asyncio.sleep(self.herald.reporter.pause)

    # --- inside ----------------------------------------------------------------------------------------------

    def _show(self, scene: Scene) -> None:
        self.devices.show(scene)
        self.looks.changed()

    def _air_to_rig(self) -> None:
        now = self.now()
        safety, on_air = self.config.safety, self.interlock.on_air(now)
        self.rig.limit(safety.slew_on_air if on_air else safety.slew_off_air, now, on_air)
        self.herald.air()
