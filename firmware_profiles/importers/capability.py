"""What one capability of an Open Fixture Library channel means for a profile: a level, a constant, or harm."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from config.units import SILENT, Attribute, Text
from firmware_profiles.importers.foreign import plain

ENOUGH = 4
"""Functions of one channel that are told by name."""

_EMITTERS = {
    "Red": Attribute.RED,
    "Green": Attribute.GREEN,
    "Blue": Attribute.BLUE,
    "White": Attribute.WHITE,
    "Amber": Attribute.AMBER,
}
_BRIGHT = {"off": 0.0, "dark": 0.01, "bright": 1.0}
"""The library's words for a brightness; its schema gives dark as 1 %."""
_KELVIN = (1000.0, 20000.0)

WHY = {
    "ShutterStrobe": Text("strobe or shutter", "频闪或快门"),
    "StrobeSpeed": Text("speed of a strobe", "频闪速度"),
    "StrobeDuration": Text("duration of a strobe", "频闪时长"),
    "Pan": Text("movement", "运动"),
    "PanContinuous": Text("movement", "运动"),
    "Tilt": Text("movement", "运动"),
    "TiltContinuous": Text("movement", "运动"),
    "PanTiltSpeed": Text("speed of a movement", "运动速度"),
    "WheelSlot": Text("gobo or colour wheel", "图案轮或色轮"),
    "WheelShake": Text("gobo or colour wheel", "图案轮或色轮"),
    "WheelSlotRotation": Text("gobo or colour wheel", "图案轮或色轮"),
    "WheelRotation": Text("gobo or colour wheel", "图案轮或色轮"),
    "ColorPreset": Text("colours by number", "预设颜色"),
    "Effect": Text("effects", "效果"),
    "EffectSpeed": Text("speed of an effect", "效果速度"),
    "EffectDuration": Text("duration of an effect", "效果时长"),
    "EffectParameter": Text("setting of an effect", "效果参数"),
    "SoundSensitivity": Text("control by sound", "声控"),
    "Focus": Text("optics", "光学"),
    "Zoom": Text("optics", "光学"),
    "Iris": Text("optics", "光学"),
    "IrisEffect": Text("optics", "光学"),
    "Frost": Text("optics", "光学"),
    "FrostEffect": Text("optics", "光学"),
    "Prism": Text("optics", "光学"),
    "PrismRotation": Text("optics", "光学"),
    "Maintenance": Text("maintenance", "维护功能"),
    "Generic": Text("the file gives words, no quantity", "文件只有文字说明，没有物理量"),
    "NoFunction": Text("no function", "无功能"),
}
_STILL = re.compile(
    r"\b(?:off|no (?:effect|function|strobe)|none|open|stop|disabled?|not used|steady)\b", re.IGNORECASE
)
_NEUTRAL = re.compile(r".*\bneutral\b.*|[+±]?0(?:\.0+)?\s*%?", re.IGNORECASE)
_RUNS = re.compile(r"(?:light(?:ing)? )?(?:effects?|fx|strobe|flash)(?: (?:mode|type|select(?:ion)?))?", re.IGNORECASE)
"""Names of channels that start something, where the file gives their functions in words only."""
_STANDS = re.compile(r"stop|0+(?:\.0+)?(?:%|Hz|bpm|ms|s)")


def drive_of(cap: Mapping[str, Any]) -> tuple[Attribute, float, float] | None:
    """The attribute that it moves, and the levels at its first and last value; None if it moves none of ours."""
    kind = cap.get("type")
    found: tuple[Attribute, float | None, float | None] | None = None
    if kind == "Intensity":
        found = (Attribute.INTENSITY, *_ends(cap, "brightness", (0.0, 1.0)))
    elif kind == "ColorIntensity" and (emitter := _EMITTERS.get(str(cap.get("color")))) is not None:
        found = (emitter, *_ends(cap, "brightness", (0.0, 1.0)))
    elif kind == "ColorTemperature":
        found = (Attribute.CCT, *_ends(cap, "colorTemperature", (None, None)))
    if found is None or found[1] is None or found[2] is None or found[1] == found[2]:
        return None
    return found[0], found[1], found[2]


def _ends(
    cap: Mapping[str, Any], key: str, absent: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    if not any(name in cap for name in (key, f"{key}Start", f"{key}End")):
        return absent
    read = _kelvin if key == "colorTemperature" else _share
    return read(cap.get(f"{key}Start", cap.get(key))), read(cap.get(f"{key}End", cap.get(key)))


def _share(said: Any) -> float | None:
    if said in ("off", "dark", "bright"):
        return _BRIGHT[said]
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)%", said) if isinstance(said, str) else None
    return float(match[1]) / 100 if match and float(match[1]) <= 100 else None


def _kelvin(said: Any) -> float | None:
    match = re.fullmatch(r"(\d{1,5}(?:\.\d{1,9})?)K", said) if isinstance(said, str) else None
    return float(match[1]) if match and _KELVIN[0] <= float(match[1]) <= _KELVIN[1] else None


def why_not(caps: Sequence[Mapping[str, Any]]) -> Text:
    """Why a channel with these functions has no level of ours."""
    reasons: list[Text] = []
    for cap in caps:
        reason = _why(cap)
        if reason not in reasons and (reason != WHY["NoFunction"] or len(caps) == 1):
            reasons.append(reason)
    reasons = reasons or [WHY["NoFunction"]]
    more = ", …" if len(reasons) > ENOUGH else ""
    told = reasons[:ENOUGH]
    return Text(", ".join(each.en for each in told) + more, "、".join(each.zh for each in told) + more)


def _why(cap: Mapping[str, Any]) -> Text:
    kind = plain(cap.get("type", "?"), 40)
    if kind == "ColorIntensity":
        colour = plain(cap.get("color", "?"), 40)
        if colour not in _EMITTERS:
            return Text(f"no attribute for the colour {colour}", f"没有对应颜色 {colour} 的属性")
    if kind == "ColorTemperature":
        if "colorTemperature" in cap:
            return Text("steps of colour temperature", "分级色温")
        said = plain(f"{cap.get('colorTemperatureStart')}…{cap.get('colorTemperatureEnd')}")
        return Text(f"no range of kelvin within 1000…20000 ({said})", f"不是 1000…20000 K 内的色温范围（{said}）")
    if kind in ("Intensity", "ColorIntensity"):
        return Text("steps of brightness, or not in per cent", "分级亮度，或不是百分比")
    return WHY.get(kind, Text(f"{kind}, which no attribute stands for", f"{kind}，没有对应属性"))


def harm_of(cap: Mapping[str, Any], at_start: bool, name: str) -> Text:
    """What would be wrong with holding a channel of that name in this function; SILENT if nothing.

    ``at_start``: at its first value, where a speed may be nought.
    """
    kind = cap.get("type")
    if kind == "Generic" and _RUNS.fullmatch(name):
        kind = "Effect"
    elif kind == "StrobeSpeed" and _RUNS.fullmatch(name):  # no shutter beside it: this slot is the strobe itself
        kind = "ShutterStrobe"
    if kind not in ("ShutterStrobe", "Effect") or _STILL.search(called(cap)):
        return SILENT
    if kind == "ShutterStrobe":
        effect = cap.get("shutterEffect")
        if effect == "Closed":
            return Text("the light would stay dark", "灯会一直不亮")
        still = at_start and _STANDS.fullmatch(str(cap.get("speedStart", cap.get("speed", ""))))
        return SILENT if effect == "Open" or still else Text("the light would flash", "灯会闪烁")
    return Text("an effect would run", "会运行效果")


def is_neutral(cap: Mapping[str, Any]) -> bool:
    """Whether the file's words say that this function leaves the light as it is."""
    return _NEUTRAL.fullmatch(called(cap)) is not None or _STILL.search(called(cap)) is not None


def is_idle(cap: Mapping[str, Any]) -> bool:
    """Whether the file itself says that nothing happens here."""
    return cap.get("type") == "NoFunction"


def called(cap: Mapping[str, Any]) -> str:
    """The file's own words for a function, short."""
    for key in ("comment", "effectName", "effectPreset", "shutterEffect"):
        if isinstance(cap.get(key), str) and plain(cap[key]):
            return plain(cap[key], 60)
    return "" if cap.get("type") == "Generic" else plain(cap.get("type", ""), 40)


def rest(others: Sequence[str]) -> Text:
    """What is told of a driven channel's other values."""
    if not others:
        return SILENT
    said = plain("; ".join(others[:ENOUGH]) + ("; …" if len(others) > ENOUGH else ""), 200)
    return Text(f"values that are not used: {said}", f"未使用的值：{said}")
