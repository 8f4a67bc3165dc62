"""What a command is made of on the agent's side: the request, the verb that answers it, the job while it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from agent.messaging.commands import Envelope
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import Answer
from config.units import Text
from drivers.base import Impact
from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported, Refused, ReplyTimeout, WorkLost

A = TypeVar("A", bound=BaseModel)
INTERLOCKED = frozenset({Impact.VISIBLE, Impact.DISRUPTIVE})
"""Refused on air."""

DRIVER_CODES: Mapping[type[DriverError], ReasonCode] = {
    DeviceMissing: ReasonCode.OFFLINE,
    LinkLost: ReasonCode.OFFLINE,
    WorkLost: ReasonCode.OFFLINE,
    ReplyTimeout: ReasonCode.TIMEOUT,
    Refused: ReasonCode.DEVICE_REFUSED,
    NotSupported: ReasonCode.UNSUPPORTED,
}


def _fine(_: Any) -> None:
    """Nothing to object."""


def _nothing() -> None:
    """It lacks nothing."""


class Reply(Protocol):
    """Takes one answer to whoever asked. ``reply_to``: the envelope's, where one could be read."""

    def __call__(self, answer: Answer, reply_to: str | None, /) -> None: ...


def unheard(answer: Answer, reply_to: str | None, /) -> None:
    """For a request whose answers only go to the state topic."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command as it came in. ``expires``: wall clock from the transport (MQTT 5 message expiry), seconds. ``topic``
    and ``correlation``: where ``reply`` goes, for a command that outlives this start. ``origin``: ``broker``, ``local``
    (the control socket), or the name of another dialect, which then is the issuer's."""

    verb: str
    id: str
    body: bytes
    retained: bool = False
    expires: float | None = None
    reply: Reply = unheard
    topic: str | None = None
    correlation: bytes | None = None
    origin: str = "broker"


class Admits(Protocol):
    """Who decides whose commands are taken: the gate (:mod:`agent.messaging.trust.gate`)."""

    def admit(self, request: Request, envelope: Envelope) -> bool:
        """Raises Refusal. ``False``: the command's ages do not count."""

    def due(self, job: "Job", args: Mapping[str, Any]) -> None:
        """Raises Refusal for one that has waited for its time, and may not be begun now that it has come."""


class Open:
    """Lets every command in: for an agent without a broker, and for tests of what comes after."""

    def admit(self, request: Request, envelope: Envelope) -> bool:
        return True

    def due(self, job: "Job", args: Mapping[str, Any]) -> None:
        """It may."""


class Job:
    """A running command, as its verb sees it."""

    def __init__(self, id: str, verb: str, issuer: str, tell: Callable[[float, Text | None], None]) -> None:  # noqa: A002
        self.id = id
        self.verb = verb
        self.issuer = issuer
        self.cancelled = False
        """Somebody asked to cancel it; the verb's task has been cancelled too."""
        self._tell = tell

    def progress(self, share: float, text: Text | None = None) -> None:
        """Answer *executing* with how much is done, 0…1."""
        self._tell(min(1.0, max(0.0, share)), text)


@dataclass(frozen=True)
class Verb(Generic[A]):
    """One command the agent understands. ``check`` raises Refusal; ``run`` returns the answer's result (JSON-able).

    ``impact`` may depend on the arguments. ``deadline`` in seconds. ``always``: also when the agent is busy (short
    verbs that help to end that state). ``missing`` says what this agent lacks for it now (None: nothing): it is refused
    as *unsupported* then, and the capability message leaves it out. ``read`` makes it a *question*: the result from
    memory, at once and without any effect (``run`` is for one that was sent for later). The result of a ``private``
    question goes to its reply topic only: not onto the command's state topic, which is retained and seen by all.
    """

    name: str
    args: type[A]
    run: Callable[[A, Job], Awaitable[Mapping[str, Any]]]
    check: Callable[[A], None] = _fine
    impact: Impact | Callable[[A], Impact] = Impact.PASSIVE
    deadline: float = 30.0
    always: bool = False
    missing: Callable[[], Text | None] = _nothing
    read: Callable[[A], Mapping[str, Any]] | None = None
    private: bool = False

    def able(self) -> None:
        """Raises Refusal when the agent lacks something for it."""
        if (lack := self.missing()) is not None:
            raise Refusal(ReasonCode.UNSUPPORTED, lack)
