"""What a profile file may hold: one model of light, its DMX modes, and where the numbers come from."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.units import EMITTERS, SLOTS, Attribute, Name, Seconds
from firmware_profiles import versions
from firmware_profiles.channel import Channel, Curve
from firmware_profiles.entry import Entry
from firmware_profiles.line_protocol import LineProtocol
from firmware_profiles.register_map import RegisterMap

DAYLIGHT = 5600.0
"""Kelvin a light gets when nobody says otherwise: the usual white of a video studio."""

Whole = Annotated[int, Field(ge=0, le=0xFFFF, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Sentence = Annotated[str, Field(min_length=1)]


class Slot(Entry):
    """One channel of a personality, in the order of the fixture's manual.

    Either an attribute, or a constant (``fixed``) with the reason why it must stay there.
    """

    attribute: Attribute | None = Field(None, description="What it drives; absent: a constant slot.")
    bits: Literal[8, 16] = Field(8, description="16: coarse and fine, one after the other (two DMX slots).")
    part: Literal["whole", "coarse", "fine"] = Field(
        "whole", description="coarse, fine: a 16-bit channel whose two slots are not neighbours; one entry each."
    )
    curve: Curve = Field(Curve.LINEAR, description="What the fixture makes of the slot; rendering undoes it.")
    span: tuple[Number, Number] | None = Field(
        None, description="Level at the first and the last slot value: kelvin for cct; first may be the larger."
    )
    scale: Literal["linear", "mired"] = Field("linear", description="mired: the slot is proportional to 1/kelvin.")
    raw: tuple[Whole, Whole] | None = Field(None, description="First and last slot value in use; default: all.")
    default: Number | None = Field(
        None, description="Level when none is given; else dark, neutral, or 5600 K as near as it goes."
    )
    fixed: Whole | None = Field(None, description="Slot value that never changes.")
    reason: str = Field("", description="Why it is fixed.")

    @model_validator(mode="after")
    def _makes_sense(self) -> "Slot":
        for wrong in self._faults():
            raise ValueError(wrong)
        return self

    @property
    def width(self) -> int:
        """DMX slots it covers in its place."""
        return 2 if self.bits == 16 and self.part == "whole" else 1

    @property
    def is_wide(self) -> bool:
        """Whether its value has 16 bits."""
        return self.bits == 16 or self.part != "whole"

    @property
    def ends(self) -> tuple[float, float]:
        """Level at the first and at the last slot value."""
        if self.span is not None:
            return self.span
        return (-1.0, 1.0) if self.attribute is Attribute.TINT else (0.0, 1.0)

    def _faults(self) -> Iterator[str]:
        full = 0xFFFF if self.is_wide else 0xFF
        if self.attribute is None:
            yield from self._constant_faults(full)
            return
        if self.fixed is not None:
            yield "a slot has either an attribute or a fixed value, not both"
        if self.part == "fine" and self.model_fields_set - {"attribute", "part"}:
            yield "the fine part takes everything from its coarse part: give only attribute and part"
        if self.part == "fine":
            return
        if self.attribute is Attribute.CCT and self.span is None:
            yield "cct needs its range: span = [2700, 6500], the kelvin at the first and the last slot value"
        if self.attribute is not Attribute.CCT and self.scale == "mired":
            yield "scale = 'mired' is for cct only"
        if self.attribute not in EMITTERS | {Attribute.INTENSITY} and self.curve is not Curve.LINEAR:
            yield f"a curve is about light output; {self.attribute} has none"
        low, high = {Attribute.CCT: (1000, 20000), Attribute.TINT: (-1, 1)}.get(self.attribute, (0, 1))
        if not all(low <= end <= high for end in self.ends) or self.ends[0] == self.ends[1]:
            yield f"span of {self.attribute} must be two different numbers within {low}…{high}"
        if self.default is not None and not min(self.ends) <= self.default <= max(self.ends):
            yield f"default {self.default:g} is outside the span {self.ends[0]:g}…{self.ends[1]:g}"
        if self.raw is not None and not self.raw[0] < self.raw[1] <= full:
            yield f"raw must rise within 0…{full}; a channel that runs backwards has its span reversed"

    def _constant_faults(self, full: int) -> Iterator[str]:
        if self.fixed is None:
            yield "a slot needs an attribute, or fixed = … with the reason why"
        elif self.fixed > full:
            yield f"fixed = {self.fixed} does not fit into {self.bits} bits (0…{full})"
        if not self.reason:
            yield "a fixed slot needs its reason: what would happen at other values"
        if self.model_fields_set - {"fixed", "reason", "bits"}:
            yield "a fixed slot has only fixed, bits and reason"


class Personality(Entry):
    """One DMX mode: the fixture's slots in order (the RDM word, E1.20)."""

    title: Sentence = Field(description="The mode's name on the fixture's own display.")
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)] = Field(
        description="In the order of the manual. Of a light without DMX: its values, however they travel."
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
        for attribute in Attribute:
            parts = sorted(slot.part for slot in self.slots if slot.attribute is attribute)
            if parts not in ([], ["whole"], ["coarse", "fine"]):
                raise ValueError(f"{attribute} must be there once: whole, or one coarse and one fine part")
        if not self.channels:
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
        return tuple(self.channels)

    def defaults(self) -> dict[Attribute, float]:
        """The levels rendering takes for what it is not told."""
        return {attribute: channel.default for attribute, channel in self.channels.items()}

    @cached_property
    def channels(self) -> dict[Attribute, Channel]:
        """Where each attribute sits, in the order of the slots."""
        fine = {slot.attribute: offset for offset, slot in self._placed() if slot.part == "fine"}
        channels = {}
        for offset, slot in self._placed():
            if slot.attribute is None or slot.part == "fine":
                continue
            start, end = slot.ends
            neutral = DAYLIGHT if slot.attribute is Attribute.CCT else 0.0
            default = min(max(neutral, min(start, end)), max(start, end)) if slot.default is None else slot.default
            first, last = slot.raw or (0, 0xFFFF if slot.is_wide else 0xFF)
            channels[slot.attribute] = Channel(
                attribute=slot.attribute,
                coarse=offset,
                fine=offset + 1 if slot.width == 2 else fine.get(slot.attribute),
                first=first,
                last=last,
                start=start,
                end=end,
                default=default,
                curve=slot.curve,
                mired=slot.scale == "mired",
            )
        return channels

    @cached_property
    def constants(self) -> bytes:
        """The mode's slots with the fixed ones set and all others 0."""
        frame = bytearray(self.footprint)
        for offset, slot in self._placed():
            if slot.fixed is not None:
                frame[offset : offset + slot.width] = slot.fixed.to_bytes(slot.width, "big")
        return bytes(frame)

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


class Match(Entry):
    """For which firmware the numbers hold. Nothing given: for every firmware, known or not."""

    firmware: tuple[FirmwareRange, ...] = Field((), description="Half-open ranges; any of them.")
    unknown: bool = Field(False, description="With ranges: use this profile also when the firmware is not known.")


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
