"""The contract every driver keeps, as one line of a driver's test file::

    test_contract = contract_for(SPEC)

1. Constructing touches nothing; ``open()`` on nothing is DeviceMissing.
2. ``open()`` tells who answered: model and firmware.
3. ``close()`` before ``open()``, twice, and from another thread during a call, which then ends within 1 s.
4. Silence ends in ReplyTimeout within 1.5 x the time limit.
5. Noise, cut and doubled replies are BadReply or ReplyTimeout, and the next exchange works.
6. Unplugged at any byte of an exchange: LinkLost; plugged in again, close and open work.
7. What its kind promises (``kinds.py``): exact frames, levels, pictures in order, readings with their quality.
8. Every check gives a Result in both languages, and PASSIVE ones change nothing.
9. Options are frozen, refuse unknown keys and describe every field.
10. Nothing is left: no thread, no descriptor, no open port.

The production driver talks to its twin in a virtual studio. Time limits are measured on the studio's clock, so that a
time-out costs no time; only the clause about ``close()`` from another thread runs in real time.
"""

from collections.abc import Callable

import pytest

from drivers.registry import DriverSpec
from drivers.testing.bench import Clause
from drivers.testing.common import COMMON
from drivers.testing.kinds import BY_KIND

__all__ = ["contract_for"]


def contract_for(spec: DriverSpec) -> Callable[[Clause], None]:
    """A parametrised test function: one test for each clause that concerns the driver's kind."""
    clauses = [*COMMON, *BY_KIND[spec.kind]]

    @pytest.mark.parametrize("clause", clauses, ids=[clause.__name__ for clause in clauses])
    def test_contract(clause: Clause) -> None:
        clause(spec)

    return test_contract
