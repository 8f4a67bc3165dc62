"""What is remembered of an RDM line between two runs of its self-test, and what its checks share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from config.units import Text
from drivers.base import Limits, Result, Verdict
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_parameters import LossMode, Parameter
from drivers.dmx.rdm_port import Job, RdmPort, Steps, run
from drivers.errors import DriverError, LinkLost

T = TypeVar("T")

READING_S = 3.0
PATIENCE_S = 1.0
"""A device that puts an answer off for longer does without this check; the others shall not wait for it."""
CABLE = Text(
    "Check the terminator at the end of the line, its cables and splitters.", "检查线路终端电阻、线缆与分配器。"
)
FIRST = Text("Run RDM-01 first, off air.", "请先在非直播时运行RDM-01。")


@dataclass(frozen=True, slots=True)
class Planned:
    """How one device shall be set; None: as it likes."""

    address: int | None = None
    personality: int | None = None
    fail_mode: LossMode | None = None
    startup_mode: LossMode | None = None


@dataclass
class Known:
    """What is remembered of one line between two runs of its checks.

    ``uids`` are there now; ``wanted`` were there once, and are missed when they are gone. ``plan`` says it better, and
    may be set by whoever knows it.
    """

    subject: str
    port: Callable[[], RdmPort | None]
    uids: tuple[Uid, ...] = ()
    wanted: frozenset[Uid] = frozenset()
    plan: Mapping[Uid, Planned] = field(default_factory=dict)
    comms: dict[Uid, tuple[int, int]] = field(default_factory=dict)
    """Spoilt packets a device had counted, and how many we had sent by then."""
    job: tuple[str, Job[Any]] | None = None
    """What is being done on this line step by step, with its name (:mod:`drivers.dmx.rdm_jobs`)."""
    _controller: Controller | None = None

    def controller(self) -> Controller:
        """The one that asks for the checks. LinkLost while the device is closed."""
        uid = self.opened().uid
        if self._controller is None or self._controller.uid != uid:
            self._controller = Controller(uid, patience=PATIENCE_S)
        return self._controller

    def opened(self) -> RdmPort:
        port = self.port()
        if port is None:
            raise LinkLost(f"{self.subject}: RDM is not open")
        return port

    @property
    def reading_s(self) -> float:
        """Seconds that reading a little of everybody may take."""
        return READING_S + 0.3 * len(self.uids)

    def run(self, steps: Steps[T], limit: float) -> T:
        return run(steps, self.opened(), limit)


class HasRdm(Protocol):
    """A driver that may be able to do RDM."""

    def rdm(self, universe: int) -> RdmPort | None:
        """The port to the line of that universe; ``None`` while the device is closed or cannot."""

    def rdm_known(self, universe: int) -> Known:
        """What its checks remember of that line: whoever surveys it sets ``uids`` and ``plan``."""


def nobody(known: Known) -> Result | None:
    """The result where no devices are known; None where there are."""
    if known.uids:
        return None
    said = Text("No RDM device is known on this line.", "该线路上没有已知的RDM设备。")
    return Result(Verdict.SKIPPED, said, FIRST)


def of_all(controller: Controller, uids: Iterable[Uid], parameter: Parameter[T]) -> Steps[dict[Uid, T]]:
    """One parameter of each that has it and answers."""
    found: dict[Uid, T] = {}
    for uid in uids:
        try:
            found[uid] = yield from controller.get(uid, parameter)
        except LinkLost:
            raise
        except DriverError:
            continue
    return found


def result(
    findings: Sequence[str],
    limits: Limits,
    good: Text,
    bad: Text,
    remedy: Text,
    evidence: Mapping[str, Any],
    unit: str = "",
) -> Result:
    """The verdict on a number of findings."""
    verdict = limits.judge(len(findings))
    if verdict is Verdict.PASS:
        return Result(verdict, good, value=0, unit=unit, limits=limits, evidence=evidence)
    evidence = {**evidence, "found": list(findings)}
    return Result(verdict, bad, remedy, len(findings), unit, limits, evidence)


def in_part(known: Known, answered: Iterable[Uid], found: Result) -> Result:
    """The same, unless it is good only because some did not answer at all."""
    silent = sorted({*known.uids} - {*answered})
    if not silent or found.verdict not in (Verdict.PASS, Verdict.SKIPPED):
        return found
    names = listed([str(uid) for uid in silent])
    verdict = Verdict.ERROR if len(silent) == len(known.uids) else Verdict.MARGINAL
    said = Text(f"No answer from {names}.", f"以下设备无应答：{names}。")
    return Result(verdict, said, CABLE, len(silent), "devices", evidence=found.evidence)


def listed(findings: Sequence[str]) -> str:
    """The first few, for a sentence."""
    more = f" (+{len(findings) - 3})" if len(findings) > 3 else ""
    return ", ".join(findings[:3]) + more
