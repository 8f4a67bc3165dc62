"""A fade: a value as a function of time. Pure; the only thing that ever moves a light."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from types import MappingProxyType
from typing import NamedTuple

from config.units import Attribute

Key = tuple[str, Attribute]
"""An attribute of a light."""

APART = 64
"""So many fades are kept apart from all the others."""


class Fade(NamedTuple):
    """From ``start`` at time ``begin`` to ``end`` at ``begin + length``, in a straight line; constant outside."""

    start: float
    end: float
    begin: float = 0.0
    length: float = 0.0

    def at(self, now: float) -> float:
        if now >= self.begin + self.length:
            return self.end
        if now <= self.begin:
            return self.start
        return self.start + (self.end - self.start) * (now - self.begin) / self.length

    @property
    def done(self) -> float:
        """When it has arrived."""
        return self.begin + self.length


class Fades(Mapping[Key, Fade]):
    """The fade of every attribute: those of an earlier scene, and the few that are others since. Copying all of them
    for each command would cost what the studio has, and not what the command moves."""

    __slots__ = ("_few", "_most")

    def __init__(self, most: Mapping[Key, Fade], few: Mapping[Key, Fade] = MappingProxyType({})) -> None:
        self._most, self._few = most, few

    def changed(self, changes: Mapping[Key, Fade]) -> "Fades":
        """These, but for the changes. The keys must be among those there are."""
        few = {**self._few, **changes}
        return Fades(self._most, few) if len(few) <= APART else Fades({**self._most, **few})

    def __getitem__(self, key: Key) -> Fade:
        found = self._few.get(key)
        return self._most[key] if found is None else found

    def __iter__(self) -> Iterator[Key]:
        return iter(self._most)

    def __len__(self) -> int:
        return len(self._most)

    def items(self) -> ItemsView[Key, Fade]:
        return {**self._most, **self._few}.items()

    def values(self) -> ValuesView[Fade]:
        return {**self._most, **self._few}.values()


def toward(present: Fade, target: float, now: float, length: float, rate: float) -> Fade:
    """A fade from the present value to ``target`` in ``length`` seconds, or longer where ``rate`` (units per second)
    would be exceeded.

    This is the flash limiter by construction: every fade begins at the value just shown, so the light is a continuous
    curve whose slope never passes ``rate``, whatever is commanded and how often. A full change of picture luminance
    takes 1/rate seconds, and two opposing changes of 10 % make a flash (WCAG 2.2, 2.3.1; ITU-R BT.1702):
    at most rate/0.2 flashes a second.
    """
    start = present.at(now)
    return Fade(start, target, now, max(length, abs(target - start) / rate))
