"""Self-test of a camera against the show's reference picture (CAM-07…10 of docs/selftest.md). Passive.

A few pictures each; their medians are compared. Colour says something only under the lights of the reference.
"""

import math
from collections.abc import Callable, Mapping

from config.units import SILENT, Text
from drivers.base import Image, Limits, Result, Verdict
from drivers.camera.baseline import COLOUR, MATCHED, MOVED, NOISE, SHARP, TINT, Baseline, Change, against, seen, take
from drivers.camera.metrics import sample

PICTURES = 5

TITLES: Mapping[str, Text] = {
    "CAM-07": Text("Noise", "画面噪点"),
    "CAM-08": Text("Focus", "对焦"),
    "CAM-09": Text("White balance", "白平衡"),
    "CAM-10": Text("Camera not moved", "机位未移动"),
}

Grab = Callable[[], Image]


def compared(grab: Grab, reference: Baseline) -> Change:
    """What has become of the picture. ValueError, hence a check that could not measure: another shape, or too small."""
    shots, before = [], None
    for _ in range(PICTURES + 1):
        pixels = grab().pixels
        points = sample(pixels)
        if before is not None:
            shots.append(seen(pixels, points, before))
        before = points
    now = take(shots, "")
    return against(reference, now.portrait)


def noisy(grab: Grab, reference: Baseline) -> Result:
    """CAM-07."""
    ratio = compared(grab, reference).noise
    said = Text(f"{ratio:.2f} times the noise of the reference.", f"噪点为参考画面的 {ratio:.2f} 倍。")
    return _result(ratio, NOISE, "of reference", said, "More light, less gain.", "增加灯光，降低增益。")


def sharp(grab: Grab, reference: Baseline) -> Result:
    """CAM-08."""
    share = compared(grab, reference).sharpness
    said = Text(f"{share * 100:.0f} % of the reference's sharpness.", f"清晰度为参考画面的 {share * 100:.0f} %。")
    return _result(share, SHARP, "of reference", said, "Focus it again, clean the lens.", "重新对焦，清洁镜头。")


def white(grab: Grab, reference: Baseline) -> Result:
    """CAM-09: the worse of mired and Duv, said in mired."""
    change = compared(grab, reference)
    off = max(abs(change.mired), abs(change.duv) / TINT * (COLOUR.fail or 0.0))
    said = Text(
        f"{change.mired:+.0f} mired, {change.duv:+.4f} Duv from the reference.",
        f"与参考画面相差 {change.mired:+.0f} mired，Duv {change.duv:+.4f}。",
    )
    evidence = {"mired": change.mired, "duv": change.duv}
    return _result(
        off, COLOUR, "mired", said, "Set its white balance to a fixed value.", "将其白平衡设为固定值。", evidence
    )


def aimed(grab: Grab, reference: Baseline) -> Result:
    """CAM-10. A picture in which nothing of the reference is found again is moved beyond all measure."""
    shift = compared(grab, reference).shift
    if shift.tiles == 0:
        raise ValueError("the reference picture shows too little to be found again: take it with the lights on")
    en, zh = "Aim it again, or take a new reference picture.", "重新对准机位，或重新采集参考画面。"
    evidence = {"right": shift.right, "down": shift.down, "match": shift.match, "agree": shift.agree}
    if shift.match < MATCHED:
        said = Text("It does not show what the reference shows.", "画面与参考画面不符。")
        return Result(Verdict.FAIL, said, Text(en, zh), limits=MOVED, evidence=evidence)
    said = Text(f"Moved by {shift.far:.1f} % of the width.", f"移动了画面宽度的 {shift.far:.1f} %。")
    return _result(shift.far, MOVED, "% of width", said, en, zh, evidence)


def _result(
    value: float, limits: Limits, unit: str, said: Text, en: str, zh: str, evidence: dict[str, float] | None = None
) -> Result:
    if math.isnan(value):
        raise ValueError("this cannot be compared: the picture, or its reference, is too dark, flat or of another size")
    verdict = limits.judge(value)
    remedy = SILENT if verdict is Verdict.PASS else Text(en, zh)
    return Result(verdict, said, remedy, value, unit, limits, evidence or {})


CHECKS: Mapping[str, Callable[[Grab, Baseline], Result]] = {
    "CAM-07": noisy,
    "CAM-08": sharp,
    "CAM-09": white,
    "CAM-10": aimed,
}
