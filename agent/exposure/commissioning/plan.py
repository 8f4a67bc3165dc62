"""A plan that moves lights and looks at pictures: told what was seen, it says what to do next. No clock, no rig.

Whoever carries it out does :attr:`Plan.instruction` and hands the answer to :meth:`Plan.reply` until there is none. The
last instruction is always the look, also after a refusal or when the plan is broken off.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Generic, TypeVar

from agent.exposure.commissioning.instructions import Instruction, Light, Reply, Set
from agent.exposure.commissioning.refusals import Ending, Refusal, Refused, refuse

R = TypeVar("R")


class Plan(ABC, Generic[R]):
    """See the module. ``result`` is there when ``instruction`` is ``None``. A plan calls :meth:`_begin` when it is
    made."""

    instruction: Instruction | None
    _steps: Generator[Instruction, Reply, R | Refused]

    def __init__(self, lights: Sequence[Light]) -> None:
        self.lights = tuple(lights)
        self.result: R | Refused | None = None
        self._ending = False

    def reply(self, answer: Reply) -> None:
        """What came of the present instruction."""
        try:
            self.instruction = self._steps.send(answer)
        except StopIteration as end:
            self.instruction, self.result = None, end.value

    def abort(self, why: Ending) -> None:
        """End it: the look is set again, and that is all. (A hand on a light, the picture lost, on air.)"""
        if not self._ending:
            self.instruction = self._steps.throw(Refusal(refuse(why, {})))

    @property
    @abstractmethod
    def expected_seconds(self) -> float:
        """How long all of it will take, when nothing has to be done twice."""

    @abstractmethod
    def _measured(self) -> Generator[Instruction, Reply, R]:
        """All but the way home. Raises Refusal."""

    @abstractmethod
    def _home(self) -> Set:
        """The look."""

    def _begin(self) -> None:
        self._steps = self._whole()
        self.instruction = next(self._steps)

    def _whole(self) -> Generator[Instruction, Reply, R | Refused]:
        try:
            result: R | Refused = yield from self._measured()
        except Refusal as refusal:
            result = refusal.refused
        self._ending = True
        yield self._home()
        return result
