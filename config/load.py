"""The configuration file, read: TOML + environment → StudioConfig, or every mistake in it at once.

file ──tomllib──▶ data ──environment──▶ data ──check.inspect──▶ StudioConfig
                    └───────────── every fault: file:line: table.key – why – what would be right
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import source
from config.check import Place, dotted, inspect
from config.environment import Override, as_texts, override
from config.lines import numbered, outward
from config.model import StudioConfig
from config.problems import ConfigError, Problem
from config.salvage import salvage, touches


@dataclass(frozen=True)
class Reading:
    """A file read as far as it goes.

    ``config`` is whole when ``problems`` is empty. Otherwise it is what is left without the faulty values (``None``:
    nothing usable), only good for finding the mistakes of the next floor up; ``lost`` names the keys whose values are
    not the file's (``("fixtures", "key", "address")``), so that nothing is reported that follows from them.
    ``as_written`` gives the path as it stands in the file, where a table was read under the name that was meant.
    """

    file: str
    text: str
    config: StudioConfig | None
    problems: tuple[Problem, ...] = ()
    lost: frozenset[Place] = frozenset()
    as_written: Callable[[str], str] = str
    variables: Mapping[str, str] = field(default_factory=dict)
    """Dotted key → the variable that gave its value."""

    def error(self, more: Iterable[Problem] = ()) -> ConfigError | None:
        """All its problems and ``more`` from other floors, with line numbers, in the file's order; None: no problem.

        Of ``more``, what is said of a lost key is left out: that key has its problem already.
        """
        lost = {dotted(place) for place in self.lost}
        others = [problem for problem in more if lost.isdisjoint(outward(problem.where))]
        others = [problem._replace(where=self._origin(self.as_written(problem.where))) for problem in others]
        found = numbered(self.text, [*self.problems, *others])
        if not found:
            return None
        return ConfigError(self.file, sorted(found, key=lambda problem: problem.at or 0))

    def _origin(self, where: str) -> str:
        """The key, with the variable its value came from."""
        variable = next((self.variables[key] for key in outward(where) if key in self.variables), None)
        return where if variable is None else f"{where} (from {variable})"


def load(path: Path, environ: Mapping[str, str]) -> StudioConfig:
    """The configuration in the file at ``path`` with the environment's overrides.

    Raises ConfigError with everything that is wrong. Relative paths count from the file's folder.
    """
    reading = read(path, environ)
    error = reading.error()
    if error is not None or reading.config is None:
        raise error or ConfigError(str(path), [Problem("file", "gives no configuration")])
    return reading.config


def read(path: Path, environ: Mapping[str, str], proposed: str | None = None) -> Reading:
    """Like :func:`load`, but gives what can be used along with the problems. Raises nothing. ``proposed``: read this as
    if it were the file's content."""
    path = Path(path)
    text, unreadable = source.read(path) if proposed is None else (proposed, None)
    data, not_toml = ({}, None) if unreadable else source.parse(text)
    wrong = unreadable or not_toml
    if wrong is not None:
        return Reading(str(path), text, None, (wrong,))
    data, overrides, unread, problems = override(data, environ)
    context = {"folder": _folder(path)}
    config, faults = inspect(StudioConfig, data, context)
    if faults and overrides:
        data = as_texts(data, overrides, _mistaken(data, overrides, faults))
        config, faults = inspect(StudioConfig, data, context)
    faults = [*unread, *((place, fault) for place, fault in faults if not touches([p for p, _ in unread], *place))]
    variables = {dotted(one.place): one.variable for one in overrides}
    if not faults:
        return Reading(str(path), text, config, tuple(problems), variables=variables)
    rest = salvage(data, faults, context)
    problems += [_from(overrides, place, problem) for place, problem in (*faults, *rest.more)]
    return Reading(str(path), text, rest.config, tuple(problems), frozenset(rest.lost), rest.as_written, variables)


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
