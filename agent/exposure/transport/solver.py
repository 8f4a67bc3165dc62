"""Which levels make the picture as it is wanted, as far as the lights can. Pure.

    minimise  mean |(T u + a − goal) / goal|²  over the zones        + |exposure error|²
              + PULL |u − look|²  + RATIO |stops between the lights − those of the look|²
    with      low ≤ u ≤ high: 0…1, look ± authority, a hand's level for a light that a hand holds

The ratio is a sum of logarithms, so it is solved by Gauss-Newton round a bounded least-squares problem. That one is
solved by block principal pivoting (Júdice and Pires 1994; Portugal et al. 1994), which ends at the exact solution
after a few small linear systems. What stays wrong is said with its zone and its stops: a solver that cannot reach a
goal must not look as if it had.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from agent.exposure.transport.matrix import ZONES, Transport, Zones
from config.units import Text
from drivers.camera.metrics import COLUMNS

PULL = 1e-5
"""Weight of a light's whole range away from the look, against the square of a relative error of 1."""
RATIO = 1e-5
"""Weight of one stop between the lights that the look does not have."""
TOLERANCE = 0.10
"""Stops a goal may be missed by before that is said: the loop itself begins to act there."""
DARKEST = 0.01
"""A look below this level is dark by choice, and stays dark."""
STEPS = 8
"""Gauss-Newton steps at most; the ratio is gentle, so three do."""

ENOUGH = 1e-6
"""Relative gain of a step that is not worth another."""

Bound = Literal["full", "dark", "authority", "held", "off"]


class Missing(NamedTuple):
    """``zone``: row and column from the top left, ``None``: the reference zones together. ``stops``: negative = it
    stays that much too dark."""

    zone: tuple[int, int] | None
    stops: float


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """``zones``: linear light wanted of each, NaN where it does not matter; ``exposure``: mean linear light of the
    reference zones. ``pairs``: which lights' ratio the look fixes, key to fill; none given: all to each other."""

    zones: Zones | None = None
    exposure: float | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    pull: float = PULL
    ratio: float = RATIO


@dataclass(frozen=True, slots=True)
class Limits:
    """``held``: lights that a hand holds, at their level. ``authority``: stops either way of the look. ``floors``:
    levels below which a light is not taken (its steps are too coarse there)."""

    held: Mapping[str, float] = field(default_factory=dict)
    authority: float = 1.0
    floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """``zones``: the picture to expect; ``residual``: stops of it from the goal, NaN where there is none, negative =
    too dark; ``exposure``: mean of the reference zones to expect. ``bound``: lights that cannot go further, and why."""

    levels: Mapping[str, float]
    zones: Zones
    residual: Zones
    exposure: float
    bound: Mapping[str, Bound]
    unreachable: tuple[Missing, ...]
    said: Text


def solve(
    transport: Transport,
    look: Mapping[str, float],
    goal: Goal,
    limits: Limits | None = None,
    ambient: Zones | None = None,
) -> Solution:
    """``look``: the levels to stay near, of every fixture of the transport; ``ambient``: the room's light now, when it
    is not that of commissioning any more. Raises ValueError for a goal that asks for nothing, or for no light at all.
    """
    limits = limits or Limits()
    room = transport.ambient if ambient is None else ambient
    start = np.array([look[name] for name in transport.fixtures])
    low, high = _span(transport, start, limits)
    rows, wanted = _rows(transport, goal, room)
    hessian = rows.T @ rows + goal.pull * np.eye(len(start))
    slope = rows.T @ wanted + goal.pull * start
    ties = _ties(transport, start, goal)

    def cost(levels: Zones) -> float:
        short = rows @ levels - wanted
        apart = ties @ _stops(levels, start)
        return float(short @ short + goal.pull * ((levels - start) ** 2).sum() + goal.ratio * (apart @ apart))

    levels = np.clip(start, low, high)
    best = cost(levels)
    for _ in range(STEPS):
        steep = ties / (np.maximum(levels, DARKEST) * math.log(2))
        target = steep @ levels - ties @ _stops(levels, start)
        found = bounded(
            hessian + goal.ratio * steep.T @ steep, slope + goal.ratio * steep.T @ target, low, high, levels
        )
        part = 1.0
        while (now := cost(tried := levels + part * (found - levels))) > best and part > 1e-3:
            part /= 2
        if now >= best:
            break
        done = best - now < ENOUGH * now + 1e-12
        levels, best = tried, now
        if done:
            break
    return _told(transport, goal, room, levels, (low, high), start, limits)


def together(
    transport: Transport,
    look: Mapping[str, float],
    exposure: float,
    limits: Limits | None = None,
    ambient: Zones | None = None,
) -> Solution:
    """One master for all: every light the same stops from the look, as far as each can, until the reference zones have
    this mean light. A light at its end stays there and the others go on."""
    limits = limits or Limits()
    room = transport.ambient if ambient is None else ambient
    start = np.array([look[name] for name in transport.fixtures])
    low, high = _span(transport, start, limits)
    gains, rest = _reference(transport, room)
    least, most = -20.0, 20.0
    for _ in range(50):
        middle = (least + most) / 2
        if float(gains @ np.clip(start * 2**middle, low, high)) + rest < exposure:
            least = middle
        else:
            most = middle
    levels = np.clip(start * 2 ** ((least + most) / 2), low, high)
    return _told(transport, Goal(exposure=exposure), room, levels, (low, high), start, limits)


def bounded(hessian: Zones, slope: Zones, low: Zones, high: Zones, near: Zones) -> Zones:
    """The least of ½ uᵀ H u − slopeᵀ u with low ≤ u ≤ high; H symmetric and positive definite. ``near``: a guess; the
    better it knows what is at its bound, the sooner it ends.

    Block principal pivoting: all that is on the wrong side changes sides at once, and one by one (Murty's rule, which
    cannot go in circles) when that does not help.
    """
    count = len(slope)
    at = np.where(near <= low, -1, np.where(near >= high, 1, 0)).astype(np.int8)  # −1 at low, 1 at high, 0 free
    at[low >= high] = -1
    movable = low < high
    fewest, patience = count + 1, 3
    found = near
    for _ in range(20 + 20 * count):
        free = at == 0
        found = np.where(at > 0, high, low)
        if free.any():
            rest = slope[free] - hessian[np.ix_(free, ~free)] @ found[~free]
            found[free] = np.linalg.solve(hessian[np.ix_(free, free)], rest)
        steep = hessian @ found - slope
        under, over = free & (found < low - 1e-12), free & (found > high + 1e-12)
        loose = movable & (((at < 0) & (steep < -1e-12)) | ((at > 0) & (steep > 1e-12)))
        wrong = under | over | loose
        bad = int(wrong.sum())
        if not bad:
            break
        if bad < fewest:
            fewest, patience = bad, 3
        elif patience > 0:
            patience -= 1
        else:
            wrong = np.arange(count) == int(np.flatnonzero(wrong)[-1])
        at = np.where(wrong, np.where(loose, 0, np.where(under, -1, 1)), at).astype(np.int8)
    return np.clip(found, low, high)


# --- inside ----------------------------------------------------------------------------------------------------------


def _span(transport: Transport, start: Zones, limits: Limits) -> tuple[Zones, Zones]:
    low = np.maximum(start * 2.0**-limits.authority, 0.0)
    high = np.minimum(start * 2.0**limits.authority, 1.0)
    for at, name in enumerate(transport.fixtures):
        if name in limits.held:
            low[at] = high[at] = limits.held[name]
        elif start[at] <= DARKEST:
            low[at] = high[at] = start[at]
        else:
            low[at] = min(max(low[at], limits.floors.get(name, 0.0)), high[at])
    return low, high


def _rows(transport: Transport, goal: Goal, room: Zones) -> tuple[Zones, Zones]:
    """What is to be zero: rows @ levels − wanted, each a relative error, the zones as their root mean square."""
    rows, wanted = [], []
    if goal.zones is not None:
        asked = np.isfinite(goal.zones) & np.isfinite(room) & np.isfinite(transport.matrix).all(axis=1)
        if (goal.zones[asked] <= 0).any():
            raise ValueError("a zone cannot be wanted without any light")
        if asked.any():
            scale = goal.zones[asked] * math.sqrt(int(asked.sum()))
            rows.append(transport.matrix[asked] / scale[:, None])
            wanted.append((goal.zones[asked] - room[asked]) / scale)
    if goal.exposure is not None:
        if goal.exposure <= 0:
            raise ValueError("an exposure is more than no light")
        gains, rest = _reference(transport, room)
        rows.append(gains[None, :] / goal.exposure)
        wanted.append(np.array([(goal.exposure - rest) / goal.exposure]))
    if not rows:
        raise ValueError("a goal asks for the light of known zones, or for an exposure")
    return np.concatenate(rows), np.concatenate(wanted)


def _reference(transport: Transport, room: Zones) -> tuple[Zones, float]:
    """Light of the reference zones (their mean) by level of each fixture, and without any."""
    seen = transport.reference & np.isfinite(room) & np.isfinite(transport.matrix).all(axis=1)
    if not seen.any():
        raise ValueError("no reference zone is known")
    gains: Zones = transport.matrix[seen].mean(axis=0)
    return gains, float(room[seen].mean())


def _ties(transport: Transport, start: Zones, goal: Goal) -> Zones:
    """Which stops must be equal: one row for each pair, or each light against the mean of all that are lit."""
    count = len(start)
    lit = start > DARKEST
    if goal.pairs:
        ties = np.zeros((len(goal.pairs), count))
        for row, (one, other) in enumerate(goal.pairs):
            ties[row, transport.fixtures.index(one)] += 1.0
            ties[row, transport.fixtures.index(other)] -= 1.0
        return ties
    return np.diag(lit.astype(float)) - np.outer(lit, lit) / max(int(lit.sum()), 1)


def _stops(levels: Zones, start: Zones) -> Zones:
    """From the look, by light."""
    away: Zones = np.log2(np.maximum(levels, DARKEST) / np.maximum(start, DARKEST))
    return away


def _told(
    transport: Transport,
    goal: Goal,
    room: Zones,
    levels: Zones,
    span: tuple[Zones, Zones],
    start: Zones,
    limits: Limits,
) -> Solution:
    zones = transport.predict(levels, room)
    gains, rest = _reference(transport, room) if transport.reference.any() else (np.zeros(len(levels)), math.nan)
    exposure = float(gains @ levels) + rest
    residual = np.full(ZONES, np.nan)
    missing: list[Missing] = []
    if goal.zones is not None:
        residual = np.log2(np.maximum(zones, 1e-6) / np.where(goal.zones > 0, goal.zones, np.nan))
        far = np.flatnonzero(np.abs(np.nan_to_num(residual)) > TOLERANCE)
        missing = [Missing(divmod(int(at), COLUMNS), float(residual[at])) for at in far]
    if goal.exposure is not None and abs(off := math.log2(max(exposure, 1e-6) / goal.exposure)) > TOLERANCE:
        missing.append(Missing(None, off))
    missing.sort(key=lambda each: -abs(each.stops))
    bound: dict[str, Bound] = {}
    for at, name in enumerate(transport.fixtures):
        low, high = float(span[0][at]), float(span[1][at])
        if name in limits.held:
            bound[name] = "held"
        elif start[at] <= DARKEST:
            bound[name] = "off"
        elif levels[at] >= high - 1e-9:
            bound[name] = "full" if high >= 1.0 else "authority"
        elif levels[at] <= low + 1e-9:
            bound[name] = "dark" if low <= limits.floors.get(name, 0.0) else "authority"
    named = dict(zip(transport.fixtures, levels.tolist(), strict=True))
    return Solution(named, zones, residual, exposure, bound, tuple(missing), _said(missing, bound))


_WHY: Mapping[Bound, Text] = {
    "full": Text("is full", "已达最大亮度"),
    "dark": Text("is as dark as it goes", "已达最低亮度"),
    "authority": Text("may go no further from the look", "已达允许的调整范围"),
    "held": Text("is not in the loop now", "当前不由自动补光控制"),
    "off": Text("is off in this look", "在此场景中关闭"),
}


def _said(missing: list[Missing], bound: Mapping[str, Bound]) -> Text:
    if not missing:
        return Text("Reachable.", "可以达到。")
    worst = missing[0]
    far = abs(worst.stops)
    dark = worst.stops < 0
    place = Text("the reference zones", "基准区域")
    if worst.zone is not None:
        row, column = worst.zone[0] + 1, worst.zone[1] + 1
        place = Text(f"the zone in row {row}, column {column}", f"第 {row} 行第 {column} 列区域")
    more = len(missing) - 1
    others = Text(f", and {more} more" if more else "", f"，另有 {more} 处" if more else "")
    why = [Text(f"{name} {_WHY[kind].en}", f"{name} {_WHY[kind].zh}") for name, kind in bound.items()]
    because = Text("; ".join(each.en for each in why), "；".join(each.zh for each in why))
    return Text(
        f"Not reachable with these lights: {place.en} stay{'s' if worst.zone else ''} {far:.2f} stop too "
        f"{'dark' if dark else 'bright'}{others.en}.{f' {because.en}.' if why else ''}",
        f"现有灯光无法达到目标：{place.zh}仍{'偏暗' if dark else '偏亮'} {far:.2f} 档{others.zh}。"
        f"{f'{because.zh}。' if why else ''}",
    )
