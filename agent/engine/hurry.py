"""Reading the engine in, 0.3 s of a processor, before all that is ordinary: lights wait for it. Nothing large here."""

import contextlib
import os

HEIR = "heir"
"""Second word on the command line of an engine that waits for the end of the one there is, and has time."""

READING = 10
"""Priority of SCHED_FIFO meanwhile: below an engine that drives outputs."""


def hurry() -> None:
    """Ask for it; where it is refused, reading takes as long as the others let it."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(READING))


def unhurried() -> None:
    """Over: an heir that is made now waits as an ordinary process."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
