"""Overrides from the environment: ``STUDIO_AGENT__MQTT__PORT=8883`` is ``port`` in ``[mqtt]``. Pure.

Two underscores separate the keys. Letters are lower-cased, and ``_`` also finds a name written with ``-``
(``STUDIO_AGENT__OUTPUTS__WIDGET_1__OPTIONS__PORT`` finds ``widget-1``). A value is read as TOML, else it is a text.
"""

import copy
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from config.check import Place, dotted
from config.problems import Problem

PREFIX = "STUDIO_AGENT__"


class Override(NamedTuple):
    """One variable that took effect: where it was put and what it said, untouched."""

    variable: str
    place: tuple[str, ...]
    text: str


def override(
    data: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, Any], list[Override], list[tuple[Place, Problem]], list[Problem]]:
    """A copy of ``data`` with every ``STUDIO_AGENT__…`` variable put in, those variables, the places whose variable is
    no text, and what else is wrong."""
    result = copy.deepcopy(dict(data))
    done: list[Override] = []
    unread: list[tuple[Place, Problem]] = []
    problems: list[Problem] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        if not _is_text(variable):
            problems.append(Problem(_visible(variable), "the variable's name is not UTF-8 text", "remove the variable"))
            continue
        words = variable.removeprefix(PREFIX).split("__")
        if not all(words) or len(words) < 2:
            right = f"{PREFIX}SECTION__KEY, such as {PREFIX}MQTT__HOST"
            problems.append(Problem(variable, "names no key", right))
            continue
        try:
            place = _put(result, words, value(environ[variable] if _is_text(environ[variable]) else ""))
        except _Taken as taken:
            problems.append(Problem(variable, str(taken), "another name, or remove the variable"))
        else:
            if _is_text(environ[variable]):
                done.append(Override(variable, place, environ[variable]))
            else:
                right = "the value in UTF-8, as a unit file or a UTF-8 terminal gives it"
                unread.append((place, Problem(variable, "its value is not UTF-8 text", right)))
    return result, done, unread, problems


def _is_text(text: str) -> bool:
    """Bytes that are not UTF-8 come from the system as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _visible(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_texts(data: Mapping[str, Any], overrides: list[Override], wrong: set[Place]) -> dict[str, Any]:
    """A copy of ``data`` in which the overrides at the ``wrong`` places are texts: a user name may be ``1234``."""
    result = copy.deepcopy(dict(data))
    for one in overrides:
        if one.place in wrong:
            table: Any = result
            for step in one.place[:-1]:
                table = table[step]
            table[one.place[-1]] = one.text
    return result


def value(text: str) -> Any:
    """The text as a TOML value; what is not one is itself."""
    try:
        parsed = tomllib.loads(f"value = {text}\n")
    except (ValueError, RecursionError):
        return text
    # A line break in the text could have begun a second statement.
    return parsed["value"] if parsed.keys() == {"value"} else text


class _Taken(Exception):
    """The path leads nowhere."""


def _put(data: dict[str, Any], words: list[str], new: Any) -> tuple[str, ...]:
    table: Any = data
    place: list[str] = []
    for index, word in enumerate(words):
        if not isinstance(table, dict):
            raise _Taken(f"{dotted(place)} is not a table")
        key = _key(table, word)
        place.append(key)
        if index == len(words) - 1:
            table[key] = new
        else:
            table = table.setdefault(key, {})
    return tuple(place)


def _key(table: Mapping[str, Any], word: str) -> str:
    plain = word.lower()
    if plain in table:
        return plain
    same = [key for key in table if key.lower().replace("-", "_") == plain]
    if len(same) > 1:
        raise _Taken(f"{word} could be any of {', '.join(sorted(same))}")
    return same[0] if same else plain
