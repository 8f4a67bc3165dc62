"""Is this a colour bar test picture? Pure.

Bars stand upright: rows across the upper part of the picture show the same colours, and those are the corners of the
colour cube in the order of falling luma (SMPTE EG 1, EBU 100/75, ARIB B28: white, yellow, cyan, green, magenta, red,
blue, whatever stands beside and below them). A line of text over some rows is outvoted by the others.
"""

from collections.abc import Mapping

import numpy as np

from drivers.base import Picture

ROWS = 11
"""Rows that are looked at, down to ..."""
DOWN_TO = 0.62
"""... this share of the height; below it SMPTE bars have other things."""
BRIGHT = 70
"""Codes: the strongest channel of a bar is above this (75 % bars: about 190)."""
LOW = 0.45
HIGH = 0.75
"""Share of the strongest channel below which a channel is off, and above which it is on (100/25 bars: 0.25 and 1)."""
SAME = 24
"""Codes a row's point may differ from the column's colour (text edges and compression aside)."""
VOTES = 0.6
"""Share of the points that have their column's colour."""
NARROW = 0.05
"""Share of the width below which a run of one colour is an edge, not a bar (the narrowest in use: 0.107)."""
FEWEST = 5
"""Of the six colours so many must stand side by side in their order (in either direction)."""

YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE = 0b110, 0b011, 0b010, 0b101, 0b100, 0b001
ORDER = (YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE)
"""Red, green, blue as bits."""


def bars(points: Picture) -> Mapping[str, float]:
    """Evidence that ``points`` (3 x rows x columns, blue first) show colour bars: how many of the six ``colours`` stand
    in order, and the ``share`` of points with their column's colour; empty when they do not."""
    _, down, across = points.shape
    if across < 16:
        return {}
    rows = points[:, (np.linspace(0.04, DOWN_TO, ROWS) * down).astype(np.intp)]
    colour = np.partition(rows, ROWS // 2, axis=1)[:, ROWS // 2]  # the median of each column
    found = _in_order(_runs(_names(colour), max(1, round(NARROW * across))))
    if found < FEWEST:
        return {}
    share = float((np.abs(rows.astype(np.int16) - colour[:, None]).max(axis=0) <= SAME).mean())
    return {"colours": float(found), "share": share} if share >= VOTES else {}


def _names(colour: Picture) -> list[int]:
    """Each column's colour as red-green-blue bits; -1 where it is dark or neither on nor off in some channel."""
    strongest = colour.max(axis=0)
    share = colour / np.maximum(strongest, 1)
    clear = ((share <= LOW) | (share >= HIGH)).all(axis=0) & (strongest >= BRIGHT)
    blue, green, red = share >= HIGH
    bits = (red.astype(np.intp) << 2) | (green.astype(np.intp) << 1) | blue
    named: list[int] = np.where(clear, bits, -1).tolist()
    return named


def _runs(names: list[int], narrow: int) -> list[int]:
    """The colours of the runs that are wide enough, left to right."""
    found: list[int] = []
    length = 0
    for index, name in enumerate(names):
        length = length + 1 if index and name == names[index - 1] else 1
        if length == narrow and (not found or found[-1] != name):
            found.append(name)
    return found


def _in_order(runs: list[int]) -> int:
    """The most neighbours that follow each other as bars do, in either direction (a colour may be left out)."""
    best = 0
    for line in (runs, runs[::-1]):
        places = [ORDER.index(name) if name in ORDER else -1 for name in line]
        length, last = 0, -1
        for place in places:
            length = 0 if place < 0 else (length + 1 if place > last and length else 1)
            last = place
            best = max(best, length)
    return best
