"""Holds the picture's colour with the lights' colour temperature, round what it was when the loop took hold."""

from collections import deque

from agent.exposure.camera.glance import Glance
from agent.exposure.loop import white
from agent.exposure.loop.hands import Hands
from agent.exposure.loop.law import Law
from agent.exposure.loop.white import WhiteState
from agent.exposure.transport.colour import White, gains, solve
from agent.exposure.transport.matrix import Transport

PICTURES = 8
"""So many tell the colour to be held."""


class Balance:
    """``error``: mired the picture is too warm against what it was; ``None``: nobody holds it."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._state = WhiteState()
        self._first: deque[float] = deque(maxlen=PICTURES)
        self._target: float | None = None

    @property
    def error(self) -> float | None:
        return None if self._target is None else self._state.error

    def begin(self) -> None:
        """Start afresh: the picture is as it should be now."""
        self._state = WhiteState()
        self._first.clear()
        self._target = None

    def turn(self, transport: Transport, glance: Glance, law: Law, now: float, on_air: bool) -> None:
        """One picture while its light is right."""
        mired = glance.mired
        lights = self._hands.whites(now)
        gain = gains(transport, tuple(lights))
        if mired is None or mired != mired or not gain:
            return
        if self._target is None:
            self._first.append(mired)
            if len(self._first) == PICTURES:
                self._target = sorted(self._first)[PICTURES // 2]
            return
        found = solve(gain, {name: White(*each) for name, each in lights.items()}, mired, self._target)
        wishes = {name: 1e6 / kelvin - 1e6 / lights[name][1] for name, kelvin in found.kelvin.items()}
        before = self._state
        self._state = white.step(before, mired - self._target, wishes, law, now, on_air)
        if self._state.acting:
            self._hands.tint(self._state.trims, now)
