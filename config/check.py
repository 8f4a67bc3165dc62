"""Data that was read, against the model it should fit: every fault as a Problem in plain words.

Strict: a number in quotes is no number, ``true`` is not 1. Also used for drivers' options and profile files.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from config.forms import NAMES, plain_name, said
from config.problems import Problem, exact, nearest

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]

DEEPEST = 12
"""Tables and lists within one another: twice what any key needs."""

_KEY = "[key]"
"""How pydantic marks that a table's key, not its value, is wrong."""


def validate(
    model: type[Model], data: Mapping[str, Any], where: str = "", context: Mapping[str, Any] | None = None
) -> tuple[Model | None, list[Problem]]:
    """``data`` as ``model``, or ``None`` with all that is wrong with it, reported under the dotted path ``where``."""
    value, faults = inspect(model, data, context)
    return value, [_under(where, problem) for _, problem in faults]


def inspect(
    model: type[Model], data: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> tuple[Model | None, list[tuple[Place, Problem]]]:
    """Like :func:`validate`, each problem with its place as a tuple of keys."""
    strange = {place: (why, right) for place, why, right in _untold(data, ())}
    faults = [(place, Problem(dotted(place), why, right)) for place, (why, right) in strange.items()]
    try:
        # JSON is the strict mode in which paths and tuples may still be written as strings and lists.
        text = json.dumps(_without(data, strange.keys(), ()) if strange else data, default=str)
        value = model.model_validate_json(text, strict=True, context=dict(context or {}))
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults += [(place, problem) for place, problem in told(model, details) if place not in strange]
        return None, faults
    except RecursionError:
        return None, faults or [((), Problem("file", *_TOO_DEEP))]
    return (None if faults else value), faults


def dotted(place: Sequence[str | int]) -> str:
    """``("outputs", "a", "universes", 0)`` → ``outputs.a.universes[0]``."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            word = step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else _shown(step)
            path += f".{word}" if path else word
    return path or "file"


def _under(where: str, problem: Problem) -> Problem:
    if not where:
        return problem
    return problem._replace(where=where if problem.where == "file" else f"{where}.{problem.where}")


def _untold(value: Any, place: Place) -> Iterator[tuple[Place, str, str]]:
    """What TOML can write and no key takes: pydantic would let some of it pass, or say it in riddles."""
    if len(place) > DEEPEST:
        yield place[:-1], *_TOO_DEEP
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _untold(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _untold(inner, (*place, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, f"{value} is not a usable number", "a finite number"
    elif isinstance(value, date | time):
        yield place, f"{value} is a date or time, and no key takes one", "in quotes, if a text is meant"
    elif isinstance(value, int) and abs(value) >= 2**63:
        yield place, "the number is too large", "a whole number of at most 64 bits"


def _without(value: Any, strange: Collection[Place], place: Place) -> Any:
    """A copy with 0 in the strange places."""
    if place in strange:
        return 0
    if isinstance(value, Mapping):
        return {key: _without(inner, strange, (*place, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, strange, (*place, index)) for index, inner in enumerate(value)]
    return value


def told(model: type[BaseModel], details: Sequence[ErrorDetails]) -> Iterator[tuple[Place, Problem]]:
    """Pydantic's errors in plain words; of those that follow from another one, only that one."""
    missing = {d["loc"] for d in details if d["type"] == "missing"}
    for detail in details:
        if detail["type"] == "extra_forbidden":
            missing -= {(*detail["loc"][:-1], meant) for meant in _meant(detail, missing)}
    for detail in details:
        place = detail["loc"]
        if detail["type"] == "missing" and place not in missing:
            continue  # the misspelt key beside it says it all
        if detail["type"] == "too_short" and any(_within(other["loc"], place) for other in details):
            continue  # faulty items do not count, and they are told
        why, right = _explain(model, detail)
        place = place[:-1] if place and place[-1] == _KEY else place
        yield place, Problem(dotted(place), why, right)


def _within(inner: Place, outer: Place) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _meant(unknown: ErrorDetails, missing: set[Place]) -> list[str]:
    table = unknown["loc"][:-1]
    beside = [str(place[-1]) for place in missing if place[:-1] == table]
    return get_close_matches(str(unknown["loc"][-1]).lower(), beside, n=1, cutoff=0.6)


_LIMITS: Mapping[str, tuple[str, str, str]] = {
    "greater_than_equal": ("ge", "is too low", "{} or more"),
    "greater_than": ("gt", "is too low", "more than {}"),
    "less_than_equal": ("le", "is too high", "{} or less"),
    "less_than": ("lt", "is too high", "less than {}"),
}

_TYPES: Mapping[str, str] = {
    "string_type": "a text is expected",
    "path_type": "a path is expected",
    "int_type": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "bool_type": "true or false is expected",
    "dict_type": "a table is expected",
    "model_type": "a table is expected",
    "model_attributes_type": "a table is expected",
    "tuple_type": "a list is expected",
    "list_type": "a list is expected",
}


def _explain(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    """Why it is wrong and what would be right, for one of pydantic's errors."""
    kind, place, value, context = detail["type"], detail["loc"], detail["input"], detail.get("ctx", {})
    if kind in _LIMITS:
        key, why, right = _LIMITS[kind]
        return f"{_shown(value)} {why}", right.format(exact(context[key]))
    if kind in _TYPES:
        return f"{_TYPES[kind]}, not {_shown(value)}", _retyped(kind, value, kind_at(model, place))
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(model, place, value, context)
    if kind not in get_args(ErrorType):
        return detail["msg"], ""  # raised by a validator of ours, in our words
    return f"{_shown(value)} is not what belongs here", _described(model, place)


def _unknown_key(model: type[BaseModel], place: Place, _value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    # The value is not shown: somebody may have put a password here.
    return "unknown key", nearest(str(place[-1]), _keys(model, place[:-1]))


def _missing(model: type[BaseModel], place: Place, _value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    if isinstance(place[-1], int):
        return "is missing", f"the list {dotted(place[:-1])} needs at least {_count([], place[-1] + 1)}"
    meaning = _described(model, place)
    if meaning:
        return "is missing", f"give it: {meaning}"
    kind = kind_at(model, place)
    is_table = get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))
    return "is missing", f"add the table {place[-1]}" if is_table else "give it a value"


def _described(model: type[BaseModel], place: Place) -> str:
    """What the model says about the key at a place, or about the list it is an item of; "" when nothing."""
    while place and isinstance(place[-1], int):
        place = place[:-1]
    section = kind_at(model, place[:-1])
    if not place or not isinstance(section, type) or not issubclass(section, BaseModel):
        return ""
    found = section.model_fields.get(str(place[-1]))
    return (found.description if found else "") or ""


def _choice(_model: type[BaseModel], place: Place, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    choices = re.findall(r"'([^']*)'", str(context["expected"])) or re.findall(r"\d+", str(context["expected"]))
    if place and place[-1] == _KEY:
        return "unknown key", nearest(str(value), choices)
    why = f"{_shown(value)} is not one of the choices"
    return why, nearest(value, choices) if isinstance(value, str) else f"one of: {', '.join(choices)}"


def _pattern(model: type[BaseModel], place: Place, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    pattern = str(context["pattern"])
    right = said(pattern) or _described(model, place)
    if pattern != NAMES:
        return f"{_shown(value)} does not have the right form", right
    plain = plain_name(str(value))
    return f"{_shown(value)} cannot be a name", f"{plain!r}, say: {right}" if plain else right


def _short(_model: type[BaseModel], _place: Place, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return "is too short" if value else "is empty", f"at least {_count(value, context['min_length'])}"


def _long(_model: type[BaseModel], _place: Place, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return "is too long", f"at most {_count(value, context['max_length'])}"


def _count(value: Any, number: int) -> str:
    noun = "character" if isinstance(value, str) else "item"
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _own_words(_model: type[BaseModel], _place: Place, _value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    """Validators of ours say ``why: what would be right``."""
    why, _, right = str(context["error"]).partition(": ")
    return why, right


def _no_time(_model: type[BaseModel], _place: Place, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    return f"{_shown(value)} is not a time with its zone", 'like "2030-01-01T12:00:05Z"'


def _no_uuid(_model: type[BaseModel], _place: Place, value: Any, _context: Mapping[str, Any]) -> tuple[str, str]:
    return f"{_shown(value)} is not a UUID", 'like "6f2f7f0a-53a7-4a1e-9d53-8a0c6f0e9b11", 32 hexadecimal digits'


_TOO_DEEP = ("is nested too deeply", "a flatter structure")


def _no_json(_model: type[BaseModel], _place: Place, _value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return _TOO_DEEP if "recursion" in str(context.get("error")) else ("is not valid JSON", "one JSON object")


_SPECIAL: Mapping[str, Callable[[type[BaseModel], Place, Any, Mapping[str, Any]], tuple[str, str]]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _pattern,
    "string_too_short": _short,
    "string_too_long": _long,
    "too_short": _short,
    "too_long": _long,
    "value_error": _own_words,
    "json_invalid": _no_json,
    **dict.fromkeys(("uuid_parsing", "uuid_type", "uuid_version"), _no_uuid),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), _no_time),
}


def _retyped(kind: str, value: Any, expected: Any) -> str:
    """The value as it would have to be written, where that can be guessed."""
    plain = not isinstance(value, dict | list | None)
    if kind == "string_type" and plain:
        return f'in quotes: "{str(value).lower() if isinstance(value, bool) else value}"'
    if kind in ("int_type", "int_from_float") and isinstance(value, float) and value.is_integer():
        return f"without a point: {int(value)}"
    if kind in ("int_type", "float_type") and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}(\.\d+)?", value):
        return f"without quotes: {value}"
    if kind in ("tuple_type", "list_type"):
        return _listed(value, kind_at(expected, (0,)))
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return "keys and values of its own"
    return ""


def _listed(value: Any, item: Any) -> str:
    """The value in brackets, if it could be an item; else what such a list looks like."""
    number = item in (int, float)
    if number and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return f"in brackets: [{value}]"
    if number and isinstance(value, str) and re.fullmatch(r"\[[\d ,]*\]", value):
        return f"without quotes: {value}"
    if isinstance(value, bool) or isinstance(value, str) == number or isinstance(value, dict | list | None):
        return "in brackets, like [1, 2]" if number else 'in brackets, like ["a", "b"]'
    return f"in brackets: [{_shown(value)}]"


def _shown(value: Any) -> str:
    """A value as TOML would write it, cut short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    table = kind_at(model, place)
    return list(table.model_fields) if isinstance(table, type) and issubclass(table, BaseModel) else []


def kind_at(model: Any, place: Place) -> Any:
    """The type at a place of a model, without Annotated and ``| None``; None: any."""
    for step in place:
        model = _bare(model)
        if isinstance(model, type) and issubclass(model, BaseModel):
            found = model.model_fields.get(str(step))
            model = found.annotation if found else None
        elif get_origin(model) is dict:
            model = get_args(model)[1]
        elif get_origin(model) in (tuple, list):
            model = get_args(model)[0]
        else:
            return None
    return _bare(model)


def _bare(kind: Any) -> Any:
    """A type without Annotated and ``| None``."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    kinds = [arg for arg in get_args(kind) if arg is not type(None)]
    if len(kinds) == 1 and type(None) in get_args(kind):
        return _bare(kinds[0])
    return kind
