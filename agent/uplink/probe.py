"""One network probe of the studio: its driver, its lane and the window over what it measured."""

import math
import threading
from collections.abc import Callable

from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Lane
from agent.runtime.unit import Unit
from config.model import ProbeSection
from drivers.base import Identity, Probe
from drivers.host import Host
from drivers.network.jitter import Statistics, Window


class ProbeWatch:
    """Work of a probe's lane: one sample per interval, on absolute due times."""

    def __init__(self, probe: Probe, interval: float) -> None:
        self._probe = probe
        self._interval = interval
        self._window = Window()
        self._lock = threading.Lock()
        self._due = 0.0
        self.latest = math.nan
        """The newest round trip, ms; NaN when it was lost."""

    def opened(self, identity: Identity, now: float) -> None:
        self._due = now

    def turn(self, now: float) -> float:
        for reading in self._probe.sample():
            if reading.name == "rtt":
                self.latest = reading.value
                with self._lock:
                    self._window.add(reading.time, reading.value)
        self._due = max(self._due + self._interval, now)
        return self._due

    def statistics(self) -> Statistics:
        """Over the last minute; callable from any thread."""
        with self._lock:
            return self._window.statistics()


class ProbeUnit(Unit[ProbeSection, Probe]):
    """A probe and its watch."""

    def __init__(
        self,
        name: str,
        section: ProbeSection,
        host: Host,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
    ) -> None:
        super().__init__(name, section, host)
        self.watch = ProbeWatch(self.driver, section.interval)
        back_off = BackOff(first=1.0, most=15.0)
        self.lane = Lane(name, self.driver, self.watch, now=host.now, tell=tell, bug=bug, back_off=back_off)
