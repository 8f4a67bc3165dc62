"""Firmware versions as vendors write them: ``4.15``, ``v1.2.3``, ``V1.02b``, ``2.0-rc1``."""

import re
from typing import NamedTuple

_EARLY = frozenset({"alpha", "beta", "dev", "pre", "preview", "rc"})
"""Words that come before the release; any other letter (``1.2b``) is a later revision of it."""

_PARTS = re.compile(r"\d+|[a-z]+")


class _Part(NamedTuple):
    rank: int
    number: int = 0
    word: str = ""


Version = tuple[_Part, ...]
"""Ordered as people mean it: 1.9 < 1.10, 2.0-rc1 < 2.0 = 2 < 2.0b < 2.0.1."""

_NUMBER = 3
_END = _Part(1)


def parse(text: str) -> Version:
    """The version in ``text``. Raises ValueError when there is no number in it."""
    plain = text.strip().lower().removeprefix("version").removeprefix("v").strip()
    # Longer than any real version: somebody's serial number or noise, and int() would be slow.
    if len(plain) > 64 or not plain.isascii() or not re.match(r"\d", plain):
        raise ValueError(f"{text[:70]!r} is not a firmware version (such as 1.4 or v2.0.1)")
    parts: list[_Part] = []
    for part in (*map(_part, _PARTS.findall(plain)), _END):
        while part.rank != _NUMBER and parts and parts[-1] == _Part(_NUMBER):
            parts.pop()  # 2.0.0 is 2, and 2.0-rc1 is 2-rc1
        parts.append(part)
    return tuple(parts)


def _part(word: str) -> _Part:
    if word.isdigit():
        return _Part(_NUMBER, int(word))
    return _Part(0 if word in _EARLY else 2, 0, word)
