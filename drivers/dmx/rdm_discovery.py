"""Who is on the line: RDM discovery by binary search (E1.20 section 7).

All are un-muted; then everyone in a range of UIDs is asked to answer at once. Silence: nobody there. One clear answer:
that one is muted and the same range asked again. A spoilt answer: several at once, so each half is asked by itself.
The whole is asked once more at the end, as the standard advises, for what a collision may have hidden.

Fixtures that break the rules are found as well: one that goes on answering although muted, or answers no mute, is
searched *around*, so that it cannot hide others behind it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.dmx.rdm_codec import EVERYBODY, LAST, Command, RdmError, Uid, decode_branch
from drivers.dmx.rdm_controller import TRIES, Controller
from drivers.dmx.rdm_parameters import Muted
from drivers.dmx.rdm_port import Ask, Pause, Steps, Table, decode_table
from drivers.dmx.rdm_words import Pid

PASSES = 3
NOISY = 8
"""UIDs whose answers are spoilt although they are asked alone; more than that is a line that is always noisy."""
FRUITLESS = 2 * 48 * (NOISY + 2)
"""Branches that may be asked without finding anybody. One device costs at most 2 × 48: a UID has 48 bits."""


FLUSHING = 12
"""Seconds a gateway gets to fill its table."""


class Oddity(StrEnum):
    """What a responder does against the rules."""

    NEVER_MUTES = "goes on answering discovery although muted"
    NO_MUTE_ANSWER = "answers discovery but not its mute"
    CONTESTED = "two devices with one UID, or answers that are always spoilt"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search found. ``complete`` is False where the line was too noisy to search it all."""

    uids: tuple[Uid, ...]
    muted: Mapping[Uid, Muted] = field(default_factory=dict)
    """What each said when it was muted (proxies, bindings); empty from a gateway's table."""
    odd: Mapping[Uid, Oddity] = field(default_factory=dict)
    new: tuple[Uid, ...] = ()
    gone: tuple[Uid, ...] = ()
    complete: bool = True
    transactions: int = 0


def discover(controller: Controller, has_table: bool, known: Iterable[Uid] = (), full: bool = True) -> Steps[Discovery]:
    """Find everybody. ``full=False``: only mute the known ones again and look for others, which a line with fixtures
    that are known is done with in few transactions. Refused on air."""
    known = tuple(sorted(set(known)))
    controller.allow(Command.DISCOVERY, Pid.DISC_UNIQUE_BRANCH)
    if has_table:
        return (yield from _of_table(known, full))
    return (yield from Search(controller, known).run(full))


def _of_table(known: tuple[Uid, ...], flush: bool) -> Steps[Discovery]:
    """What the gateway says that is there. After a flush its table fills slowly, and some gateways say nothing until
    it is full: asked until it was the same twice."""
    uids: tuple[Uid, ...] = ()
    complete, asked = False, 0
    if flush:
        asked += 1
        yield Table(flush=True)
    for _ in range(FLUSHING if flush else TRIES):
        if flush:
            yield Pause(1.0)
        asked += 1
        answer = yield Table()
        if answer.silent or answer.garbled:
            continue
        last, uids = uids, decode_table(answer.data)
        complete = not flush or (bool(uids) and uids == last)
        if complete:
            break
    return Discovery(
        uids,
        new=tuple(uid for uid in uids if uid not in known),
        gone=tuple(uid for uid in known if uid not in uids),
        complete=complete,
        transactions=asked,
    )


class Search:
    """One discovery in progress."""

    def __init__(self, controller: Controller, known: tuple[Uid, ...]) -> None:
        self._controller = controller
        self._known = known
        self._muted: dict[Uid, Muted] = {}
        self._odd: dict[Uid, Oddity] = {}
        self._asked = 0
        self._noise = 0
        self._fruitless = 0

    def run(self, full: bool) -> Steps[Discovery]:
        if full:
            yield from self._un_mute()
        for uid in () if full else self._known:
            yield from self._mute(uid)
        complete = False
        for _ in range(PASSES):
            before = len(self._muted) + len(self._odd)
            complete = yield from self._search()
            if not complete or len(self._muted) + len(self._odd) == before:
                break
        if not complete:  # noise looks like devices that share a UID
            self._odd = {uid: odd for uid, odd in self._odd.items() if odd is not Oddity.CONTESTED}
        uids = tuple(sorted({*self._muted, *self._odd}))
        return Discovery(
            uids,
            dict(self._muted),
            dict(self._odd),
            new=tuple(uid for uid in uids if uid not in self._known),
            gone=tuple(uid for uid in self._known if uid not in uids),
            complete=complete,
            transactions=self._asked,
        )

    def _search(self) -> Steps[bool]:
        """Once over all UIDs; whether the line could be searched to the end."""
        ranges = [(0, LAST.number)]
        while ranges:
            low, high = ranges.pop()
            around = list(self._around(low, high))
            if around != [(low, high)]:
                ranges += reversed(around)
                continue
            found = yield from self._branch(low, high)
            if isinstance(found, Uid) and low <= found.number <= high and (yield from self._meet(found)):
                ranges.append((low, high))  # others may have been drowned by the answer
            elif found is not None and low == high:
                yield from self._contested(Uid.of(low))
            elif found is not None:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]
            if self._noise > NOISY or self._fruitless > FRUITLESS:
                return False
        return True

    def _around(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """The range without those who break the rules."""
        for uid in sorted(self._odd):
            if low <= uid.number <= high:
                if low < uid.number:
                    yield low, uid.number - 1
                low = uid.number + 1
        if low <= high:
            yield low, high

    def _branch(self, low: int, high: int) -> Steps[Uid | bool | None]:
        """Who in that range: nobody (None), one, or several (True)."""
        bounds = Uid.of(low).encode() + Uid.of(high).encode()
        self._asked += 1
        self._fruitless += 1
        packet = self._controller.discovery(EVERYBODY, Pid.DISC_UNIQUE_BRANCH, bounds)
        heard = yield Ask(packet.encode(), branch=True)
        if heard.silent:
            return None
        try:
            return True if heard.garbled else decode_branch(heard.data)
        except RdmError:
            return True

    def _meet(self, uid: Uid) -> Steps[bool]:
        """Mute one that answered. False: it was not this one; two answers at once can look like a third's, clear
        checksum and all (1 and 2 like 3). Whoever seems to break a rule is asked alone."""
        self._fruitless = 0
        muted = uid in self._muted
        answered = None if muted else (yield from self._mute(uid))
        if answered:
            return True
        if (muted or answered is False) and (yield from self._branch(uid.number, uid.number)) is None:
            return False
        self._odd[uid] = Oddity.NEVER_MUTES if muted else Oddity.NO_MUTE_ANSWER
        return True

    def _contested(self, uid: Uid) -> Steps[None]:
        """Spoilt answers of one UID alone: somebody's, if anything answers its mute."""
        self._noise += 1
        if (yield from self._mute(uid)) is not False:
            self._odd[uid] = Oddity.CONTESTED

    def _mute(self, uid: Uid) -> Steps[bool | None]:
        """Whether it answered; None: only ever spoilt. Two devices with one UID answer at once, and both are muted."""
        spoilt = False
        for _ in range(TRIES):
            self._asked += 1
            request = self._controller.discovery(uid, Pid.DISC_MUTE)
            heard = yield Ask(request.encode())
            try:
                answer = self._controller.read(request, heard)
                self._muted[uid] = Muted.decode(answer.data)
            except RdmError:
                spoilt = spoilt or not heard.silent
                continue
            return True
        return None if spoilt else False

    def _un_mute(self) -> Steps[None]:
        """Nobody answers a broadcast, so nobody tells that it was heard: said twice."""
        for _ in range(2):
            self._asked += 1
            yield Ask(self._controller.discovery(EVERYBODY, Pid.DISC_UN_MUTE).encode(), broadcast=True)
