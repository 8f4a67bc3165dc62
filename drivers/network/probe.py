"""What the echo probes (STAMP, ICMP) share as drivers: opening, sampling, self-test."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import Field

from drivers.base import Check, Identity, Quality, Reading
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import Datagrams, Host
from drivers.network.checks import BUDGET, PROBES, SPACING, NetworkChecks
from drivers.network.echo import Echo, Echoes

Timeout = Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]


class EchoProbe(ABC):
    """A probe whose far end answers every packet."""

    def __init__(self, target: str, timeout: float, host: Host) -> None:
        self._target = target
        self._timeout = timeout
        self._host = host
        self._datagrams: Datagrams | None = None
        self._echoes: Echoes | None = None
        self._reported: dict[str, int] = {}
        self._checks = NetworkChecks(host, target, self._burst)

    @abstractmethod
    def _open(self, address: str) -> tuple[Datagrams, Echoes]:
        """The socket, and the exchange on it."""

    @abstractmethod
    def _identity(self, address: str, echo: Echo) -> Identity: ...

    def open(self) -> Identity:
        """Resolve the name and exchange one packet. ReplyTimeout when nothing comes back."""
        self.close()
        try:
            address = self._host.resolve(self._target)
            self._datagrams, self._echoes = self._open(address)
            self._reported = {}
            echo = self._echoes.one(self._timeout)
        except LinkLost as error:
            self.close()
            raise DeviceMissing(error.reason, error.remedy) from error
        except BaseException:
            self.close()
            raise
        if echo is None:
            self.close()
            raise ReplyTimeout(
                f"{self._target} ({address}) did not answer in {self._timeout:g} s",
                "check that the far end answers this kind of probe and that no firewall is in the way",
            )
        return self._identity(address, echo)

    def close(self) -> None:
        datagrams, self._datagrams, self._echoes = self._datagrams, None, None
        if datagrams is not None:
            datagrams.close()

    def checks(self) -> Sequence[Check]:
        """NET-02, NET-03, NET-04, NET-08."""
        return self._checks.all()

    def sample(self) -> Iterable[Reading]:
        """``rtt`` in ms, MISSING when lost; then what the format adds; then counts of odd arrivals, if there were any
        since the last sample (``late``, ``duplicates``, ``reordered``)."""
        echoes = self._opened()
        echo = echoes.one(self._timeout)
        if echo is None:
            now = self._host.now()
            return [Reading("rtt", math.nan, "ms", now, Quality.MISSING), *self._odd(echoes, now)]
        return [
            Reading("rtt", echo.round_trip * 1000, "ms", echo.received),
            *self._details(echo),
            *self._odd(echoes, echo.received),
        ]

    def _details(self, echo: Echo) -> Iterator[Reading]:
        """More readings of an answered probe."""
        yield from ()

    def _odd(self, echoes: Echoes, now: float) -> Iterator[Reading]:
        counts = echoes.flight.counts()
        for name in ("late", "duplicates", "reordered"):
            more = counts[name] - self._reported.get(name, 0)
            if more:
                self._reported[name] = counts[name]
                yield Reading(name, float(more), "count", now)

    def _burst(self) -> Sequence[float | None]:
        timeout = min(self._timeout, BUDGET - PROBES * SPACING)
        found = self._opened().burst(PROBES, SPACING, timeout)
        return [None if echo is None else echo.round_trip * 1000 for echo in found]

    def _opened(self) -> Echoes:
        echoes = self._echoes
        if echoes is None:
            raise LinkLost(f"the probe to {self._target} is not open")
        return echoes
