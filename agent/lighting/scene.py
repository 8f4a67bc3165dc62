"""The scene: an immutable picture of what every light does from now on. Pure; pumps ask it for frames."""

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from agent.lighting.fade import Fade
from config.units import SLOTS, Attribute, Levels
from firmware_profiles.patch import Patched
from firmware_profiles.render import render

Key = tuple[str, Attribute]


class Scene:
    """Fixtures and the fade of each of their attributes. Never changed once made: the loop swaps in another one.

    ``rate_of`` is how fast an attribute may move at all, in its unit per second.
    """

    def __init__(
        self, fixtures: Mapping[str, Patched], fades: Mapping[Key, Fade], rate_of: Callable[[Key], float]
    ) -> None:
        self.rate_of = rate_of
        self.fixtures = MappingProxyType(dict(fixtures))
        self.fades = MappingProxyType(dict(fades))
        self.settled = max((fade.done for fade in self.fades.values()), default=0.0)
        """From this time on nothing moves."""
        self._by_fixture: dict[str, dict[Attribute, Fade]] = {name: {} for name in fixtures}
        for (name, attribute), fade in self.fades.items():
            self._by_fixture[name][attribute] = fade
        self._still: dict[int, bytes] = {}

    def levels(self, fixture: str, now: float) -> dict[Attribute, float]:
        """What one light shows at ``now``."""
        return {attribute: fade.at(now) for attribute, fade in self._by_fixture[fixture].items()}

    def targets(self, fixture: str) -> dict[Attribute, float]:
        """What one light shows when its fades have arrived."""
        return {attribute: fade.end for attribute, fade in self._by_fixture[fixture].items()}

    def frame(self, universe: int, now: float) -> bytes:
        """All 512 slots of one universe at ``now``; slots nobody patched are 0."""
        if now < self.settled:
            return self._render(universe, now)
        still = self._still.get(universe)
        if still is None:
            still = self._still[universe] = self._render(universe, now)
        return still

    def lights(self, universe: int) -> Iterator[Patched]:
        """The fixtures patched in one universe."""
        return (fixture for fixture in self.fixtures.values() if fixture.universe == universe)

    def shown_by(self, universe: int, frame: bytes, now: float, names: Collection[str] | None = None) -> bool:
        """Whether ``frame`` has every light of the universe (only those called ``names``) as it is at ``now``. Slots
        that are no light's do not count: those of one taken out of the patch are still on their way down."""
        if not frame:
            return False
        wanted = self.frame(universe, now)
        return all(
            frame[light.address - 1 : light.last] == wanted[light.address - 1 : light.last]
            for light in self.lights(universe)
            if names is None or light.name in names
        )

    def render(self, universe: int, levels: Callable[[str], Levels]) -> bytes:
        """The universe's slots with each light at ``levels(name)``."""
        frame = bytearray(SLOTS)
        for fixture in self.lights(universe):
            slots = render(fixture.personality, levels(fixture.name))
            frame[fixture.address - 1 : fixture.address - 1 + len(slots)] = slots
        return bytes(frame)

    def _render(self, universe: int, now: float) -> bytes:
        return self.render(universe, lambda name: self.levels(name, now))
