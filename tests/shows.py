"""Whole shows on the closed studio, and a judge who does not listen to the loop: he knows what the lamps really give,
what the room does and who has a hand on what, and sees the set through a camera of his own."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agent.exposure.camera.insight import Columns, Insights
from agent.exposure.camera.watch import CameraWatch, Sight
from agent.exposure.loop.service import OWNER, Mode
from agent.exposure.transport.matrix import Shot, Zones, zones_of
from agent.lighting.claims import Priority
from drivers.base import Identity, Image
from drivers.camera.metrics import COLUMNS, ROWS, measure
from drivers.errors import DriverError, LinkLost
from drivers.virtual.relief import Relief
from drivers.virtual.scene import Scene
from drivers.virtual.sensor import Sensor
from tests.closed import FRAMES, LIGHT, ClosedStudio

SIZE = (160, 90)
IDENTITY = Identity("virtual", details={"source": "/dev/video0"})
WAY_BACK = 2.5
"""Seconds in which lights go back from a probe that was refused."""
WITNESS = 5
"""Pictures from one of the judge's to the next."""


@dataclass(frozen=True, slots=True)
class Failure:
    """``kind``: one word; ``at``: seconds of the show."""

    kind: str
    at: float
    act: str
    detail: str


class Reader:
    """The source as a lane's driver reads it."""

    def __init__(self, show: "Show") -> None:
        self._show = show
        self._number = 0

    def grab(self) -> Image:
        pixels, captured = self._show.source.read(0.0)
        self._number += 1
        return Image(pixels, captured, self._number)


class Show(ClosedStudio):
    """A closed studio whose pictures go the agent's own way, with all it says of them."""

    def __init__(self, delay: int = 2, rate: float = 10.0, **options: object) -> None:
        self.set: Relief | None = None
        self.failures: list[Failure] = []
        self.act = ""
        self.gone: dict[str, str] = {}
        self.stalled: float = 0.0
        self.sight: Sight | None = None
        self.sensors: list[Sensor] = []
        super().__init__(delay, rate, size=SIZE, scene=self._scene, **options)  # type: ignore[arg-type]
        self.watch = CameraWatch(
            "cam",
            Reader(self),  # type: ignore[arg-type]
            10 * rate,
            self._saw,
            lambda: self.now,
            Insights(False, lambda: {name: self.level(name) for name in self.fixtures}),
        )
        self.watch.opened(IDENTITY, self.now)
        self.judge = Judge(self)
        self.offline_until = 0.0

    def _scene(self, width: int, height: int) -> Relief:
        self.set = Scene(width, height)
        return self.set

    def _saw(self, name: str, sight: Sight) -> None:
        self.sight = sight

    def frame(self) -> None:
        """The lamps go on for one camera interval."""
        begun = self.now
        for part in range(1, FRAMES + 1):
            with self._wake:
                self.clock.wait(self._wake, begun + part / FRAMES / self.rate)
            self.rig.lapse(self.now)
            if not self.gone:
                self.world.hear(1, self.rig.scene.frame(1, self.now))

    def picture(self) -> Shot:
        if not hasattr(self, "watch"):
            return super().picture()
        self.frame()
        self._look()
        assert self.sight is not None
        self.seen = self.sight.metrics
        return Shot(self.sight.captured, zones_of(self.seen), self.sight.untrusted, None)

    def _look(self) -> bool:
        if self.now < self.offline_until or self.now < self.stalled:
            return False
        before = self.sight
        try:
            if self.offline_until:
                self.source = self.camera.studio.camera("cam")
                self.watch.opened(IDENTITY, self.now)
                self.offline_until = 0.0
            self.watch.turn(self.now)
            return self.sight is not before
        except LinkLost as error:
            self.loop.lost(f"camera cam is offline: {error}")
            self.offline_until = self.now + 1.0
        except DriverError:
            return self.sight is not before
        return False

    def turn(self) -> None:
        """One picture, and what the loop makes of it, as ``Exposing`` does."""
        self.frame()
        if self._look() and self.sight is not None:
            glance = self.sight.glance(self.loop.target, self.told_rate)
            self.loop.turn(glance, self.now, self.on_air, gone=self.gone)
        self.judge.look()

    told_rate = 10.0
    """What the camera's section says, which may not be what comes."""

    def teach(self) -> None:
        known = self.loop.transport
        assert known is not None
        shape = (ROWS, COLUMNS)
        lights = {name: known.matrix[:, at].reshape(shape) for at, name in enumerate(known.fixtures)}
        self.watch.insights.know(Columns(lights, known.ambient.reshape(shape), known.reference.reshape(shape)))

    # --- what people do ------------------------------------------------------------------------------------------

    def hold(self, mode: Mode = "hold") -> None:
        self.judge.forgive()
        self.loop.set_mode(mode, self.now)

    def hand(self, name: str, level: float, fade: float = 0.5) -> None:
        self.judge.hands.add(name)
        self.judge.forgive(fade + 1.5)
        self.rig.claim("hand", Priority.MANUAL, {name: {LIGHT: level}}, now=self.now, fade=fade)

    def hand_back(self, name: str) -> None:
        self.rig.release(self.now, owner="hand")
        self.judge.forgive()
        self.judge.hands.discard(name)
        self.loop.hand_back([name], self.now)

    def look(self, levels: dict[str, float], fade: float) -> None:
        self.judge.forgive(fade + 3)
        self.rig.apply_look({name: {LIGHT: level} for name, level in levels.items()}, now=self.now, fade=fade)

    def paint(self, where: tuple[slice, slice], colour: float) -> Callable[[], None]:
        """Somebody before part of the picture. Returns what takes them away."""
        assert self.set is not None
        albedo = self.set.albedo.reshape(SIZE[1], SIZE[0], 3)
        before = albedo[where].copy()
        albedo[where] = colour
        self.camera.sensor._last = None

        def away() -> None:
            albedo[where] = before
            self.camera.sensor._last = None

        return away


class Judge:
    """See the module."""

    def __init__(self, show: Show) -> None:
        self.show = show
        self.sensor = Sensor(show.world, *SIZE, noise=0.0)
        self.hands: set[str] = set()
        self.error = math.nan
        """Stops the set is too bright, as nobody but the judge sees it."""
        self.errors: deque[tuple[float, float]] = deque(maxlen=6000)
        self.levels: deque[tuple[float, dict[str, float], bool]] = deque(maxlen=1200)
        self.goal = 0.0
        self._count = 0
        self._forgiven = 0.0
        self._off_since: float | None = None
        self._told: set[str] = set()
        self.excused = ""
        """What makes a standing error right."""
        self.barred = ""
        """Why the loop must not move any light now: a stop, a master, a black-out."""
        self._tripped_since: float | None = None
        self.still_since: float | None = None
        self._said_cycle = -60.0

    def forgive(self, seconds: float = 1.5) -> None:
        """A person moves lights now."""
        self._forgiven = max(self._forgiven, self.show.now + seconds)
        self._off_since = None

    def begin(self, act: str) -> None:
        self.show.act = act
        self._told.clear()
        self._off_since = None
        self.excused = self.barred = ""

    def fail(self, kind: str, detail: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.show.failures.append(Failure(kind, self.show.now, self.show.act, detail))

    def zones(self) -> Zones:
        light = self.sensor.render(self.show.now, 0)
        return zones_of(measure(light, 1.0))

    def wanted(self) -> float:
        """Of the reference zones."""
        known, loop = self.show.loop.transport, self.show.loop
        assert known is not None
        looks = {name: self.show.rig.look(name)[LIGHT] for name in known.fixtures}
        usual = known.predict(known.levels(looks))
        return float(usual[known.reference & known.known].mean()) * loop.target / float(np.nanmean(usual))

    def look(self) -> None:
        show, loop = self.show, self.show.loop
        now = show.now
        present = {name: show.level(name) for name in show.fixtures}
        self._moves(present)
        self._count += 1
        if loop.transport is None or self._count % WITNESS:
            return
        known = loop.transport
        zones = self.zones()[known.reference & known.known]
        self.error = math.log2(max(float(np.nanmean(zones)), 1e-6) / self.wanted())
        assert math.isfinite(self.error), "a judge who sees nothing"
        self.errors.append((now, self.error))
        self._standing(present)

    def _moves(self, present: dict[str, float]) -> None:
        show, now = self.show, self.show.now
        loop = show.loop
        moving = loop.mode == "hold" and not loop.now_state.tripped
        self.levels.append((now, present, moving))
        self._let_go(moving)
        for name in self.hands:
            claim = next((c for c in show.rig.claims(Priority.MANUAL) if c.fixture == name), None)
            if claim is not None and abs(show.rig.scene.targets(name)[LIGHT] - claim.level) > 1e-6:
                self.fail("hand", f"{name} moved in a hand")
        if now < self._forgiven or len(self.levels) < 12:
            return
        then, before, was_moving = self.levels[-11]
        if then < self._forgiven:
            return
        span = now - then
        for name, level in present.items():
            moved = abs(math.log2(max(level, 1e-3) / max(before[name], 1e-3)))
            most = (0.05 if show.on_air else 0.5) * span * 1.1 + 0.01 + 0.8 * self.coarse(name, level)
            if moved > most and not self.recently_off_air(span):
                self.fail("slew", f"{name} {moved:.3f} stop in {span:.1f} s, on air {show.on_air}")
            if name in self.hands and moved > 1e-4:
                self.fail("hand", f"{name} moved {moved:.3f}")
            if self.barred and moved > 1e-4:
                self.fail("barred", f"{name} moved {moved:.3f}: {self.barred}")
            after = self._tripped_since is not None and now - self._tripped_since > span + WAY_BACK
            if after and moved > 1e-4:
                self.fail("moved-after-trip", f"{name} {moved:.3f}, {loop.now_state.tripped}")
            if name not in loop.fixtures and moved > 1e-6:
                self.fail("stranger", f"{name} moved though it is not the loop's")
            if not moving and not was_moving and moved > 0.002 and loop.now_state.tripped == "":
                self.fail("moved-without-hold", f"{name} {moved:.3f} in {loop.mode}")
            look = show.rig.look(name)[LIGHT]
            if moved > 0.002 and moving and name in loop.fixtures and name not in self.hands:
                past = abs(math.log2(max(level, 1e-3) / look)) - loop.section.authority
                was = abs(math.log2(max(before[name], 1e-3) / look)) - loop.section.authority
                if past > 0.01 and past > was:
                    self.fail("authority", f"{name} {past:.3f} stop beyond")
                if not loop.now_state.why or (loop.now_state.move is None and "prob" not in loop.now_state.why):
                    self.fail("no-reason", f"{name} moved {moved:.3f}, why {loop.now_state.why!r}")
        self._cycle()

    def _let_go(self, moving: bool) -> None:
        """A loop that does not hold claims nothing; one that has let go says why."""
        show = self.show
        if not moving and any(claim.owner == OWNER for claim in show.rig.claims(Priority.LOOP)):
            self.fail("claims", f"in {show.loop.mode}, {show.loop.now_state.tripped or 'not tripped'}")
        if not show.loop.now_state.tripped:
            self._tripped_since = None
        elif self._tripped_since is None:
            self._tripped_since = show.now

    def coarse(self, name: str, level: float) -> float:
        """Stops that one step on the wire is."""
        return self.show.loop.hands.steps({name: level})[name]

    def recently_off_air(self, span: float) -> bool:
        return self.show.now - self.air_changed < span + 0.5

    air_changed = -100.0

    def _cycle(self) -> None:
        """More than six turns of a light within a minute while nothing else happens."""
        now = self.show.now
        if self.still_since is None or now - self.still_since < 60 or now - self._said_cycle < 60:
            return
        self._said_cycle = now
        for name in self.show.loop.fixtures:
            path = [levels[name] for at, levels, _ in self.levels if at > now - 60]
            moves = [b - a for a, b in pairwise(path) if abs(b / a - 1) > 1e-4]
            turns = sum(a * b < 0 for a, b in pairwise(moves))
            if turns >= 6:
                self.fail("cycle", f"{name} turned {turns} times in a minute")

    def _standing(self, present: dict[str, float]) -> None:
        """An error that the lights could make good stands for twenty seconds and nobody says why."""
        show, loop = self.show, self.show.loop
        state = loop.now_state
        free = [n for n in loop.fixtures if n not in self.hands and n not in show.gone]
        why = self.excused or state.tripped or (loop.mode != "hold") or not free
        up = self.error < 0
        ends = {
            n: min(1.0, show.rig.look(n)[LIGHT] * 2**loop.section.authority)
            if up
            else show.rig.look(n)[LIGHT] / 2**loop.section.authority
            for n in free
        }
        able = any(abs(math.log2(max(present[n], 0.01) / max(ends[n], 0.01))) > 0.05 for n in free)
        told = state.why.startswith(("at-limit", "frozen"))
        if why or abs(self.error) < 0.13 or not able or told:
            self._off_since = None
            return
        self._off_since = self._off_since or show.now
        slow = abs(self.error) / 0.05 * 2.5 if show.on_air else 0.0
        if show.now - self._off_since > 20 + slow:
            self.fail("standing", f"{self.error:+.2f} stop, {state.why}")
