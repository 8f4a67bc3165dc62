"""One entry of a mode's table of slots: an attribute, an emitter that is mixed, or a constant."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.units import CIE_SPAN, DAYLIGHT, EMITTERS, HUE_SPAN, Attribute, Kelvin, Level, Name
from firmware_profiles import curves
from firmware_profiles.channel import Channel
from firmware_profiles.curves import Curve, Dimming, Measured
from firmware_profiles.entry import Entry
from firmware_profiles.gamut import Emitter
from firmware_profiles.locus import white

Whole = Annotated[int, Field(ge=0, le=0xFFFF, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False)]

_SPANS = {Attribute.CCT: (1000, 20000), Attribute.TINT: (-1, 1), **HUE_SPAN}


class Slot(Entry):
    """One channel of a personality, in the order of the fixture's manual.

    An attribute; or an ``emitter`` with its colour, which the mode mixes (``mix``); or a constant (``fixed``) with the
    reason why it must stay there.
    """

    attribute: Attribute | None = Field(None, description="What it drives.")
    bits: Literal[8, 16] = Field(8, description="16: coarse and fine, one after the other (two DMX slots).")
    part: Literal["whole", "coarse", "fine"] = Field(
        "whole", description="coarse, fine: a 16-bit channel whose two slots are not neighbours; one entry each."
    )
    curve: Curve = Field(Curve.LINEAR, description="What the fixture makes of the slot; rendering undoes it.")
    points: Annotated[tuple[tuple[Level, Level], ...], Field(max_length=256)] | None = Field(
        None,
        description="Instead of a curve, as measured: pairs of slot share and light share, from [0, 0] up to [1, 1].",
    )
    span: tuple[Number, Number] | None = Field(
        None,
        description="Level at the first and the last slot value: kelvin for cct, degrees for hue; may fall.",
    )
    scale: Literal["linear", "mired"] = Field("linear", description="mired: the slot is proportional to 1/kelvin.")
    raw: tuple[Whole, Whole] | None = Field(None, description="First and last slot value in use; default: all.")
    default: Number | None = Field(
        None, description="Level when none is given; else dark, neutral, or 5600 K as near as it goes."
    )
    emitter: Name | None = Field(None, description="The emitter it drives, by any name: warm, red …")
    cct: Kelvin | None = Field(None, description="The emitter's white in kelvin, taken as on the Planckian locus.")
    xy: tuple[Number, Number] | None = Field(None, description="The emitter's colour in CIE 1931 x, y.")
    light: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = Field(
        None, description="The emitter's luminous output at full, in any unit that is the same for all of the mode."
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
    def drives(self) -> str | None:
        """The attribute or emitter; ``None``: nothing."""
        return self.attribute or self.emitter

    @property
    def ends(self) -> tuple[float, float]:
        """Level at the first and at the last slot value."""
        if self.span is not None:
            return self.span
        if self.attribute is Attribute.HUE:
            return HUE_SPAN[Attribute.HUE]
        return (-1.0, 1.0) if self.attribute is Attribute.TINT else (0.0, 1.0)

    @property
    def dimming(self) -> Dimming:
        """What the fixture makes of the slot."""
        return self.curve if self.points is None else Measured(self.points)

    @property
    def source(self) -> Emitter:
        """The emitter it drives. Only where there is one, in its whole or coarse part."""
        if self.emitter is None or self.light is None:
            raise ValueError("no emitter")
        return Emitter(self.emitter, self.xy or white(self.cct or DAYLIGHT), self.light)

    def channel(self, offset: int, fine: int | None) -> Channel:
        """Its channel, at an offset from the start address; ``fine``: where its fine part is."""
        start, end = self.ends
        neutral = DAYLIGHT if self.attribute is Attribute.CCT else 0.0
        default = min(max(neutral, min(start, end)), max(start, end)) if self.default is None else self.default
        first, last = self.raw or (0, 0xFFFF if self.is_wide else 0xFF)
        return Channel(
            attribute=self.attribute,
            coarse=offset,
            fine=offset + 1 if self.width == 2 else fine,
            first=first,
            last=last,
            start=start,
            end=end,
            default=default,
            curve=self.dimming,
            mired=self.scale == "mired",
        )

    def _faults(self) -> Iterator[str]:
        full = 0xFFFF if self.is_wide else 0xFF
        if self.drives is None:
            yield from self._constant_faults(full)
            return
        if self.fixed is not None or (self.attribute is not None and self.emitter is not None):
            yield "a slot has one of attribute, emitter and fixed value, not several"
        if self.part == "fine" and self.model_fields_set - {"attribute", "emitter", "part"}:
            yield "the fine part takes everything from its coarse part: give only attribute or emitter, and part"
        if self.part == "fine":
            return
        yield from self._attribute_faults() if self.attribute is not None else self._emitter_faults()
        if self.points is not None:
            yield from curves.faults(self.points)
            if "curve" in self.model_fields_set:
                yield "a slot has either points or a curve, not both"
        if self.raw is not None and not self.raw[0] < self.raw[1] <= full:
            yield f"raw must rise within 0…{full}; a channel that runs backwards has its span reversed"

    def _attribute_faults(self) -> Iterator[str]:
        if self.attribute in CIE_SPAN:
            yield f"{self.attribute} is never a slot: give the emitters with their colours, and mix = 'xy'"
            return
        if self.model_fields_set & {"cct", "xy", "light"}:
            yield "cct, xy and light belong to an emitter"
        if self.attribute is Attribute.CCT and self.span is None:
            yield "cct needs its range: span = [2700, 6500], the kelvin at the first and the last slot value"
        if self.attribute is not Attribute.CCT and self.scale == "mired":
            yield "scale = 'mired' is for cct only"
        is_light = self.attribute in EMITTERS | {Attribute.INTENSITY}
        if not is_light and (self.curve is not Curve.LINEAR or self.points is not None):
            yield f"a curve is about light output; {self.attribute} has none"
        low, high = _SPANS.get(self.attribute, (0, 1)) if self.attribute else (0, 1)
        if not all(low <= end <= high for end in self.ends) or self.ends[0] == self.ends[1]:
            yield f"span of {self.attribute} must be two different numbers within {low:g}…{high:g}"
        if self.default is not None and not min(self.ends) <= self.default <= max(self.ends):
            yield f"default {self.default:g} is outside the span {self.ends[0]:g}…{self.ends[1]:g}"

    def _emitter_faults(self) -> Iterator[str]:
        if self.model_fields_set & {"span", "scale", "default"}:
            yield "span, scale and default belong to an attribute; an emitter goes from dark to full"
        if (self.cct is None) == (self.xy is None):
            yield "an emitter has its colour either as xy = [0.31, 0.33] or, if it is white, as cct = 5600"
        if self.light is None:
            yield "an emitter needs light: its luminous output at full, in the same unit as the others'"
        if self.xy is not None:
            (x, y), (x_span, y_span) = self.xy, CIE_SPAN.values()
            if not (x_span[0] < x <= x_span[1] and 0.001 <= y <= y_span[1] and x + y <= 1):
                right = f"x up to {x_span[1]}, y within 0.001…{y_span[1]}, x + y up to 1"
                yield f"xy = [{x:g}, {y:g}] is no colour: {right}"

    def _constant_faults(self, full: int) -> Iterator[str]:
        if self.fixed is None:
            yield "a slot needs an attribute or an emitter, or fixed = … with the reason why"
        elif self.fixed > full:
            yield f"fixed = {self.fixed} does not fit into {self.bits} bits (0…{full})"
        if not self.reason:
            yield "a fixed slot needs its reason: what would happen at other values"
        if self.model_fields_set - {"fixed", "reason", "bits"}:
            yield "a fixed slot has only fixed, bits and reason"
