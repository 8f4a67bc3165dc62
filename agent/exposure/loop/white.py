"""The law for the picture's colour: one pure step, in mired, as :mod:`agent.exposure.loop.law` is for its light.

All lights that can are moved by the same mired round their look; where to, :mod:`agent.exposure.transport.colour`
says from what was measured at commissioning. It waits while the light itself is being put right: one thing at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.exposure.loop.law import Law

START = 8.0
"""Mired of drift at which it begins to act (15 are an alarm) …"""
STOP = 3.0
"""… and below which it rests: about what people tell apart side by side."""
SLEW_ON_AIR = 0.5
SLEW_OFF_AIR = 10.0
"""Mired per second."""


@dataclass(frozen=True, slots=True)
class WhiteState:
    """``trims``: mired each light is from where the loop took it over; ``error``: mired the picture is too warm."""

    trims: Mapping[str, float] = field(default_factory=dict)
    acting: bool = False
    error: float = 0.0
    at: float = -1.0


def step(
    state: WhiteState, error: float, wishes: Mapping[str, float], law: Law, now: float, on_air: bool
) -> WhiteState:
    """``error``: mired the picture is too warm (+); ``wishes``: mired each light should still go."""
    elapsed = min(max(now - state.at, 0.0), 1.0) if state.at >= 0 else 0.0
    state = replace(state, error=error, at=now)
    acting = abs(error) > START if not state.acting else abs(error) >= STOP
    if not acting:
        return replace(state, acting=False)
    most = (SLEW_ON_AIR if on_air else SLEW_OFF_AIR) * elapsed
    moved = {name: min(max(law.gain * wish, -most), most) for name, wish in wishes.items()}
    return replace(state, acting=True, trims={name: state.trims.get(name, 0.0) + by for name, by in moved.items()})
