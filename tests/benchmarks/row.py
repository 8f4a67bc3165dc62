"""One line of the table, and the two figures everything is quoted in."""

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """``met``: ``None`` where there is no target."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    how: str = ""


def p50(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def p99(values: Sequence[float]) -> float:
    """The value that 99 % do not pass."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
