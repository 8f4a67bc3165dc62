"""Twins: fake firmware behind a wire. They fake the wire, never the driver.

A twin factory ``factory(studio, options, name)`` installs its twin in the virtual studio so that the *production*
driver made with the same options and ``host=studio`` reaches it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from config.units import Levels
from drivers.host import Endpoint
from firmware_profiles.model import Personality


class Fault(StrEnum):
    """What can go wrong with a device, from a person's point of view."""

    UNPLUG = "unplug"
    SILENCE = "silence"
    NOISE = "noise"
    CUT = "cut"
    DOUBLE = "double"
    FREEZE = "freeze"
    BLACK = "black"
    # Cameras only:
    BARS = "bars"
    DROP = "drop"
    FAST = "fast"
    BUMP = "bump"
    SHAKE = "shake"
    DEFOCUS = "defocus"
    GRAIN = "grain"
    CAST = "cast"


class Twin(Protocol):
    """One fake device. ``firmware`` is what ``open()`` must report ("" where the protocol has none)."""

    @property
    def firmware(self) -> str: ...

    def fault(self, fault: Fault, at: int = 0) -> None:
        """From now on misbehave. UNPLUG with ``at`` > 0: only after that many more bytes (both directions) passed."""

    def heal(self) -> None:
        """Behave again (a device that was unplugged is plugged in again, freshly started)."""


class OutputTwin(Twin, Protocol):
    """The far end of an output. One that never says anything, so that its silence cannot be told from health, has an
    attribute ``mute = True``."""

    @property
    def frames(self) -> Mapping[int, bytes]:
        """The slots it holds now, by universe, exactly as many as were sent last."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A lamp on a bus."""

    name: str
    personality: Personality
    unit: int = 1
    channel: int = 1


class BusTwin(Twin, Protocol):
    """The far end of a bus."""

    @property
    def shown(self) -> Mapping[str, Levels]:
        """What each lamp shows, by its name; a lamp that is switched off is dark."""


class InputTwin(Twin, Protocol):
    """Somebody who sends to an input."""

    def say(self, universe: int, slots: bytes) -> None:
        """From now on send these slots; one packet goes at once. Nothing reaches a driver that is not open."""

    def leave(self) -> None:
        """Say goodbye in the protocol's way; where it has none, just stop."""


class SerialDevice(Protocol):
    """Firmware at byte level behind a serial link: a pure state machine, any chunking."""

    def receive(self, data: bytes) -> bytes:
        """Bytes the host wrote → bytes the device answers (``b""``: nothing yet)."""

    def restart(self) -> None:
        """Power cycle."""


@runtime_checkable
class LineDevice(Protocol):
    """A serial device that sees the line itself, not only its bytes: a break is part of its protocol."""

    def line(self, broken: bool) -> None:
        """A break begins (True) or ends now."""


@runtime_checkable
class TalkingDevice(Protocol):
    """A serial device that speaks at times of its own."""

    @property
    def due(self) -> float:
        """When it speaks next, on the studio's clock; infinity: only when asked."""

    def speak(self) -> bytes:
        """What it says now; moves ``due`` on."""


class NodeDevice(Protocol):
    """A device on the network."""

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> Iterable[tuple[bytes, Endpoint]]:
        """A datagram that reached it (``to``: the address or group and port it was sent to) → datagrams it sends."""
