"""The show's reference picture, in numbers, and what has become of the picture since. Pure.

    pictures --portrait()--> numbers --take(): medians--> Baseline <--baseline_file.py--> file on this machine
                                |                            |
                                '-----------judge()----------'--> moved, defocus, noise, white-balance, over, under

It is taken on command, when the picture is as it should be. It holds a grey picture of 64 x 36 points, by which a
bumped camera is known; too coarse to recognise a face, but a picture: the file stays on the machine (mode 0600) and is
never published.

Lights that are moved on purpose are no fault of the picture: with ``lamps_moved`` colour and exposure are not judged.
Light that changes does not look like defocus or noise: sharpness is taken per contrast, without what noise adds to it.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from drivers.base import Limits
from drivers.camera.faults import EASIER, Judged, PictureFault
from drivers.camera.light import Floats, white
from drivers.camera.portrait import BOX, UNKNOWN, Baseline, Portrait, portrait, seen, take
from drivers.camera.shift import HEIGHT, WIDTH, Grey, Shift, cells, compare, likeness, similar

NOISE = Limits(warn=1.5, fail=2.5)
"""Times the baseline's noise (CAM-07)."""
SHARP = Limits(warn=0.7, fail=0.5, below=True)
"""Share of the baseline's sharpness (CAM-08)."""
COLOUR = Limits(warn=8.0, fail=15.0)
"""Mired from the baseline's white (CAM-09); 1 mired is about one just noticeable difference on the locus."""
TINT = 0.006
"""Duv from the baseline's white that counts like ``COLOUR.fail`` (the tolerance of ANSI C78.377)."""
MOVED = Limits(warn=1.0, fail=3.0)
"""Per cent of the width (CAM-10)."""
NUDGED = 0.8
"""Per cent of the width from which it is a slight fault, if it lasts: half a point of the grey picture ..."""
FOLLOW, STAY = 6, 0.25
"""... if so many cells at least went along, and no more than this share of them stayed."""
GRAIN = 1.3
"""Times the noise of the same zones that is a slight fault, if it lasts. JPEG quantises: of twice the noise it passes
1.3 to 1.6, of three times 1.5 to 2.4 (see the README)."""
QUIETER = 0.4
"""Quantile of those zones: people who move raise the others."""
SAME = 0.3
"""Stops by which a zone's light may have changed for its noise to be compared."""
LEVEL = 1.0
"""Stops from the baseline's light, over or under."""
AGREED = 0.5
"""Share of the tiles that must have moved alike."""
MATCHED = 0.4
"""Median correlation below which the place the tiles moved to is a guess."""
FAITHFUL = 0.9
"""Median correlation below which a picture without anything that stays in it may be on the move."""
STRANGE = 0.15
"""Median correlation below which the picture shows something else altogether, however it is turned."""
FEWEST = 12
"""Zones that are needed to say anything of light or colour."""
QUIET = 0.5
"""Codes. Encoders smooth noise away; below this one is as good as another."""
ALIKE = 0.3
"""Likeness of the middle of the picture to the reference's below which its sharpness is that of something else: a
presenter who has left (another picture has 0.15 and less). Out of focus it is like itself: 0.8 and more where points
are blurred to 3 % of the picture's height."""
TINTS = (0.03, 0.25)
"""Stops, and share of the change, by which a zone's colour may differ from the usual change, and ..."""
MOST = 0.6
"""... share of the zones that must have changed alike for it to be the white balance, which changes all of them: a
sheet of paper held up to the lens changes what it covers, and may cover half of the picture."""
CONTRAST = 4.0
"""Laplacian variance below which the reference has no edges to be sharp."""
LAPLACE = 20
"""Times its variance that noise adds to the Laplacian's (1 + 1 + 1 + 1 + 16)."""
UNHIDDEN = 3
"""Cells that look as they did, and have edges, which say how sharp the picture is where its middle shows something
else: somebody who has moved."""

__all__ = ["BOX", "UNKNOWN", "Baseline", "Change", "Portrait", "against", "judge", "portrait", "seen", "take"]


@dataclass(frozen=True, slots=True)
class Change:
    """A picture against the reference. ``noise`` and ``sharpness``: ratios; ``mired``, ``duv``: differences; ``stops``:
    median over the zones; ``grain``: ratio of the noise of zones that stand still and are lit as they were. NaN where
    it cannot be said."""

    shift: Shift
    noise: float
    sharpness: float
    mired: float
    duv: float
    stops: float
    grain: float = math.nan


def against(reference: Baseline, now: Portrait) -> Change:
    """Compare. ValueError: a picture of another shape."""
    width, height = reference.size
    if abs(now.size[0] * height / (now.size[1] * width) - 1) > 0.02:
        raise ValueError(f"the reference is of {width} x {height}, the picture is {now.size[0]} x {now.size[1]}")
    stops, mired, duv = _light(reference.light, now.zones)
    shift = compare(reference.picture, now.grey, height / width)
    same = now.size == reference.size  # decoded at another size, noise and edges are others
    # what is panned or zoomed changes from picture to picture as noise does; people move in a part of it only
    astray = shift.far >= (MOVED.warn or 0.0) or shift.match < (MATCHED if shift.same >= UNHIDDEN else FAITHFUL)
    aside = shift.kept == 0 and astray
    other = likeness(_middle(reference.picture, now.size), _middle(now.grey, now.size)) < ALIKE
    noise = max(now.noise, QUIET) / max(reference.noise, QUIET) if now.noise + reference.noise >= 0 else math.nan
    grain, still = _grain(reference, now)
    comparable = same and still and not aside
    return Change(
        shift=shift,
        noise=noise if comparable else math.nan,
        sharpness=_focus(reference, now, other) if same else math.nan,
        mired=mired,
        duv=duv,
        stops=stops,
        grain=grain if comparable else math.nan,
    )


def judge(
    change: Change, named: Collection[PictureFault] = (), *, lamps_moved: bool = False
) -> Mapping[PictureFault, Judged]:
    """Which faults the change is. ``named``: those that are named now; ``lamps_moved``: lamps stand otherwise than in
    the reference, by command."""

    def past(fault: PictureFault, value: float, limit: float) -> bool | None:
        """At or above; a named one is over below EASIER of it."""
        return None if math.isnan(value) else value >= limit * (EASIER if fault in named else 1.0)

    shift = change.shift
    strange = shift.tiles > 0 and shift.match < STRANGE and shift.kept == shift.same == 0
    told = shift.tiles > 0 and (shift.match >= MATCHED or shift.kept > 0)
    turned = shift.agree >= AGREED and shift.kept == 0 and shift.same < UNHIDDEN
    moved = strange or (told and past(PictureFault.MOVED, shift.far if turned else 0.0, MOVED.fail or 0.0) is True)
    noisy = past(PictureFault.NOISE, change.noise, NOISE.fail or 0.0)
    grainy = past(PictureFault.NOISE, change.grain, GRAIN)
    if change.grain < (NOISE.fail or 0.0) * EASIER:  # not zone by zone: something moves
        noisy = False
    if moved or PictureFault.MOVED in named:  # the zones show something else
        noisy = grainy = None
    colour = max(abs(change.mired) / (COLOUR.fail or 1.0), abs(change.duv) / TINT)
    found = {
        PictureFault.MOVED: Judged(True, _evidence(shift, shift.far, shift.right, shift.down))
        if moved
        else Judged(
            _nudged(shift, told, PictureFault.MOVED in named), _evidence(shift, shift.nudge, *shift.near), True
        ),
        PictureFault.DEFOCUS: Judged(
            past(PictureFault.DEFOCUS, 1.0 / max(change.sharpness, 1e-3), 2.0), {"sharpness": change.sharpness}
        ),
        PictureFault.NOISE: Judged(True, {"noise": change.noise})
        if noisy
        else Judged(noisy if grainy is None else grainy, {"noise": change.grain}, slight=True),
    }
    if lamps_moved:
        return found | dict.fromkeys((PictureFault.WHITE_BALANCE, PictureFault.OVER, PictureFault.UNDER), Judged(False))
    stops = {"stops": change.stops}
    return found | {
        PictureFault.WHITE_BALANCE: Judged(
            past(PictureFault.WHITE_BALANCE, colour, 1.0), {"mired": change.mired, "duv": change.duv}
        ),
        PictureFault.OVER: Judged(past(PictureFault.OVER, change.stops, LEVEL), stops),
        PictureFault.UNDER: Judged(past(PictureFault.UNDER, -change.stops, LEVEL), stops),
    }


def _nudged(shift: Shift, told: bool, named: bool) -> bool | None:
    """Whether the whole picture went along with a little shift. ``told``: where it is now is known; ``named``: so it
    was a moment ago, and more cells must stay to take it back."""
    if shift.nudge >= NUDGED * (EASIER if named else 1.0) and shift.follow >= FOLLOW:
        if shift.stay <= STAY * shift.follow:
            return True
        return None if named and shift.stay <= shift.follow else False
    return False if told else None


def _evidence(shift: Shift, far: float, right: float, down: float) -> Mapping[str, float]:
    return {"shift_percent": far, "right": right, "down": down, "match": shift.match}


def _grain(reference: Baseline, now: Portrait) -> tuple[float, bool]:
    """Ratio of the noise of zones that can be compared; and whether the picture stands still."""
    before = reference.portrait.grains
    if before is None or now.grains is None:
        return math.nan, True
    still = ~np.isnan(now.grains)
    with np.errstate(invalid="ignore"):
        lit = np.abs(now.zones[1] - reference.light[1]) <= SAME
    ratios = (np.maximum(now.grains, QUIET) / np.maximum(before, QUIET))[lit & still & ~np.isnan(before)]
    return float(np.quantile(ratios, QUIETER)) if len(ratios) >= FEWEST else math.nan, bool(still.sum() >= FEWEST)


def _light(before: Floats, now: Floats) -> tuple[float, float, float]:
    """Stops, mired and Duv from the reference: medians over the zones, so that what somebody wears does not count. No
    colour where the zones do not agree on one."""
    known = (before > UNKNOWN / 2).all(axis=0) & np.isfinite(now).all(axis=0)
    if known.sum() < FEWEST:
        return math.nan, math.nan, math.nan
    each = (now - before)[:, known]
    change = np.median(each, axis=1)
    tints, usual = each - each[1], change - change[1]
    alike = (np.abs(tints - usual[:, None]) <= TINTS[0] + TINTS[1] * np.abs(usual)[:, None]).all(axis=0)
    if alike.mean() < MOST:
        return float(change[1]), math.nan, math.nan
    old = np.exp2(np.median((before - before[1])[:, known], axis=1))
    new = old * np.exp2(change - change[1])
    (mired, duv), (mired_before, duv_before) = (white((float(c[2]), 1.0, float(c[0]))) for c in (new, old))
    return float(change[1]), mired - mired_before, duv - duv_before


def _middle(grey: Grey, size: tuple[int, int]) -> Grey:
    """The part of the grey picture whose sharpness is taken."""
    wide, tall = (max(8, round(side * min(BOX, of) / of)) for side, of in zip((WIDTH, HEIGHT), size, strict=True))
    left, top = (WIDTH - wide) // 2, (HEIGHT - tall) // 2
    return grey[top : top + tall, left : left + wide]


def _focus(reference: Baseline, now: Portrait, hidden: bool) -> float:
    """Share of the sharpness. ``hidden``: of the cells that look as they did, for the middle does not."""
    if not hidden:
        return _sharp(now, reference) / _sharp(reference, reference)
    before = reference.portrait
    if before.edges is None or now.edges is None:
        return math.nan
    old, new = before.edges - _grainy(reference), np.maximum(now.edges - min(_grainy(now), _grainy(reference)), 0)
    light, lit = (np.maximum(cells(each.grey.astype(np.float32)), 1) for each in (before, now))
    known = similar(before.grey, now.grey) & (old >= CONTRAST)
    return float(np.median((new / old * (light / lit) ** 2)[known])) if known.sum() >= UNHIDDEN else math.nan


def _sharp(numbers: Portrait | Baseline, reference: Baseline) -> float:
    """Sharpness per contrast: light scales all edges alike."""
    edges = max(numbers.sharpness - min(_grainy(numbers), _grainy(reference)), 0.0)
    if math.isnan(numbers.sharpness) or (numbers is reference and edges < CONTRAST):
        return math.nan
    return edges / max(numbers.level, 4.0) ** 2


def _grainy(numbers: Portrait | Baseline) -> float:
    """What noise adds to the sharpness: white noise. What has been compressed adds less: of a picture that is noisier
    than the reference no more is taken off than of that, else it would seem out of focus."""
    return 0.0 if math.isnan(numbers.noise) else LAPLACE * numbers.noise**2
