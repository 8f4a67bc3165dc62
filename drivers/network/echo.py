"""Sending probes and taking their replies: what STAMP and ICMP echo have in common.

A wire format is two functions: ``request(sequence, wall) -> bytes`` and ``read(datagram) -> Answer | None``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.host import Datagram, Datagrams, Endpoint, Host
from drivers.network.flight import Fate, Flight


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as its wire format tells it. ``processing``: seconds inside the far end, if it says; ``arrived``: when
    the probe reached it, as the far end's own stamp."""

    sequence: int
    processing: float | None = None
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class Echo:
    """An answered probe: when it left and its answer came (host's monotonic seconds); ``processing`` and ``arrived``
    as in :class:`Answer`, but only a processing time that can be true."""

    sequence: int
    left: float
    received: float
    processing: float | None
    arrived: int

    @property
    def round_trip(self) -> float:
        """Seconds on the way, there and back, without the far end's own time."""
        return self.received - self.left - (self.processing or 0.0)


class Echoes:
    """Probes to one far end over one socket."""

    def __init__(
        self,
        host: Host,
        datagrams: Datagrams,
        to: Endpoint,
        request: Callable[[int, float], bytes],
        read: Callable[[Datagram], Answer | None],
        modulus: int,
    ) -> None:
        self._host = host
        self._datagrams = datagrams
        self._to = to
        self._request = request
        self._read = read
        self.flight = Flight(modulus)

    def one(self, timeout: float) -> Echo | None:
        """Send one probe and wait for its answer; ``None`` after ``timeout`` seconds."""
        return self.burst(1, 0.0, timeout)[0]

    def burst(self, count: int, spacing: float, timeout: float) -> list[Echo | None]:
        """``count`` probes, one every ``spacing`` seconds whether answered or not; the last is waited for ``timeout``
        seconds like the others. In order of sending; ``None``: lost."""
        sent: dict[int, float] = {}
        answered: dict[int, Echo] = {}
        started = self._host.now()
        for number in range(count):
            self._collect(started + number * spacing, sent, answered, timeout, whole=False)
            sequence = self.flight.launch()
            sent[sequence] = self._datagrams.send(self._request(sequence, self._host.wall()), self._to)
        self._collect(self._host.now() + timeout, sent, answered, timeout, whole=True)
        for sequence in sent:
            if sequence not in answered:
                self.flight.give_up(sequence)
        return [answered.get(sequence) for sequence in sent]

    def _collect(
        self, until: float, sent: dict[int, float], answered: dict[int, Echo], timeout: float, *, whole: bool
    ) -> None:
        """Take what comes until ``until``; with ``whole`` stop when nothing is missing any more."""
        while not (whole and len(answered) == len(sent)):
            rest = until - self._host.now()
            if rest <= 0:
                return
            datagram = self._datagrams.receive(rest)
            if datagram is None:
                continue
            echo = self._echo(datagram, sent, timeout)
            if echo is not None:
                answered[echo.sequence] = echo

    def _echo(self, datagram: Datagram, sent: dict[int, float], timeout: float) -> Echo | None:
        answer = self._read(datagram)
        if answer is None:
            self.flight.stray()
            return None
        left = sent.get(answer.sequence)
        if left is not None and datagram.received - left > timeout:
            self.flight.give_up(answer.sequence)  # it came, but not in time
        if self.flight.land(answer.sequence) is not Fate.FRESH or left is None:
            return None
        received = max(left, datagram.received)
        held = answer.processing
        if held is not None and held > received - left:  # its clock was set between the two stamps
            held = None
        return Echo(answer.sequence, left, received, held, answer.arrived)
