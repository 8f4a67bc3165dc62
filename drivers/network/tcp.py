"""TCP probe: the handshake with the ingest port itself (RTMP 1935, RTMPS 443). No login, nothing is sent."""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from config.units import HostName4
from drivers.base import Check, Identity, Quality, Reading
from drivers.errors import DeviceMissing, LinkLost, Refused, ReplyTimeout
from drivers.host import Host
from drivers.network.checks import BUDGET, PROBES, NetworkChecks
from drivers.registry import DriverSpec, Kind, Options


class TcpOptions(Options):
    """Options of the ``tcp`` driver."""

    host: HostName4 = Field(description="Name or IPv4 address of the ingest server.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(1935, description="TCP port: 1935 is RTMP, 443 RTMPS.")
    timeout: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = Field(
        0.9, description="Seconds; below 1, when the kernel would send the request again and spoil the figure."
    )


class TcpProbe:
    """Connects and hangs up at once."""

    def __init__(self, options: TcpOptions, host: Host) -> None:
        self._options = options
        self._host = host
        self._address: str | None = None
        self._checks = NetworkChecks(host, options.host, self._burst)

    def open(self) -> Identity:
        """Resolve the name and connect once. DeviceMissing when refused, ReplyTimeout when nothing answers."""
        options = self._options
        address = self._host.resolve(options.host)
        try:
            self._host.connect(address, options.port, options.timeout)
        except (LinkLost, Refused) as error:
            raise DeviceMissing(error.reason, error.remedy) from error
        self._address = address
        return Identity(model="TCP listener", details={"address": f"{address}:{options.port}"})

    def close(self) -> None:
        self._address = None

    def checks(self) -> Sequence[Check]:
        """NET-02, NET-03, NET-04, NET-08."""
        return self._checks.all()

    def sample(self) -> Iterable[Reading]:
        """``rtt`` of one handshake in ms, MISSING when it was refused or not answered."""
        taken = self._handshake()
        now = self._host.now()
        if taken is None:
            return [Reading("rtt", math.nan, "ms", now, Quality.MISSING)]
        return [Reading("rtt", taken, "ms", now)]

    def _handshake(self) -> float | None:
        if self._address is None:
            raise LinkLost(f"the probe to {self._options.host} is not open")
        try:
            return self._host.connect(self._address, self._options.port, self._options.timeout) * 1000
        except (ReplyTimeout, Refused):
            return None

    def _burst(self) -> Sequence[float | None]:
        """One after the other; fewer than PROBES when the time is up."""
        last_start = self._host.now() + BUDGET - self._options.timeout
        found: list[float | None] = []
        while len(found) < PROBES and self._host.now() <= last_start:
            found.append(self._handshake())
        return found


SPEC = DriverSpec(
    name="tcp",
    kind=Kind.PROBE,
    options=TcpOptions,
    make=TcpProbe,
    twin="drivers.virtual.far_end:tcp_twin",
    example={"host": "ingest.example", "port": 1935},
)
