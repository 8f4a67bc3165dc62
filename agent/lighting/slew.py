"""How fast a light may move at all. Pure.

``rate`` is the slew limit in share of full light per second; what carries no light has limits of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agent.lighting.fade import Key
from config.units import CIE_SPAN, EMITTERS, HUE_SPAN, Attribute
from firmware_profiles.patch import Patched
from firmware_profiles.render import slopes

CCT_RATE = 2000.0
"""Kelvin per second: colour temperature moves no luminance, so this is for the eye's comfort only [house default]."""

TINT_RATE = 1.0

RED_RATE = 0.125
"""Share of full per second at which an emitter of a light that has a red one moves at most. A red flash needs no change
of luminance that counts, so the limit on light does not bound it: at a few per cent of full, emitters against each
other made up to 6 a second. At this rate there are at most 3, the limit (WCAG 2.2, 2.3.1; tried in the tests)."""


@dataclass(frozen=True, eq=False)
class Slew:
    """The limit of every attribute of these fixtures, in the attribute's unit per second: ``slew(key)``."""

    fixtures: Mapping[str, Patched]
    rate: float

    def __call__(self, key: Key) -> float:
        name, attribute = key
        if attribute is Attribute.CCT:
            return CCT_RATE
        if attribute is Attribute.TINT:
            return TINT_RATE
        # Light = intensity x colour mix: where both can move, each gets half of the allowed slope, so that their
        # product keeps within it. Of a colour in x and y the slope is the light's own, along whichever way it goes.
        personality = self.fixtures[name].personality
        if attribute in CIE_SPAN:
            return self.rate / 2 / math.sqrt(2) / slopes(personality)[attribute]
        if attribute in HUE_SPAN:  # two factors of the colour mix: half of its half for each
            return self.rate / 4 / slopes(personality)[attribute]
        has = personality.attributes
        both = Attribute.INTENSITY in has and bool((EMITTERS | CIE_SPAN.keys() | HUE_SPAN.keys()) & set(has))
        rate = self.rate / 2 if both else self.rate
        return min(rate, RED_RATE) if attribute in EMITTERS and Attribute.RED in has else rate
