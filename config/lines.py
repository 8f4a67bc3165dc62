"""On which line of a TOML file a key stands. Only asked once something is wrong."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from config.check import dotted
from config.problems import ConfigError, Problem

LONGEST = 400
"""Lines one statement may have; beyond that lines are not numbered (the parser runs once per line)."""


def lines(text: str) -> dict[str, int]:
    """Dotted key → line (1-based) of its statement, for valid TOML. A key within an inline table or a list has the
    line on which the statement begins.

    TOML ends a statement at a line's end, so the shortest run of lines that the parser accepts is a statement: no
    second grammar is needed, and multi-line texts and lists come out right.
    """
    found: dict[str, int] = {}
    table: tuple[str | int, ...] = ()
    counts: dict[str, int] = {}
    rows = text.splitlines(keepends=True)
    at = 0
    while at < len(rows):
        size, statement = _statement(rows, at)
        if statement is None:
            break
        if rows[at].lstrip().startswith("["):
            table = _header(statement, counts)
            _note(found, table, at + 1)
        else:
            for place in _places(statement):
                _note(found, (*table, *place), at + 1)
        at += size
    return found


def numbered(text: str, problems: list[Problem]) -> list[Problem]:
    """The problems with the lines of their keys, or of the nearest table around them."""
    try:
        known = lines(text)
    except RecursionError:
        return problems
    return [problem if problem.at else problem._replace(at=_nearest(known, problem.where)) for problem in problems]


def with_lines(error: ConfigError, text: str) -> ConfigError:
    """The same error with line numbers; ``text`` is what stands in the file."""
    return ConfigError(error.file, numbered(text, list(error.problems)))


def _statement(rows: list[str], at: int) -> tuple[int, dict[str, Any] | None]:
    for size in range(1, min(LONGEST, len(rows) - at) + 1):
        try:
            return size, tomllib.loads("".join(rows[at : at + size]))
        except ValueError:
            continue
    return 0, None


def _header(statement: Mapping[str, Any], counts: dict[str, int]) -> tuple[str | int, ...]:
    """The path a ``[table]`` or ``[[list of tables]]`` line opens."""
    place: list[str | int] = []
    inner: Any = statement
    while isinstance(inner, Mapping) and inner:
        key, inner = next(iter(inner.items()))
        place.append(key)
    if isinstance(inner, list):
        counts[dotted(place)] = counts.get(dotted(place), -1) + 1
    steps: list[str | int] = []
    for step in place:
        steps.append(step)
        if dotted(steps) in counts:
            steps.append(counts[dotted(steps)])
    return tuple(steps)


def _places(value: Any) -> list[tuple[str | int, ...]]:
    if isinstance(value, Mapping):
        steps: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    else:
        return []
    return [place for step, inner in steps for place in [(step,), *((step, *rest) for rest in _places(inner))]]


def _note(found: dict[str, int], place: tuple[str | int, ...], at: int) -> None:
    for length in range(1, len(place) + 1):
        found.setdefault(dotted(place[:length]), at)


def _nearest(known: Mapping[str, int], where: str) -> int | None:
    if " (from " in where:
        return None  # it came from the environment: no line of the file is to blame
    return next((known[key] for key in outward(where) if key in known), None)


def outward(where: str) -> Iterator[str]:
    """A dotted path and those of all that is around it, from the inside out."""
    while where:
        yield where
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
