"""What a camera's lane sees besides the numbers of one picture: the presenter, flicker, and why the picture changed.

every measured picture ─▶ Changes ─▶ cause (lamp, the camera's automatics, daylight, cut, somebody …)
every 30 s a burst of consecutive pictures ─▶ FlickerWatch ─▶ frequency, contrast
once or twice a second ─▶ face cascade ─▶ presenter's box, its light
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import structlog

from drivers.base import Image
from drivers.camera import light, presenter, shift
from drivers.camera.attribution import Change
from drivers.camera.changes import Changes, Sample
from drivers.camera.faults import Judged, PictureFault
from drivers.camera.flicker import Flicker, FlickerWatch
from drivers.camera.metrics import Metrics
from drivers.camera.points import Box, Mask
from drivers.camera.presenter import Presenter

log = structlog.get_logger(__name__)

FLICKER_EVERY = 30.0
"""Seconds between two bursts: 46 pictures decoded one after the other are 1 % of a core of 1080p MJPEG."""
CUT = 0.45
"""Likeness to the picture before (:func:`drivers.camera.shift.likeness`) below which it is another one."""
AFTER_CUT = 2.0
"""Seconds after a cut in which the picture is nothing to act on."""
BEGINNING = 3.0
"""Seconds after the opening before anything is concluded: streams begin with a burst, cameras find their exposure."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What commissioning knows: light of each zone (9 x 16) by unit of each light's level, the room's own, and which
    zones it chose to regulate on."""

    lights: Mapping[str, np.ndarray]
    ambient: np.ndarray
    reference: Mask


@dataclass(frozen=True, slots=True)
class Insight:
    """``presenter_light``: linear light of the presenter's zones; ``change``: one that has just been judged; ``cut``:
    the picture was another one a moment ago."""

    presenter: Box | None = None
    presenter_light: float | None = None
    flicker: Flicker | None = None
    change: Change | None = None
    cut: bool = False
    judged: Mapping[PictureFault, Judged] = field(default_factory=dict)


class Insights:
    """Of one camera; on its lane's thread. ``levels``: what the lamps were told last, any thread may be asked."""

    def __init__(self, faces: bool, levels: Callable[[], Mapping[str, float]]) -> None:
        self._faces = faces
        self.levels = levels
        self._detector: presenter.Detector | None = None
        self._columns: Columns | None = None
        self.begin(0.0)

    def begin(self, now: float) -> None:
        """The source was opened (again): nothing of before holds."""
        self._quiet_until = now + BEGINNING
        self._changes = self._fresh()
        self._flicker = FlickerWatch(every=FLICKER_EVERY)
        self._found: Flicker | None = None
        self._presenter = Presenter()
        self._grey: shift.Grey | None = None
        self._cut_until = 0.0

    def know(self, columns: Columns | None) -> None:
        """Commissioned, or not any more. Any thread."""
        self._columns = columns
        self._changes = self._fresh()

    @property
    def box(self) -> Box | None:
        """The presenter's."""
        return self._presenter.box

    @property
    def reference(self) -> Mask | None:
        """The zones (9 x 16) the loop goes by; ``None`` before commissioning has chosen them."""
        return None if self._columns is None else self._columns.reference

    def wants_more(self, now: float) -> bool:
        """Whether the very next picture would be of use."""
        return now >= self._quiet_until and self._flicker.wants(now)

    def collect(self, image: Image) -> None:
        """A picture of a burst, which nobody measures otherwise."""
        if image.captured < self._quiet_until:
            return
        report = self._flicker.step(image.pixels, image.captured)
        if report is not None:
            self._found = report.flicker
            if report.flicker is not None:
                log.info("camera.flickers", **report.flicker.evidence())

    def look(self, image: Image, metrics: Metrics, now: float) -> Insight:
        """A measured picture."""
        if now < self._quiet_until:
            return Insight()
        self.collect(image)
        if self._faces and self._presenter.due(now):
            self._look_for_the_presenter(image, now)
        change = self._changed(image, metrics)
        box = self._presenter.box
        height, width = image.pixels.shape[:2]
        return Insight(
            presenter=box,
            presenter_light=None
            if box is None
            else float(metrics.zones[presenter.zones_of(box, width, height)].mean()),
            flicker=self._found,
            change=change,
            cut=image.captured < self._cut_until,
            judged=self._judged(now),
        )

    # --- inside ----------------------------------------------------------------------------------------------

    def _changed(self, image: Image, metrics: Metrics) -> Change | None:
        try:
            grey = shift.thumbnail(metrics.points)
        except ValueError:  # too small a picture to have a structure
            return None
        if self._grey is not None and shift.likeness(self._grey, grey) < CUT:
            self._cut_until = image.captured + AFTER_CUT
        self._grey = grey
        zones = light.logs(metrics.channels)
        return self._changes.step(Sample(image.captured, zones, grey, self.levels()))

    def _judged(self, now: float) -> Mapping[PictureFault, Judged]:
        judged = dict(self._changes.judged(now))
        if self._found is not None:
            judged[PictureFault.FLICKER] = Judged(True, self._found.evidence())
        return judged

    def _fresh(self) -> Changes:
        known = self._columns
        return Changes() if known is None else Changes(dict(known.lights), known.ambient)

    def _look_for_the_presenter(self, image: Image, now: float) -> None:
        if self._detector is None:
            self._detector = presenter.detector()
            if self._detector is None:
                self._faces = False
                log.warning("camera.no-presenter", why=presenter.MISSING.en)
                return
        height, width = image.pixels.shape[:2]
        faces = self._detector.faces(image.pixels, self._presenter.box)
        self._presenter = presenter.follow(self._presenter, faces, now, width, height)
