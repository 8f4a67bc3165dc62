"""The contract every driver keeps (ARCHITECTURE §9), as one line of a driver's test file::

    test_contract = contract_for(SPEC)

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
