"""The configuration file, read: TOML + environment → StudioConfig, or every mistake in it at once.

file ──tomllib──▶ data ──environment──▶ data ──check.inspect──▶ StudioConfig
                    └───────────── every fault: file:line: table.key – why – what would be right
"""

import copy
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.check import Place, dotted, inspect
from config.environment import Override, as_texts, override
from config.lines import numbered
from config.model import StudioConfig
from config.problems import ConfigError, Problem

LARGEST = 1024 * 1024
"""Bytes a configuration file may have."""


@dataclass(frozen=True)
class Reading:
    """A file read as far as it goes.

    ``config`` is whole when ``problems`` is empty. Otherwise it is what is left without the faulty keys (``None``:
    nothing usable), only good for finding the mistakes of the next floor up; ``lost`` names what had to be left out
    (``fixtures.key``, or ``fixtures``), so that its absence is not reported as another mistake.
    """

    file: str
    text: str
    config: StudioConfig | None
    problems: tuple[Problem, ...] = ()
    lost: frozenset[str] = frozenset()

    def error(self, more: Iterable[Problem] = ()) -> ConfigError | None:
        """All its problems and ``more`` from other floors, with line numbers, in the file's order; None: no problem."""
        found = numbered(self.text, [*self.problems, *more])
        if not found:
            return None
        return ConfigError(self.file, sorted(found, key=lambda problem: problem.at or 0))


def load(path: Path, environ: Mapping[str, str]) -> StudioConfig:
    """The configuration in the file at ``path`` with the environment's overrides.

    Raises ConfigError with everything that is wrong. Relative paths count from the file's folder.
    """
    reading = read(path, environ)
    error = reading.error()
    if error is not None or reading.config is None:
        raise error or ConfigError(str(path), [Problem("file", "gives no configuration")])
    return reading.config


def read(path: Path, environ: Mapping[str, str]) -> Reading:
    """Like :func:`load`, but gives what can be used along with the problems. Raises nothing."""
    path = Path(path)
    text, unreadable = _text(path)
    if unreadable:
        return Reading(str(path), "", None, (unreadable,))
    try:
        data = tomllib.loads(text)
    except RecursionError:
        return Reading(str(path), "", None, (Problem("file", "is nested too deeply", "a flatter structure"),))
    except ValueError as error:
        return Reading(str(path), "", None, (_not_toml(str(error), text),))
    data, overrides, problems = override(data, environ)
    context = {"folder": _folder(path)}
    config, faults = inspect(StudioConfig, data, context)
    if faults and overrides:
        data = as_texts(data, overrides, _mistaken(data, overrides, faults))
        config, faults = inspect(StudioConfig, data, context)
    problems += [_from(overrides, place, problem) for place, problem in faults]
    lost: frozenset[str] = frozenset()
    if config is None:
        config, lost = _salvage(data, faults, context)
    return Reading(str(path), text, config, tuple(problems), lost)


def _text(path: Path) -> tuple[str, Problem | None]:
    try:
        # A path is given by a person or a unit file: it may name a folder, a pipe, or nothing.
        if path.exists() and not path.is_file():
            return "", Problem("file", "is not a plain file", "the path of a TOML file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "not a path"
        return "", Problem("file", f"cannot be read: {said}", "the path of a TOML file this user may read")
    if len(content) > LARGEST:
        return "", Problem("file", f"is larger than {LARGEST} bytes", "a configuration, not something else")
    try:
        return content.decode("utf-8-sig"), None  # some editors put a byte order mark first
    except UnicodeDecodeError as error:
        at = content[: error.start].count(b"\n") + 1
        return "", Problem("file", "is not UTF-8 text", "save it as UTF-8", at)


def _not_toml(said: str, text: str) -> Problem:
    """The parser's sentence with its position taken out: ``Expected '=' … (at line 3, column 5)``."""
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    why = said[: found.start()] if found else said
    at = int(found[1]) if found and found[1] else max(1, len(text.rstrip().splitlines()))
    where = f"column {found[2]}" if found and found[2] else "end of file" if found else "file"
    right = "each table and key only once" if re.match("Cannot (overwrite|declare)", why) else "see toml.io"
    return Problem(where, f"not valid TOML: {why[:1].lower()}{why[1:]}", right, at if found else None)


def _folder(path: Path) -> Path:
    return Path(os.path.abspath(path)).parent  # noqa: PTH100 - resolve() would follow links: /etc/x.toml → elsewhere


def _mistaken(data: Mapping[str, Any], overrides: list[Override], faults: list[tuple[Place, Problem]]) -> set[Place]:
    """Places of overrides that would be right as texts: those that are right after trying."""
    wrong = {place for place, _ in faults} & {one.place for one in overrides}
    _, left = inspect(StudioConfig, as_texts(data, overrides, wrong))
    return wrong - {place for place, _ in left}


def _from(overrides: list[Override], place: Place, problem: Problem) -> Problem:
    """The problem under the variable's name, if the value came from the environment."""
    for one in overrides:
        if place[: len(one.place)] == one.place or (one.place[: len(place)] == place and "unknown" in problem.why):
            return problem._replace(where=f"{problem.where} (from {one.variable})")
    return problem


def _salvage(
    data: Mapping[str, Any], faults: list[tuple[Place, Problem]], context: Mapping[str, Any]
) -> tuple[StudioConfig | None, frozenset[str]]:
    """What is left of ``data`` without its faulty keys, and the names of what had to go."""
    rest: dict[str, Any] = copy.deepcopy(dict(data))
    lost: set[str] = set()
    for _ in range(8):  # a key goes, then the table that needs it, then its section
        cut: list[Place] = []
        for place, _problem in faults:
            if not any(place[: len(gone)] == gone for gone in cut):
                cut += _cut(rest, place)
        lost |= {dotted(gone) for gone in cut if len(gone) <= 2}
        rest.setdefault("agent", {"site": "x", "name": "x"})
        config, faults = inspect(StudioConfig, rest, context)
        if config is not None:
            return config, frozenset(lost)
    return None, frozenset(lost)


def _cut(data: dict[str, Any], place: Place) -> list[Place]:
    """Take out the innermost entry on the way to ``place`` (where a key is missing, its table); what was taken."""
    table: Any = data
    innermost: tuple[dict[str, Any], Place] | None = None
    for index, step in enumerate(place):
        if not isinstance(table, dict) or step not in table:
            break
        innermost = table, place[: index + 1]
        table = table[step]
    if innermost is None:
        return []
    owner, gone = innermost
    owner.pop(str(gone[-1]))
    return [gone]
