"""What is done to one camera on its lane: locking it, taking its reference picture, calibrating its curve. Blocking.

While it goes on the lane's watch goes on, too: pictures are told as ever, but with what is being done, and nobody acts
on them. What changes the picture is broken off when the studio goes on air.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent.exposure.camera.files import CameraFiles, automatics
from agent.exposure.camera.watch import CameraUnit
from drivers.base import Image, Picture
from drivers.camera import baseline
from drivers.camera.baseline import Baseline
from drivers.camera.controls import EXPOSURE, LATENCY, Look, lock
from drivers.camera.locked import Locked
from drivers.camera.metrics import measure, sample
from drivers.camera.response import Response
from drivers.camera.signal import from_bgr, statistics
from drivers.errors import NotSupported, Refused, ReplyTimeout
from drivers.host import Controls

PORTRAITS = 8
"""Pictures a reference is made of."""
STEPS = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
"""Stops from the present exposure at which the curve is measured."""
FOUND_WITHIN = 0.03
"""Stops by which an exposure may be off what was asked: its units are whole."""


class Work:
    """Of one camera. ``now``: monotonic seconds. ``on_air``: asked on the camera's lane."""

    def __init__(
        self, unit: CameraUnit, files: CameraFiles, now: Callable[[], float], on_air: Callable[[], bool]
    ) -> None:
        self._unit, self._files, self._now, self._on_air = unit, files, now, on_air

    def controls(self) -> Controls:
        """Raises NotSupported for a camera whose driver has none."""
        reach = getattr(self._unit.driver, "controls", None)
        if reach is None:
            raise NotSupported(f"{self._unit.name} has no controls that can be reached from here")
        found: Controls = reach()
        return found

    def automatics(self) -> tuple[str, ...]:
        """What of it is automatic and moves the picture; ``()`` where nobody can tell."""
        try:
            return automatics(self.controls())
        except NotSupported:
            return ()

    def lock(self, mains: int) -> Locked:
        """See :func:`drivers.camera.controls.lock`; kept on the disk."""
        stable = getattr(self._unit.driver, "stable", self._unit.name)
        with self._working("the camera is being locked"):
            found = lock(stable, self.controls(), self._look, mains=mains)
        self._files.keep_locked(found)
        return found

    def reference(self, at: str) -> Baseline:
        """The picture as it is now, as what it should be; kept on the disk, and gone by from now on. As far apart as
        those that will be compared with it: an encoder's whole pictures between them look like noise."""
        portraits, before = [], None
        camera, period = self._unit.driver, self._unit.watch.period
        for _ in range(PORTRAITS):
            if before is not None and hasattr(camera, "watch"):
                camera.watch(self._now() + period)
            image = camera.grab()
            points = sample(image.pixels)
            portraits.append(baseline.seen(image.pixels, points, before))
            before = points
        taken = baseline.take(portraits[1:], at)
        self._files.keep_reference(taken)
        self._unit.refer_to(taken)
        return taken

    def measured(self) -> dict[str, Any]:
        """One picture at full size in numbers: all of metering, and what a waveform monitor's statistics say of it."""
        image = self._unit.driver.grab(detail=True)
        metrics = measure(image.pixels, 1.0, curve=self._unit.watch.curve, box=self._unit.watch.insights.box)
        reference = self._unit.watch.insights.reference
        height, width = image.pixels.shape[:2]
        return {
            "width": width,
            "height": height,
            "luminance": round(metrics.mean, 5),
            "log_mean": round(metrics.log_mean, 5),
            "median": round(metrics.median, 5),
            "p1": metrics.p1,
            "p50": metrics.p50,
            "p99": metrics.p99,
            "clipped_percent": round(metrics.clipped, 3),
            "crushed_percent": round(metrics.crushed, 3),
            "mired": _known(metrics.mired, 1),
            "duv": _known(metrics.duv, 5),
            "sharpness": _known(metrics.sharpness, 2),
            "presenter": list(self._unit.watch.insights.box or ()),
            "zones": [[round(light, 4) for light in row] for row in metrics.zones.tolist()],
            "histogram": metrics.histogram.tolist(),
            "reference_zones": [] if reference is None else reference.astype(int).tolist(),
            "signal": {name: round(value, 4) for name, value in statistics(from_bgr(image.pixels)).named()},
        }

    def exposed(self) -> tuple[list[Picture], list[float]]:
        """Pictures at exposure steps, with their stops, for :func:`drivers.camera.response.find`: a second of work that
        is another thread's. Auto exposure must be off. Raises Refused, with the exposure back."""
        controls = self.controls()
        there = {control.name: control for control in controls.list()}
        if EXPOSURE not in there:
            raise NotSupported("the camera's exposure cannot be set from here")
        if on := automatics(controls):
            raise Refused(f"{', '.join(on)} is on: exposure steps would say nothing", "lock the camera first")
        usual, control = controls.read(EXPOSURE), there[EXPOSURE]
        pictures: list[Picture] = []
        stops: list[float] = []
        with self._working("the camera is being calibrated"):
            try:
                for step in STEPS:
                    exposure = round(usual * 2.0**step)
                    exact = math.log2(exposure / usual) if exposure > 0 else -math.inf
                    if not control.minimum <= exposure <= control.maximum or abs(exact - step) > FOUND_WITHIN:
                        continue
                    controls.write(EXPOSURE, exposure)
                    self._wait()
                    for _ in range(3):
                        pictures.append(self._grab().pixels)
                        stops.append(exact)
            finally:
                controls.write(EXPOSURE, usual)
            self._wait()
        return pictures, stops

    def curved(self, found: Response) -> None:
        """That is its curve: kept on the disk, and gone by from now on."""
        self._files.keep_response(found)
        self._unit.watch.curve = found.tables

    def _look(self) -> Look:
        """The next measured picture."""
        watch = self._unit.watch
        last = watch.latest
        self._off_air()
        for _ in range(200):
            watch.turn(self._now())
            sight = watch.latest
            if sight is not None and sight is not last and (last is None or sight.captured > last.captured):
                r, _, b = sight.metrics.rgb
                warmth = math.log2(max(r, 1e-6) / max(b, 1e-6))
                return Look(max(sight.metrics.mean, 1e-6), warmth, sight.captured)
        raise ReplyTimeout(f"{self._unit.name} gives no new picture")

    @contextmanager
    def _working(self, doing: str) -> Iterator[None]:
        self._unit.watch.begin_work(doing)
        try:
            yield
        finally:
            self._unit.watch.end_work()

    def _grab(self) -> Image:
        self._off_air()
        image = self._unit.driver.grab()
        self._unit.watch.pass_on(image, self._now())
        return image

    def _wait(self) -> None:
        """Until an exposure has come through."""
        until = self._now() + LATENCY
        while self._now() < until:
            self._grab()

    def _off_air(self) -> None:
        if self._on_air():
            raise Refused("the studio went on air", "do it again off air")


def _known(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
