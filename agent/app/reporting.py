"""Report by exception: a group of numbers is published when one of them has left its dead band since it was last
published, and at the latest after the group's longest interval. Pure: numbers and times in, yes or no out.

A dead band is how far a number may wander unsaid, in its own unit. What is published are always all numbers of the
group, so that an exporter that knows nothing of this sees each of them. Between a number and *not measured* lies no
band.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.messaging.commands import Group, RateArgs
from agent.messaging.numbers import NUMBERS
from agent.messaging.payloads import Rate
from config.model import StudioConfig, TelemetrySection
from config.problems import Problem, nearest

Numbers = Mapping[str, float | int | None]
EARLY = 0.02
"""Seconds by which a look may come early: its timer is not exact."""


@dataclass(slots=True)
class _Told:
    numbers: dict[str, float | int | None]
    at: float


class Reporter:
    """When to look at a group, and whether what is seen is worth saying. Times are monotonic seconds."""

    def __init__(self, section: TelemetrySection) -> None:
        self._section = section
        self.rates = configured(section)
        self._looked: dict[str, float] = {}
        self._told: dict[str, _Told] = {}

    def use(self, section: TelemetrySection) -> None:
        """The configuration's word, where that has been read anew; what was set remotely is over then."""
        if section is not self._section:
            self._section = section
            self.rates = configured(section)

    def set(self, groups: Mapping[Group, RateArgs], reset: bool) -> None:
        """What somebody asks for until the next start or reload."""
        if reset:
            self.rates = configured(self._section)
        for group, asked in groups.items():
            now = self.rates[group]
            longest = now.max_interval if asked.max_interval is None else asked.max_interval
            interval = now.interval if asked.interval is None else asked.interval
            bands = {**now.dead_bands, **asked.dead_bands}
            self.rates[group] = Rate(interval=interval, max_interval=max(interval, longest), dead_bands=bands)

    @property
    def pause(self) -> float:
        """Seconds between two rounds of looks."""
        return min(rate.interval for rate in self.rates.values())

    def due(self, group: str, now: float) -> bool:
        """Whether it is time to look at this group."""
        looked = self._looked.get(group)
        if looked is not None and now - looked < self.rates[group].interval - EARLY:
            return False
        self._looked[group] = now
        return True

    def worth(self, group: str, name: str, numbers: Numbers, now: float) -> bool:
        """Whether these are to be published; they count as published then."""
        key = f"{group}/{name}"
        rate, told = self.rates[group], self._told.get(key)
        if told is None or now - told.at >= rate.max_interval - EARLY or _left(rate.dead_bands, told.numbers, numbers):
            self._told[key] = _Told(dict(numbers), now)
            return True
        return False


def _left(bands: Mapping[str, float | None], told: Numbers, seen: Numbers) -> bool:
    """Whether a number has left its band."""
    if told.keys() != seen.keys():
        return True
    for name, value in seen.items():
        before = told[name]
        if value is None or before is None:
            if value is not before:
                return True
        else:
            band = bands.get(name, 0.0)
            if band is not None and abs(value - before) > band:
                return True
    return False


def configured(section: TelemetrySection) -> dict[str, Rate]:
    """The rate of every group, as the configuration has it."""
    rates = {}
    for group, numbers in NUMBERS.items():
        own = getattr(section, group)
        interval = section.interval if own.interval is None else own.interval
        longest = section.max_interval if own.max_interval is None else own.max_interval
        bands: dict[str, float | None] = {name: number.dead for name, number in numbers.items()} | own.dead_bands
        rates[group] = Rate(interval=interval, max_interval=max(interval, longest), dead_bands=bands)
    return rates


def check(config: StudioConfig) -> list[Problem]:
    """Dead bands of numbers that are not in their group."""
    return [
        Problem(f"telemetry.{group}.dead_bands.{name}", "there is no such number", nearest(name, list(numbers)))
        for group, numbers in NUMBERS.items()
        for name in getattr(config.telemetry, group).dead_bands
        if name not in numbers
    ]
