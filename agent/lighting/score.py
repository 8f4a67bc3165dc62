"""The score: what one output has to play, scene by scene; on the loop's thread."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from agent.lighting.fade import Fade
from agent.lighting.part import FEW, Change, Few, Part, freed, part
from agent.lighting.scene import Scene
from agent.lighting.sheet import Bools, Numbers, lay_out
from config.units import SLOTS

NONE: Bools = np.zeros(SLOTS, np.bool_)


class Score:
    """Knows by which number the output knows a channel."""

    def __init__(
        self, scene: Scene, universes: Sequence[int], fixed: Mapping[int, Bools] = MappingProxyType({})
    ) -> None:
        """``fixed``: slots of universes that were fixed while another output carried them."""
        self._scene = scene
        self._universes = tuple(universes)
        self._sheet, self._numbers = lay_out(scene.fixtures, universes)
        self._fixed: Bools | None = None
        self._were_fixed(np.stack([fixed.get(universe, NONE) for universe in universes]))

    def fixed(self) -> dict[int, Bools]:
        """Slots that profiles fix now, or did when they were last off air."""
        held = self._sheet.held if self._fixed is None else self._sheet.held | self._fixed
        return dict(zip(self._universes, held, strict=True))

    def whole(self) -> Part:
        """The present scene's part."""
        fades = _columns(self._scene.fades[key] for key in self._numbers)
        return part(self._sheet, fades, self._rates(), self._scene.on_air, self._fixed, self._scene.stopped)

    def follow(self, scene: Scene) -> Change | Few | Part | None:
        """Go over to this scene: what changes by it, a whole part when the patch is another one, ``None`` when it says
        nothing new for this output."""
        before, self._scene = self._scene, scene
        if scene.number == before.number:
            return None
        if scene.fixtures is not before.fixtures:
            held = np.stack(list(self.fixed().values()))
            self._sheet, self._numbers = lay_out(scene.fixtures, self._universes)
            self._were_fixed(held)
            return self.whole()
        if not scene.on_air and self._fixed is not None:
            self._fixed = freed(self._fixed, self._sheet)
        fades = scene.changes if scene.follows == before.number else scene.fades
        mine = {self._numbers[key]: fade for key, fade in fades.items() if key in self._numbers}
        rates = None if scene.rate_of is before.rate_of else self._rates()
        on_air = None if scene.on_air == before.on_air else scene.on_air
        stopped = None if scene.stopped == before.stopped else scene.stopped
        if rates is None and on_air is None and stopped is None:
            if not mine:
                return None
            if len(mine) <= FEW:
                return Few({number: tuple(mine[number]) for number in sorted(mine)})
        which = sorted(mine)
        return Change(np.array(which, np.intp), _columns(mine[number] for number in which), rates, on_air, stopped)

    def _were_fixed(self, held: Bools) -> None:
        held &= ~self._sheet.held
        self._fixed = held if held.any() else None

    def _rates(self) -> Numbers:
        return np.fromiter(map(self._scene.rate_of, self._numbers), np.float64, len(self._numbers))


def _columns(fades: Iterable[Fade]) -> Numbers:
    return np.array(list(fades), np.float64).reshape(-1, 4).T.copy()
