"""RDM requests and what comes back: retries, every response type, sub-devices, and what is not done on air.

request ─▶ ACK            the answer
         ─▶ ACK_OVERFLOW   a part of it: ask again and put the parts together (E1.20 6.3.3)
         ─▶ ACK_TIMER      not yet: wait as long as it says, then fetch it with QUEUED_MESSAGE (6.3.2)
         ─▶ NACK           no, with its reason: Nack, a Refused
         ─▶ spoilt         ask again, at most twice; then BadReply
         ─▶ silence        ask again, at most twice; then ReplyTimeout
"""

from dataclasses import replace
from typing import TypeVar

from config.units import Text
from drivers.dmx import rdm_words as words
from drivers.dmx.rdm_codec import (
    ALL_SUB_DEVICES,
    ROOT,
    Command,
    Decoder,
    Packet,
    RdmError,
    ResponseType,
    Uid,
)
from drivers.dmx.rdm_parameters import PASSIVE, Parameter
from drivers.dmx.rdm_port import Answer, Ask, Pause, Steps
from drivers.dmx.rdm_words import Pid, StatusType
from drivers.errors import BadReply, NotSupported, Refused, ReplyTimeout

T = TypeVar("T")

TRIES = 3
OVERFLOWS = 64
"""Parts of one answer at most: 64 × 231 bytes; a responder that never ends would fill the memory."""
LONGEST_WAIT = 60.0
"""Seconds the ACK_TIMERs of one request may add up to; one alone may say 6553.5 s."""
QUEUED = 32
"""Messages taken from a queue before the awaited one at most."""
BUSY = 0.1
"""Seconds until a responder whose buffer is full is asked again."""


class Nack(Refused):
    """A responder's NACK. ``code`` is its reason (Table A-17), ``said`` the reason in both languages."""

    def __init__(self, uid: Uid, pid: int, code: int) -> None:
        self.pid = pid
        self.code = code
        self.said = words.nack_text(code)
        super().__init__(f"{uid} refuses {words.pid_name(pid)}: {self.said.en}")


class OnAir(Refused):
    """What is not done on air, refused by ourselves before anything is sent. ``said`` is it in both languages."""

    def __init__(self, command: Command, pid: int) -> None:
        what = f"RDM {command.name} {words.pid_name(pid)}"
        self.said = Text(f"{what} is not done on air.", f"直播中不执行 {what}。")
        super().__init__(f"{what} is not done on air: only reads without effect are", "do it after the show")


class Controller:
    """Makes requests in the name of one UID. ``passive``: on air; whatever is more than a look is refused.

    ``patience``: seconds a responder may put one answer off. ``spoilt`` and ``unanswered`` count attempts since it was
    made; ``heard`` is what else responders had queued and said on the way.
    """

    def __init__(self, uid: Uid, passive: bool = False, patience: float = LONGEST_WAIT) -> None:
        self.uid = uid
        self.passive = passive
        self.patience = patience
        self.answered: list[float] = []
        """Seconds each answer took, the last 1000."""
        self.sent = 0
        """Packets put on the line, each heard by everybody on it."""
        self.spoilt = 0
        self.unanswered = 0
        self.heard: list[Packet] = []
        self._number = 0

    def get(self, uid: Uid, parameter: Parameter[T], data: bytes = b"", sub_device: int = ROOT) -> Steps[T]:
        """Ask for a parameter. Nack, ReplyTimeout, BadReply; OnAir unless it is passive."""
        if sub_device == ALL_SUB_DEVICES or uid.is_broadcast:
            raise NotSupported("a GET goes to one device", "ask each of them")
        answer = yield from self.request(uid, Command.GET, parameter.pid, data, sub_device)
        try:
            return parameter.read(answer)
        except RdmError as error:
            raise BadReply(
                f"{uid} answers {words.pid_name(parameter.pid)} with {error}", "report it to the fixture's maker"
            ) from error

    def set(self, uid: Uid, pid: int, data: bytes = b"", sub_device: int = ROOT, once: bool = False) -> Steps[bytes]:
        """Set a parameter; a broadcast UID or ALL_SUB_DEVICES means all. ``once``: doing it twice is not the same."""
        return (yield from self.request(uid, Command.SET, pid, data, sub_device, tries=1 if once else TRIES))

    def request(
        self, uid: Uid, command: Command, pid: int, data: bytes = b"", sub_device: int = ROOT, tries: int = TRIES
    ) -> Steps[bytes]:
        """The answer's data, put together; b"" of a broadcast."""
        self.allow(command, pid)
        request = Packet(uid, self.uid, 0, command, pid, data, sub_device)
        if uid.is_broadcast:
            yield Ask(self._numbered(request).encode(), broadcast=True)
            return b""
        parts, waited = bytearray(), 0.0
        for _ in range(OVERFLOWS):
            answer = yield from self._exchange(request, tries)
            if answer.kind == ResponseType.ACK_TIMER:
                answer, waited = yield from self._late(request, answer, waited)
            parts += answer.data
            if answer.kind == ResponseType.ACK:
                return bytes(parts)
        raise BadReply(f"{uid} never ends its answer to {words.pid_name(pid)}", "restart the fixture")

    def allow(self, command: Command, pid: int) -> None:
        """OnAir when it is not for now."""
        if self.passive and (command is not Command.GET or pid not in PASSIVE):
            raise OnAir(command, pid)

    def discovery(self, uid: Uid, pid: int, data: bytes = b"") -> Packet:
        """A discovery packet, numbered. OnAir: its answers have no break, and cheap fixtures flicker."""
        self.allow(Command.DISCOVERY, pid)
        return self._numbered(Packet(uid, self.uid, 0, Command.DISCOVERY, pid, data))

    def queued(self, uid: Uid) -> Steps[list[Packet]]:
        """Empty the queue of a responder (10.3.1): the messages in it, status messages last and only if there are."""
        self.allow(Command.GET, Pid.QUEUED_MESSAGE)
        request = Packet(uid, self.uid, 0, Command.GET, Pid.QUEUED_MESSAGE, bytes((StatusType.ADVISORY,)))
        taken: list[Packet] = []
        for _ in range(QUEUED):
            answer = yield from self._exchange(request)
            if answer.kind == ResponseType.ACK_TIMER:
                yield Pause(_told(answer))
                continue
            if answer.pid != Pid.STATUS_MESSAGES or answer.data:
                taken.append(answer)
            if not answer.queued:
                break
        return taken

    def read(self, request: Packet, answer: Answer) -> Packet:
        """The response to this request in what was heard. RdmError says why there is none."""
        if answer.silent:
            raise RdmError("silence")
        wrong = "noise"
        for packet in Decoder().feed(answer.data):
            wrong = _mismatch(request, packet)
            if not wrong:
                return packet
        raise RdmError(wrong)

    def note(self, answer: Answer) -> None:
        """Count a good answer."""
        self.answered = [*self.answered[-999:], answer.took]

    def _numbered(self, request: Packet) -> Packet:
        self._number = (self._number + 1) & 0xFF
        self.sent += 1
        return replace(request, number=self._number)

    def _exchange(self, request: Packet, tries: int = TRIES) -> Steps[Packet]:
        """One answer, be it a part or a promise. A NACK is raised."""
        wrong, busy = "", None
        for _ in range(tries):
            numbered = self._numbered(request)
            heard = yield Ask(numbered.encode())
            try:
                answer = self.read(numbered, heard)
            except RdmError as error:
                wrong = "" if heard.silent else str(error)
                self.spoilt += not heard.silent
                self.unanswered += heard.silent
                continue
            self.note(heard)
            if answer.kind != ResponseType.NACK:
                return answer
            code = int.from_bytes(answer.data[:2], "big")
            if code not in (words.Nack.BUFFER_FULL, words.Nack.PROXY_BUFFER_FULL):
                raise Nack(request.to, answer.pid, code)
            busy = Nack(request.to, answer.pid, code)
            yield Pause(BUSY)
        name = words.pid_name(request.pid)
        if busy:
            raise busy
        if wrong:
            raise BadReply(f"{request.to} answers {name} wrongly: {wrong}", "check cable, terminator and splitter")
        raise ReplyTimeout(f"{request.to} does not answer {name}", "check that the fixture is on and connected")

    def _late(self, request: Packet, promise: Packet, waited: float) -> Steps[tuple[Packet, float]]:
        """What was promised by ACK_TIMER, from the queue; a responder without a queue is asked the same again."""
        fetch = Packet(request.to, self.uid, 0, Command.GET, Pid.QUEUED_MESSAGE, bytes((StatusType.ADVISORY,)))
        ask_again = False
        for _ in range(QUEUED):
            if promise.kind == ResponseType.ACK_TIMER:
                told = _told(promise)
                waited += told
                if waited > self.patience:
                    break
                yield Pause(told)
            try:
                answer = yield from self._exchange(request if ask_again else fetch)
            except Nack as nack:
                if ask_again or nack.pid == request.pid:
                    raise
                if request.command is not Command.GET:
                    break
                ask_again = True
                continue
            promise = answer
            if answer.kind == ResponseType.ACK_TIMER:
                continue
            if (answer.pid, answer.sub_device, answer.command) == (
                request.pid,
                request.sub_device,
                request.command.response,
            ):
                return answer, waited
            self.heard = [*self.heard[-99:], answer]
            if answer.pid == Pid.STATUS_MESSAGES:  # the queue is empty
                ask_again = request.command is Command.GET
        raise ReplyTimeout(
            f"{request.to} put {words.pid_name(request.pid)} off and never answered it", "ask again later"
        )


def _told(promise: Packet) -> float:
    """Seconds an ACK_TIMER asks for: 16 bits of tenths."""
    return int.from_bytes(promise.data[:2], "big") / 10 if len(promise.data) >= 2 else BUSY


def _mismatch(request: Packet, answer: Packet) -> str:
    """Why this is not the answer to that (E1.20 6.3); "" when it is."""
    if answer.to != request.source or answer.source != request.to:
        return f"a packet from {answer.source} to {answer.to}"
    if answer.number != request.number:
        return f"transaction {answer.number}, not {request.number}"
    if answer.kind not in list(ResponseType):
        return f"unknown response type {answer.kind}"
    if answer.kind == ResponseType.NACK and len(answer.data) < 2:
        return "a refusal without a reason"
    if request.pid == Pid.QUEUED_MESSAGE and request.command is Command.GET:  # any message may be in the queue
        return "" if answer.command in (Command.GET_RESPONSE, Command.SET_RESPONSE) else "no response"
    if answer.command != request.command.response:
        return f"command class {answer.command.name}"
    if answer.pid != request.pid:
        return f"an answer to {words.pid_name(answer.pid)}"
    if answer.sub_device != request.sub_device:
        return f"sub-device {answer.sub_device}, not {request.sub_device}"
    return ""
