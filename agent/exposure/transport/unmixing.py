"""Which fixture answered, and how much of it, from one change of the picture. Pure.

    change (144) ──÷ noise by zone──▶ cosine with each column (÷ noise) ──▶ the fixture whose light it looks like
                                      projection on that column        ──▶ how much of it, in level 0…1

The best cosine is the fixture that leaves the least unexplained. A sum of two is believed only if it explains far more
than either alone, by chance and by amount: twelve lamps round a face look alike enough for noise to be fitted by two.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from agent.exposure.transport.matrix import Change, Mask, Transport, Zones
from config.units import SILENT, Text

SIGMAS = 3.0
"""An answer of fewer standard deviations is none …"""
SURE = 25.0
"""… and an explanation must be better than another by this much of chi-square (five standard deviations)."""
DIM = 0.8
BRIGHT = 1.25
SECOND = 0.15
"""Share of the step from which a second fixture in an answer is worth naming."""
STAYS = 0.5
"""Share of the step that stays when it should be gone."""
SLOW = 1.0
"""Seconds a fixture may be later than the usual delay."""
ANY_SHAPE = 0.3
"""Share of an answer's energy (beyond noise) that no fixture explains before the scene itself is in doubt."""
MOVED = 0.05
"""Share by which a fixture's column or the room's light may differ from commissioning."""

Kind = Literal["ok", "dead", "dim", "bright", "wrong-address", "two-on-one", "stuck", "slow", "unknown"]


@dataclass(frozen=True, slots=True)
class Unmixed:
    """``name``: the fixture the change looks like; ``level``: how much of it, ± ``sigma``; ``cosine`` 0…1, −1…0 when it
    went down. ``misfit``: chi-square per zone of what is left; ``left``: share of the energy beyond noise that it does
    not explain. ``levels``: each fixture's projection alone."""

    name: str
    level: float
    sigma: float
    cosine: float
    misfit: float
    left: float
    levels: Mapping[str, float]
    cosines: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step of ``asked`` says of a fixture: ``own`` and ``others`` are shares of the step."""

    kind: Kind
    own: float
    sigma: float
    others: Mapping[str, float] = field(default_factory=dict)
    said: Text = SILENT


def unmix(change: Change, transport: Transport) -> Unmixed:
    """Raises ValueError when no zone is known in both."""
    seen, light, columns = _whitened(change, transport)
    sizes = np.sqrt((columns**2).sum(axis=0))
    sizes[sizes == 0] = math.inf
    whole = math.sqrt(float(light @ light)) or math.inf
    levels = light @ columns / sizes**2
    cosines = light @ columns / sizes / whole
    best = int(np.argmax(np.abs(cosines)))
    zones = int(seen.sum())
    rest = float(((light - columns[:, best] * levels[best]) ** 2).sum())
    energy = whole**2 - zones
    return Unmixed(
        name=transport.fixtures[best],
        level=float(levels[best]),
        sigma=float(1 / sizes[best]) * math.sqrt(max(1.0, rest / zones)),
        cosine=float(cosines[best]),
        misfit=rest / zones,
        left=max(0.0, rest - zones) / energy if energy > 0 else 0.0,
        levels=dict(zip(transport.fixtures, levels.tolist(), strict=True)),
        cosines=dict(zip(transport.fixtures, cosines.tolist(), strict=True)),
    )


def judge(
    name: str, change: Change, transport: Transport, *, stays: Change | None = None, late: float | None = None
) -> Answer:
    """``change``: what the step of this fixture did; ``stays``: what was left of it after it was taken back; ``late``:
    seconds it came later than the usual delay."""
    seen, light, columns = _whitened(change, transport)
    column = transport.fixtures.index(name)
    alone = [_fit(light, columns[:, [at]]) for at in range(len(transport.fixtures))]
    best = min(range(len(alone)), key=lambda at: alone[at][1])
    noisy = max(1.0, alone[best][1] / int(seen.sum()))
    sigma = float(1 / math.sqrt(max(float((columns[:, column] ** 2).sum()), 1e-12)) / abs(change.level))
    sigma *= math.sqrt(noisy)
    own = float(alone[column][0][0]) / change.level
    power = float((columns[:, best] ** 2).sum())
    if abs(float(alone[best][0][0])) * math.sqrt(power / noisy) < SIGMAS:
        expected = change.level**2 * float((columns[:, column] ** 2).sum())
        nothing = float(light @ light) - len(light) <= ANY_SHAPE * expected
        return _said(Answer("dead" if nothing else "unknown", own, sigma), name)
    pair = _pair(light, columns, change.level, noisy, alone[best][1])
    others: dict[str, float] = {}
    if pair is not None:
        shares = {transport.fixtures[at]: share for at, share in pair.items()}
        own, others = shares.pop(name, 0.0), shares
        return _said(Answer("two-on-one" if name not in others and own else "wrong-address", own, sigma, others), name)
    if unmix(change, transport).left > ANY_SHAPE:
        return _said(Answer("unknown", own, sigma), name)
    if best != column and alone[column][1] - alone[best][1] > SURE * noisy:
        others = {transport.fixtures[best]: float(alone[best][0][0]) / change.level}
        return _said(Answer("wrong-address", 0.0, sigma, others), name)
    kind: Kind = "ok"
    if stays is not None and unmix(stays, transport).levels[name] / change.level > STAYS:
        kind = "stuck"
    elif own < DIM:
        kind = "dim"
    elif own > BRIGHT:
        kind = "bright"
    elif late is not None and late > SLOW:
        kind = "slow"
    return _said(Answer(kind, own, sigma), name)


def permutation(answers: Mapping[str, Answer]) -> tuple[tuple[str, ...], ...]:
    """Rings of fixtures that answer in each other's place: ``("key", "fill")`` means key's address moves fill and
    fill's moves key. Only whole rings: one stray address is not a swap."""
    to = {
        name: max(answer.others, key=lambda other: answer.others[other])
        for name, answer in answers.items()
        if answer.kind == "wrong-address" and answer.others
    }
    rings: list[tuple[str, ...]] = []
    placed: set[str] = set()
    for start in to:
        ring = [start]
        while (following := to.get(ring[-1])) is not None and following not in ring:
            ring.append(following)
        if following == start and len(ring) > 1 and not placed & set(ring):
            rings.append(tuple(ring))
            placed |= set(ring)
    return tuple(rings)


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed since commissioning. ``ambient``: stops of the room's light (median zone), ``ambient_changed``
    when that is more than it may be; ``columns``: the fixtures that are not as they were."""

    ambient: float
    ambient_changed: bool
    columns: Mapping[str, Answer]


def changed_columns(
    transport: Transport, steps: Mapping[str, Change], zones: Zones, levels: Mapping[str, float]
) -> Difference:
    """A new step of each fixture against its column, and the picture ``zones`` at ``levels`` against the rest: daylight
    changes the ambient and no column, a fault of a fixture one column and not the ambient."""
    found: dict[str, Answer] = {}
    for name, change in steps.items():
        answer = judge(name, change, transport)
        if answer.kind != "ok" or abs(answer.own - 1) > max(MOVED, SIGMAS * answer.sigma):
            found[name] = answer
    # the room's light is what remains when each fixture is taken away as it is now, not as it was
    shares = [found[name].own if name in found else 1.0 for name in transport.fixtures]
    room = transport.ambient_of(zones, transport.levels(levels) * np.array(shares))
    seen = transport.known & np.isfinite(room) & (transport.ambient > 3 * transport.noise)
    if not seen.any():
        return Difference(0.0, False, found)
    stops = float(np.median(np.log2(np.maximum(room[seen], 1e-6) / transport.ambient[seen])))
    return Difference(stops, abs(stops) > math.log2(1 + MOVED), found)


# --- inside ----------------------------------------------------------------------------------------------------------


def _whitened(change: Change, transport: Transport) -> tuple[Mask, Zones, Zones]:
    seen = transport.known & np.isfinite(change.light) & np.isfinite(change.sigma) & (change.sigma > 0)
    if not seen.any():
        raise ValueError("no zone is known both now and at commissioning")
    sigma = change.sigma[seen]
    return seen, change.light[seen] / sigma, transport.matrix[seen] / sigma[:, None]


def _fit(light: Zones, columns: Zones) -> tuple[Zones, float]:
    """Least squares: amounts, and chi-square of what is left."""
    found = np.asarray(np.linalg.lstsq(columns, light, rcond=None)[0], np.float64)
    return found, float(((light - columns @ found) ** 2).sum())


def _pair(light: Zones, columns: Zones, level: float, noisy: float, one: float) -> dict[int, float] | None:
    """Two fixtures that together explain the change far better than the best one does: shares of the step. ``None``:
    there are none."""
    count = columns.shape[1]
    best, found = one - SURE * noisy, None
    for first in range(count):
        for second in range(first + 1, count):
            amounts, left = _fit(light, columns[:, [first, second]])
            shares = amounts / level
            if left < best and float(shares.min()) > SECOND:
                best, found = left, {first: float(shares[0]), second: float(shares[1])}
    return found if best - len(light) <= 0.5 * (one - len(light)) else None


def _said(answer: Answer, name: str) -> Answer:
    own = f"{answer.own * 100:.0f} %"
    who = ", ".join(answer.others)
    words = {
        "ok": Text(f"{name} answers with {own} of what it gave.", f"{name} 响应正常，为原有亮度的 {own}。"),
        "dead": Text(f"{name} does nothing.", f"{name} 无响应。"),
        "dim": Text(f"{name} gives only {own} of what it gave.", f"{name} 只有原有亮度的 {own}。"),
        "bright": Text(f"{name} gives {own} of what it gave.", f"{name} 达到原有亮度的 {own}。"),
        "wrong-address": Text(f"The address of {name} moves {who}.", f"{name} 的地址控制的是 {who}。"),
        "two-on-one": Text(f"The address of {name} moves {who}, too.", f"{name} 的地址同时控制 {who}。"),
        "stuck": Text(f"{name} went up and does not come back.", f"{name} 调亮后不能恢复。"),
        "slow": Text(f"{name} comes later than the others.", f"{name} 比其他灯具反应慢。"),
        "unknown": Text(
            f"The change at the step of {name} fits none of the known lights: camera or scene has changed.",
            f"{name} 调光时的画面变化与任何已知灯光都不符，摄像机或场景已改变。",
        ),
    }
    return Answer(answer.kind, answer.own, answer.sigma, answer.others, words[answer.kind])
