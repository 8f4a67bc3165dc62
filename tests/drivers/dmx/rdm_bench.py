"""An RDM port straight onto a line of fake responders, on a clock that stands still until somebody waits."""

from typing import TypeVar

from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_port import Answer, Ask, Steps, Table, run
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line

T = TypeVar("T")
OURS = Uid(0x454E, 0x02134567)


class LinePort:
    """A widget that costs no time but what its responders take."""

    uid = OURS
    has_table = False
    gap = 0.025
    limit = 0.2

    def __init__(self, *responders: FakeResponder) -> None:
        self.time = 100.0
        self.line = Line(responders, now=self.now)
        self.transactions = 0

    def transact(self, step: Ask | Table, timeout: float) -> Answer:
        assert isinstance(step, Ask)
        self.transactions += 1
        heard = self.line.exchange(step.packet)
        took = 0.002 if heard else min(0.01, timeout)  # a widget tells its own time-out
        self.time += took
        return Answer(heard, took=took)

    def rest(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> float:
        return self.time

    def run(self, steps: Steps[T], limit: float = 3600.0) -> T:
        return run(steps, self, limit)


def bench(*responders: FakeResponder, passive: bool = False) -> tuple[LinePort, Controller]:
    port = LinePort(*responders)
    return port, Controller(port.uid, passive)
