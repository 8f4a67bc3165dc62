"""Masters: what scales the light of many fixtures at once, whoever holds them. Pure."""

import math
from collections.abc import Collection, Mapping

from agent.lighting.fade import Key
from config.units import EMITTERS, Attribute
from firmware_profiles.patch import Patched

GRAND = ""
"""The grand master's name among the submasters'; no group can be called so."""


class Masters:
    """The grand master over all lights, a submaster over each group, and the blackout. All that stand over a light
    multiply. ``blackout`` is who has called for it; "" while there is none."""

    def __init__(
        self,
        fixtures: Mapping[str, Patched],
        groups: Mapping[str, Collection[str]],
        levels: Mapping[str, float],
        blackout: str = "",
    ) -> None:
        self.blackout = blackout
        self.levels = {name: levels.get(name, 1.0) for name in (GRAND, *groups)}
        self._fixtures = fixtures
        self._over = {
            light: (GRAND, *(name for name, members in groups.items() if light in members)) for light in fixtures
        }
        self._latest: list[str] = []

    @property
    def grand(self) -> float:
        """What all lights are scaled to at most: the grand master; 0 in a blackout."""
        return 0.0 if self.blackout else self.levels[GRAND]

    def set(self, name: str, level: float) -> None:
        """Move one, 0…1."""
        self.levels[name] = level
        self._latest = [name, *(other for other in self._latest if other != name)]

    def under(self, name: str) -> list[str]:
        """The lights it scales."""
        return [light for light, over in self._over.items() if name in over]

    def scale(self, fixture: str) -> float:
        """All that stand over this light, multiplied."""
        return 0.0 if self.blackout else math.prod(self.levels[name] for name in self._over[fixture])

    def shown(self, key: Key, level: float) -> float:
        """What shows of a level that is asked for."""
        return level * self.scale(key[0]) if self.carries_light(key) else level

    def asked(self, key: Key, shown: float, otherwise: float) -> float:
        """The level that shows like this; ``otherwise`` when every level does, because it is scaled to 0."""
        scale = self.scale(key[0])
        if not self.carries_light(key) or scale == 1.0:
            return shown
        return min(1.0, shown / scale) if scale > 0 else otherwise

    def carries_light(self, key: Key) -> bool:
        """Whether masters work on it: the intensity; of a light without one, its colours."""
        name, attribute = key
        if attribute is Attribute.INTENSITY:
            return True
        return attribute in EMITTERS and Attribute.INTENSITY not in self._fixtures[name].personality.attributes

    def lift(self, key: Key, shown: float) -> None:
        """Go up as far as this light needs to stay as it shows: a master on its way down is below what still shows. The
        one moved last goes first."""
        if not self.carries_light(key) or self.scale(key[0]) >= shown:
            return
        self.blackout = ""
        names = self._over[key[0]]
        for name in [*(n for n in self._latest if n in names), *(n for n in names if n not in self._latest)]:
            if self.scale(key[0]) >= shown:
                return
            rest = math.prod(self.levels[other] for other in names if other != name)
            self.levels[name] = min(1.0, shown / rest) if rest > 0 else 1.0
