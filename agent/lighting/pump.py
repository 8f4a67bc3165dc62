"""The beat of one output: asks the scene for the frame of *now* and sends it, on absolute due times."""

import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from agent.lighting.catchup import CatchUp
from agent.lighting.scene import Scene
from drivers.base import Identity, Output

GRACE = 0.0005
"""Seconds by which a due time may be met early, so that rounding of the wait does not cost a beat."""


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
    left: int = 0
    news: bool = False
    """The scene is another one since the last frame, and changes what is on the wire."""

    catching_up: CatchUp | None = None
    """Set while an output that was away is led back to the scene."""

    def caught_up(self, scene: Scene, universe: int, now: float) -> bytes:
        assert self.catching_up is not None
        frame, there = self.catching_up.frame(scene, now)
        if there:
            self.catching_up = None
        return frame

    def took(self, frame: bytes, now: float, period: float, repeats: int) -> None:
        """A frame has been sent. Its time is kept on the grid of the one before while the beat is held, so that
        lateness never adds up."""
        self.left = repeats - 1 if frame != self.frame else max(0, self.left - 1)
        self.frame = frame
        self.news = False
        lag = (now - self.sent) % period if self.sent > now - 10 * period else 0.0
        self.sent = now - lag if lag < period / 5 else now


class Pump:
    """Work of an output's lane. The loop hands over scenes with :meth:`show` (and wakes the lane); no queue.

    A changed frame goes out at once, but never faster than the output's ``max_hz``; while something fades, frames
    follow on an absolute grid; an unchanged frame is repeated as the protocol wants it (``repeats``, ``keepalive``).
    """

    def __init__(
        self,
        output: Output,
        universes: Sequence[int],
        scene: Scene,
        before: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        """``before``: frames these universes were last sent by another output; the lights are led on from there."""
        self._output = output
        self._lines = {universe: _Line(before.get(universe, b"")) for universe in universes}
        self._scene = scene
        self._lock = threading.Lock()
        self._late: deque[float] = deque(maxlen=2000)
        self._sent: deque[float] = deque(maxlen=500)
        self._frames = 0
        self._due = -math.inf
        self._told: Scene | None = None

    # --- any thread ------------------------------------------------------------------------------------------

    def show(self, scene: Scene) -> None:
        """Swap the scene (one reference; the pump reads it once a turn)."""
        self._scene = scene

    @property
    def has_sent(self) -> bool:
        """Whether every universe has been sent once since the device was opened."""
        return all(line.sent > -math.inf for line in self._lines.values())

    def wire(self, universe: int) -> bytes:
        """The frame last sent on a universe; ``b""`` before the first."""
        return self._lines[universe].frame

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

    # --- the lane's thread -----------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        """A device that comes back gets a frame at once: the one it had, led from there to where the lights are now."""
        self._lead(self._scene, now)
        for line in self._lines.values():
            line.sent = -math.inf
        self._due = -math.inf  # the outage was no lateness of ours

    def _lead(self, scene: Scene, now: float) -> None:
        """Every universe goes from the frame it has to where the scene is, at the slew limit."""
        for universe, line in self._lines.items():
            if line.frame:
                line.catching_up = CatchUp(scene, universe, line.frame, now)

    def turn(self, now: float) -> float:
        scene = self._scene
        refresh = self._output.refresh
        period = 1.0 / refresh.max_hz
        if self._due > -math.inf and now >= self._due:
            with self._lock:
                self._late.append(now - self._due)
        if scene is not self._told:
            if self._told is not None and scene.fixtures != self._told.fixtures:
                self._lead(scene, now)  # a reload: what is on the wire may be another light's by now
            self._told = scene
            for line in self._lines.values():
                line.news = True
        nearest = math.inf
        for universe, line in self._lines.items():
            # A frame is seen until the next one, so it shows where the fades will be by then. It also makes the first
            # frame of a fade differ from the one before: a command is on the wire at once, not a beat later.
            frame = (
                scene.frame(universe, now + period)
                if line.catching_up is None
                else line.caught_up(scene, universe, now)
            )
            changed = frame != line.frame
            line.news &= changed
            # What is new may go between two beats where the output can take it; what goes on, goes on the beat.
            gap = (refresh.min_gap or period) if line.news else period
            if now >= line.sent + (gap - GRACE if changed or line.left else refresh.keepalive):
                self._output.send(universe, frame)
                line.took(frame, now, period, refresh.repeats)
                with self._lock:
                    self._frames += 1
                    self._sent.append(now)
                changed, gap = False, period
            nearest = min(nearest, line.sent + (gap if changed or line.left else refresh.keepalive))
            if now < scene.settled or line.catching_up is not None:
                beats = math.floor((now - line.sent + GRACE) / period) + 1
                nearest = min(nearest, line.sent + beats * period)
        self._due = nearest
        return nearest
