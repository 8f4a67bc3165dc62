"""Which processor cores the threads of the service keep to: pictures to one half, everything else to the other.

Decoding a picture keeps its core busy for 5 to 15 ms. A thread that is woken on that core (a command, the beat of an
output) may have to wait for the kernel's next tick although another core is idle: 4 ms at 250 Hz, and a command is
handed over several times on its way to the wire. Keeping the two apart took the p99 of that way from 12.0 to 9.4 ms
on two cores (``./studio bench command``).
"""

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple


class Cores(NamedTuple):
    """Numbers of the cores each side may use; never empty."""

    wires: frozenset[int]
    pictures: frozenset[int]


def allowed() -> frozenset[int]:
    """The cores this process may use at present; none where the system does not tell."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def split(cores: Iterable[int]) -> Cores | None:
    """Two halves, an odd core to the wires. ``None``: there are not two to share out."""
    found = sorted(cores)
    middle = (len(found) + 1) // 2
    return Cores(frozenset(found[:middle]), frozenset(found[middle:])) if len(found) > 1 else None


def keep_to(cores: frozenset[int]) -> None:
    """Hold the calling thread, and those it will start, to these cores. Where that is forbidden it runs anywhere:
    slower at the edges, and right."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, cores)
