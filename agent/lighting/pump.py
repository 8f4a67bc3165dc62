"""The beat of one output: asks its part for the frames of *now* and sends them, on absolute due times."""

import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from agent.lighting.catchup import CatchUp
from agent.lighting.console import Console
from agent.lighting.part import Part
from drivers.base import Beat, Identity, Output

GRACE = 0.0005
"""Seconds by which a due time may be met early, so that rounding of the wait does not cost a beat."""

FORGOTTEN = 10
"""So many beats without a frame, and the beat begins anew with the next one."""


class BeatFigures(NamedTuple):
    """How the output kept its beat lately: frames sent in all, lateness of due frames (ms), widest gap (s)."""

    frames: int
    late_p50_ms: float
    late_p99_ms: float
    widest_gap: float
    rate: float


@dataclass(slots=True)
class _Line:
    """What is known of one universe on the wire."""

    frame: bytes = b""
    sent: float = -math.inf
    due: float = -math.inf
    """When the next frame may go so that the beat is not exceeded on average (the GCRA's theoretical arrival time)."""
    left: int = 0
    news: bool = False
    """The part is another one since the last frame, and changes what is on the wire."""

    catching_up: CatchUp | None = None
    """Set while an output that was away is led back to the scene, or follows a console."""

    chasing: bool = True
    """It has not arrived yet."""

    console: Console | None = None
    """Who holds the universe."""


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
        self._part = part
        self._told: Part | None = None
        self._lines = {universe: _Line(before.get(universe, b"")) for universe in part.sheet.universes}
        self._lock = threading.Lock()
        self._late: deque[float] = deque(maxlen=2000)
        self._sent: deque[float] = deque(maxlen=500)
        self._frames = 0
        self._due = -math.inf
        self._beat = -math.inf
        self._ready: tuple[Part | None, float, bool, Sequence[bytes]] = (None, 0.0, False, ())
        """A part, a time, whether it is still by then, and its frames then."""
        self._still = False
        self._consoles: Mapping[int, Console | None] = {}
        self._followed: Mapping[int, Console | None] = self._consoles
        self._fresh: set[int] = set()
        self.arrived = False
        """Whether the frames sent last are those that stay."""

    # --- any thread ------------------------------------------------------------------------------------------

    def play(self, part: Part) -> None:
        """Swap the part (one reference; the pump reads it once a turn)."""
        self._part = part

    def follow(self, universe: int, console: Console | None) -> None:
        """A console holds this universe from now on; ``None``: nobody does. By one thread at a time."""
        self._consoles = {**self._consoles, universe: console}

    @property
    def has_sent(self) -> bool:
        """Whether every universe has been sent once since the device was opened."""
        return all(line.sent > -math.inf for line in self._lines.values())

    def wire(self, universe: int) -> bytes:
        """The frame last sent on a universe; ``b""`` before the first."""
        return self._lines[universe].frame

    @property
    def led(self) -> bool:
        """Whether a universe is still on its way to where the scene is."""
        return any(line.catching_up is not None for line in self._lines.values())

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
            len(sent) / span / max(len(self._lines), 1),
        )

    def fresh(self) -> dict[int, bytes]:
        """On the lane's thread: the frames that are others since this was asked last."""
        universes, self._fresh = self._fresh, set()
        return {universe: self._lines[universe].frame for universe in universes}

    # --- the lane's thread -----------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        """A device that comes back gets a frame at once: the one it had, led from there to where the lights are now."""
        self._lead(self._part, now)
        self._told = self._part
        for line in self._lines.values():
            line.sent = line.due = -math.inf
        self._due = -math.inf  # the outage was no lateness of ours

    def turn(self, now: float) -> float:
        refresh = self._output.refresh
        period = 1.0 / refresh.max_hz
        if self._due > -math.inf and now >= self._due:
            with self._lock:
                self._late.append(now - self._due)
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
        nearest = math.inf
        frames_sent = 0
        arrived = self._still
        for row, (universe, line) in enumerate(self._lines.items()):
            if line.catching_up is None:
                frame = frames[row]
                changed = frame != line.frame
            elif on_beat or line.news or line.sent == -math.inf:
                frame, there = line.catching_up.frame(part, now)
                line.catching_up = None if there and line.console is None else line.catching_up
                changed = frame != line.frame
                line.chasing = not there
                going = going or line.chasing
            else:
                frame, changed = line.frame, False
                going = going or line.console is None or line.chasing
            line.news &= changed
            # What is new may go between two beats where the output can take it, in the place of a later frame; what
            # goes on, goes on the beat.
            on_its_way = changed or line.left > 0
            soonest = max(line.due - ahead, line.sent + refresh.min_gap) if line.news else line.due
            if (on_its_way and (on_beat or line.news) and now >= soonest - GRACE) or (
                now >= line.sent + refresh.keepalive
            ):
                self._output.send(universe, frame)
                line.left = refresh.repeats - 1 if changed else max(0, line.left - 1)
                if changed:
                    self._fresh.add(universe)
                line.frame = frame
                line.sent = self._beat if on_beat else now
                line.due = max(line.due, line.sent) + period
                line.news = changed = False
                frames_sent += 1
                on_its_way = line.left > 0
            arrived = arrived and not changed and (line.catching_up is None or not line.chasing)
            if line.news:
                nearest = min(nearest, soonest)
            going = going or on_its_way
            nearest = min(nearest, line.sent + refresh.keepalive)
        if frames_sent:
            if self._together is not None:
                self._together.flush()
            with self._lock:
                self._frames += frames_sent
                self._sent.extend([now] * frames_sent)
        self.arrived = arrived
        self._due = min(nearest, self._beat + period) if going else nearest
        if going:
            self._render(part, self._beat + period + period)  # now there is time; when the beat is due there is none
        return self._due

    def _frames_at(self, part: Part, when: float) -> Sequence[bytes]:
        """Every row's frame at ``when``; mostly there already."""
        if self._ready[0] is not part or self._ready[1] != when:
            self._render(part, when)
        self._still = self._ready[2]
        return self._ready[3]

    def _render(self, part: Part, when: float) -> None:
        frames = part.frames(when)
        self._ready = (part, when, frames is part.still, [row.tobytes() for row in frames])

    # --- inside ----------------------------------------------------------------------------------------------

    def _take_up(self, now: float) -> Part:
        """The part to play now, and what of it is new."""
        part, told = self._part, self._told
        if part is not told:
            if told is not None and part.sheet is not told.sheet:
                self._lead(part, now)  # a reload: what is on the wire may be another light's by now
            self._told = part
            for line in self._lines.values():
                line.news = True
        return part

    def _take_consoles(self, part: Part, frames: Sequence[bytes], now: float) -> None:
        self._followed = self._consoles
        for row, (universe, line) in enumerate(self._lines.items()):
            console = self._followed.get(universe)
            if console is not line.console:
                line.console = console
                line.news = True
                line.catching_up = line.catching_up or CatchUp(part, row, line.frame or frames[row], now)
                line.catching_up.aim(part, console)

    def _lead(self, part: Part, now: float) -> None:
        """Every universe goes from the frame it has to where the scene is, at the slew limit."""
        for row, line in enumerate(self._lines.values()):
            if line.frame:
                line.catching_up = CatchUp(part, row, line.frame, now)
                line.catching_up.aim(part, line.console)
