"""One driver and its twin on the table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from config.units import Attribute
from drivers.base import Identity, Lamp, Quality
from drivers.errors import DriverError, ReplyTimeout
from drivers.registry import DriverSpec, Kind
from drivers.virtual.clock import Clock, ManualClock
from drivers.virtual.furnish import lamp_of, twin_factory
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fitted

FRAME = bytes(range(1, 25))
Clause = Callable[[DriverSpec], None]


class Bench:
    """A driver, not yet opened, and its twin in a studio of their own."""

    def __init__(self, spec: DriverSpec, clock: Clock | None = None, **options: Any) -> None:
        self.spec = spec
        self.studio = VirtualStudio(clock or ManualClock())
        self.studio.universes["twin"] = tuple(range(1, (spec.universes or 2) + 1))
        self.options = spec.options.model_validate({**spec.example, **options})
        self.personality = lamp_of(spec)
        if self.personality is not None:
            self.studio.lamps["twin"] = (Fitted("lamp", self.personality),)
        self.twin: Any = twin_factory(spec)(self.studio, self.options, "twin")
        self.device = spec.make(self.options, self.studio)
        self.lamp: Lamp | None = None
        if self.personality is not None:
            self.lamp = self.device.lamp("lamp", self.personality)
        self.timeout = float(getattr(self.options, "timeout", 0.5))
        self.wired = spec.kind in (Kind.CAMERA, Kind.BUS) or bool(self.studio.serial_ports())
        """An unplugged device is noticed. On a network it is only silent, and an output there hears nothing."""
        self.answers = (self.wired and not getattr(self.twin, "mute", False)) or spec.kind is Kind.PROBE

    def exchange(self) -> None:
        """The kind's own work, once; ReplyTimeout when a probe measured nothing."""
        device = self.device
        if self.spec.kind is Kind.OUTPUT:
            device.send(1, FRAME)
        elif self.spec.kind is Kind.INPUT:
            self.twin.say(1, FRAME)
            device.listen(self.timeout)
        elif self.spec.kind is Kind.CAMERA:
            device.grab()
        elif self.lamp is not None:
            self.lamp.apply({Attribute.INTENSITY: 0.5})
        elif all(reading.quality is Quality.MISSING for reading in device.sample()):
            raise ReplyTimeout("no reading")

    def works(self) -> Identity:
        """Open and work; the twin has got it."""
        identity: Identity = self.device.open()
        self.exchange()
        if self.spec.kind is Kind.OUTPUT:
            self.holds(1, FRAME)
        return identity

    def hears(self, universe: int) -> bytes:
        """What an input says of a universe within its time limit; ``b""`` when it says nothing."""
        until = self.studio.now() + 4 * self.timeout
        while (rest := until - self.studio.now()) > 0:
            for heard in self.device.listen(rest):
                if heard.universe == universe:
                    return bytes(heard.slots)
        return b""

    def holds(self, universe: int, frame: bytes) -> None:
        """The output's twin has exactly these slots; padding of zeros is the wire's affair."""
        held = self.twin.frames.get(universe, b"")
        same = held[: len(frame)] == frame and not any(held[len(frame) :])
        assert same, f"universe {universe} holds {held.hex()} instead of {frame.hex()}"

    def fails(self, *allowed: type[DriverError]) -> DriverError | None:
        """Open and work on something broken: one of ``allowed``, or success (``None``)."""
        try:
            self.device.open()
            self.exchange()
        except allowed as error:
            assert error.reason, f"{type(error).__name__} without a reason"
            return error
        return None

    @contextmanager
    def within(self, seconds: float, what: str) -> Iterator[None]:
        """On the studio's clock."""
        begun = self.studio.now()
        yield
        took = self.studio.now() - begun
        assert took <= seconds, f"{what} took {took:.3f} s; at most {seconds:.3f} s"

    def put_away(self) -> None:
        """Close, and see that nothing stays open."""
        self.device.close()
        assert not self.studio.in_use(), f"left open: {self.studio.in_use()}"
