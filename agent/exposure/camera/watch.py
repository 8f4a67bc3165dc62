"""One camera of the studio: its driver, its lane, and what its latest picture says."""

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from agent.exposure.camera.files import CameraFiles
from agent.exposure.camera.glance import Glance
from agent.exposure.camera.insight import Insight, Insights
from agent.exposure.transport.matrix import zones_of
from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Lane
from agent.runtime.unit import Unit
from config.model import CameraSection
from drivers.base import Camera, Identity, Image
from drivers.camera import baseline, cadence, faults
from drivers.camera.faults import FaultState, Judged, Named, PictureFault
from drivers.camera.metrics import SRGB, Curve, Metrics, measure
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout, Why
from drivers.host import Host, is_network

T = TypeVar("T")

SLICE = 0.05
"""Seconds the lane may wait for packets before it looks whether somebody calls."""
LIT = 0.02
"""Level by which a lamp may differ from where it was in the reference picture."""
OUT = 0.02
"""Level below which a lamp gives no picture."""
AFTER_OUT = 2.0
"""Seconds after the lamps came on, and came to rest, in which a dark picture is still by plan: a picture comes late,
and that it is not black any more is believed as late."""
OUT_BY_PLAN = "the lights are out"
DARK = frozenset({PictureFault.BLACK, PictureFault.UNDER})
SUSPECTED = frozenset({PictureFault.AUTO_EXPOSURE, PictureFault.AUTO_WHITE_BALANCE})
"""Judged by patterns alone: a lamp that lights all there is looks the same. The loop asks a probe."""
UNIT_TARGET = 1.0
"""Pictures are metered against full white; whoever has a target subtracts its own stops."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One measured picture. ``fault`` names what is wrong with it (``None`` for a sound one), ``evidence`` why."""

    metrics: Metrics
    captured: float
    number: int
    fault: PictureFault | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Named, ...] = ()
    """All that hold, ``fault`` is the first."""
    insight: Insight = field(default_factory=Insight)
    busy: str = ""
    """What is being done to the camera that makes its picture another one; "" when nothing is."""
    dark: bool = False
    """The picture is too dark to say anything, and so it should be: all lamps are out."""

    @property
    def untrusted(self) -> str:
        """Why nothing should act on this picture; "" when it may. A clipped one may: it asks for less light."""
        return self.untrusted_but(frozenset())

    def untrusted_but(self, known: Set[PictureFault]) -> str:
        """The same, of what is not known of."""
        seen = (str(each.fault) for each in self.faults if each.blinding and each.fault not in SUSPECTED | known)
        return self.busy or next(seen, OUT_BY_PLAN if self.dark else "")

    @property
    def suspected(self) -> bool:
        """Whether the camera's own exposure seems to move the picture: for the loop to find out, not to believe."""
        return any(each.fault is PictureFault.AUTO_EXPOSURE for each in self.faults)

    def ev(self, target: float) -> float:
        """Stops from a target of linear light; negative = too dark."""
        return self.metrics.ev - math.log2(target)

    def glance(self, target: float, rate: float) -> Glance:
        """What the exposure loop needs of it. ``rate``: pictures measured per second."""
        metrics = self.metrics
        return Glance(
            self.ev(target),
            self.captured,
            self.untrusted or ("the picture was cut" if self.insight.cut else ""),
            zones_of(metrics),
            metrics.mired,
            self.fault is PictureFault.CLIPPED and not self.busy,
            rate,
            self.suspected,
            self.insight.presenter_light,
        )


class CameraWatch:
    """Work of a camera's lane: grab, measure, judge, tell; on absolute due times, newest picture wins.

    A time without pictures is told as well: by the lane when its read ends, and to whoever asks :meth:`faults_at`,
    though the lane may still hang in it.
    """

    def __init__(
        self,
        name: str,
        camera: Camera,
        rate: float,
        seen: Callable[[str, Sight], None],
        clock: Callable[[], float],
        insights: Insights | None = None,
        files: CameraFiles | None = None,
    ) -> None:
        self._name = name
        self._camera = camera
        self.period = 1.0 / rate
        self._seen = seen
        self._clock = clock
        self._faults = FaultState()
        self._patience, self._pace = faults.LOCAL, cadence.LOCAL
        self._cadence = cadence.start(0.0)
        self._keyed = False
        """Whether a picture that was coded by itself came since one was judged."""
        self._due = 0.0
        self._against = True
        self._before: Metrics | None = None
        self._files = files
        self.curve: Curve = SRGB
        """From codes to light: the camera's own where it was calibrated."""
        self.insights = insights or Insights(False, dict)
        self.latest: Sight | None = None
        self.reference: baseline.Baseline | None = None
        """The show's reference picture; ``None``: none was taken. Any thread may put another one here."""
        self._brightest = 0.0
        self._out_until = -math.inf
        self.busy = ""
        """What is being done to the camera just now: its pictures are told with it, and nothing else is made of them.
        Any thread may read it."""
        self.taken_with: Mapping[str, float] | None = None
        """What the lamps were told when the reference was taken; ``None``: nobody knows, as after a restart. Otherwise
        lit, level and colour say nothing."""

    def opened(self, identity: Identity, now: float) -> None:
        network = is_network(identity.details.get("source", ""))
        self._patience = faults.NETWORK if network else faults.LOCAL
        self._pace = cadence.NETWORK if network else cadence.LOCAL
        # what a stream says of its rate may be made up: 25 for one of 30
        self._cadence = cadence.start(now, 0.0 if network else float(identity.details.get("fps", 0.0)))
        self._faults = faults.start(now)
        self._before = None
        self.insights.begin(now)
        if self._files is not None:
            self._remember(self._files)
        self._due = now

    def faults_at(self, now: float) -> FaultState:
        """What is wrong now. Any thread may ask. Pictures that a self-test takes on the lane are pictures, too."""
        known, came = self._faults, getattr(self._camera, "came", None)
        if came is not None and known.seen is not None and came > known.seen:
            known = replace(known, seen=came)
        return faults.aged(known, now, self._patience)

    def turn(self, now: float) -> float:
        if now < self._due and not self.busy and self.insights.wants_more(now):
            image = self._ask(self._camera.grab)
            self.insights.collect(image)
            self._rhythm(image.captured)
            return now
        if now < self._due and (watch := getattr(self._camera, "watch", None)) is not None:
            self._ask(lambda: watch(min(self._due, now + SLICE)))
            return now
        image = self._ask(self._camera.grab)
        if self.busy:
            self.pass_on(image, now)
            return self._next_turn(now)
        metrics = self._before = self._measured(image)
        insight = self.insights.look(image, metrics, now)
        if insight.cut and not (self.latest is not None and self.latest.insight.cut):
            getattr(self._camera, "cut", lambda: None)()
        judged = {**self._rhythm(image.captured), **insight.judged, **self._compared(image, metrics)}
        self._faults = faults.step(
            self._faults,
            metrics,
            metrics.points,
            image.captured,
            patience=self._patience,
            judged=judged,
            expected=DARK if self._told_out(image.captured) else frozenset(),
            repeated_since=self._cadence.repeated_since,
            keyed=None if self._cadence.keyed is None else self._keyed,
        )
        self._keyed = False
        self._tell(Sight(metrics, image.captured, image.number, insight=insight))
        return self._next_turn(now)

    @property
    def lamps_out(self) -> bool:
        """Whether a dark picture is what the lamps were told. Any thread may ask."""
        return self._clock() < self._out_until

    def begin_work(self, doing: str) -> None:
        """Something that changes the picture is done to the camera from now on."""
        self.busy = doing

    def end_work(self) -> None:
        """The camera is as it will stay: nothing is concluded from what its picture was."""
        self.busy = ""
        self._before = None
        self.insights.begin(self._clock())

    def pass_on(self, image: Image, now: float) -> None:
        """A picture taken while something is done to the camera: it is there, and it is nothing to go by."""
        self._faults = replace(self._faults, seen=image.captured, changed=image.captured)
        if now >= self._due or self.latest is None or self.latest.busy != self.busy:
            self._tell(Sight(self._measured(image), image.captured, image.number, busy=self.busy))

    # --- inside ----------------------------------------------------------------------------------------------

    def _next_turn(self, now: float) -> float:
        self._due = max(self._due + self.period, now)
        return now if hasattr(self._camera, "watch") else self._due

    def _ask(self, read: Callable[[], T]) -> T:
        """Of the camera; that it has nothing to give is news as well."""
        try:
            return read()
        except (ReplyTimeout, BadReply):
            self._faults = faults.step(self._faults, None, None, self._clock(), patience=self._patience)
            if self._faults.fault is PictureFault.STALE and self.latest is not None:
                self._tell(self.latest)
            raise
        except (LinkLost, DeviceMissing):
            self._faults = faults.gone(self._faults, self._clock())
            if self.latest is not None:
                self._tell(self.latest)
            raise

    def _told_out(self, now: float) -> bool:
        """Whether a dark picture is what the lamps were told: all are out, or are just coming up from there. A studio
        that has none told nobody to make it dark."""
        told = [level for name, level in self.insights.levels().items() if "." not in name]
        brightest = max(told, default=1.0)
        if brightest < OUT or (now < self._out_until and brightest != self._brightest):
            self._out_until = now + AFTER_OUT
        self._brightest = brightest
        return now < self._out_until

    def _lit_otherwise(self) -> bool:
        then, now = self.taken_with, self.insights.levels()
        return then is None or any(abs(now.get(name, 0.0) - level) > LIT for name, level in then.items())

    def _remember(self, files: CameraFiles) -> None:
        """What was locked, taken and calibrated before."""
        files.restore(self._camera)
        self.reference = files.reference()
        if hasattr(self._camera, "reference"):
            self._camera.reference = self.reference
        response = files.response()
        self.curve = SRGB if response is None else response.tables

    def _measured(self, image: Image) -> Metrics:
        price = getattr(self._camera, "price", None)
        try:
            found = measure(image.pixels, UNIT_TARGET, curve=self.curve, before=self._before, box=self.insights.box)
            return found if price is None else price.undo(found)
        except ValueError as error:
            self._before = None
            said = f"{self._name} sends what is no picture: {error}"
            raise BadReply(said, "set its size and format", why=Why.NO_FORMAT) from None

    def _tell(self, sight: Sight) -> None:
        now = self._faults
        dark = PictureFault.BLACK in now.by_plan
        self.latest = replace(sight, fault=now.fault, evidence=now.evidence, faults=now.faults, dark=dark)
        self._seen(self._name, self.latest)

    def _rhythm(self, now: float) -> Mapping[PictureFault, Judged]:
        """Of every packet that came, where the driver tells of them."""
        stamps = getattr(self._camera, "stamps", None)
        if stamps is None:
            return {}
        self._cadence = cadence.feed(self._cadence, stamps(), now, self._pace)
        self._keyed = self._keyed or bool(self._cadence.keyed)
        return cadence.judge(self._cadence, now, self._pace, self._faults.named)

    def _compared(self, image: Image, metrics: Metrics) -> Mapping[PictureFault, Judged]:
        """Against the reference, every second picture: nothing of it is quick, and it costs what metering costs."""
        self._against = not self._against
        reference = self.reference
        if reference is None or self._against:
            return {}
        try:
            change = baseline.against(reference, baseline.seen(image.pixels, metrics.points, self._faults.points))
        except ValueError:  # another shape, or too small: it is not the picture the reference was taken of
            return {}
        return baseline.judge(change, self._faults.named, lamps_moved=self._lit_otherwise())


class CameraUnit(Unit[CameraSection, Camera]):
    """A camera and its watch."""

    def __init__(
        self,
        name: str,
        section: CameraSection,
        host: Host,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        seen: Callable[[str, Sight], None],
        cores: frozenset[int],
        levels: Callable[[], Mapping[str, float]] = dict,
        state: Path | None = None,
    ) -> None:
        """``levels``: what the lamps were told last; asked from the lane's thread. ``state``: where is kept what is
        known of cameras."""
        super().__init__(name, section, host)
        insights = Insights(section.presenter, levels)
        files = None if state is None else CameraFiles(state, name)
        self.watch = CameraWatch(name, self.driver, section.rate, seen, host.now, insights, files)
        back_off = BackOff(first=0.5, most=10.0)
        self.lane = Lane(
            name, self.driver, self.watch, now=host.now, tell=tell, bug=bug, back_off=back_off, cores=cores
        )

    def refer_to(self, reference: baseline.Baseline | None) -> None:
        """Judge the pictures by this reference from now on, in watching and in the self-test."""
        self.watch.reference = reference
        self.watch.taken_with = dict(self.watch.insights.levels())
        if hasattr(self.driver, "reference"):
            self.driver.reference = reference
