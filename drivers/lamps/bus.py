"""What both kinds of bus have in common: its lamps, opening, closing, checks.

scene ─levels─▶ BusLamp.apply ─values─▶ _put ─▶ Wire ─▶ the lamp        a kind of bus gives _put, _get and _measure
                BusLamp.read  ◀─levels─ _get ◀─ Wire ◀─
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set

from config.units import Attribute, Levels
from drivers.base import Check, Identity, Reading
from drivers.errors import BadReply, DriverError, NotSupported, Refused, ReplyTimeout
from drivers.host import Host
from drivers.lamps.checks import lamp_checks
from drivers.lamps.wire import Wire, WireOptions, connect, lost
from firmware_profiles.entry import WireEntry
from firmware_profiles.model import Personality
from firmware_profiles.render import check_levels

Values = Mapping[Attribute, int]
"""What the slots have: whole numbers, as the profile's ``raw`` counts them."""


class BusLamp(ABC):
    """One lamp on a bus (:class:`drivers.base.Lamp`)."""

    def __init__(self, bus: "LampBus", name: str, personality: Personality, unit: int, channel: int) -> None:
        self.bus, self.name, self.personality = bus, name, personality
        self.unit, self.channel = unit, channel
        self.applied: dict[Attribute, float] | None = None
        """What it was told last; ``None`` before the first time."""
        self._lit: bool | None = None
        self._has: Values | None = None
        """Values it has confirmed; ``None``: not known any more."""

    @property
    @abstractmethod
    def settings(self) -> WireEntry: ...

    @property
    @abstractmethod
    def reads(self) -> bool:
        """Whether it can say what it was told."""

    @property
    def gap(self) -> float:
        return self.settings.gap

    @property
    def keepalive(self) -> float | None:
        return self.settings.keepalive

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.name} (unit {self.unit}, channel {self.channel})"

    def apply(self, levels: Levels) -> None:
        """Values first, then the switch, so that an old level never flashes up; the other way round for a lamp that
        takes no level while it is off. Only what is new is said; all of it when nothing is."""
        wrong = check_levels(self.personality, levels)
        if wrong:
            raise NotSupported(f"{self.name}: {wrong[0].where} {wrong[0].why}", wrong[0].right)
        wire = self.bus.wire
        whole = {a: levels.get(a, c.default) for a, c in self.personality.channels.items()}
        values = {a: self.personality.channels[a].raw(level) for a, level in whole.items()}
        lit = whole.get(Attribute.INTENSITY, 1.0) > 0
        switch = self.has_switch and lit is not self._lit
        first = switch and lit and self.settings.on_first
        if first:
            self._switch(wire, True, values)
        known, self._has = self._has, None
        news = {a for a, value in values.items() if known is None or known[a] != value}
        self._put(wire, values, news or set(values))
        self._has = values
        if switch and not first:
            self._switch(wire, lit, values)
        self._lit = lit
        self.applied = whole

    def read(self) -> Levels | None:
        if not self.reads:
            return None
        values = self._get(self.bus.wire)
        levels = {}
        for attribute, value in values.items():
            channel = self.personality.channels[attribute]
            if not channel.first <= value <= channel.last:
                raise BadReply(f"{self.place} says {attribute} is {value}, and it has {channel.first}…{channel.last}")
            levels[attribute] = channel.level(value)
        return levels

    def sample(self) -> Sequence[Reading]:
        return self._measure(self.bus.wire)

    def renew(self) -> None:
        self._lit = self._has = None

    @property
    @abstractmethod
    def has_switch(self) -> bool:
        """Whether it is turned on and off besides its level."""

    @abstractmethod
    def _put(self, wire: Wire, values: Values, news: Set[Attribute]) -> None:
        """Tell it ``news``, at least; ``values`` are all."""

    @abstractmethod
    def _switch(self, wire: Wire, lit: bool, values: Values) -> None: ...

    @abstractmethod
    def _get(self, wire: Wire) -> Values: ...

    def _measure(self, wire: Wire) -> Sequence[Reading]:
        return ()


class LampBus(ABC):
    """A wire with lamps on it (:class:`drivers.base.Bus`)."""

    kind = ""
    """What is spoken here, for people."""

    def __init__(self, options: WireOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self.lamps: list[BusLamp] = []
        self.own_address = ""
        self._wire: Wire | None = None

    @abstractmethod
    def _lamp(self, name: str, personality: Personality, unit: int, channel: int) -> BusLamp:
        """Raises NotSupported when the personality is not of this bus's kind."""

    def lamp(self, name: str, personality: Personality, unit: int = 1, channel: int = 1) -> BusLamp:
        made = self._lamp(name, personality, unit, channel)
        most = made.settings.channels
        if not 1 <= channel <= most:
            raise NotSupported(f"{name}: channel {channel}, and such a device has {most}", f"1…{most}", "channel")
        for other in self.lamps:
            if self._set(other) != self._set(made):
                raise NotSupported(
                    f"{name} needs the wire at {self._set(made)}, and {other.name} at {self._set(other)}",
                    "two buses; or set the devices alike and give baud and framing in the bus's options",
                )
        self.lamps.append(made)
        return made

    def _set(self, lamp: BusLamp) -> str:
        if self.options.port is None:
            return "its server's setting"
        return f"{self.options.baud or lamp.settings.baud} Bd {self.options.framing or lamp.settings.framing}"

    def open(self) -> Identity:
        """Open the wire and ask lamp after lamp until one answers. A wire on which none that could does is not open."""
        self.close()
        settings = self.lamps[0].settings if self.lamps else WireEntry()
        link, self.own_address = connect(self.host, self.options, settings, self._udp())
        self._wire = Wire(link, self.host, self.options, settings, self._silence(settings))
        for lamp in self.lamps:
            lamp.renew()
        try:
            return self._identify(self._wire)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def checks(self) -> Sequence[Check]:
        """LMP-01, LMP-02 of the catalogue, for every lamp."""
        return [check for lamp in self.lamps for check in lamp_checks(lamp)]

    @property
    def wire(self) -> Wire:
        """The open wire. Raises LinkLost when there is none."""
        wire = self._wire
        if wire is None:
            raise lost(self.options.place)
        return wire

    def _identify(self, wire: Wire) -> Identity:
        self._greet(wire)
        silent: DriverError | None = None
        asked = [lamp for lamp in self.lamps if lamp.reads]
        for lamp in asked:
            try:
                lamp.read()
            except (ReplyTimeout, BadReply) as error:
                silent = error
                continue
            except Refused:
                pass  # it answers: what it refuses is said where it matters
            silent = None
            break
        if silent is not None:
            raise silent
        return Identity(self.kind, details={"at": self.options.place, "lamps": str(len(self.lamps))})

    def _greet(self, wire: Wire) -> None:  # noqa: B027 - most have nothing to say
        """What has to be said once after opening."""

    def _udp(self) -> int | None:
        """UDP port of the lamp, where that is how it is reached."""
        return None

    def _silence(self, settings: WireEntry) -> float:
        """Seconds of silence between any two frames."""
        return 0.0
