"""The quantities everybody speaks: each a type that refuses what cannot be."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from config import hosts


class Attribute(StrEnum):
    """What a light can be told, in the attribute's own unit.

    ``intensity`` and the colour emitters run 0…1 in share of *light output* (not of slot value: the profile's
    dimming curve is undone when rendering); ``cct`` is in kelvin; ``tint`` −1 (magenta) … +1 (green). ``cie_x`` and
    ``cie_y`` are a chromaticity (CIE 1931), for lights whose profile knows the colours of their emitters. ``hue`` is in
    degrees (0 red, 120 green, 240 blue) and ``saturation`` 0…1 (0 white), for lights that mix by themselves (HSI).
    """

    INTENSITY = "intensity"
    CCT = "cct"
    TINT = "tint"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    WHITE = "white"
    AMBER = "amber"
    CIE_X = "cie_x"
    CIE_Y = "cie_y"
    HUE = "hue"
    SATURATION = "saturation"


EMITTERS = frozenset({Attribute.RED, Attribute.GREEN, Attribute.BLUE, Attribute.WHITE, Attribute.AMBER})

CIE_SPAN = {Attribute.CIE_X: (0.0, 0.735), Attribute.CIE_Y: (0.0, 0.834)}
"""Between which all real colours lie (ISO/CIE 11664-1: the reddest and the greenest light of one wavelength)."""

HUE_SPAN = {Attribute.HUE: (0.0, 360.0), Attribute.SATURATION: (0.0, 1.0)}
"""A turn of the colour circle in degrees, and from white to the pure colour."""

DAYLIGHT = 5600.0
"""Kelvin a light gets when nobody says otherwise: the usual white of a video studio."""

Levels = Mapping[Attribute, float]

Level = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Luminance = Annotated[float, Field(ge=0.005, le=1, allow_inf_nan=False)]
"""Wanted linear luminance of a picture. Below 0.005 an 8-bit picture has no code left to measure with."""
Kelvin = Annotated[float, Field(ge=1000, le=20000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
Stops = Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)]
Address = Annotated[int, Field(ge=1, le=512, strict=True)]
UniverseNumber = Annotated[int, Field(ge=1, le=63999, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
HostName = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(hosts.host)]
"""A name, an IPv4 or an IPv6 address."""
HostName4 = Annotated[HostName, AfterValidator(hosts.no_ipv6)]
"""The same where our sockets speak IPv4 only."""
IPv4 = Annotated[str, AfterValidator(hosts.ipv4)]
Card = Annotated[str, Field(max_length=63), AfterValidator(hosts.card)]
"""A network card of this machine: its name, or one of its addresses of either kind; "": the routing table decides."""
Endpoint = Annotated[str, Field(min_length=1, max_length=270), AfterValidator(hosts.endpoint)]
"""``host:port``."""

SLOTS = 512
"""Slots of one DMX512-A universe (ANSI E1.11)."""


class Text(NamedTuple):
    """A sentence for people, in both of the operators' languages."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """The sentence in ``"en"``, ``"zh"`` or, for anything else, both."""
        if language == "en":
            return self.en
        if language == "zh":
            return self.zh
        return f"{self.en} / {self.zh}"


SILENT = Text("", "")
"""Nothing to say."""
