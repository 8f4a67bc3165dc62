"""From models to Markdown: tables of fields with type, limits, default and meaning."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

NAMES = "^[a-z0-9][a-z0-9_-]{0,62}$"
SHORT = 40
"""Longer patterns tell people nothing."""


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table. Columns that are empty in every row are left out."""
    kept = [n for n in range(len(head)) if any(row[n] for row in rows)]
    lines = [[head[n] for n in kept], ["---"] * len(kept), *([row[n] for n in kept] for row in rows)]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """On one line; ``<name>`` outside of backticks is no HTML."""
    line = re.sub(r"\s*\n\s*", " ", text).replace("|", r"\|")
    return re.sub(r"(`[^`]*`)|<(?!br>)", lambda found: found[1] or "&lt;", line)


def said(model: type[BaseModel]) -> str:
    """The first paragraph of a model's description, as Markdown."""
    return re.sub(r"\s+", " ", (model.__doc__ or "").strip().split("\n\n")[0]).replace("``", "`")


def fields(model: type[BaseModel], without: Sequence[str] = (), head: str = "Key", defaults: bool = True) -> str:
    """The fields of a model: name, type with limits, default, meaning."""
    schema = model.model_json_schema()
    rows = []
    for name, field in model.model_fields.items():
        if name in without:
            continue
        default = "**required**" if field.is_required() else _default(field.get_default(call_default_factory=True))
        own = schema["properties"][name]
        kind = _kind(own, schema.get("$defs", {}))
        if not defaults and {"type": "null"} in own.get("anyOf", ()):
            kind += " or `null`"
        rows.append((f"`{name}`", kind, default if defaults else "", (field.description or "").replace("``", "`")))
    return grid((head, "Type", "Default", "Meaning"), rows) if rows else "No arguments.\n"


def _default(value: Any) -> str:
    plain = to_jsonable_python(value)
    if plain in ("", [], None) or isinstance(plain, dict):
        return "–"
    return f"`{json.dumps(plain, ensure_ascii=False)}`"


def _kind(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """A JSON Schema type in words, with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == "Attribute":
            return "[attribute](mqtt.md#attributes)"
        return _kind(defs[name], defs) if "enum" in defs[name] else f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each, defs) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" if each != "" else "empty" for each in schema.get("enum", [schema.get("const")]))
    many = _MANY.get(schema.get("type", ""))
    if many is not None:
        return many(schema, defs)
    if schema.get("type") == "string":
        return _text(schema)
    return _WORDS.get(schema.get("type", ""), "any") + _limits(schema)


def _text(schema: Mapping[str, Any]) -> str:
    known = {"date-time": "time, ISO 8601 with its zone", "path": "path", "uuid": "UUID"}
    if schema.get("format") in known:
        return known[schema["format"]]
    pattern = schema.get("pattern", "")
    if pattern == NAMES:
        return "name"
    return f"text like `{pattern}`" if 0 < len(pattern) <= SHORT else "text"


def _list(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])}: {_kind(schema['prefixItems'][0], defs)}"
    few = f", at least {schema['minItems']}" if "minItems" in schema else ""
    return f"list of {_kind(schema['items'], defs)}{few}"


def _table(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    inner = next(iter(schema.get("patternProperties", {}).values()), None) or schema.get("additionalProperties")
    key = _kind(schema["propertyNames"], defs) if "propertyNames" in schema else "name"
    return f"table: {key} → {_kind(inner, defs)}" if isinstance(inner, dict) and inner else "table"


def _limits(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    # both may be given: a type's own limit and a key's narrower one
    low = None if low is not None and above is not None and above >= low else low
    high = None if high is not None and below is not None and below <= high else high
    if low is not None and high is not None:
        return f", {low:g}…{high:g}"
    pairs = ((above if low is None else None, "above"), (low, "at least"), (below if high is None else None, "below"))
    return "".join(f", {word} {value:g}" for value, word in (*pairs, (high, "at most")) if value is not None)


_WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false"}
_MANY: Mapping[str, Callable[..., str]] = {"array": _list, "object": _table}


def inside(model: type[BaseModel], name: str) -> list[type[BaseModel]]:
    """The models that a field holds, however deep in tables and lists."""
    found: list[Any] = [model.model_fields[name].annotation]
    models = []
    while found:
        kind = found.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            models.append(kind)
        found += getattr(kind, "__args__", ())
    return models
