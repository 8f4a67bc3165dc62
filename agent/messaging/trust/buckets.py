"""Token buckets: how often one issuer may ask for one thing. Pure.

Memory is bounded by construction: only listed issuers have buckets of their own, and all others share one. An invented
name is therefore not a fresh allowance.
"""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """``each`` per second in the long run, ``burst`` at once."""

    each: float
    burst: float


@dataclass(slots=True)
class Bucket:
    """One allowance; full at first."""

    rate: Rate
    level: float
    at: float

    def fill(self, now: float) -> float:
        """What is in it now; a clock that goes back takes nothing away."""
        self.level = min(self.rate.burst, self.level + max(0.0, now - self.at) * self.rate.each)
        self.at = now
        return self.level

    def take(self, now: float) -> float:
        """0.0 and one token less, or the seconds until there is one."""
        if self.fill(now) >= 1.0:
            self.level -= 1.0
            return 0.0
        return (1.0 - self.level) / self.rate.each if self.rate.each else math.inf


@dataclass
class Buckets:
    """Buckets by name, made when first asked for."""

    _all: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def of(self, rate: Rate, now: float, *name: str) -> Bucket:
        """The bucket of this name. One whose rate has changed begins anew."""
        found = self._all.get(name)
        if found is None or found.rate != rate:
            found = self._all[name] = Bucket(rate, rate.burst, now)
        return found

    def __len__(self) -> int:
        return len(self._all)
