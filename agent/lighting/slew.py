"""How fast a light may move at all. Pure.

``rate`` is the slew limit in share of full light per second; what carries no light has limits of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agent.lighting.fade import Fade, Key, toward
from config.units import CIE_SPAN, EMITTERS, HUE_SPAN, Attribute
from firmware_profiles.hue import steepest
from firmware_profiles.mixer import ColourMixer
from firmware_profiles.patch import Patched
from firmware_profiles.render import slopes

CCT_RATE = 2000.0
"""Kelvin per second: colour temperature moves no luminance, so this is for the eye's comfort only [house default]."""

TINT_RATE = 1.0

RED_RATE = 0.125
"""Share of full per second at which an emitter of a light that has a red one moves at most. A red flash needs no change
of luminance that counts, so the limit on light does not bound it: at a few per cent of full, emitters against each
other made up to 6 a second. At this rate there are at most 3, the limit (WCAG 2.2, 2.3.1; tried in the tests)."""


DARK = 0.5
"""Seconds a light has been dark before its colour may jump: lamps that smooth what they are told are dark by then."""

COLOUR = {half: tuple(span) for span in (CIE_SPAN, HUE_SPAN) for half in span}
"""The two halves of a colour, by either."""


@dataclass(frozen=True, eq=False)
class Slew:
    """The limit of every attribute of these fixtures, in the attribute's unit per second: ``slew(key)``. Of a colour it
    is what is safe wherever the colour is, for whoever is led; :meth:`fades` know their way."""

    fixtures: Mapping[str, Patched]
    rate: float

    def fades(
        self, fades: Mapping[Key, Fade], wanted: Mapping[Key, tuple[float, float]], now: float
    ) -> dict[Key, Fade]:
        """The fades from what these show now to what is ``wanted``: a level, in so many seconds or longer.

        The two halves of a colour go as one, straight through the colour diagram, as fast as the steepest place on
        their way lets them; that of a light that is dark is there at once, as is the hue of one that is white.
        """
        made: dict[Key, Fade] = {}
        for key, (goal, length) in wanted.items():
            if key in made:
                continue
            halves = [each for half in COLOUR.get(key[1], ()) if (each := (key[0], half)) in fades]
            if not halves:
                made[key] = toward(fades[key], goal, now, length, self(key))
                continue
            goals = {each: wanted[each][0] if each in wanted else fades[each].end for each in halves}
            shown = {each: fades[each].at(now) for each in halves}
            hue, light, colour = ((key[0], each) for each in (Attribute.HUE, Attribute.INTENSITY, Attribute.SATURATION))
            if _at_zero(fades.get(colour), now) and hue in goals:
                shown[hue] = goals[hue]
            if _at_zero(fades.get(light), now):
                shown, length = goals, 0.0
            else:
                length = max(
                    self._least(key[0], shown, goals),
                    *(wanted[each][1] if each in wanted else fades[each].done - now for each in halves),
                )
            made |= {each: Fade(shown[each], goals[each], now, length) for each in halves}
        return made

    def _least(self, name: str, begin: Mapping[Key, float], end: Mapping[Key, float]) -> float:
        """How long a colour takes at least: the light has half of the limit, as the intensity has the other, and each
        emitter the limit of red."""
        if begin == end:
            return 0.0
        mixer = self.fixtures[name].personality.mixer
        if isinstance(mixer, ColourMixer):
            way = [(each[name, Attribute.CIE_X], each[name, Attribute.CIE_Y]) for each in (begin, end)]
            light, emitter = mixer.steepest(*way)
        else:  # of whatever light its three have, the sum changes no faster than the fastest of them
            hue, full = (name, Attribute.HUE), (name, Attribute.SATURATION)
            ways = [(each.get(hue, 0.0), each.get(full, 1.0)) for each in (begin, end)]
            light = emitter = steepest(*ways)
        return max(light / (self.rate / 2), emitter / min(self.rate / 2, RED_RATE))

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


def _at_zero(fade: Fade | None, now: float) -> bool:
    """Whether this is 0, and has been for a while."""
    return fade is not None and fade.end == 0.0 and now >= fade.done + DARK
