"""The picture's colour temperature held by the lights' own. Pure.

All lights that can are moved by the same *mired* (10⁶ / K): equal mired look equal whatever the kelvin, and a picture's
mired follows its lights' very nearly in proportion to their share of the light. The factor is measured when
commissioning, by one small step of all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agent.exposure.transport.matrix import Transport
from config.units import Text

AUTHORITY = 60.0
"""Mired either way of the look: from 5600 K to 4190 or 8430."""
TOLERANCE = 5.0
"""Mired a goal may be missed by before that is said: the least difference most people see side by side."""
LEAST_GAIN = 0.02
"""Mired of the picture per mired of the lights below which they do not rule its colour."""


class White(NamedTuple):
    """One light's colour temperature, kelvin: of the look, now, and what it can."""

    look: float
    now: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Colour:
    """``kelvin`` by light; ``mired``: the picture's to expect; ``missing``: mired it stays too warm (+) or too cold."""

    kelvin: Mapping[str, float]
    mired: float
    missing: float
    said: Text


def gains(transport: Transport, names: tuple[str, ...]) -> dict[str, float]:
    """Mired of the picture per mired of each of these lights: the factor of all, by their share of the light."""
    shares = {
        name: max(reach.share, 0.0)
        for name, reach in zip(transport.fixtures, transport.reach, strict=True)
        if name in names
    }
    whole = sum(shares.values())
    if transport.mired_gain is None or whole <= 0:
        return {}
    return {name: transport.mired_gain * share / whole for name, share in shares.items()}


def solve(
    gain: Mapping[str, float], lights: Mapping[str, White], picture: float, target: float, authority: float = AUTHORITY
) -> Colour:
    """One offset from the look for all ``lights``, each inside what it can and may, so that a ``picture`` of so many
    mired gets ``target``. A light that a hand holds is not among them."""
    spans = {}
    for name, white in lights.items():
        base = 1e6 / white.look
        spans[name] = (base, max(1e6 / white.high, base - authority), min(1e6 / white.low, base + authority))

    def at(offset: float) -> dict[str, float]:
        return {name: min(max(base + offset, low), high) for name, (base, low, high) in spans.items()}

    def seen(mireds: Mapping[str, float]) -> float:
        return picture + sum(gain.get(name, 0.0) * (each - 1e6 / lights[name].now) for name, each in mireds.items())

    if sum(gain.get(name, 0.0) for name in lights) < LEAST_GAIN:
        kelvin = {name: white.now for name, white in lights.items()}
        said = Text("These lights do not rule the picture's colour.", "这些灯具无法影响画面色温。")
        return Colour(kelvin, picture, picture - target, said)
    cold, warm = -authority, authority
    for _ in range(40):
        middle = (cold + warm) / 2
        if seen(at(middle)) < target:
            cold = middle
        else:
            warm = middle
    mireds = at((cold + warm) / 2)
    mired = seen(mireds)
    missing = mired - target
    said = Text("Reachable.", "可以达到。")
    if abs(missing) > TOLERANCE:
        said = Text(
            f"Not reachable with these lights: the picture stays {abs(missing):.0f} mired too "
            f"{'warm' if missing > 0 else 'cold'}.",
            f"现有灯光无法达到目标：画面色温仍偏{'暖' if missing > 0 else '冷'} {abs(missing):.0f}  mired。",
        )
    return Colour({name: 1e6 / each for name, each in mireds.items()}, mired, missing, said)
