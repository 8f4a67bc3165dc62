"""LGT-08: does this light, alone, draw bands in the picture? Rolling ones by their frequency; those that stand still (a
frequency of n x fps) by two exposures, where the camera's can be set from here.

Bands that are there while all lights are dark are none of theirs: light of the room draws them. It goes on while each
light is looked at; then that light answers for what it adds to them, and for bands of another frequency.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from agent.exposure.camera.files import automatics
from agent.selftest.catalogue import CATALOGUE
from config.units import SILENT, Text
from drivers.base import Camera, Limits, Picture, Result, Verdict
from drivers.camera import flicker
from drivers.camera.controls import EXPOSURE
from drivers.camera.flicker import Flicker, FlickerWatch
from drivers.camera.flicker_cause import Standing, flicker_free, look, standing, standing_bands
from drivers.camera.metrics import Floats
from drivers.errors import DriverError
from drivers.host import Controls

BANDS = Limits(warn=1.0, fail=3.0)
"""Contrast in per cent."""
FRAMES = 46
LOOK = 20
"""Pictures of one exposure."""
THROWN = 8
"""Pictures after a change of exposure that may still show the old one."""
SHORT = 1 / 250
"""Seconds: an exposure that shows the ripple of the mains."""
UNIT = 1e-4
"""Seconds of the control's unit (UVC 1.5, 4.2.2.1.4)."""
HERTZ = {1: 100.0, 2: 120.0}
"""Ripple of lamps by ``power_line_frequency``."""
SAME_HERTZ = 0.5
"""Hertz as filmed by which bands of one frequency may differ in two bursts of one or two seconds …"""
SAME_CYCLES = 0.7
"""… and bands per picture."""
CURVE = 0.2
"""Stops of error per stop that a camera of unknown curve may be measured with."""
SURE = 4.0
"""Standard deviations."""
LEAST_LIGHT = 0.004
"""Linear; darker points are noise."""


@dataclass(frozen=True, slots=True)
class Bands:
    """``fps`` 0: the pictures come in no regular beat, nothing can be said of rolling bands. ``room``: hertz of bands
    that are there without this light as well. ``level``: share of full light it was looked at."""

    rolling: Flicker | None
    standing: Standing | None
    fps: float
    strength: float
    room: float | None = None
    level: float = 1.0

    @property
    def worst(self) -> Flicker | Standing | None:
        return self.rolling or self.standing


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, and what others are compared with: the burst and its mean light; the looks at two exposures."""

    bands: Bands
    watch: FlickerWatch
    light: Floats
    exposures: tuple[Floats, Floats] | None = None


def seen(camera: Camera) -> Seen:
    """On the camera's lane, the lights standing still. Seconds."""
    watch = FlickerWatch(every=0.0)

    def burst() -> Iterator[Picture]:
        for _ in range(FRAMES):
            image = camera.grab()
            watch.collect(image.pixels, image.captured)
            yield image.pixels

    light = look(burst())
    report = watch.report()
    still, exposures = None, None
    if report.flicker is None and report.fps > 0 and (reach := getattr(camera, "controls", None)) is not None:
        with suppress(DriverError):  # no controls, or it does not want to: then that half is not looked at
            exposures = _two_exposures(camera, reach(), report.fps)
        still = standing(*exposures, report.fps) if exposures is not None else None
    return Seen(Bands(report.flicker, still, report.fps, report.strength), watch, light, exposures)


def own(found: Seen, room: Seen) -> Bands:
    """What of the bands is the light's own. ``room``: the look with all lights dark."""
    bands, theirs = found.bands, room.bands
    if bands.rolling is not None and theirs.rolling is not None and _alike(bands.rolling, theirs.rolling):
        was, now = room.watch.bands(theirs.rolling), found.watch.bands(theirs.rolling)
        if not _added(was, now, room.light, found.light):
            return replace(bands, rolling=None, room=theirs.rolling.frequency)
    if bands.standing is not None and theirs.standing is not None and found.exposures and room.exposures:
        cycles = theirs.standing.cycles
        was, now = standing_bands(*room.exposures, cycles), standing_bands(*found.exposures, cycles)
        alike = abs(bands.standing.cycles - cycles) < SAME_CYCLES
        if alike and not _added(was, now, room.exposures[0], found.exposures[0]):
            return replace(bands, standing=None, room=theirs.standing.frequency)
    return bands


def _alike(one: Flicker, other: Flicker) -> bool:
    return abs(one.alias - other.alias) < SAME_HERTZ and abs(one.cycles - other.cycles) < SAME_CYCLES


def worst_of(looks: Sequence[Bands]) -> Bands:
    """Of one light at several levels: that with the strongest bands."""
    return max(looks, key=lambda each: (each.worst.contrast if each.worst else 0.0, each.fps > 0, each.room or 0.0))


def _added(was: flicker.Bands, now: flicker.Bands, dark: Floats, lit: Floats) -> bool:
    """Whether a light adds bands to those of the room. One that is steady dilutes them, everywhere by what it adds to
    the light there; a curve of the camera that is not known makes that uncertain."""
    live = (dark > LEAST_LIGHT) & (lit > LEAST_LIGHT)  # NaN is not
    if not live.any():
        return True
    share = dark[live] / lit[live]
    expected = was.contrast * float(np.minimum(share, 1.0).mean())
    stops = max(0.0, -float(np.log2(share).mean()))
    return now.contrast > expected * 2 ** (CURVE * stops) + SURE * math.hypot(was.sd, now.sd)


def judged(found: Bands) -> Result:
    """The verdict, with frequency and contrast."""
    worst = found.worst
    if worst is None and found.fps <= 0:
        said = Text("The pictures come in no regular beat: bands cannot be told.", "画面帧间隔不规则，无法判断条纹。")
        return Result(Verdict.SKIPPED, said)
    evidence: dict[str, float] = {"fps": round(found.fps, 2), "strength_db": round(found.strength, 1)}
    if worst is None:
        said = Text("No bands at this shutter.", "当前快门下无条纹。")
        if found.room is not None:
            said = Text(
                f"No bands of its own: those at {found.room:.1f} Hz are there while all lights are dark, too.",
                f"自身无条纹：{found.room:.1f} Hz 的条纹在所有灯具关闭时同样存在。",
            )
        return Result(Verdict.PASS, said, SILENT, 0.0, "%", BANDS, evidence)
    if found.rolling is not None:
        evidence |= found.rolling.evidence()
    verdict = BANDS.judge(worst.contrast)
    stand = found.rolling is None
    # how long the camera reads a picture out is not known: other frequencies would look the same
    others = ", ".join(f"{each:.1f}" for each in worst.alternatives[:2])
    dimmed = found.level < 1
    told = Text(
        f"Bands of {worst.contrast:.1f} % at {worst.frequency:.1f} Hz{f' (or {others})' if others else ''}"
        f"{', standing still' if stand else ''}{f', the light at {found.level:.0%}' if dimmed else ''}.",
        f"{'静止' if stand else ''}条纹 {worst.contrast:.1f} %，频率 {worst.frequency:.1f} Hz"
        f"{f'（或 {others}）' if others else ''}{f'，灯光亮度 {found.level:.0%}' if dimmed else ''}。",
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["LGT-08"].remedy
    return Result(verdict, told, remedy, worst.contrast, "%", BANDS, evidence)


def judged_room(found: Bands) -> Result:
    """The same of the room, all lights dark."""
    result = judged(found)
    if found.worst is None or result.verdict is Verdict.PASS:
        return result
    said = Text(
        f"None of these lights: dark as they are, {result.said.en}", f"并非这些灯具：全部关闭时，{result.said.zh}"
    )
    remedy = Text(
        "Switch the room's own light off (mains ceiling lights, screens), or set the shutter to whole periods of it.",
        "关闭房间自身的照明（市电顶灯、显示屏），或将快门设为其整周期。",
    )
    return replace(result, said=said, remedy=remedy)


def _two_exposures(camera: Camera, controls: Controls, fps: float) -> tuple[Floats, Floats] | None:
    """Looks at a short exposure and at one of whole periods, which hides the bands; the exposure is put back."""
    if automatics(controls):
        return None
    usual = controls.read(EXPOSURE)
    ripple = HERTZ.get(controls.read("power_line_frequency"), 100.0)
    whole = flicker_free(ripple, SHORT, min(2 * SHORT + 1 / ripple, 1 / fps))
    if not whole:
        return None
    try:
        looks = []
        for exposure in (SHORT, whole[0]):
            controls.write(EXPOSURE, round(exposure / UNIT))
            pictures = [camera.grab().pixels for _ in range(THROWN + LOOK)]
            looks.append(look(pictures[THROWN:]))
    finally:
        controls.write(EXPOSURE, usual)
    return looks[0], looks[1]
