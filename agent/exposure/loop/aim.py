"""Where the lights should go, from what a picture says. Pure.

    not commissioned   all lights alike, by what the whole picture is off
    commissioned       the room's light is what the lights do not explain of the picture; with it and the measured
                       light transport the solver says what levels bring the *reference zones* to where the look had
                       them, scaled to the target: by one master for all (the look's ratios stay), or zone by zone

The room's light is taken with the levels the lights had when the picture was taken, not those they have now: so moves
that are still on their way to the picture are not asked for a second time (O. J. M. Smith's predictor, 1957).
"""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from agent.exposure.camera.glance import Glance
from agent.exposure.loop.law import Room
from agent.exposure.transport.matrix import Transport, Zones
from agent.exposure.transport.solver import DARKEST, Goal, Limits, bounded, solve, together
from config.units import Text

ODD, ODDER = 0.1, 3.0
"""Relative error, and that error against the middle zone's, above which a zone shows something else than light:
somebody steps before it. It is left out of this picture."""
SEEN = 0.5
"""Share of the reference zones that must be known in a picture, else it says nothing of them."""

CLIPPED = "the reference zones are clipped"
COVERED = "somebody or something is before the reference zones"
OTHER = "this is not the picture that was commissioned: another scene, or the camera was moved"
UNLIKE = 0.13
"""Relative error up to which ``ALIKE`` of the zones must be what lights and room make of them. *Measured* on seven
photographs lit by three lamps and a window, three times: daylight from a fifth to seven times of what it was, a lamp
at a quarter, somebody in a quarter of the picture 0.019 at most; another photograph 0.22 at least (252 pairs). In the
drawn studio daylight from a tenth to twelve times 0.07, another scene 0.15 and 0.38, a camera turned by 8 % of its
picture 0.11."""
ALIKE = 0.7
DIM, FEWEST = 0.003, 24
"""Linear light of a zone below which it says nothing, and zones that are needed."""


class Aim(NamedTuple):
    """``error``: stops the picture is too dark (+); ``wishes``: stops each light should still go; ``missing``: stops
    of the error that no light can make good, ``where`` and ``said``; ``predicted``: stops by which the picture is
    brighter for what the lights showed when it was taken, against the look (``None``: nobody has measured it);
    ``apart``: see :class:`~agent.exposure.loop.law.Seen`; ``fault``: why this picture cannot be used."""

    error: float
    wishes: Mapping[str, float]
    missing: float = 0.0
    where: str = ""
    said: Text | None = None
    predicted: float | None = None
    apart: float = 0.0
    fault: str = ""


def alike(error: float, rooms: Mapping[str, Room]) -> Aim:
    """All lights keep their ratio; what is missing counts from the light that can go furthest."""
    room = max((each.up if error > 0 else each.down for each in rooms.values()), default=0.0)
    missing = max(0.0, abs(error) - max(0.0, room))
    return Aim(error, dict.fromkeys(rooms, error), abs(error) if room <= 1e-3 else missing)


class Shown(NamedTuple):
    """Levels of the loop's lights: as they were in the picture, and as they are now."""

    then: Mapping[str, float]
    now: Mapping[str, float]


def commissioned(
    transport: Transport,
    glance: Glance,
    shown: Shown,
    looks: Mapping[str, float],
    *,
    target: float,
    authority: float,
    keep_ratio: bool,
) -> Aim:
    """``looks``: the operator's levels of the lights the loop may move; the others stay where they are. ``target``:
    linear light wanted of the picture's mean, as :attr:`ExposureSection.target` says it."""
    zones = np.asarray(glance.zones, np.float64).ravel()
    room = transport.ambient_of(zones, transport.levels(shown.then))
    look = transport.levels({**shown.now, **looks})
    usual = transport.predict(look)
    seen = transport.reference & np.isfinite(usual) & np.isfinite(room) & (zones > 0) & (usual > 0)
    if seen.sum() < max(1, SEEN * int(transport.reference.sum())):
        return Aim(0.0, {}, fault=CLIPPED)
    off = _unexplained(transport, zones, transport.levels(shown.then))
    if float(np.nanquantile(off, ALIKE)) > UNLIKE:
        return Aim(0.0, {}, fault=OTHER)
    counted, seen = int(seen.sum()), seen & (off <= max(ODD, ODDER * float(np.nanmedian(off))))
    if seen.sum() < SEEN * counted:
        return Aim(0.0, {}, fault=COVERED)
    wanted = float(usual[seen].mean()) * target / float(np.nanmean(usual))
    error = math.log2(wanted / max(float(zones[seen].mean()), 1e-6))
    named = dict(zip(transport.fixtures, look.tolist(), strict=True))
    held = {name: level for name, level in shown.now.items() if name not in looks and name in named}
    limits = Limits(held=held, authority=authority)
    room_seen = np.where(seen, room, np.nan)
    if keep_ratio:
        found = together(transport, named, wanted, limits, room_seen)
    else:
        scale = wanted / float(usual[seen].mean())
        goal = Goal(zones=np.where(seen, np.maximum(usual * scale, 1e-5), np.nan), exposure=wanted)
        found = solve(transport, named, goal, limits, room_seen)
    wishes = {
        name: math.log2(max(found.levels[name], DARKEST) / max(shown.now[name], DARKEST))
        for name in looks
        if name in named
    }
    short = next((each for each in found.unreachable if each.zone is None), None)
    worst = short or (found.unreachable[0] if found.unreachable else None)
    zone = worst.zone if worst is not None else None
    where = "" if worst is None else "reference zones" if zone is None else f"zone {zone[0] + 1},{zone[1] + 1}"
    moved = transport.predict(transport.levels(shown.then), room)[seen].mean()
    resting = transport.predict(look, room)[seen].mean()
    return Aim(
        error,
        wishes,
        missing=abs(short.stops) if short is not None else 0.0,
        where=where,
        said=found.said if found.unreachable else None,
        predicted=math.log2(max(float(moved), 1e-6) / max(float(resting), 1e-6)),
        apart=0.0 if keep_ratio else max((abs(wish) for wish in wishes.values()), default=0.0),
    )


def predicted(
    transport: Transport, glance: Glance, levels: Mapping[str, float], lamps: Collection[str], step: float
) -> tuple[Zones, Zones]:
    """Stops by which each zone of this picture should change when ``lamps`` go by so many stops from their
    ``levels``, those they had in it (one that came in since had none); and what share of each zone is the room's
    light."""
    zones = np.maximum(np.asarray(glance.zones, np.float64).ravel(), 1e-6)
    lit = sum(transport.matrix[:, transport.fixtures.index(lamp)] * levels.get(lamp, 0.0) for lamp in lamps)
    change: Zones = np.log2(np.maximum(zones + lit * (2.0**step - 1), 1e-6) / zones)
    room: Zones = np.clip(transport.ambient_of(zones, transport.levels(levels)) / zones, 0.0, 1.0)
    return change, room


def strongest(transport: Transport, names: Mapping[str, float]) -> str:
    """Which of these lights brings most to the picture: a step of it is seen best."""
    light = transport.matrix * transport.levels({})
    shares = dict(
        zip(transport.fixtures, light[transport.reference & transport.known].sum(axis=0).tolist(), strict=True)
    )
    return max(names, key=lambda name: shares.get(name, 0.0))


def _unexplained(transport: Transport, zones: Zones, levels: Zones) -> Zones:
    """How far each zone is from what lights and room make of it, relatively, when each of them may give any share of
    what is known of it: a lamp that fails and a day that ends explain themselves; somebody before a zone does not, and
    another scene nowhere. The worst zones have no say in it. NaN: too dark to tell, or clipped."""
    parts = np.column_stack([transport.matrix * levels, np.maximum(transport.ambient, 1e-6)])
    usual = parts.sum(axis=1)
    found = np.full(zones.shape, np.nan)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(usual) & np.isfinite(zones) & (usual > DIM) & (zones > DIM)
    if known.sum() < FEWEST:
        return np.zeros(zones.shape)
    rows, seen = parts[known] / usual[known][:, None], zones[known] / usual[known]
    off = np.abs(np.log2(seen) - np.median(np.log2(seen)))
    none, much = np.zeros(rows.shape[1]), np.full(rows.shape[1], 1e3)
    shares = np.ones(rows.shape[1])
    for _ in range(4):
        near = off <= np.quantile(off, ALIKE)
        square = rows[near].T @ rows[near] + 1e-6 * np.eye(rows.shape[1])
        shares = bounded(square, rows[near].T @ seen[near] + 1e-6, none, much, shares)
        off = np.abs(rows @ shares / seen - 1)
    found[known] = off
    return found
