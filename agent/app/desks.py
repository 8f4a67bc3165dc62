"""Lighting consoles beside us: who has which lights, since when, and what is told of it. On the loop's thread."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agent.lighting.console import Console, Kept
from config.units import Text
from firmware_profiles.patch import Patched

CALM = 10.0
"""Seconds between two tellings about one universe: a console that comes and goes fills nobody's log."""


class News(NamedTuple):
    """Something to tell: ``name`` of the event, its words and fields."""

    name: str
    said: Text
    universe: int
    by: str
    input: str


class Desks:
    """:meth:`hold` is told who holds which universe, :meth:`news` what of it has not been told yet."""

    def __init__(self) -> None:
        self.consoles: Mapping[int, Console] = {}
        self._since: dict[tuple[int, str], float] = {}
        self._told: dict[int, Console] = {}
        self._told_at: dict[int, float] = {}

    def hold(self, consoles: Mapping[int, Console], now: float) -> None:
        """Consoles hold these universes, and no others."""
        self.consoles = consoles
        present = {(universe, name) for universe, each in consoles.items() for name in each.sources}
        self._since = {key: self._since.get(key, now) for key in present}

    def of(self, light: Patched) -> str:
        """The console that holds this light, or a part of it; several, the strongest first; "" when none does."""
        found = None if light.bus else self.consoles.get(light.universe)
        return "" if found is None else ", ".join(found.who(light.address, light.last))

    def since(self, light: Patched) -> float | None:
        """Since when it holds lights of that universe (monotonic)."""
        found = None if light.bus else self.consoles.get(light.universe)
        names = () if found is None else found.who(light.address, light.last)
        return min((self._since[light.universe, name] for name in names), default=None)

    def kept(self, light: Patched) -> Kept | None:
        """What a lost console left behind on this light, or a part of it; of several the latest."""
        found = None if light.bus else self.consoles.get(light.universe)
        return None if found is None else next(iter(found.left(light.address, light.last)), None)

    def news(self, now: float) -> Iterator[News]:
        """What is to be told now; what came and went in the meantime is not."""
        for universe in sorted({*self.consoles, *self._told}):
            there, told = self.consoles.get(universe), self._told.get(universe)
            holds = there if there is not None and there.sources else None
            same = holds is not None and told is not None and holds.sources == told.sources
            if same or now < self._told_at.get(universe, -CALM) + CALM:
                continue
            self._told_at[universe] = now
            if holds is not None:
                self._told[universe] = holds
                yield _takes(universe, holds)
            elif told is not None:
                del self._told[universe]
                yield _leaves(universe, told, stays=there is not None)


def _takes(universe: int, console: Console) -> News:
    by, priority = ", ".join(console.sources), console.priority
    said = Text(
        f"the console {by} has lights of universe {universe} (priority {priority}); they fade back by themselves when "
        f"it ends. Not meant? Stop its output, or lower its priority",
        f"控台 {by} 接管了域 {universe} 的灯光（优先级 {priority}）；控台停止后灯光自动渐变恢复。"
        f"若非本意：停止该控台的输出，或降低其优先级",
    )
    return News("console.takes", said, universe, by, console.input)


def _leaves(universe: int, console: Console, stays: bool) -> News:
    by = ", ".join(console.sources)
    if stays:
        said = Text(
            f"the console {by} has left universe {universe}: its last look stays on its lights, each until somebody "
            f"sets it, or the console is back",
            f"控台 {by} 已离开域 {universe}：其最后画面保留，直到有人设定该灯或控台恢复",
        )
        return News("console.leaves", said, universe, by, console.input)
    said = Text(
        f"the console {by} has left universe {universe}: its lights fade back to what is set here",
        f"控台 {by} 已交还域 {universe}：灯光渐变恢复到本机设定",
    )
    return News("console.leaves", said, universe, by, console.input)
