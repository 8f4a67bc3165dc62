"""The engine's process: its lock, its heir, its scheduling. It holds ``engine.lock`` as long as it lives."""

import fcntl
import gc
import os
import sys
import time
from pathlib import Path

import agent.engine.lean  # noqa: F401 - before what it keeps away
from agent.engine.hurry import unhurried
from agent.engine.messages import LOCK, fingerprint
from agent.engine.outgoing import Outgoing
from agent.engine.server import Engine
from drivers.real.host import RealHost

PRIORITY = 20
"""Of SCHED_FIFO: above everything ordinary, below the kernel's own threads (50)."""

QUICK = 5.0
"""Seconds: an engine that lived less may have fallen over something that its heir falls over as well."""

PAUSES = (0.0, 0.0, 0.1, 0.5, 1.0, 5.0)
"""Seconds before an heir begins, by how many quick ends came one after the other: else engines that cannot begin (no
socket to be had) would follow each other as fast as a processor can, each with its lines in ``engine.err``."""

SWITCH = 0.0005
"""Seconds after which a thread that computes lets another one in (Python's own: 5 ms, a quarter of a beat)."""


def real_time() -> str:
    """Ask for real-time scheduling, for this thread and those it starts. "" or why there is none."""
    if not hasattr(os, "sched_setscheduler"):
        return "this system has no SCHED_FIFO"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as error:
        return f"SCHED_FIFO refused: {error.strerror} (LimitRTPRIO= of the service, or CAP_SYS_NICE)"
    return ""


def holder(folder: Path, wait: bool) -> int | None:
    """The lock's descriptor; ``None`` when another engine has it and we do not ``wait`` for its end, or when that was
    a proper one: it takes the file away."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(lock)
        return None
    if not os.fstat(lock).st_nlink:
        os.close(lock)
        return None if wait else holder(folder, wait)
    return lock


def main(folder: Path, waits: bool = False) -> int:
    """0 after a proper end, also when another engine is there already; 70 after a bug.

    An engine has an heir: a fork of itself from before it had threads or outputs, which waits for the lock. When the
    engine falls, whatever killed it, the heir is an engine at once, with everything read in, and makes the next heir.
    It costs no memory of its own to speak of, and starting anew takes half a second of a processor that may be busy.
    """
    mark = fingerprint()
    unhurried()
    gc.collect()
    gc.freeze()  # what is there now stays: not to be looked through again while a beat is due, nor copied by the heir
    lock = holder(folder, waits)
    if lock is None:
        return 0
    quick = 0
    while (heir := os.fork()) == 0:
        os.close(lock)
        began = time.monotonic()
        lock = holder(folder, wait=True)
        if lock is None:
            return 0
        quick = quick + 1 if time.monotonic() - began < QUICK else 0
        time.sleep(PAUSES[min(quick, len(PAUSES) - 1)])
    code = serve(folder, mark, heir)
    if code == 0:
        (folder / LOCK).unlink(missing_ok=True)  # nothing to inherit
    return code


def serve(folder: Path, mark: str, heir: int) -> int:
    """Be the engine. The exit code."""
    engines: list[Engine] = []
    outgoing = Outgoing(lambda: engines[0].beats())
    realtime = real_time()
    sys.setswitchinterval(SWITCH)
    engines.append(Engine(folder, RealHost(), mark, realtime, outgoing, heir))
    outgoing.start()
    return engines[0].serve()
