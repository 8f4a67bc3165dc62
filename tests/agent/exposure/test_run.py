"""A plan that is carried out on a rig."""

from itertools import count

from agent.exposure.commissioning.instructions import Light, Set, Watch
from agent.exposure.commissioning.plan import Plan
from agent.exposure.commissioning.run import Run
from agent.lighting.rig import Rig
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY


class TwoFades(Plan[str]):
    """There, a look, and back."""

    expected_seconds = 30.0

    def __init__(self) -> None:
        super().__init__([Light("key", 0.4)])
        self._begin()

    def _home(self) -> Set:
        return Set({"key": 0.4}, 0.1)

    def _measured(self):
        yield Set({"key": 0.5}, 0.1)
        yield Set({"key": 0.45}, 0.1)
        yield Watch(1, 0.1)
        return "done"


async def test_progress_is_told_once_for_each_look():
    told, seconds = [], count(100.0, 0.5)
    rig = Rig(fixtures(), rate=0.6, present={"key": {LIGHT: 0.4}, "fill": {LIGHT: 0.2}}, show=lambda scene: None)
    assert await Run(rig, lambda: next(seconds), lambda: False).of(TwoFades(), told.append) == "done"
    assert len(told) == 1 and 0 < told[0] < 1
