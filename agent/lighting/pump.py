"""The beat of one output: asks its part for the frames of *now* and sends them, on absolute due times."""

import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.lighting.catchup import LONGEST, CatchUp
from agent.lighting.console import Console
from agent.lighting.part import Part
from agent.lighting.sheet import Indices, Slots
from config.units import SLOTS
from drivers.base import Beat, Identity, Many, Output

Bools = npt.NDArray[np.bool_]

GRACE = 0.0005
"""Seconds by which a due time may be met early, so that rounding of the wait does not cost a beat."""

FORGOTTEN = 10
"""So many beats without a frame, and the beat begins anew with the next one."""

PLAIN = 4
"""A slot that moves no further than so many steps between two frames is no throw: nothing else is looked at."""

MANY = 8
"""From so many frames on it is quicker to hand them over together."""


class BeatFigures(NamedTuple):
    """How the output kept its beat lately: frames sent in all, lateness of due frames (ms), widest gap (s)."""

    frames: int
    late_p50_ms: float
    late_p99_ms: float
    widest_gap: float
    rate: float


@dataclass(slots=True)
class _Led:
    """A universe that is led back to the scene after its output was away, or that follows a console."""

    catch_up: CatchUp
    console: Console | None = None
    chasing: bool = True
    """It has not arrived yet."""


class Pump:
    """Work of an output's lane. Others hand over parts with :meth:`play` (and wake the lane); no queue.

    A changed frame goes out at once, but never faster than the output's ``max_hz``; where the output can take a frame
    between two beats (``min_gap``) that is so on average: the beat after it is left out. While something fades, frames
    follow on an absolute grid, one for all universes; a beat that was missed is left out, never made up for. An
    unchanged frame is repeated as the protocol wants it (``repeats``, ``keepalive``).
    """

    def __init__(self, output: Output, part: Part, before: Mapping[int, bytes] = MappingProxyType({})) -> None:
        """``before``: frames these universes were last sent by another output; the lights are led on from there."""
        self._output = output
        self._together = output if isinstance(output, Beat) else None
        self._many = output if isinstance(output, Many) else None
        self._part = part
        self._told: Part | None = None
        self._universes = part.sheet.universes
        size = len(self._universes)
        # One entry a universe each: what is done 256 times a beat is done by arrays.
        self._wire, self._known = np.zeros((size, SLOTS), np.uint8), np.zeros(size, np.bool_)
        for row, universe in enumerate(self._universes):
            if frame := before.get(universe):
                self._wire[row, : len(frame)] = np.frombuffer(frame, np.uint8)
                self._known[row] = True
        self._left_at = np.full(size, -math.inf)
        self._due_at = np.full(size, -math.inf)
        """When the next frame may go so that the beat is not exceeded on average (GCRA's theoretical arrival time)."""
        self._repeats = np.zeros(size, np.int32)
        """How often the frame is to be said again."""
        self._news = np.zeros(size, np.bool_)
        """The part is another one since the last frame, and changes what is on the wire."""
        self._fresh = np.zeros(size, np.bool_)
        self._led: dict[int, _Led] = {}
        self._lock = threading.Lock()
        self._late: deque[float] = deque(maxlen=2000)
        self._sent: deque[float] = deque(maxlen=500)
        self._frames = 0
        self._due = -math.inf
        self._looked = -math.inf
        """When the last turn was."""
        self._beat = -math.inf
        self._show_at = math.inf
        """When what was sent is to be shown, on an output whose universes change together."""
        self._ready: tuple[Part | None, float, bool, Slots] = (None, 0.0, False, self._wire)
        """A part, a time, whether it is still by then, and its frames then."""
        self._still = False
        self._consoles: Mapping[int, Console | None] = {}
        self._followed: Mapping[int, Console | None] = self._consoles
        self.arrived = False
        """Whether the frames sent last are those that stay."""
        self.has_sent = False
        """Whether every universe has been sent once since the device was opened."""

    # --- any thread ------------------------------------------------------------------------------------------

    def play(self, part: Part) -> None:
        """Swap the part (one reference; the pump reads it once a turn)."""
        self._part = part

    def follow(self, universe: int, console: Console | None) -> None:
        """A console holds this universe from now on; ``None``: nobody does. By one thread at a time."""
        self._consoles = {**self._consoles, universe: console}

    def wire(self, universe: int) -> bytes:
        """The frame last sent on a universe; ``b""`` before the first."""
        row = self._universes.index(universe)
        return self._wire[row].tobytes() if self._known[row] else b""

    @property
    def led(self) -> bool:
        """Whether a universe is still on its way to where the scene is."""
        return bool(self._led)

    def figures(self, now: float) -> BeatFigures:
        with self._lock:
            late = sorted(self._late)
            sent = [when for when in self._sent if when > now - 5.0]
            frames = self._frames
        gaps = [b - a for a, b in pairwise(sent)]
        if sent:
            gaps.append(now - sent[-1])
        span = max(now - sent[0], 1e-9) if sent else 1.0
        return BeatFigures(
            frames,
            late[len(late) // 2] * 1e3 if late else 0.0,
            late[min(len(late) - 1, int(len(late) * 0.99))] * 1e3 if late else 0.0,
            max(gaps, default=0.0),
            len(sent) / span / max(len(self._universes), 1),
        )

    def fresh(self) -> dict[int, bytes]:
        """On the lane's thread: the frames that are others since this was asked last."""
        rows = np.flatnonzero(self._fresh)
        self._fresh[rows] = False
        return {self._universes[row]: self._wire[row].tobytes() for row in rows.tolist()}

    # --- the lane's thread -----------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        """A device that comes back gets a frame at once: the one it had, led from there to where the lights are now."""
        self._lead(self._part, now)
        self._told = self._part
        self._left_at[:] = self._due_at[:] = -math.inf
        self.has_sent = False
        self._due = -math.inf  # the outage was no lateness of ours
        self._show_at = math.inf

    def turn(self, now: float) -> float:
        if self._together is not None and now >= self._show_at:
            self._show_at = math.inf
            self._together.show()
            if now < self._due and self._part is self._told and self._consoles is self._followed:
                return self._due  # that was all: the frames keep their times
        refresh = self._output.refresh
        period = 1.0 / refresh.max_hz
        if self._due > -math.inf and now >= self._due:
            with self._lock:
                self._late.append(now - self._due)
        fresh = self._part is not self._told
        part = self._take_up(now)
        on_beat = now >= self._beat + period - GRACE
        if on_beat:
            passed = now - self._beat
            self._beat = now if passed > FORGOTTEN * period else self._beat + (passed + GRACE) // period * period
        # A frame is seen until the next one, so it shows where the fades will be by then. It also makes the first
        # frame of a fade differ from the one before: a command is on the wire at once, not a beat later.
        frames = self._frames_at(part, (self._beat if on_beat else now) + period)
        ahead = period if refresh.min_gap else 0.0
        going = now < part.settled
        if self._consoles is not self._followed:
            self._take_consoles(part, frames, now)
        if now - self._looked > LONGEST:
            self._after_pause(part, frames, now, period)
        self._looked = now
        if self._led:
            frames, under_way = self._lead_on(part, frames, now, on_beat)
            going = going or under_way
        elif fresh and part.few and self.has_sent:
            self._at_once(part, frames, now, ahead, self._beat if on_beat else now)
        changed = self._differing(frames)
        news = self._news
        news &= changed
        # What is new may go between two beats where the output can take it, in the place of a later frame; what goes
        # on, goes on the beat.
        soonest = self._due_at
        if news.any():
            soonest = np.where(news, np.maximum(soonest - ahead, self._left_at + refresh.min_gap), soonest)
        goes = (soonest <= now + GRACE) & (changed | (self._repeats > 0))
        if not on_beat:
            goes &= news
        goes |= self._left_at + refresh.keepalive <= now
        rows = np.flatnonzero(goes)
        if rows.size:
            self._send(rows, frames, changed[rows], self._beat if on_beat else now, now)
            changed[rows] = news[rows] = False
        nearest = float(self._left_at.min()) + refresh.keepalive
        if news.any():
            nearest = min(nearest, float(soonest[news].min()))
        on_its_way = bool(changed.any())
        self.arrived = self._still and not on_its_way and not any(each.chasing for each in self._led.values())
        going = going or on_its_way or bool(self._repeats.any())
        self._due = min(nearest, self._beat + period) if going else nearest
        if going:
            self._render(part, self._beat + period + period)  # now there is time; when the beat is due there is none
        return min(self._due, self._show_at)

    def _differing(self, frames: Slots) -> Bools:
        """The universes whose frame is not the one on the wire."""
        differing = np.asarray((frames.view(np.uint64) != self._wire.view(np.uint64)).any(axis=1), np.bool_)
        return differing if self.has_sent else differing | ~self._known

    def _at_once(self, part: Part, frames: Slots, now: float, ahead: float, when: float) -> None:
        """What a person's command moves goes first: what else there is to do takes longer than sending it."""
        gap = self._output.refresh.min_gap
        rows = []
        for row in sorted({part.sheet.place.item(number) // SLOTS for number in part.few}):
            soonest = max(self._due_at.item(row) - ahead, self._left_at.item(row) + gap)
            if now + GRACE >= soonest and (frame := frames[row].tobytes()) != self._wire[row].tobytes():
                self._output.send(self._universes[row], frame)
                rows.append(row)
        if rows:
            self._sent_now(np.array(rows), frames, np.ones(len(rows), np.bool_), when, now)

    def _send(self, rows: Indices, frames: Slots, changed: Bools, when: float, now: float) -> None:
        """These rows' frames, and what is known of them then. What ``send`` raises."""
        if self._many is not None and rows.size >= MANY:
            self._many.send_rows(self._universes, frames, rows)
        else:
            for row in rows.tolist():
                self._output.send(self._universes[row], frames[row].tobytes())
        self._sent_now(rows, frames, changed, when, now)

    def _sent_now(self, rows: Indices, frames: Slots, changed: Bools, when: float, now: float) -> None:
        if self._together is not None:
            self._show_at = self._together.flush()
        if rows.size == len(frames):
            self._wire = frames
        else:
            wire = self._wire.copy()  # others may be reading it
            wire[rows] = frames[rows]
            self._wire = wire
        again = self._output.refresh.repeats - 1
        self._repeats[rows] = np.where(changed, again, np.maximum(self._repeats[rows] - 1, 0))
        self._fresh[rows] |= changed
        self._left_at[rows] = when
        self._due_at[rows] = np.maximum(self._due_at[rows], when) + 1.0 / self._output.refresh.max_hz
        with self._lock:
            self._frames += rows.size
            self._sent.extend([now] * rows.size)
        if not self.has_sent:
            self._known[rows] = True
            self.has_sent = bool((self._left_at > -math.inf).all())

    def _frames_at(self, part: Part, when: float) -> Slots:
        """Every row's frame at ``when``; mostly there already."""
        if self._ready[0] is not part or self._ready[1] != when:
            self._render(part, when)
        self._still = self._ready[2]
        return self._ready[3]

    def _render(self, part: Part, when: float) -> None:
        frames = part.frames(when)
        self._ready = (part, when, frames is part.still, frames)

    # --- inside ----------------------------------------------------------------------------------------------

    def _take_up(self, now: float) -> Part:
        """The part to play now, and what of it is new."""
        part, told = self._part, self._told
        if part is not told:
            if told is not None and part.sheet is not told.sheet:
                self._lead(part, now)  # a reload: what is on the wire may be another light's by now
            self._told = part
            self._news[:] = True
        return part

    def _take_consoles(self, part: Part, frames: Slots, now: float) -> None:
        self._followed = self._consoles
        for row, universe in enumerate(self._universes):
            console = self._followed.get(universe)
            led = self._led.get(row)
            if console is not (led.console if led else None):
                self._news[row] = True
                if led is None:
                    there = self._wire if self._known[row] else frames
                    led = self._led[row] = _Led(CatchUp(part, row, there[row].tobytes(), now))
                led.console = console
                led.catch_up.aim(part, console)

    def _after_pause(self, part: Part, frames: Slots, now: float, period: float) -> None:
        """The process, or the machine, may have stood still while the scene went on; so may the lights have been at
        rest. Only the frames tell: universes that would be thrown further than a light moves between two are led."""
        others = np.flatnonzero(self._known & self._differing(frames))
        if not others.size:
            return
        step = np.abs(frames[others].astype(np.int16) - self._wire[others]) * part.sheet.coarse(others)
        most = part.rates * max(LONGEST, 1.5 * period)
        thrown = []
        for row in others[step.max(axis=1) > PLAIN].tolist():
            which = part.sheet.of_row(row)
            before, after = (part.sheet.decoded(row, each[row].tobytes()) for each in (self._wire, frames))
            if row not in self._led and bool((np.abs(after - before) > most[which]).any()):
                thrown.append(row)
        self._lead(part, now - period, thrown)

    def _lead(self, part: Part, now: float, rows: Sequence[int] | None = None) -> None:
        """These universes, or all, go from the frame they have to where the scene is, at the slew limit."""
        for row in np.flatnonzero(self._known).tolist() if rows is None else rows:
            before = self._led.get(row)
            console = before.console if before is not None else None
            held = part.fixed[row].copy() if part.fixed is not None else np.zeros(SLOTS, np.bool_)
            if self._told is not None:
                held |= self._told.sheet.held[row]
            if before is not None:
                held |= before.catch_up.kept
            led = self._led[row] = _Led(CatchUp(part, row, self._wire[row].tobytes(), now, held), console)
            led.catch_up.aim(part, console)

    def _lead_on(self, part: Part, frames: Slots, now: float, on_beat: bool) -> tuple[Slots, bool]:
        """The frames with those of led universes in their place, and whether one of these is under way."""
        frames, under_way = frames.copy(), False
        for row, led in tuple(self._led.items()):
            if on_beat or self._news[row] or self._left_at[row] == -math.inf:
                frame, there = led.catch_up.frame(part, now, self._wire[row])
                frames[row] = np.frombuffer(frame, np.uint8)
                led.chasing = not there
                if there and led.console is None and not led.catch_up.keeps and not part.stopped:
                    del self._led[row]
                under_way |= led.chasing
            else:
                frames[row] = self._wire[row]
                under_way |= led.chasing
        return frames, under_way
