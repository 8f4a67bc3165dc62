"""What daemon and output engine say to each other, and how it goes over the socket between them.

Both are the same program at the same user on the same machine (the socket's folder is the service's own, and each side
asks the kernel who the other is), so a message is a pickle behind its length. A daemon says :data:`WORD` first and is
answered with :class:`Hello`; where the two are of different versions nothing else is read: the engine is exchanged.
"""

import contextlib
import hashlib
import os
import pickle
import socket
import struct
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from agent.lighting.console import Console, Standing
from agent.lighting.part import Change, Few, Part
from agent.lighting.pump import BeatFigures
from agent.runtime.lane import Health
from drivers.errors import Why

LENGTH = struct.Struct(">I")
PROTOCOL = 5
"""Of pickles: the same whatever Python either side runs on."""
LONGEST = 1 << 28
"""Bytes of a message; more is no message of ours."""

LONGEST_PATH = 107
"""Bytes of a Unix socket's path."""

SOCKET, LOCK, CRASH = "engine.sock", "engine.lock", "engine.err"
"""Files in the state folder: the socket, whose holder is the engine, and what an engine said that fell over."""


class Table(NamedTuple):
    """An output's table, as the engine needs it: two that are equal are one output that runs on."""

    driver: str
    universes: tuple[int, ...]
    options: Mapping[str, Any]
    folder: Path | None


# --- daemon to engine ------------------------------------------------------------------------------------------------


class Take(NamedTuple):
    """Drive this output from now on. ``patch``: a word for the patch that ``part`` is of."""

    name: str
    table: Table
    part: Part
    before: Mapping[int, bytes]
    patch: str


class Play(NamedTuple):
    """Do this from now on; ``patch``: of a whole part."""

    name: str
    news: Part | Change | Few
    patch: str = ""


class Drop(NamedTuple):
    """Let go of this output."""

    name: str


class TakeInput(NamedTuple):
    """Listen there from now on; ``table`` has no universes. ``before``: consoles that it heard in another engine."""

    name: str
    table: Table
    standing: Standing
    before: Mapping[int, Console]


class Free(NamedTuple):
    """A person moves lights: what lost consoles left behind on these slots (not 0, by universe) is kept no more."""

    slots: Mapping[int, bytes]


class DropInput(NamedTuple):
    """Stop listening there."""

    name: str


class Ask(NamedTuple):
    """Call a method of an output's driver; after ``until`` (monotonic) nobody waits for it."""

    number: int
    name: str
    method: str
    args: tuple[Any, ...]
    until: float


class Heir(NamedTuple):
    """This process waits for the engine's end, to be the next one."""

    pid: int


class Leave(NamedTuple):
    """The daemon ends. Hold the look for so many seconds; if no other daemon has come by then, end as well."""

    linger: float


# --- engine to daemon ------------------------------------------------------------------------------------------------


class Playing(NamedTuple):
    """An output an engine drives."""

    table: Table
    patch: str
    health: Health
    wires: Mapping[int, bytes]
    has_sent: bool


class Listening(NamedTuple):
    """An input an engine listens to."""

    table: Table
    standing: Standing
    health: Health


class Hello(NamedTuple):
    """The first message. ``realtime``: "" or why it has no real-time scheduling. ``holding``: universe → console.
    ``heir``: the process that waits to be the next engine; 0: none does."""

    fingerprint: str
    pid: int
    realtime: str
    outputs: Mapping[str, Playing]
    inputs: Mapping[str, Listening]
    holding: Mapping[int, Console]
    heir: int


class Heirless(NamedTuple):
    """Nobody waits any more to be the next engine."""


class Alive(NamedTuple):
    """Said every second, for a daemon to know that nothing hangs."""


class Told(NamedTuple):
    """An output's health."""

    name: str
    health: Health


class ToldInput(NamedTuple):
    """An input's."""

    name: str
    health: Health


class Held(NamedTuple):
    """Consoles hold these universes, and no others."""

    holding: Mapping[int, Console]


class Sent(NamedTuple):
    """Frames that are others than those told last. ``led``: the lights are on their way to the scene."""

    name: str
    wires: Mapping[int, bytes]
    has_sent: bool
    led: bool


class Beats(NamedTuple):
    name: str
    figures: BeatFigures


class Failure(NamedTuple):
    """Instead of a result. ``kind``: class name of a DriverError; "" for anything else, whose text is the reason."""

    kind: str
    reason: str
    remedy: str = ""
    why: Why | None = None


class Answer(NamedTuple):
    number: int
    result: Any
    error: Failure | None


class Logged(NamedTuple):
    level: str
    event: str
    fields: Mapping[str, Any]


class Bug(NamedTuple):
    lane: str
    text: str


HAND, FADE = struct.Struct(">BBHH"), struct.Struct(">I4d")
"""What a person's command moves is written by hand: a mark that no pickle begins with, bytes of the output's name,
bytes of the patch's word, channels; then these words, and each channel with its fade."""
BY_HAND = 0
MOST_BY_HAND = 255


def packed(message: Any) -> bytes:
    """A message as it goes over the socket."""
    body = None
    if isinstance(message, Play) and isinstance(message.news, Few):
        body = _by_hand(message.name.encode(), message.patch.encode(), message.news.fades)
    body = body or pickle.dumps(message, PROTOCOL)
    return LENGTH.pack(len(body)) + body


def _by_hand(name: bytes, patch: bytes, fades: Mapping[int, tuple[float, ...]]) -> bytes | None:
    if max(len(name), len(patch), len(fades)) > MOST_BY_HAND:
        return None
    head = HAND.pack(BY_HAND, len(name), len(patch), len(fades))
    return b"".join((head, name, patch, *(FADE.pack(number, *fade) for number, fade in fades.items())))


def _read_by_hand(body: bytes) -> Play:
    _, name, patch, count = HAND.unpack_from(body)
    patch += (name := name + HAND.size)
    if len(body) != patch + count * FADE.size:
        raise ValueError("a play of another length than it says")
    fades = {number: tuple(fade) for number, *fade in FADE.iter_unpack(body[patch:])}
    return Play(body[HAND.size : name].decode(), Few(fades), body[name:patch].decode())


def _read(body: bytes) -> Any:
    if body[:1] == b"\0":
        return _read_by_hand(body)
    return pickle.loads(body)  # noqa: S301 - from a process of the same user, see the module


WORD = packed("studio-agent")
"""What a daemon says first: the same in every version, and bytes that nobody says by chance."""


class Unpacker:
    """Bytes in, messages out. ValueError for what cannot be one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The messages that are whole with ``data``."""
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > LONGEST:
                raise ValueError(f"no message: one of {length} bytes")
            end = LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[LENGTH.size : end])
            del self._buffer[:end]
            try:
                message = _read(body)
            except Exception as error:  # pickle raises whatever the bytes lead to
                raise ValueError(f"no message: {error!r}") from error
            yield message


@contextlib.contextmanager
def socket_path(folder: Path) -> Iterator[str]:
    """The socket's path for ``bind`` and ``connect``, which take 107 bytes (unix(7), sun_path): a longer one goes by
    the folder's descriptor. OSError."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def is_ours(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as this user, or as root."""
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (os.getuid(), 0)


def fingerprint() -> str:
    """A word for the program text an engine runs on: daemon and engine understand each other where it is the same."""
    digest = hashlib.blake2b(digest_size=12)
    for package in ("agent.engine", "agent.lighting", "agent.runtime", "drivers", "firmware_profiles", "config"):
        spec = find_spec(package)
        assert spec is not None
        for folder in spec.submodule_search_locations or ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(path.name.encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
