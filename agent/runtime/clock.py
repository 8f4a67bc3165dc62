"""What the kernel knows of the wall clock: is it kept, and how far off is it.

Commands expire by this clock, and agents act together by it (``execute_at``). Reading only; nothing here sets a clock.
"""

import ctypes
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

STA_UNSYNC, STA_NANO = 0x0040, 0x2000
TIME_ERROR = 5
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd(8) each time it has set the clock; gone when it is stopped."""
KEPT_FOR = 32_000.0
"""Seconds after the last setting for which a clock counts as kept: the kernel's own rule (16 s of error, growing by
500 ppm; NTP_PHASE_LIMIT and MAXFREQ in linux/timex.h)."""


class Discipline(NamedTuple):
    """What the kernel knows of its clock: ``offset`` (true time minus the clock's) and largest error, milliseconds."""

    synchronised: bool
    offset: float
    largest_error: float


class _Timex(ctypes.Structure):
    """``struct timex`` (adjtimex(2)); the head, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


@cache
def _adjtimex() -> Any:
    return getattr(ctypes.CDLL(None, use_errno=True), "adjtimex", None) if os.name == "posix" else None


def discipline() -> Discipline | None:
    """adjtimex(2), reading only; ``None`` where it is not allowed (``ProtectClock=`` of the service unit) or not
    there. A daemon that steers the clock by itself (chrony) leaves the offset at 0."""
    ask = _adjtimex()
    if ask is None:
        return None
    timex = _Timex()
    state = ask(ctypes.byref(timex))
    if state < 0:
        return None
    unit = 1e6 if timex.status & STA_NANO else 1e3
    kept = state != TIME_ERROR and not timex.status & STA_UNSYNC
    return Discipline(kept, timex.offset / unit, timex.maxerror / 1e3)


def last_set(mark: Path = SYNCHRONISED) -> float | None:
    """Seconds since systemd-timesyncd set the clock; ``None``: it has not, or somebody else keeps the clock."""
    try:
        return time.time() - mark.stat().st_mtime
    except OSError:
        return None


def synchronised(ask: Callable[[], Discipline | None] = discipline, mark: Path = SYNCHRONISED) -> bool | None:
    """Whether somebody keeps this machine's clock; ``None``: nobody can tell."""
    found = ask()
    if found is not None:
        return found.synchronised
    age = last_set(mark)
    return None if age is None else age <= KEPT_FOR


def correction(ask: Callable[[], Discipline | None] = discipline) -> float:
    """Seconds to add to the wall clock for the true time, as far as it is known; 0 where nobody keeps it."""
    found = ask()
    return found.offset / 1e3 if found is not None and found.synchronised else 0.0


def numbers() -> dict[str, float | int | None]:
    """The clock as telemetry has it; ``None``: nobody can tell."""
    found, kept = discipline(), synchronised()
    return {
        "clock_offset_ms": round(found.offset, 3) if found is not None and found.synchronised else None,
        "clock_error_ms": round(found.largest_error, 3) if found is not None else None,
        "clock_synchronised": None if kept is None else int(kept),
    }
