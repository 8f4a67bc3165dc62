"""The scene: an immutable picture of what every light does from now on. Pure; outputs play their part of it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from types import MappingProxyType

from agent.lighting.fade import Fade, Fades, Key
from config.units import SLOTS, Attribute
from firmware_profiles.patch import Patched
from firmware_profiles.render import render

_numbers = count(1)


class Scene:
    """Fixtures and the fade of each of their attributes. Never changed once made: the loop swaps in another one.

    ``rate_of`` is how fast an attribute may move at all, in its unit per second; ``on_air``: slots that profiles fix
    (strobe, effects, modes) do not move at all, whatever the patch was before; ``stopped``: nor does anything else, not
    even what is led, or a console's. ``number`` is this scene's own;
    ``follows`` that of the one it was made of by ``changes``, so that whoever has that one needs only these.
    """

    def __init__(
        self,
        fixtures: Mapping[str, Patched],
        fades: Mapping[Key, Fade],
        rate_of: Callable[[Key], float],
        on_air: bool = True,
    ) -> None:
        self.rate_of = rate_of
        self.on_air = on_air
        self.stopped = False
        self.fixtures = MappingProxyType(dict(fixtures))
        self.fades = Fades(dict(fades))
        self.changes: Mapping[Key, Fade] = self.fades
        self.number = next(_numbers)
        self.follows = 0
        self._moving = {key: fade.done for key, fade in self.fades.items() if fade.length}
        self.settled = max((fade.done for fade in self.fades.values()), default=0.0)
        """From this time on nothing moves."""
        self._still: dict[int, bytes] = {}

    def moved(
        self,
        changes: Mapping[Key, Fade],
        now: float,
        rate_of: Callable[[Key], float] | None = None,
        on_air: bool | None = None,
        stopped: bool | None = None,
    ) -> "Scene":
        """The scene in which these attributes do something else from ``now`` on."""
        new = Scene.__new__(Scene)
        new.rate_of = rate_of or self.rate_of
        new.on_air = self.on_air if on_air is None else on_air
        new.stopped = self.stopped if stopped is None else stopped
        new.fixtures = self.fixtures
        new.fades = self.fades.changed(changes)
        new.changes = MappingProxyType(dict(changes))
        new.number = next(_numbers)
        new.follows = self.number
        new._moving = {key: done for key, done in self._moving.items() if done > now}
        new._moving |= {key: fade.done for key, fade in changes.items()}
        new.settled = max(new._moving.values(), default=0.0)
        new._still = {}
        return new

    def levels(self, fixture: str, now: float) -> dict[Attribute, float]:
        """What one light shows at ``now``."""
        fades, light = self.fades, self.fixtures[fixture]
        return {attribute: fades[fixture, attribute].at(now) for attribute in light.personality.attributes}

    def targets(self, fixture: str) -> dict[Attribute, float]:
        """What one light shows when its fades have arrived."""
        fades, light = self.fades, self.fixtures[fixture]
        return {attribute: fades[fixture, attribute].end for attribute in light.personality.attributes}

    def arrives(self, fixture: str) -> float:
        """When the last fade of one light is over."""
        light = self.fixtures[fixture]
        return max((self.fades[fixture, each].done for each in light.personality.attributes), default=0.0)

    def frame(self, universe: int, now: float) -> bytes:
        """All 512 slots of one universe at ``now``; slots nobody patched are 0. What outputs send is made faster
        (:class:`agent.lighting.part.Part`); this says what it has to be."""
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
        known = self.lights(universe) if names is None else (self.fixtures[name] for name in names)
        return all(
            frame[light.address - 1 : light.last] == render(light.personality, self.levels(light.name, now))
            for light in known
            if light.universe == universe
        )

    def _render(self, universe: int, now: float) -> bytes:
        frame = bytearray(SLOTS)
        for light in self.lights(universe):
            frame[light.address - 1 : light.last] = render(light.personality, self.levels(light.name, now))
        return bytes(frame)
