"""A hue or saturation channel of the Open Fixture Library, which has neither as a type: by its name and its words.

*Hue* runs over ``0…360°`` (or from 1°), *Saturation* over ``0…100%``, in a comment, as angles or as a brightness.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from config.units import SILENT, Attribute, Text
from firmware_profiles.importers.foreign import Drive, plain
from firmware_profiles.importers.tint import STRAIGHT

_NAMES = {
    Attribute.HUE: re.compile(r"\bhue\b", re.IGNORECASE),
    Attribute.SATURATION: re.compile(r"\bsat(?:uration)?\b", re.IGNORECASE),
}
_UNIT = {Attribute.HUE: r"°|deg(?:rees?)?", Attribute.SATURATION: r"%"}
_FULL = {Attribute.HUE: 360.0, Attribute.SATURATION: 100.0}
_SCALE = {Attribute.HUE: 1.0, Attribute.SATURATION: 0.01}
_NUMBER = r"(\d{1,3}(?:\.\d{1,3})?)"
_ONE = 1.0
"""Of its own unit: as near to an end as the words must come. Some count a circle as 1…360 or 0…359."""
_WIDENED = {
    Attribute.HUE: Text("a degree less than a full circle: taken as 0…360°", "比整圈少一度：按 0…360° 处理"),
    Attribute.SATURATION: Text("a per cent less than 0…100 %: taken as that", "比 0…100 % 少百分之一：按 0…100 % 处理"),
}


def colour_of(
    name: str, caps: Sequence[Mapping[str, Any]], ranges: Sequence[tuple[int, int]]
) -> tuple[Drive | None, Text]:
    """The line over the whole circle, or from white to the pure colour, and what it leaves out; no line where the
    words do not give it."""
    attribute = next((each for each, pattern in _NAMES.items() if pattern.search(name)), None)
    if attribute is None:
        return None, SILENT
    spans = [_span(cap, attribute) for cap in caps]
    known = [span for span in spans if span is not None]
    moving = [at for at, span in enumerate(spans) if span is not None and span[0] != span[1]]
    if len(known) < len(spans) or len(moving) != 1:
        return None, SILENT
    [at] = moving
    (low, high), (first, last) = known[at], ranges[at]
    # Steps beside it that stand still are its ends: 0 % up to 26, 1…99 % from 27 on.
    if at and abs(known[at - 1][1] - low) <= _ONE:
        first, low = (first, low) if known[at - 1][1] == low else (ranges[at - 1][1], known[at - 1][1])
    if at + 1 < len(known) and abs(known[at + 1][0] - high) <= _ONE:
        last, high = (last, high) if known[at + 1][0] == high else (ranges[at + 1][0], known[at + 1][0])
    full = _FULL[attribute]
    near = abs(min(low, high)) <= _ONE and abs(max(low, high) - full) <= _ONE
    if not near or any(a[1] > b[0] for a, b in pairwise(known if low < high else known[::-1])) or first >= last:
        return None, SILENT
    whole = _SCALE[attribute] * full
    exact = {low, high} == {0.0, full}
    said = SILENT if exact else _WIDENED[attribute]
    if len(known) > 1:
        said = STRAIGHT if exact else Text(f"{STRAIGHT.en}; {said.en}", f"{STRAIGHT.zh}；{said.zh}")
    return Drive(attribute, first, last, *((0.0, whole) if low < high else (whole, 0.0))), said


def _span(cap: Mapping[str, Any], attribute: Attribute) -> tuple[float, float] | None:
    """Degrees or per cent at the first and the last value."""
    kind = cap.get("type")
    if attribute is Attribute.SATURATION and kind == "Intensity":
        return _ends(cap, "brightness", attribute) or ((0.0, 100.0) if _is_bare(cap, "brightness") else None)
    if attribute is Attribute.HUE and "angleStart" in cap:
        return _ends(cap, "angle", attribute)
    comment = plain(cap.get("comment", ""))
    unit = _UNIT[attribute]
    both = re.fullmatch(rf"{_NUMBER} ?(?:{unit})? ?(?:…|\.{{2,3}}|[-–>]|->|to) ?{_NUMBER} ?(?:{unit})", comment)
    if both is not None:
        return float(both[1]), float(both[2])
    one = re.fullmatch(rf"{_NUMBER} ?(?:{unit})", comment)
    return None if one is None else (float(one[1]), float(one[1]))


def _is_bare(cap: Mapping[str, Any], key: str) -> bool:
    return not {key, f"{key}Start", f"{key}End"} & cap.keys()


def _ends(cap: Mapping[str, Any], key: str, attribute: Attribute) -> tuple[float, float] | None:
    said = [str(cap.get(f"{key}{end}", cap.get(key, ""))) for end in ("Start", "End")]
    words = {"off": 0.0, "bright": 100.0} if key == "brightness" else {}
    found = [
        words.get(each, float(match[1]) if (match := re.fullmatch(rf"{_NUMBER}(?:{_UNIT[attribute]})", each)) else None)
        for each in said
    ]
    return None if found[0] is None or found[1] is None else (found[0], found[1])
