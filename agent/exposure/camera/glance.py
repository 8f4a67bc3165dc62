"""What the loop keeps of a measured picture, and of those before it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

ZoneLight = npt.NDArray[np.floating]
"""Mean linear light of the 9 x 16 zones, 1.0 = the camera's white; NaN: clipped, so unknown."""

RECENT = 9
"""Pictures the rate they come at is read from."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One measured picture. ``ev``: stops from the target, negative = too dark; ``fault``: why not to trust it;
    ``zones``: ``None`` where only the whole was measured; ``clipped``: too much of it is burnt out; ``rate``: pictures
    to be measured per second; ``suspected``: the camera's own exposure may be at work; ``face``: linear light of the
    presenter's, ``None`` while none is seen."""

    ev: float
    captured: float
    fault: str = ""
    zones: ZoneLight | None = None
    mired: float | None = None
    clipped: bool = False
    rate: float = 8.0
    suspected: bool = False
    face: float | None = None


@dataclass(slots=True)
class Memory:
    """The last glances with what the loop's lights showed when they were looked at: enough to say what a light showed
    when the picture was taken."""

    kept: deque[tuple[float, Glance, Mapping[str, float]]] = field(default_factory=lambda: deque(maxlen=80))

    def add(self, now: float, glance: Glance, levels: Mapping[str, float]) -> None:
        """``levels``: what the lights show ``now``, share of full light."""
        self.kept.append((now, glance, dict(levels)))

    def shown(self, when: float) -> Mapping[str, float]:
        """What the lights showed at ``when``, drawn as a line between two looks at them; the nearest one outside."""
        before: tuple[float, Mapping[str, float]] | None = None
        for at, _, levels in self.kept:
            if at >= when:
                if before is None:
                    return levels
                span = at - before[0]
                part = (when - before[0]) / span if span > 0 else 1.0
                return {n: before[1].get(n, v) + part * (v - before[1].get(n, v)) for n, v in levels.items()}
            before = at, levels
        return before[1] if before is not None else {}

    def since(self, captured: float) -> list[Glance]:
        """Sound pictures with zones taken after that moment."""
        return [g for _, g, _ in self.kept if g.captured > captured and g.zones is not None and not g.fault]

    @property
    def interval(self) -> float:
        """Seconds from one picture to the next, as they really come: a hiccup does not count, another rate soon does.
        Before there are three, what the camera was asked for."""
        times = [glance.captured for _, glance, _ in self.kept][-RECENT:]
        gaps = sorted(b - a for a, b in pairwise(times) if b > a)
        if len(gaps) >= 2:
            return gaps[len(gaps) // 2]
        return 1.0 / self.kept[-1][1].rate if self.kept else 0.125

    def forget(self) -> None:
        """Another camera, another room."""
        self.kept.clear()
