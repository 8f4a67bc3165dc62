"""The score: what one output has to play, scene by scene; on the loop's thread."""

from collections.abc import Iterable, Sequence

import numpy as np

from agent.lighting.fade import Fade
from agent.lighting.part import FEW, Change, Few, Part, part
from agent.lighting.scene import Scene
from agent.lighting.sheet import Numbers, lay_out


class Score:
    """Knows by which number the output knows a channel."""

    def __init__(self, scene: Scene, universes: Sequence[int]) -> None:
        self._scene = scene
        self._universes = tuple(universes)
        self._sheet, self._numbers = lay_out(scene.fixtures, universes)

    def whole(self) -> Part:
        """The present scene's part."""
        fades = _columns(self._scene.fades[key] for key in self._numbers)
        return part(self._sheet, fades, self._rates())

    def follow(self, scene: Scene) -> Change | Few | Part | None:
        """Go over to this scene: what changes by it, a whole part when the patch is another one, ``None`` when it says
        nothing new for this output."""
        before, self._scene = self._scene, scene
        if scene.number == before.number:
            return None
        if scene.fixtures is not before.fixtures:
            self._sheet, self._numbers = lay_out(scene.fixtures, self._universes)
            return self.whole()
        fades = scene.changes if scene.follows == before.number else scene.fades
        mine = {self._numbers[key]: fade for key, fade in fades.items() if key in self._numbers}
        rates = None if scene.rate_of is before.rate_of else self._rates()
        if not mine and rates is None:
            return None
        if rates is None and len(mine) <= FEW:
            return Few({number: tuple(mine[number]) for number in sorted(mine)})
        which = sorted(mine)
        return Change(np.array(which, np.intp), _columns(mine[number] for number in which), rates)

    def _rates(self) -> Numbers:
        return np.fromiter(map(self._scene.rate_of, self._numbers), np.float64, len(self._numbers))


def _columns(fades: Iterable[Fade]) -> Numbers:
    return np.array(list(fades), np.float64).reshape(-1, 4).T.copy()
