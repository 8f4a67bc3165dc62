"""What a profile file may hold: one model of light, its DMX modes, and where the numbers come from."""

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.units import EMITTERS, HUE_SPAN, SLOTS, Attribute, Kelvin, Name, Seconds
from firmware_profiles import versions
from firmware_profiles.channel import Channel
from firmware_profiles.entry import Entry
from firmware_profiles.gamut import uv_prime
from firmware_profiles.line_protocol import LineProtocol
from firmware_profiles.mixer import MOST, ColourMixer, Mixer, WhiteMixer
from firmware_profiles.register_map import RegisterMap
from firmware_profiles.slot import Slot as Slot
from firmware_profiles.slot import Whole

ALIKE = 0.005
"""Emitters less than this apart in (u′, v′) are one colour."""

Sentence = Annotated[str, Field(min_length=1)]


class Personality(Entry):
    """One DMX mode: the fixture's slots in order (the RDM word, E1.20).

    A mode whose slots are emitters mixes: it is told a colour temperature or a CIE xy, and rendering finds how much of
    each that takes. Only an intensity may be beside them, so nothing ever says two colours at a time.
    """

    title: Sentence = Field(description="The mode's name on the fixture's own display.")
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)] = Field(
        description="In the order of the manual. Of a light without DMX: its values, however they travel."
    )
    mix: Literal["cct", "xy"] | None = Field(
        None, description="What its emitters are mixed to: intensity with cct, or intensity with cie_x and cie_y."
    )
    cct: tuple[Kelvin, Kelvin] | None = Field(
        None,
        description="With mix = 'cct': the range in kelvin; of two emitters, if it is less than from one to the other.",
    )
    duv: Annotated[float, Field(gt=0, le=0.05, allow_inf_nan=False)] | None = Field(
        None, description="With mix = 'cct': distance from the Planckian locus (CIE 1960) at tint ±1; absent: no tint."
    )
    modbus: RegisterMap | None = Field(None, description="No DMX: its values travel by Modbus.")
    line: LineProtocol | None = Field(None, description="No DMX: its values travel in these frames.")

    @property
    def wire(self) -> RegisterMap | LineProtocol | None:
        """How a light without DMX is spoken to; ``None``: it has DMX."""
        return self.modbus or self.line

    @model_validator(mode="after")
    def _fits(self) -> "Personality":
        if self.footprint > SLOTS:
            raise ValueError(f"{self.footprint} slots do not fit into one universe of {SLOTS}")
        for what in dict.fromkeys(slot.drives for slot in self.slots if slot.drives is not None):
            parts = sorted(slot.part for slot in self.slots if slot.drives == what)
            if parts not in (["whole"], ["coarse", "fine"]):
                raise ValueError(f"{what} must be there once: whole, or one coarse and one fine part")
        mixing = {"mix", "cct", "duv"} & self.model_fields_set or any(slot.emitter is not None for slot in self.slots)
        if self.wire is not None and mixing:
            raise ValueError(
                "mix (with cct, duv and emitters) is for DMX: with modbus or line each slot is an attribute by itself"
            )
        for wrong in self._mixing_faults():
            raise ValueError(wrong)
        told = [attribute for attribute in self.channels if attribute in EMITTERS]
        if told and HUE_SPAN.keys() & self.channels.keys():
            raise ValueError(
                f"hue or saturation beside {', '.join(told)}: nothing may be told two colours at a time; hold one side "
                "(fixed), and make two personalities"
            )
        if not self.ranges:
            raise ValueError("nothing can be told to this mode: no slot has an attribute")
        if self.modbus is not None and self.line is not None:
            raise ValueError("a light speaks Modbus or a line protocol, not both: two personalities")
        if self.wire is not None:
            if any(slot.attribute is None or slot.part != "whole" for slot in self.slots):
                raise ValueError("without DMX each slot is one whole value; a constant goes into the frame or register")
            for wrong in self.wire.faults({a: (c.first, c.last) for a, c in self.channels.items()}):
                raise ValueError(wrong)
        return self

    @cached_property
    def footprint(self) -> int:
        """DMX slots this mode takes."""
        return sum(slot.width for slot in self.slots)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What can be told to this mode, in the order of its slots."""
        return tuple(self.ranges)

    @property
    def separable(self) -> bool:
        """Whether every slot depends on one attribute at most: :attr:`channels` says it all."""
        return self.mixer is None

    def defaults(self) -> dict[Attribute, float]:
        """The levels rendering takes for what it is not told."""
        own = {attribute: channel.default for attribute, channel in self.channels.items()}
        return own if self.mixer is None else {**self.mixer.defaults, **own}

    @cached_property
    def ranges(self) -> dict[Attribute, tuple[float, float]]:
        """Lowest and highest level of every attribute, in its unit."""
        own = {attribute: (channel.lowest, channel.highest) for attribute, channel in self.channels.items()}
        return own if self.mixer is None else {**self.mixer.ranges, **own}

    @cached_property
    def channels(self) -> dict[Attribute, Channel]:
        """Where each attribute that has slots of its own sits, in their order."""
        return {slot.attribute: channel for slot, channel in self._driven() if slot.attribute is not None}

    @cached_property
    def emitters(self) -> tuple[Channel, ...]:
        """Where each emitter that is mixed sits, in the order of the slots; its level is its share of full light."""
        return tuple(channel for slot, channel in self._driven() if slot.emitter is not None)

    @cached_property
    def mixer(self) -> Mixer | None:
        """What makes the emitters' shares of the levels; ``None``: the mode does not mix."""
        sources = [slot.source for slot in self.slots if slot.emitter is not None and slot.part != "fine"]
        if not sources:
            return None
        return ColourMixer(sources) if self.mix == "xy" else WhiteMixer(sources, self.cct, self.duv)

    @cached_property
    def constants(self) -> bytes:
        """The mode's slots with the fixed ones set and all others 0."""
        frame = bytearray(self.footprint)
        for offset, slot in self._placed():
            if slot.fixed is not None:
                frame[offset : offset + slot.width] = slot.fixed.to_bytes(slot.width, "big")
        return bytes(frame)

    @cached_property
    def held(self) -> bytes:
        """A byte a slot: 1 where the mode fixes it."""
        return b"".join(bytes([slot.fixed is not None]) * slot.width for slot in self.slots)

    def _mixing_faults(self) -> Iterator[str]:
        """In the order in which they are told: building the mixer finds what is left."""
        sources = [slot.source for slot in self.slots if slot.emitter is not None and slot.part != "fine"]
        if not sources and self.mix is not None:
            yield f"mix = '{self.mix}' is for emitters, and no slot has one"
        if self.mix != "cct" and (self.cct is not None or self.duv is not None):
            yield "cct and duv of a mode belong to mix = 'cct'"
        if self.cct is not None and not self.cct[0] < self.cct[1]:
            yield f"cct must rise: {self.cct[0]:g} is not below {self.cct[1]:g}"
        if not sources:
            return
        if self.mix is None:
            yield "emitters are mixed: say to what, mix = 'cct' or mix = 'xy'"
        if not 2 <= len(sources) <= MOST:
            yield f"{len(sources)} emitter{'s' * (len(sources) != 1)}: two to {MOST} can be mixed"
        for attribute in self.channels:
            if attribute is not Attribute.INTENSITY:
                yield f"{attribute} beside emitters: the mode mixes its colour of them; make it an emitter, or fixed"
        for one, other in combinations(sources, 2):
            if math.dist(uv_prime(one.xy), uv_prime(other.xy)) < ALIKE:
                yield f"{one.name} and {other.name} have the same colour: which of them to use cannot be told"
        if len(sources) == 2 and self.mix == "xy":
            yield "mix = 'xy' needs at least three emitters: two make no area of colours"

    def _driven(self) -> Iterator[tuple[Slot, Channel]]:
        fine = {slot.drives: offset for offset, slot in self._placed() if slot.part == "fine"}
        for offset, slot in self._placed():
            if slot.drives is not None and slot.part != "fine":
                yield slot, slot.channel(offset, fine.get(slot.drives))

    def _placed(self) -> Iterator[tuple[int, Slot]]:
        offset = 0
        for slot in self.slots:
            yield offset, slot
            offset += slot.width


class FirmwareRange(Entry):
    """Half open: ``since`` ≤ firmware < ``before``. An end that is absent is open."""

    since: str | None = Field(None, description="First version it holds for.")
    before: str | None = Field(None, description="First version it no longer holds for.")

    @model_validator(mode="after")
    def _rises(self) -> "FirmwareRange":
        since = None if self.since is None else versions.parse(self.since)
        before = None if self.before is None else versions.parse(self.before)
        if since is None and before is None:
            raise ValueError("a firmware range needs since or before; leave it out to match every firmware")
        if since is not None and before is not None and not since < before:
            raise ValueError(f"empty firmware range: since {self.since} must be lower than before {self.before}")
        return self


class RdmModel(Entry):
    """What a light says of itself over RDM (E1.20 DEVICE_INFO): the first half of its UID, and its model number."""

    manufacturer: Whole = Field(description="ESTA manufacturer id, the first half of the UID: 0x454E.")
    model: Whole = Field(description="DEVICE_INFO's model number.")


class Match(Entry):
    """For which firmware the numbers hold. Nothing given: for every firmware, known or not."""

    firmware: tuple[FirmwareRange, ...] = Field((), description="Half-open ranges; any of them.")
    unknown: bool = Field(False, description="With ranges: use this profile also when the firmware is not known.")
    rdm: tuple[RdmModel, ...] = Field((), description="Models by which RDM finds this profile.")


class Limits(Entry):
    """What this model must not be asked."""

    max_hz: Annotated[float, Field(gt=0, le=44)] | None = Field(None, description="Fastest DMX refresh it follows.")
    warm_up: Seconds = Field(0.0, description="Seconds from cold until its output is steady.")


class Quirk(Entry):
    """An oddity worth knowing, with what proves it."""

    name: Name
    text: Sentence
    source: Sentence


class SelfTestLimits(Entry):
    """What the self-test may expect of a sound one."""

    settle: Seconds = Field(0.5, description="Seconds from a changed slot until the light is there.")
    intensity: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="Allowed error, share of full light.")
    cct: Annotated[float, Field(gt=0, le=5000, allow_inf_nan=False)] = Field(
        300.0, description="Allowed error in kelvin."
    )


class Profile(Entry):
    """One model of light. Without a source its numbers are rumours, so the source is required."""

    vendor: Name
    model: Name
    title: Sentence
    source: Sentence = Field(
        description="Where the numbers come from: manual and edition, measurement, or honestly none."
    )
    match: Match = Match()
    personalities: Annotated[dict[Name, Personality], Field(min_length=1)]
    limits: Limits = Limits()
    quirks: tuple[Quirk, ...] = ()
    selftest: SelfTestLimits = SelfTestLimits()

    @property
    def name(self) -> str:
        """``vendor/model``: what a fixture's ``profile`` key says."""
        return f"{self.vendor}/{self.model}"
