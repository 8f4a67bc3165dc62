"""A green/magenta channel of the Open Fixture Library that says in words which end is which.

The format has no quantity for it. Lights for film and television mostly have the same table, in the file's comments:
neutral, *full minus green*, −99…−1 %, neutral, 1…99 %, *full plus green*. Minus green is magenta.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from config.units import SILENT, Attribute, Text
from firmware_profiles.importers.capability import called, is_neutral
from firmware_profiles.importers.foreign import Drive

_MAGENTA = re.compile(r"(?:full )?minus green|[-−]\d{1,3} ?%? magenta", re.IGNORECASE)
_GREEN = re.compile(r"(?:full )?plus green|\+\d{1,3} ?%? green", re.IGNORECASE)
_BOTH = re.compile(rf"(?:{_MAGENTA.pattern})\W+(?:{_GREEN.pattern})", re.IGNORECASE)

STRAIGHT = Text("its steps are taken as one straight line", "其分级按一条直线处理")


def tint_of(caps: Sequence[Mapping[str, Any]], ranges: Sequence[tuple[int, int]]) -> tuple[Drive | None, Text]:
    """The line from full magenta to full green, and what it leaves out; no line where the file's words give none.

    The middle of the line has to lie where the file says neutral, or level 0 would be a colour.
    """
    words = [called(cap) for cap in caps]
    if len(caps) == 1 and _BOTH.fullmatch(words[0]):
        return Drive(Attribute.TINT, *ranges[0], -1.0, 1.0), SILENT
    magenta = [at for at, word in enumerate(words) if _MAGENTA.fullmatch(word)]
    green = [at for at, word in enumerate(words) if _GREEN.fullmatch(word)]
    if len(magenta) != 1 or len(green) != 1:
        return None, SILENT
    ends = sorted((*magenta, *green))
    first, last = ranges[ends[0]][1], ranges[ends[1]][0]
    middle = (first + last + 1) // 2
    if not any(low <= middle <= high and is_neutral(cap) for cap, (low, high) in zip(caps, ranges, strict=True)):
        return None, SILENT
    start = -1.0 if ends == [*magenta, *green] else 1.0
    return Drive(Attribute.TINT, first, last, start, -start), STRAIGHT
