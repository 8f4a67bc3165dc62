"""What was heard on the wire during tests/chaos.py, and what a lighting engineer would say to it."""

import json
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

STAMPED = 35
"""SO_TIMESTAMPNS of asm-generic/socket.h."""
AHEAD = 1 / 44 + 0.0005
"""Seconds a frame looks ahead at most."""
COUNTS = 0.05
"""Seconds for which a light may be moved between two frames, however long the pause between them: what stood still is
led on from where it stands."""
HELD = 2.5
"""Seconds after which a receiver of sACN takes its source for lost (E1.31, 6.7.1)."""


class Frame(NamedTuple):
    """``sender``: which socket, or which widget."""

    when: float
    sender: int
    sequence: int
    slots: bytes


class Ear:
    """Hears the sACN of one address and the Art-Net of another one; a thread of its own, the kernel's times."""

    def __init__(self, sacn: str, artnet: str) -> None:
        self._frames: dict[int, list[Frame]] = {}
        self._sockets = [_bound(sacn, 5568), _bound(artnet, 6454)]
        self._ends, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([*self._sockets, self._ends], [], [])
            if self._ends in ready:
                return
            for each in ready:
                data, extra, _, (_, port) = each.recvmsg(2048, 64)
                seconds, nanos = struct.unpack("qq", extra[0][2]) if extra else (0, 0)
                when = seconds + nanos * 1e-9 if extra else time.time()
                if len(data) > 126 and data[4:16] == b"ASC-E1.17\0\0\0" and data[21] == 4:
                    self._took(int.from_bytes(data[113:115]), Frame(when, port, data[111], data[126:]))
                elif data[:10] == b"Art-Net\0\x00\x50":
                    self._took(int.from_bytes(data[14:16], "little"), Frame(when, port, data[12], data[18:]))

    def _took(self, universe: int, frame: Frame) -> None:
        self._frames.setdefault(universe, []).append(frame)

    def last(self) -> dict[int, bytes]:
        return {universe: frames[-1].slots for universe, frames in self._frames.items() if frames}

    def last_levels(self) -> dict[int, list[int]]:
        return {universe: list(slots[:3]) for universe, slots in self.last().items()}

    def wires(self) -> dict[int, list[Frame]]:
        return {universe: list(frames) for universe, frames in self._frames.items()}

    def forget(self) -> None:
        """What was heard so far, but the last of it."""
        for frames in self._frames.values():
            del frames[:-1]

    def close(self) -> None:
        self._end.send(b".")
        self._thread.join()
        for each in (*self._sockets, self._ends, self._end):
            each.close()


@dataclass
class Verdict:
    """``dark``: frames below what was ever asked for. ``steepest``: change between two frames of one sender, relative
    to the limit; ``takeover``: the largest from one sender to the next, in share of full. ``doubled``: frames of a
    sender after its successor had begun. ``jumped``: numbers that were left out (but the one leap of a
    stream's start). ``silent``: the longest pause of a network stream; ``away``: from an engine's end until its
    heir was heard."""

    frames: int = 0
    dark: int = 0
    steepest: float = 0.0
    takeover: float = 0.0
    takeovers: int = 0
    doubled: int = 0
    jumped: int = 0
    silent: float = 0.0
    away: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def judge(
    wires: Mapping[int, Sequence[Frame]],
    slots: Mapping[int, Sequence[int]],
    rate: float,
    dimmest: float,
    falls: Sequence[float],
    log: Sequence[tuple[float, str]],
) -> Verdict:
    """``slots``: which (from 0) lights listen to. ``falls``: when an engine was ended that had an heir."""
    seen = Verdict()

    def say(what: str, universe: int, when: float) -> None:
        before = [
            f"{act} {when - then:.2f} s before" for then, act in log if 0 <= when - then < 2.5 and act != "commands"
        ]
        seen.said.append(f"{what} on {universe}: {'; '.join(before[-4:])}")

    for universe, frames in wires.items():
        mine = list(slots.get(universe, ()))
        gone: set[int] = set()
        seen.frames += len(frames)
        for frame in frames:
            if min(frame.slots[slot] for slot in mine) < dimmest - 2:
                seen.dark += 1
                say(f"dark {[frame.slots[slot] for slot in mine]}", universe, frame.when)
        for before, after in pairwise(frames):
            change = max(abs(after.slots[slot] - before.slots[slot]) for slot in mine)
            passed = after.when - before.when
            if after.sender in gone:
                seen.doubled += 1
                say("doubled", universe, after.when)
            if after.sender != before.sender:
                gone.add(before.sender)
                seen.takeovers += 1
                if change / 255 > seen.takeover:
                    seen.takeover = change / 255
                    say(f"takeover by {change} after {passed:.3f} s", universe, after.when)
                continue
            most = rate * 255 * (min(passed, COUNTS) + 2 * AHEAD) + 2
            if change / most > max(1.0, seen.steepest):
                say(f"step of {change} after {passed:.3f} s", universe, after.when)
            seen.steepest = max(seen.steepest, change / most)
            if universe == 4:
                continue
            turns = 256 if universe < 3 else 255
            if (after.sequence - before.sequence) % turns != 1 and before.sequence:
                seen.jumped += 1
                say(f"number {before.sequence} then {after.sequence}", universe, after.when)
        if universe != 4:
            pauses = [(after.when - before.when, after.when) for before, after in pairwise(frames)]
            longest, when = max(pauses, default=(0.0, 0.0))
            if longest > seen.silent:
                seen.silent = longest
                say(f"silent for {longest:.2f} s", universe, when)
    for fall in falls:
        for universe in (1, 2):
            until = [b.when for a, b in pairwise(wires.get(universe, ())) if a.sender != b.sender and b.when > fall]
            if until:
                seen.away.append(until[0] - fall)
    return seen


def told(lines: Sequence[str], widget: int) -> list[Frame]:
    """The frames a widget took, by what it said. It has a clock of its own: the monotonic one."""
    ahead = time.time() - time.monotonic()
    heard = [json.loads(line) for line in lines if '"slots"' in line]
    return [Frame(each["time"] + ahead, widget, 0, bytes.fromhex(each["slots"])) for each in heard]


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside a sender that listens on every address
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.setsockopt(socket.SOL_SOCKET, STAMPED, 1)
    made.bind((address, port))
    return made
