"""The response curve of a camera, from pictures of one still scene at exposures in known ratios. Pure.

The method is that of Debevec and Malik (SIGGRAPH 1997): find the log light g of each code so that the same place seen
in two pictures differs by the known step, by least squares over

    all pairs of pictures k < l and places i    weight (g(code_il) - g(code_ik) - step_kl)^2   +   smoothness of g

A place is the mean of 8 x 8 pixels (a JPEG's own blocks; mean codes are no whole ones, and g is read between two), the
flatter the more it counts: there, noise, JPEG and halved chroma do least, and the mean of a curve is the curve of the
mean. Weights fall to nothing towards black and clipping, follow the steepness of g (solved three times), and drop what
disagrees. Smooth means: close to a power law from each code to the next, which sRGB, BT.709, gamma and logarithmic
curves all are over a few codes. Codes nobody saw follow the nearest that were seen.

Refused, with evidence: too few pictures, pictures that are mostly clipped or dark, a scene that moves, a camera that
answers a step with less than half of it, because its auto exposure takes the rest back, and steps that do not agree.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.base import Picture
from drivers.camera.curves import SRGB, Curve, Floats, luminance
from drivers.camera.points import three

FEWEST = 4
"""Usable pictures."""
LEAST_SPAN = 2.0
"""Stops from the darkest to the brightest of them."""
LEAST_SHARED = 0.05
"""Share of the places that two neighbouring pictures must both show well."""
LOWEST, HIGHEST = 6.0, 248.0
"""Codes between which a place is shown well."""
BLOCK = 8
FEWEST_PLACES, MOST_PLACES = 200, 20_000
"""Of one picture; more say nothing new and cost memory (4K: 200 MB)."""
LEAST_ANSWER = 0.5
"""Share of an asked step that the pictures must show, read as sRGB. HLG shows 0.65; camera makers' flattest curves
(S-Log3, LogC: 0.35...0.46) are refused with it, for to the pictures they are what half an auto exposure is."""
MOST_UNEVEN = 0.12
"""Stops per stop by which a step may disagree with what all others say: usually 0.01 and less."""
MOST_MOVED = 0.08
"""Share of the places that may have changed by themselves. So few are left out."""
SMOOTH = 0.5
"""Weight of the smoothness, in shares of the weight of all places."""

Doubles = npt.NDArray[np.float64]


class Why(StrEnum):
    FEW = "few"
    CLIPPED = "clipped"
    DARK = "dark"
    MOVING = "moving"
    AUTO_EXPOSURE = "auto_exposure"
    UNEVEN = "uneven"


SAYS = {
    Why.FEW: Text(
        f"At least {FEWEST} different exposures over {LEAST_SPAN:g} stops are needed.",
        f"至少需要 {FEWEST} 个不同的曝光，跨度 {LEAST_SPAN:g} 档。",
    ),
    Why.CLIPPED: Text(
        "Too much of the scene is clipped: begin with a shorter exposure.", "画面过曝部分太多：请从更短的曝光开始。"
    ),
    Why.DARK: Text("Too much of the scene is dark: add light or longer exposures.", "画面过暗：请增加光线或延长曝光。"),
    Why.MOVING: Text("The scene moved: nobody may be in the picture.", "场景有移动：画面中不能有人走动。"),
    Why.AUTO_EXPOSURE: Text(
        "The pictures do not follow the exposure: switch the camera's auto exposure and auto gain off, and a log "
        "profile to a display one (Rec. 709).",
        "画面不随曝光变化：请关闭摄像机的自动曝光和自动增益；若使用 Log 模式，请改为 Rec. 709。",
    ),
    Why.UNEVEN: Text(
        "The steps contradict each other: the camera did not expose as it was told (auto exposure, auto gain, or an "
        "exposure it does not have).",
        "各档曝光相互矛盾：摄像机没有按要求曝光（自动曝光、自动增益，或不支持的曝光值）。",
    ),
}


class Refused(ValueError):
    """The pictures say nothing about the curve. ``why``, in both languages (``says``), with ``evidence``."""

    def __init__(self, why: Why, evidence: Mapping[str, float]) -> None:
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in evidence.items())
        super().__init__(f"{SAYS[why].en} ({numbers})" if numbers else SAYS[why].en)
        self.why = why
        self.says = SAYS[why]
        self.evidence = dict(evidence)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """``tables``: 3 x 256 linear light of blue, green and red, rising, 1.0 at code 255. ``error``: by how much the
    steps between neighbouring pictures come out wrong with it, in stops per stop, at worst; ``assumed_error``: the same
    with the sRGB curve. ``pictures``: how many were used. ``evidence``: what was found on the way."""

    tables: Curve
    error: float
    assumed_error: float
    pictures: int
    evidence: Mapping[str, float] = field(default_factory=dict)


def find(pictures: Sequence[Picture], stops: Sequence[float]) -> Response:
    """``stops``: the exposure of each picture in stops (log2 of time x gain), from any zero, in any order.

    Several pictures of one exposure may be given: their noise averages out. Raises Refused, and ValueError for what are
    no pictures of one size.
    """
    if len(pictures) != len(stops) or not np.isfinite(np.asarray(stops, np.float64)).all():
        raise ValueError(f"{len(pictures)} pictures and {len(stops)} exposures: each picture has one, a finite number")
    if len({pixels.shape for pixels in pictures}) > 1:
        raise ValueError("the pictures are of different sizes")
    order = sorted(range(len(stops)), key=lambda at: stops[at])
    views = [_view(pictures[at], float(stops[at])) for at in order]
    views, left_out = _usable(views)
    steps = _neighbours(views)
    moved = max(_moved(one, other) for one, other in steps)
    if moved > MOST_MOVED:
        raise Refused(Why.MOVING, {"moved_percent": 100 * moved})
    asked = np.array([other.stops - one.stops for one, other in steps])
    assumed = np.array([_answer(one, other, np.stack([SRGB] * 3)) for one, other in steps])
    # A curve can make a step look smaller, but hardly every step less than half as large: that is auto exposure.
    _refuse_if_held(float(np.median(assumed / asked)), views[0], views[-1])
    tables = np.stack([_solve(views, channel) for channel in range(3)])
    found = np.array([_answer(one, other, tables) for one, other in steps])
    least = int(np.argmin(found / asked))
    _refuse_if_held(float(found[least] / asked[least]), *steps[least])
    errors = np.abs(found - asked) / asked
    if errors.max() > MOST_UNEVEN:
        one, other = steps[int(errors.argmax())]
        error = {"error": float(errors.max()), "from_stops": one.stops, "to_stops": other.stops}
        raise Refused(Why.UNEVEN, error)
    return Response(
        tables=tables.astype(np.float32),
        error=float(errors.max()),
        assumed_error=float(np.max(np.abs(assumed - asked) / asked)),
        pictures=len(views),
        evidence={
            "moved_percent": 100 * moved,
            "left_out": float(left_out),
            "span_stops": _span(views),
            "least_answer": float(np.min(found / asked)),
        },
    )


# --- inside ----------------------------------------------------------------------------------------------------------


class _View(NamedTuple):
    """One picture as places: ``codes`` 3 x places, ``rough``: variance inside of each, the largest of the channels;
    ``shown``: not dark, and no pixel of it clipped, in all channels."""

    stops: float
    codes: Floats
    rough: Floats
    shown: npt.NDArray[np.bool_]
    clipped: float
    dark: float


def _view(pixels: Picture, stops: float) -> _View:
    whole = three(pixels)
    down, right = whole.shape[0] // BLOCK, whole.shape[1] // BLOCK
    if down * right < FEWEST_PLACES:
        raise ValueError(f"{whole.shape[1]} x {whole.shape[0]} is too small a picture to find a curve in")
    every = math.ceil(math.sqrt(down * right / MOST_PLACES))
    blocks = whole[: down * BLOCK, : right * BLOCK].reshape(down, BLOCK, right, BLOCK, 3)
    blocks = blocks[::every, :, ::every].astype(np.float32)
    codes = blocks.mean(axis=(1, 3)).reshape(-1, 3).T
    rough = blocks.var(axis=(1, 3)).reshape(-1, 3).max(axis=1)
    clipped, dark = blocks.max(axis=(1, 3, 4)).ravel() > HIGHEST, codes.min(axis=0) < LOWEST
    return _View(stops, codes, rough, ~(clipped | dark), float(clipped.mean()), float(dark.mean()))


def _usable(views: list[_View]) -> tuple[list[_View], int]:
    """Without pictures that show next to nothing, and how many those are. Raises Refused when too little is left."""
    if _exposures(views) < FEWEST or _span(views) < LEAST_SPAN:
        raise Refused(Why.FEW, {"exposures": _exposures(views), "span_stops": _span(views)})
    kept = [view for view in views if view.shown.mean() >= LEAST_SHARED]
    if _exposures(kept) < FEWEST or _span(kept) < LEAST_SPAN or not _neighbours(kept):
        gone = [view for view in views if view.shown.mean() < LEAST_SHARED]
        clipped, dark = sum(view.clipped for view in gone), sum(view.dark for view in gone)
        most = {
            "clipped_percent": 100 * max(v.clipped for v in views),
            "dark_percent": 100 * max(v.dark for v in views),
        }
        raise Refused(Why.CLIPPED if clipped >= dark else Why.DARK, {"usable": _exposures(kept), **most})
    return kept, len(views) - len(kept)


def _exposures(views: Sequence[_View]) -> int:
    return len({view.stops for view in views})


def _span(views: Sequence[_View]) -> float:
    return views[-1].stops - views[0].stops if views else 0.0


def _neighbours(views: Sequence[_View]) -> list[tuple[_View, _View]]:
    """Each picture and the next of more exposure, if they show enough of the same places."""
    pairs = []
    for at, one in enumerate(views):
        after = next((other for other in views[at + 1 :] if other.stops > one.stops + 1e-6), None)
        if after is not None and (one.shown & after.shown).mean() >= LEAST_SHARED / 2:
            pairs.append((one, after))
    return pairs


def _refuse_if_held(answer: float, one: _View, other: _View) -> None:
    if answer < LEAST_ANSWER:
        raise Refused(Why.AUTO_EXPOSURE, {"answer": answer, "from_stops": one.stops, "to_stops": other.stops})


def _flat(one: _View, other: _View, channel: int, each: int) -> npt.NDArray[np.intp]:
    """Places that both show well: the flattest half of those of like codes, no more than so many of each 16 codes."""
    shown = np.flatnonzero(one.shown & other.shown)
    rough = one.rough[shown] + other.rough[shown]
    order = np.lexsort((rough, one.codes[channel][shown] // 16))
    groups = np.split(order, np.searchsorted(one.codes[channel][shown][order] // 16, np.arange(1, 16)))
    kept: npt.NDArray[np.intp] = shown[np.concatenate([group[: min(each, -(-len(group) // 2))] for group in groups])]
    return kept


def _answer(one: _View, other: _View, tables: Doubles | Curve) -> float:
    """By how many stops the second picture is brighter, with these curves; of the places that both show well."""
    shown = _flat(one, other, 1, len(one.shown))
    scale = np.arange(256)
    light = [
        luminance(np.stack([np.interp(view.codes[at][shown], scale, tables[at]) for at in range(3)])).mean()
        for view in (one, other)
    ]
    return float(np.log2(light[1] / light[0]))


def _moved(one: _View, other: _View) -> float:
    """Share of the places whose code in the second picture is not what other places of their code got."""
    shown = one.shown & other.shown
    before, after = np.round(one.codes[1][shown]).astype(np.intp), other.codes[1][shown]
    order = np.argsort(before, kind="stable")
    first = np.unique(before[order], return_index=True)[1]
    groups = np.split(after[order], first[1:])
    spread = np.concatenate([np.abs(group - np.median(group)) for group in groups])
    return float((spread > 4 + 5 * np.median(spread)).mean())  # noise makes some codes; the middle half says how many


def _solve(views: Sequence[_View], channel: int) -> Doubles:
    """The table of one channel."""
    one, other, step, sure = (np.concatenate(parts) for parts in zip(*_equations(views, channel), strict=True))
    scale = np.arange(256.0)
    stops = np.log2(np.maximum(SRGB, SRGB[1] / 2)).astype(np.float64)
    for turn in range(3):
        slope = np.gradient(stops)
        weight = sure / (0.02**2 + np.interp(one, scale, slope) ** 2 + np.interp(other, scale, slope) ** 2)
        if turn:  # Tukey's weights: what is far off does not count at all
            off = np.interp(other, scale, stops) - np.interp(one, scale, stops) - step
            limit = 0.05 + 4 * float(np.median(np.abs(off)))
            weight *= np.maximum(0, 1 - (off / limit) ** 2) ** 2
        stops = _least_squares(one, other, step, weight)
    table: Doubles = 2.0 ** (stops - stops[255])
    table[0] = 0.0
    return np.maximum.accumulate(np.minimum(table, 1.0))


def _equations(views: Sequence[_View], channel: int) -> Iterator[tuple[Doubles, Doubles, Doubles, Doubles]]:
    """Of every two pictures that differ in exposure: codes in both, the step, and how sure each place is."""
    for at, one in enumerate(views):
        for other in views[at + 1 :]:
            step = other.stops - one.stops
            use = _flat(one, other, channel, 250)
            if step > 1e-6 and use.size:
                a, b = one.codes[channel][use].astype(np.float64), other.codes[channel][use].astype(np.float64)
                edge = [np.clip(np.minimum(code - LOWEST + 1, HIGHEST + 1 - code) / 24, 0, 1) for code in (a, b)]
                yield a, b, np.full(use.size, step), edge[0] * edge[1] / (2 + one.rough[use] + other.rough[use])


def _least_squares(one: Doubles, other: Doubles, step: Doubles, weight: Doubles) -> Doubles:
    """The 256 log lights. Each equation touches four of them: two codes, each between two whole ones."""
    at_a, at_b = one.astype(np.intp), other.astype(np.intp)
    share_a, share_b = one - at_a, other - at_b
    parts = [(at_a, share_a - 1), (at_a + 1, -share_a), (at_b, 1 - share_b), (at_b + 1, share_b)]
    normal, right = np.zeros(65536), np.zeros(256)
    for place, share in parts:
        right += np.bincount(place, weight * share * step, 256)
        for beside, of_it in parts:
            normal += np.bincount(place * 256 + beside, weight * share * of_it, 65536)
    whole = float(weight.sum())
    matrix = normal.reshape(256, 256) + whole * SMOOTH * _stiffness()
    matrix[255, 255] += whole  # white is 0
    return _eliminated(matrix, right)


@cache
def _stiffness() -> Doubles:
    """The square of the second difference over the logarithm of the code, which is 0 for a power law."""
    log = np.log2(np.arange(256) + 1.0)
    bend = np.zeros((254, 256))
    for at in range(1, 255):
        before, after = log[at] - log[at - 1], log[at + 1] - log[at]
        bend[at - 1, at - 1 : at + 2] = (
            np.array([1 / before, -1 / before - 1 / after, 1 / after]) * (before + after) / 2
        )
    square: Doubles = np.einsum("ki,kj->ij", bend, bend)
    return square


def _eliminated(matrix: Doubles, right: Doubles) -> Doubles:
    """The solution for a symmetric positive definite matrix, which needs no pivots. Both arguments are used up.

    15 ms. numpy's own takes 1, but 150 beside other programs: BLAS spreads it over all cores and waits for each.
    """
    last = len(right) - 1
    for at in range(last):
        factor = matrix[at + 1 :, at] / matrix[at, at]
        matrix[at + 1 :, at + 1 :] -= factor[:, None] * matrix[at, at + 1 :]
        right[at + 1 :] -= factor * right[at]
    for at in range(last, -1, -1):
        right[at] = (right[at] - (matrix[at, at + 1 :] * right[at + 1 :]).sum()) / matrix[at, at]
    return right
