"""LGT-08: does this light, alone at full, draw bands in the picture? Rolling ones by their frequency; those that stand
still (a frequency of n x fps) by two exposures, where the camera's can be set from here."""

from contextlib import suppress
from dataclasses import dataclass

from agent.exposure.camera.files import automatics
from agent.selftest.catalogue import CATALOGUE
from config.units import SILENT, Text
from drivers.base import Camera, Limits, Result, Verdict
from drivers.camera.controls import EXPOSURE
from drivers.camera.flicker import Flicker, FlickerWatch, Report
from drivers.camera.flicker_cause import Standing, flicker_free, look, standing
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


@dataclass(frozen=True, slots=True)
class Bands:
    """``fps`` 0: the pictures come in no regular beat, nothing can be said of rolling bands."""

    rolling: Flicker | None
    standing: Standing | None
    fps: float
    strength: float


def seen(camera: Camera) -> Bands:
    """On the camera's lane, the light alone at full. Seconds."""
    report = _burst(camera)
    still = None
    if report.flicker is None and report.fps > 0 and (reach := getattr(camera, "controls", None)) is not None:
        with suppress(DriverError):  # no controls, or it does not want to: then that half is not looked at
            still = _two_exposures(camera, reach(), report.fps)
    return Bands(report.flicker, still, report.fps, report.strength)


def judged(found: Bands) -> Result:
    """The verdict, with frequency and contrast."""
    worst = found.rolling or found.standing
    if worst is None and found.fps <= 0:
        said = Text("The pictures come in no regular beat: bands cannot be told.", "画面帧间隔不规则，无法判断条纹。")
        return Result(Verdict.SKIPPED, said)
    evidence: dict[str, float] = {"fps": round(found.fps, 2), "strength_db": round(found.strength, 1)}
    if worst is None:
        return Result(
            Verdict.PASS, Text("No bands at this shutter.", "当前快门下无条纹。"), SILENT, 0.0, "%", BANDS, evidence
        )
    if found.rolling is not None:
        evidence |= found.rolling.evidence()
    verdict = BANDS.judge(worst.contrast)
    stand = found.rolling is None
    # how long the camera reads a picture out is not known: other frequencies would look the same
    others = ", ".join(f"{each:.1f}" for each in worst.alternatives[:2])
    told = Text(
        f"Bands of {worst.contrast:.1f} % at {worst.frequency:.1f} Hz{f' (or {others})' if others else ''}"
        f"{', standing still' if stand else ''}.",
        f"{'静止' if stand else ''}条纹 {worst.contrast:.1f} %，频率 {worst.frequency:.1f} Hz"
        f"{f'（或 {others}）' if others else ''}。",
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["LGT-08"].remedy
    return Result(verdict, told, remedy, worst.contrast, "%", BANDS, evidence)


def _burst(camera: Camera) -> Report:
    watch = FlickerWatch(every=0.0)
    for _ in range(FRAMES):
        image = camera.grab()
        watch.collect(image.pixels, image.captured)
    return watch.report()


def _two_exposures(camera: Camera, controls: Controls, fps: float) -> Standing | None:
    """Looks at a short exposure and at one of whole periods; the exposure is put back."""
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
    return standing(looks[0], looks[1], fps)
