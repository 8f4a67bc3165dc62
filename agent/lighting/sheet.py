"""The sheet: the patch of some universes as arrays, so that thousands of slots are rendered in a few steps. Pure.

Rows are universes, in the order given; channels (one attribute of one light) are numbered row by row, so those of one
row are neighbours. What a row shows is one function of the channels' levels: :meth:`Sheet.rows`. It gives the same
bytes as :func:`firmware_profiles.render.render` does light by light, which stays the one definition of a profile;
channels with a curve that has no array form, and modes whose slots depend on several attributes, are rendered by it.

It is what goes to the output engine's process: no names, no profiles but those that are needed to render.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from config.units import SLOTS, Attribute
from firmware_profiles.channel import Channel
from firmware_profiles.curves import Curve, Dimming
from firmware_profiles.model import Personality
from firmware_profiles.render import decode, render

if TYPE_CHECKING:
    from agent.lighting.fade import Key
    from firmware_profiles.patch import Patched

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Slots = npt.NDArray[np.uint8]
Small = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

SLOT_OF: Mapping[Dimming, int] = {Curve.LINEAR: 0, Curve.SQUARE: 1, Curve.SQUARE_ROOT: 2}
"""Curves whose inverse has an array form; the others are asked channel by channel."""
SCALAR = 9


class Mix(NamedTuple):
    """A light whose slots depend on several attributes at once: rendered by its profile."""

    row: int
    offset: int
    personality: Personality
    attributes: tuple[Attribute, ...]
    first: int
    """Number of its first channel; the others follow."""


class Kinds(NamedTuple):
    """The channels there are, each once (a thousand lights of one model share theirs), as one number a kind."""

    channels: tuple[Channel, ...]
    first: Numbers
    last: Numbers
    start: Numbers
    end: Numbers
    mired: Bools
    curve: npt.NDArray[np.uint8]
    level: Numbers
    """What each value of an 8-bit slot means, a row a kind; of 16 bit: nothing."""


@dataclass(frozen=True, eq=False, slots=True)
class Sheet:
    """See the module. ``kind``, ``place`` and ``fine`` are one number a channel; the last two count slots over all
    rows, −1: none. ``owner``: whose each slot is, a number a light; 0: nobody's. ``held``: slots a profile fixes."""

    universes: tuple[int, ...]
    constants: Slots
    owner: npt.NDArray[np.uint16]
    held: Bools
    bounds: npt.NDArray[np.int32]
    kinds: Kinds
    kind: Small
    place: Small
    fine: Small
    mixes: tuple[Mix, ...]

    def __len__(self) -> int:
        return len(self.kind)

    def of_row(self, row: int) -> slice:
        """The channels of one universe."""
        return slice(int(self.bounds[row]), int(self.bounds[row + 1]))

    def coarse(self, rows: Indices) -> Bools:
        """Of these rows, the slots that are not the finer half of another one."""
        found = np.ones((len(rows), SLOTS), np.bool_)
        for slots, row in zip(found, rows.tolist(), strict=True):
            fine = self.fine[self.of_row(row)]
            slots[fine[fine >= 0] - row * SLOTS] = False
        return found

    def rows_of(self, numbers: Indices) -> Indices:
        """The rows these channels are in."""
        return np.searchsorted(self.bounds, numbers, "right") - 1

    def is_straight(self, which: Indices, *levels: Numbers) -> Bools:
        """Which of these channels have slot values that are straight in the level, as far as ``levels`` go."""
        kind, kinds = self.kind[which], self.kinds
        start, end = kinds.start[kind], kinds.end[kind]
        low, high = np.minimum(start, end), np.maximum(start, end)
        straight = (kinds.curve[kind] == SLOT_OF[Curve.LINEAR]) & ~kinds.mired[kind] & (self.place[which] >= 0)
        for each in levels:
            straight &= (low <= each) & (each <= high)
        return np.asarray(straight, np.bool_)

    def exact(self, which: Indices, levels: Numbers) -> Numbers:
        """Slot values of straight channels (:meth:`is_straight`) before they are rounded."""
        kind, kinds = self.kind[which], self.kinds
        first, start = kinds.first[kind], kinds.start[kind]
        share = (levels - start) / (kinds.end[kind] - start)
        return np.asarray(first + share * (kinds.last[kind] - first), np.float64)

    def raw(self, which: "slice | Indices", levels: Numbers) -> npt.NDArray[np.int64]:
        """Slot values of these channels at ``levels``: :meth:`firmware_profiles.channel.Channel.raw`, many at once."""
        kind = self.kind[which]
        kinds = self.kinds
        first, last, start, end = kinds.first[kind], kinds.last[kind], kinds.start[kind], kinds.end[kind]
        level = np.minimum(np.maximum(levels, np.minimum(start, end)), np.maximum(start, end))
        share = (level - start) / (end - start)
        mired = kinds.mired[kind]
        if mired.any():
            a, b = start[mired], end[mired]
            share[mired] = (1 / level[mired] - 1 / a) / (1 / b - 1 / a)
        np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)  # as np.clip, which costs three times as much
        curve = kinds.curve[kind]
        if (squared := curve == SLOT_OF[Curve.SQUARE]).any():
            share[squared] = np.sqrt(share[squared])
        if (rooted := curve == SLOT_OF[Curve.SQUARE_ROOT]).any():
            share[rooted] *= share[rooted]
        raw = (first + np.floor(share * (last - first) + 0.5)).astype(np.int64)
        if (scalar := np.flatnonzero(curve == SCALAR)).size:
            raw[scalar] = [kinds.channels[kind[i]].raw(float(levels[i])) for i in scalar]
        return raw

    def level(self, which: Indices, raw: npt.NDArray[np.int64]) -> Numbers:
        """Levels of these channels at slot values: :meth:`firmware_profiles.channel.Channel.level`, many at once."""
        kind, kinds = self.kind[which], self.kinds
        first, last, start, end = kinds.first[kind], kinds.last[kind], kinds.start[kind], kinds.end[kind]
        share = (np.minimum(np.maximum(raw, first), last) - first) / (last - first)
        curve, mired = kinds.curve[kind], kinds.mired[kind]
        if (squared := curve == SLOT_OF[Curve.SQUARE]).any():
            share[squared] *= share[squared]
        if (rooted := curve == SLOT_OF[Curve.SQUARE_ROOT]).any():
            share[rooted] = np.sqrt(share[rooted])
        levels = start + share * (end - start)
        if mired.any():
            a, b = start[mired], end[mired]
            levels[mired] = 1 / (1 / a + share[mired] * (1 / b - 1 / a))
        levels = np.minimum(np.maximum(levels, np.minimum(start, end)), np.maximum(start, end))
        for i in np.flatnonzero(curve == SCALAR):
            levels[i] = kinds.channels[kind[i]].level(int(raw[i]))
        return np.asarray(levels, np.float64)

    def put(self, frames: Slots, which: "slice | Indices", levels: Numbers, origin: int = 0) -> None:
        """Write these channels at ``levels`` into ``frames``: whole rows, contiguous, from slot ``origin`` on."""
        flat = frames.reshape(-1)
        raw = self.raw(which, levels)
        place, fine = self.place[which], self.fine[which]
        wide = fine >= 0
        if wide.any():
            flat[fine[wide] - origin] = raw[wide] & 0xFF
            raw[wide] >>= 8
        if self.mixes:
            there = place >= 0
            raw, place = raw[there], place[there]
        flat[place - origin] = raw

    def put_one(self, slots: Slots, number: int, level: float) -> None:
        """Write one channel into the slots of all rows."""
        raw = self.kinds.channels[self.kind[number]].raw(level)
        fine = self.fine[number]
        if fine >= 0:
            slots[fine] = raw & 0xFF
            raw >>= 8
        slots[self.place[number]] = raw

    def put_mix(self, row: Slots, mix: Mix, levels: Numbers) -> None:
        """Write one light that its profile renders into its row; ``levels``: of its own channels."""
        slots = render(mix.personality, dict(zip(mix.attributes, levels.tolist(), strict=True)))
        row[mix.offset : mix.offset + len(slots)] = np.frombuffer(slots, np.uint8)

    def put_mixes(self, frames: Slots, levels: Numbers, rows: frozenset[int] | None = None) -> None:
        """Write all such lights, or those of some rows, into all rows. ``levels``: of all channels."""
        for mix in self.mixes:
            if rows is None or mix.row in rows:
                self.put_mix(frames[mix.row], mix, levels[mix.first : mix.first + len(mix.attributes)])

    def rows(self, levels: Numbers) -> Slots:
        """All universes with every channel at its level."""
        frames = self.constants.copy()
        self.put(frames, slice(0, len(self)), levels)
        self.put_mixes(frames, levels)
        return frames

    def one_row(self, row: int, levels: Numbers) -> Slots:
        """One universe with its channels (:meth:`of_row`) at their levels: 512 slots."""
        which = self.of_row(row)
        frame: Slots = self.constants[row].copy()
        self.put(frame, which, levels, row * SLOTS)
        for mix in self.mixes:
            if mix.row == row:
                first = mix.first - which.start
                self.put_mix(frame, mix, levels[first : first + len(mix.attributes)])
        return frame

    def channels_of(self, row: int, slots: Bools) -> Bools:
        """Which of a row's channels have their (coarse) slot among these."""
        which = self.of_row(row)
        place = self.place[which] - row * SLOTS
        found = np.where(self.place[which] >= 0, slots[np.clip(place, 0, SLOTS - 1)], False)
        for mix in self.mixes:
            if mix.row == row:
                first = mix.first - which.start
                whole = slots[mix.offset : mix.offset + mix.personality.footprint].all()
                found[first : first + len(mix.attributes)] = whole
        return found

    def decoded(self, row: int, frame: bytes) -> Numbers:
        """The levels of one row's channels that show as ``frame``."""
        which = self.of_row(row)
        slots = np.frombuffer(frame, np.uint8)
        kind, place, fine = self.kind[which], self.place[which] - row * SLOTS, self.fine[which]
        # Wide channels are done anew below, and what has no place of its own is a mix.
        levels = self.kinds.level[kind, slots[np.maximum(place, 0)]]
        wide = np.flatnonzero(fine >= 0)
        if wide.size:
            raw = slots[place[wide]].astype(np.int64) << 8 | slots[fine[wide] - row * SLOTS]
            levels[wide] = self.level(wide + which.start, raw)
        for mix in self.mixes:
            if mix.row == row:
                found = decode(mix.personality, frame[mix.offset : mix.offset + mix.personality.footprint])
                for number, attribute in enumerate(mix.attributes, mix.first - which.start):
                    levels[number] = found[attribute]
        return levels


def lay_out(fixtures: "Mapping[str, Patched]", universes: Sequence[int]) -> "tuple[Sheet, dict[Key, int]]":
    """The sheet of these universes, and the number of every channel on it."""
    rows = {universe: row for row, universe in enumerate(universes)}
    constants = np.zeros((len(rows), SLOTS), np.uint8)
    owner, held = np.zeros((len(rows), SLOTS), np.uint16), np.zeros((len(rows), SLOTS), np.bool_)
    numbers: dict[Key, int] = {}
    kinds: dict[Channel, int] = {}
    where: list[tuple[int, int, int]] = []
    mixes: list[Mix] = []
    bounds = [0]
    of_row: dict[int, list[Patched]] = {row: [] for row in rows.values()}
    for light in fixtures.values():
        if light.universe in rows:
            of_row[rows[light.universe]].append(light)
    for row, lights in of_row.items():
        for number, light in enumerate(lights, 1):
            offset = light.address - 1
            mode = light.personality
            constants[row, offset : light.last] = np.frombuffer(mode.constants, np.uint8)
            owner[row, offset : light.last] = number
            held[row, offset : light.last] = np.frombuffer(mode.held, np.bool_)
            mixes += [] if mode.separable else [Mix(row, offset, mode, mode.attributes, len(where))]
            flat = row * SLOTS + offset
            for attribute in mode.attributes:
                numbers[light.name, attribute] = len(where)
                channel = mode.channels[attribute] if mode.separable else _nowhere(mode, attribute)
                kind = kinds.setdefault(channel, len(kinds))
                fine = -1 if channel.fine is None else flat + channel.fine
                where.append((kind, flat + channel.coarse, fine) if mode.separable else (kind, -1, -1))
        bounds.append(len(where))
    places = np.array(where, np.int32).reshape(-1, 3).T.copy()
    values = np.array([(c.first, c.last, c.start, c.end) for c in kinds], np.float64).reshape(-1, 4).T.copy()
    mired = np.array([c.mired for c in kinds], np.bool_)
    curve = np.array([SLOT_OF.get(c.curve, SCALAR) for c in kinds], np.uint8)
    level = np.zeros((len(kinds), 256))
    for channel, number in kinds.items():
        if channel.fine is None:
            level[number] = [channel.level(raw) for raw in range(256)]
    sheet = Sheet(
        tuple(rows),
        constants,
        owner,
        held,
        np.array(bounds, np.int32),
        Kinds(tuple(kinds), values[0], values[1], values[2], values[3], mired, curve, level),
        places[0],
        places[1],
        places[2],
        tuple(mixes),
    )
    return sheet, numbers


def _nowhere(mode: Personality, attribute: Attribute) -> Channel:
    """A number's place in the arrays for what has no slots of its own."""
    low, high = mode.ranges[attribute]
    return Channel(attribute, 0, None, 0, 1, low, high, low)
