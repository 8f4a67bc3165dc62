"""Why the picture has changed: a lamp, the camera itself, daylight, a cut, somebody in it. Pure.

    before, after: light of 144 zones (log2), a small grey picture      commanded lamps, their transport columns
        |                                                                                |
        structure gone: cut; moved: camera moved --> all zones alike: auto exposure, auto white balance --> a lamp's
        pattern: that lamp --> a few zones: somebody --> all the same way, nobody's pattern: daylight, another light

| cause | how it is told | by |
| --- | --- | --- |
| cut, camera-moved | the picture's structure is gone, or found elsewhere | `shift.py` |
| auto-exposure | all zones by the same stops: quartiles within 10 % of it, or within the noise | log light |
| auto-white-balance | the same, of red or blue against green | log channel ratios |
| lamp | the change is a column of the light transport, in size and sign | least squares, relative |
| flicker | up and down faster than any hand, all zones or whole rows | signs, `changes.py` |
| somebody | some zones, the others stand still | share |
| daylight, other-light | most zones the same way, no lamp's pattern; slowly, or at once | what is left, time |

A real camera's auto exposure stepped by -0.07 stop with 0.004 between the quartiles of 40 still zones; whatever lights
a room has a pattern. Where one lamp lights all there is, its change is the camera's as well: then only the command
tells (or the loop's probe). Limits are multiples of the measured noise, never bare numbers of stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.camera.light import Floats
from drivers.camera.shift import Grey, Shift, compare

Numbers = npt.NDArray[np.float64]

SIGNIFICANT = 4.0
"""Times the noise of a zone's change from which the zone has changed."""
LEAST = 0.01
"""Stops (median, or in a tenth of the zones) below which nobody wants to know."""
FEWEST = 12
"""Zones that must be comparable, and ..."""
LOCAL, SEEN = 0.03, 0.02
"""... share of them that must have changed, and by so many stops, to say anything."""
ALIKE = 0.05
"""Share of the change that most zones may be off it and still have changed alike (a curve that is not calibrated is off
by 0.05...0.2 stop per stop, more in dark zones than in bright ones)."""
GRAIN = 0.003
"""Stops: what 8 bits and compression leave of a zone's light, beside noise; ..."""
SMALL, SMALL_ALIKE = 0.012, 0.16
"""... and what a webcam's own tone curve and compression leave of a small change: so many stops, this share of it at
most (measured: a real auto exposure's step of 0.069, 60 % of the quiet zones within 0.010 of it)."""
CHROMA_GRAIN = 0.015
"""... and of its colour, which JPEG stores at half the size and coarsely."""
CHROMA_ALIKE = 0.12
"""As ``ALIKE``, of colours."""
TINTED = 0.03
"""Stops of red or blue against green (median) from which the white balance has moved: about 8 mired."""
COLOURED = 0.04
"""Stops of noise of a zone's colour above which it is left out of judging colours."""
MOST = 0.6
"""Share of the zones that is most of them: the others may have somebody in front of them."""
CALM = 0.6
"""Share of the zones, the quietest, that are asked what the camera did: in the others somebody moves all the time."""
EXPLAINED = 0.8
"""Share of the change (sum of squares, in noises of each zone, less the noise's own) that the lamps must explain which
were commanded, ..."""
AGREE = 0.7
"""... in this share of the zones, those that agree best: before the others somebody may have moved meanwhile, ..."""
ALONE = 0.95
"""... and one that was not: daylight through a window looks like a lamp beside it."""
BETTER = 0.5
"""Where a lamp's or daylight's pattern leaves less than this share of what one gain for all zones leaves (each in the
zones that agree with it), it is the pattern."""
CUT = 0.45
"""Median correlation of the structure below which it is another picture."""
SAME = 0.05
"""Stops most zones differ from what they all did, below which it is no other picture."""
STANDS = 0.09
"""Share of the zones that have the light they had to ``LEAST`` from which it is the same scene: the wall beside a
presenter who fills the picture (0.1 and more; after cuts 0.03 at most, while a camera pans 0.08, plain walls apart)."""
KEPT = 3
"""Cells of 32 that show what they showed from which it is the same scene, however many people moved in it: of another
picture one or two are alike by chance."""
MOVED = 1.0
"""Per cent of the width from which the camera was moved."""
SLOW = 1.0
"""Seconds a change takes at least to be daylight and not a switch."""


class Cause(StrEnum):
    NOTHING = "nothing"
    LAMP = "lamp"
    AUTO_EXPOSURE = "auto-exposure"
    AUTO_WHITE_BALANCE = "auto-white-balance"
    DAYLIGHT = "daylight"
    OTHER_LIGHT = "other-light"
    CUT = "cut"
    CAMERA_MOVED = "camera-moved"
    FLICKER = "flicker"
    SOMEBODY = "somebody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class View:
    """The picture at one time, or the mean of a few. ``zones``: 3 x ROWS x COLUMNS (blue, green, red), log2 of linear
    light, NaN where too dark or clipped; ``grey``: `shift.thumbnail`."""

    zones: Floats
    grey: Grey


@dataclass(frozen=True, slots=True)
class Lamps:
    """What is known of the lights. ``columns``: linear light of each zone (ROWS x COLUMNS, luminance) per unit of the
    lamp's level, of lamps that were commissioned; NaN: clipped then, and no zone to judge by; ``moved``: level before
    and after of those commanded meanwhile."""

    columns: Mapping[str, Numbers] = field(default_factory=dict)
    ambient: Numbers | None = None
    """Light of each zone with all lamps out, when it was commissioned: how daylight falls in."""
    moved: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    meanwhile: Sequence[Mapping[str, tuple[float, float]]] = ()
    """The same as it may be seen: between other two times, of a command that is still under way."""


@dataclass(frozen=True, slots=True)
class Change:
    """``lamps``: which, for the cause *lamp*. ``commanded``: whether it was asked for. ``stops``: median over the
    zones. ``seconds``: how long it took."""

    cause: Cause
    stops: float = 0.0
    lamps: tuple[str, ...] = ()
    commanded: bool = False
    seconds: float = 0.0
    evidence: Mapping[str, float] = field(default_factory=dict)


def attribute(before: View, after: View, lamps: Lamps, noise: Floats, seconds: float) -> Change:
    """The cause of a change that took ``seconds``. ``noise``: standard deviation of every zone's *change* in stops (3 x
    ROWS x COLUMNS, as ``View.zones``)."""
    first, second = before.zones.astype(np.float64), after.zones.astype(np.float64)
    patterns = [*lamps.columns.values(), *([] if lamps.ambient is None else [lamps.ambient])]
    known = np.logical_and.reduce(np.isfinite(np.stack([*first, *second, *patterns])), axis=0)
    zones = int(known.sum())
    shift = compare(before.grey, after.grey)
    if zones < FEWEST:  # too dark before or after; what shows a picture and not the same one was cut
        back = compare(after.grey, before.grey)
        cut = back.tiles > 0 and _structure(shift, still=False, stands=False) is Cause.CUT
        return Change(Cause.CUT if cut else Cause.UNKNOWN, seconds=seconds, evidence={"zones": zones})
    one, two, grain = first[:, known], second[:, known], noise[:, known].astype(np.float64)
    light, then = _luminance(one), _luminance(two)
    change, sigma = np.log2(then / light), grain[1]
    touched = np.abs(change) > np.maximum(SIGNIFICANT * sigma, LEAST / 2)
    tints = [_tint(two[c] - one[c] - (two[1] - one[1]), np.hypot(grain[c], grain[1])) for c in (0, 2)]
    tinted = max(abs(tint.middle) for tint in tints) > TINTED and all(tint.alike for tint in tints)
    share = float(touched.mean())
    calm = sigma <= np.percentile(sigma, 100 * CALM)
    common = _alike(change[calm], np.maximum(sigma[calm], GRAIN), ALIKE, MOST, SMALL)
    fits = [_fit(name, column[known], light, then, sigma) for name, column in lamps.columns.items()]
    evidence = {
        "stops": common.middle,
        "quartiles": float(np.subtract(*np.percentile(change, (75, 25)))),
        "noise": float(np.median(sigma)),
        "zones": zones,
        "changed_percent": 100 * share,
        "match": shift.match,
    }

    def found(cause: Cause, names: Sequence[str] = (), commanded: bool = False, **more: float) -> Change:
        return Change(cause, common.middle, tuple(names), commanded, seconds, {**evidence, **more})

    if (share < LOCAL or float(np.percentile(np.abs(change), 100 * (1 - LOCAL))) < SEEN) and not tinted:
        return found(Cause.NOTHING)
    asked = _asked(lamps, known, light, then, sigma)
    if asked is not None and asked.explained >= EXPLAINED and 0.5 < asked.size < 2.0:
        return found(Cause.LAMP, tuple(lamps.moved), True, explained=asked.explained, of_command=asked.size)
    sure = SIGNIFICANT * 1.2533 * float(np.median(sigma)) / zones**0.5  # of a median over the zones
    still = share < MOST and abs(common.middle) <= max(sure, LEAST / 2) and not tinted
    gain = _fit_most(np.sqrt(light * then), light, then, sigma)
    day = None if lamps.ambient is None else _fit_most(lamps.ambient[known], light, then, sigma)
    spread = float(np.median(np.abs(change - common.middle)))
    stands = float((np.abs(change) < LEAST).mean()) >= STANDS
    structure = _structure(shift, still or spread < SAME, stands)
    if structure is not None:
        return found(structure, shift_percent=shift.far)
    if tinted:
        return found(Cause.AUTO_WHITE_BALANCE, blue=tints[0].middle, red=tints[1].middle)
    trimmed = [_fit_most(column[known], light, then, sigma) for column in lamps.columns.values()]
    better = any(fit.left < BETTER * gain.left for fit in (*trimmed, day) if fit is not None)
    if common.alike and abs(common.middle) > LEAST and gain.explained >= EXPLAINED and not better:
        return found(Cause.AUTO_EXPOSURE, common=common.middle, explained=gain.explained)
    best, most = max(zip(fits, trimmed, strict=True), key=lambda pair: pair[0].explained, default=(_NONE, _NONE))
    if best.explained >= ALONE and (day is None or most.left < day.left):
        return found(
            Cause.LAMP, (best.name,), best.name in lamps.moved, explained=best.explained, level_change=best.size
        )
    if still or (stands and shift.match < CUT):
        return found(Cause.SOMEBODY)
    if lamps.moved and not lamps.moved.keys() <= lamps.columns.keys():
        return found(Cause.LAMP, tuple(lamps.moved), True)
    asked_of = touched & calm if (touched & calm).any() else touched  # where nobody moves all the time
    same_way = float((np.sign(change[asked_of]) == np.sign(common.middle)).mean()) if share else 0.0
    low, middle, high = np.percentile(change[asked_of], (25, 50, 75)) if share else (0.0, 0.0, 0.0)
    same_way *= bool(high - low <= 1.5 * abs(middle))
    if same_way >= 0.85 or (day is not None and day.explained >= EXPLAINED):
        explained = 0.0 if day is None else day.explained
        return found(Cause.DAYLIGHT if seconds >= SLOW else Cause.OTHER_LIGHT, same_way=same_way, explained=explained)
    return found(Cause.SOMEBODY if share < MOST or stands else Cause.UNKNOWN, same_way=same_way)


def middles(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The weighted median of every row; 0 of nothing."""
    if not weights.size:
        return np.zeros(len(values), np.float32)
    order = np.argsort(values, axis=1)
    heaps = np.cumsum(weights[order], axis=1)
    places = (heaps < heaps[:, -1:] / 2).sum(axis=1)
    found: npt.NDArray[Any] = np.take_along_axis(values, np.take_along_axis(order, places[:, None], 1), 1)[:, 0]
    return found


# --- inside ----------------------------------------------------------------------------------------------------------


class _Common(NamedTuple):
    """What most zones did, and whether most did it."""

    middle: float
    alike: bool


class _Fit(NamedTuple):
    """``size``: the change of level that fits best; ``explained``: share of the change it explains; ``left``: what it
    does not, a zone's mean square, in noises."""

    name: str
    size: float
    explained: float
    left: float


_NONE = _Fit("", 0.0, 0.0, 0.0)


def _luminance(zones: Numbers) -> Numbers:
    """Linear luminance of log2 blue, green, red (3 x n)."""
    blue, green, red = np.exp2(zones)
    light: Numbers = 0.0722 * blue + 0.7152 * green + 0.2126 * red
    return light


def _alike(values: Numbers, sigma: Numbers, share: float, most: float, small: float = 0.0) -> _Common:
    """Somebody in front of a third of the zones does not count. In pure noise 60 % are within 0.84 of theirs."""
    middle = float(np.median(values))
    allowed = np.maximum(1.5 * sigma, max(share * abs(middle), min(small, SMALL_ALIKE * abs(middle))))
    return _Common(middle, bool((np.abs(values - middle) <= allowed).mean() >= most))


def _tint(values: Numbers, sigma: Numbers) -> _Common:
    """A colour against green, of the zones that have enough of it."""
    clear = sigma <= COLOURED
    if clear.sum() < FEWEST:
        return _Common(0.0, False)
    return _alike(values[clear], np.maximum(sigma[clear], CHROMA_GRAIN), CHROMA_ALIKE, 0.5)


def _structure(shift: Shift, still: bool, stands: bool) -> Cause | None:
    """What became of the picture's structure. ``still``: most zones have the light they had, so it is no other scene;
    what moved in front of them is somebody. So it is where parts of the scene stand as they stood (``stands``: to the
    light of many zones)."""
    if shift.tiles == 0 or stands:
        return None
    if shift.far >= MOVED and shift.agree >= 0.5 and shift.match >= CUT and shift.kept == 0:
        return Cause.CAMERA_MOVED
    return Cause.CUT if shift.match < CUT and shift.kept < KEPT and not still else None


def _fit(name: str, pattern: Numbers, light: Numbers, then: Numbers, sigma: Numbers) -> _Fit:
    """How well light of that pattern alone explains the change. In shares of the zone's light over its noise (not less
    than a twentieth of the change: columns are no better), so that a dark zone counts as much as a bright one."""
    level = np.sqrt(light * then)
    change = (then - light) / level
    weight = 1.0 / np.maximum(np.maximum(0.7 * sigma, 0.002), 0.05 * np.abs(change))
    change, pattern = change * weight, pattern / level * weight
    power = float((pattern * pattern).sum())
    size = float((pattern * change).sum()) / power if power > 0 else 0.0
    left = float(((change - size * pattern) ** 2).sum())
    whole = float((change * change).sum()) - len(change)
    explained = 1.0 - max(left - len(change), 0.0) / whole if whole > 0 else 0.0
    return _Fit(name, size, explained, left / len(change))


def _asked(lamps: Lamps, known: npt.NDArray[np.bool_], light: Numbers, then: Numbers, sigma: Numbers) -> _Fit | None:
    """How well all that was commanded explains it together; ``size`` 1: exactly as commanded."""
    if not lamps.moved or not lamps.moved.keys() <= lamps.columns.keys():
        return None
    fits = []
    for moved in (lamps.moved, *lamps.meanwhile):
        expected = np.zeros(len(light))
        for name, (old, new) in moved.items():
            expected += lamps.columns[name][known] * (new - old)
        fits.append(_fit_most(expected, light, then, sigma))
    return min(fits, key=lambda fit: (fit.explained < EXPLAINED, abs(np.log(max(fit.size, 1e-6)))))


def _fit_most(pattern: Numbers, light: Numbers, then: Numbers, sigma: Numbers) -> _Fit:
    """The same of the zones (``AGREE``) that agree best with it: before the others somebody moves."""
    if not pattern.any():
        return _fit("", pattern, light, then, sigma)
    spread = np.maximum(sigma, GRAIN) * np.sqrt(light * then)
    lit = pattern != 0
    size = float(middles(((then - light)[lit] / pattern[lit])[None], np.abs(pattern[lit]) / spread[lit])[0])
    off = np.abs(then - light - size * pattern) / spread
    agree = off <= np.percentile(off, 100 * AGREE)
    return _fit("", pattern[agree], light[agree], then[agree], sigma[agree])
