"""A TOML file, read and parsed; what is wrong with it in words for people, not the parser's."""

import re
import tomllib
from pathlib import Path
from typing import Any

from config.problems import Problem

LARGEST = 1024 * 1024
"""Bytes a configuration or profile file may have."""

_ONCE = "each table and key only once"

_SAID: tuple[tuple[str, str, str], ...] = (
    ("Cannot overwrite a value", "this key is there already", _ONCE),
    (r"Cannot declare \((.*)\) twice", "the table {} is there twice", _ONCE),
    (r"Cannot redefine namespace \((.*)\)", "{} is there already, with keys of its own", _ONCE),
    (r"Cannot mutate immutable namespace \((.*)\)", "{} is complete already and takes no more keys", _ONCE),
    ("Duplicate inline table key '(.*)'", "the key {} is there twice within { … }", _ONCE),
    ("Expected '=' after a key.*", "= is missing after the key", "key = value"),
    (
        "Expected newline or end of document.*",
        "something follows that does not belong here",
        "each key and each table on a line of its own",
    ),
    (r"Expected '\]' at the end.*", "] is missing at the end of the table's name", "[table]"),
    (r"Expected '\]\]' at the end.*", "]] is missing at the end of the table's name", "[[table]]"),
    ("Expected (.*)", "{} is missing here", ""),
    ("Invalid statement", "this is neither a key nor a table", "key = value, or [table]"),
    ("Invalid initial character for a key part", "no key can begin like this", 'a-z, 0-9, - and _, or "in quotes"'),
    ("Invalid value", "this is no value", 'a number, true, false, [a list], or a text "in quotes"'),
    ("Invalid date or datetime", "there is no such date or time", "in quotes, if a text is meant"),
    ("Invalid hex value", r"\x, \u and \U need hexadecimal digits", r"\\ for a backslash, or the text in '…'"),
    ("Escaped character is not a.*", "there is no character of this number", r"\\ for a backslash, or the text in '…'"),
    (r"Unescaped '\\' in a string", r"\ begins nothing known", r"\\ for a backslash, or the text in '…'"),
    ("Unterminated string", "a text does not end", "a quotation mark at its end"),
    ("Unclosed array", "a list does not end", "] at its end"),
    ("Unclosed inline table", "a table in { … } does not end", "} at its end, on the same line"),
    (r"Illegal character '\\n'|Found invalid character '\\n'", "the line ends within a text", "a quotation mark"),
    ("(?:Illegal|Found invalid) character (.*)", "the character {} cannot stand here", "remove it"),
    ("Exceeds the limit.*", "a number has thousands of digits", "a whole number of at most 64 bits"),
)


def read(path: Path) -> tuple[str, Problem | None]:
    """The text of a file, or what is wrong with it. Raises nothing."""
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


def parse(text: str) -> tuple[dict[str, Any], Problem | None]:
    """What the text says, or the one thing that keeps it from being TOML. Raises nothing."""
    try:
        return tomllib.loads(text), None
    except RecursionError:
        return {}, Problem("file", "is nested too deeply", "a flatter structure")
    except ValueError as error:
        return {}, _not_toml(str(error), text)


def _not_toml(said: str, text: str) -> Problem:
    """The parser's sentence, ``Expected '=' … (at line 3, column 5)``, in other words and without its position."""
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    at: int | None = None
    where = "file"
    if found:
        where = f"column {found[2]}" if found[2] else "end of file"
        at = int(found[1]) if found[1] else max(1, len(text.rstrip().splitlines()))
    elif digits := re.search(r"[\d_]{4000,}", text):
        at = text[: digits.start()].count("\n") + 1
    bare = said[: found.start()] if found else said
    for pattern, why, right in _SAID:
        if match := re.fullmatch(pattern, bare, re.DOTALL):
            return Problem(where, f"not valid TOML: {why.replace('{}', _named(match))}", right or "see toml.io", at)
    return Problem(where, "not valid TOML", "see toml.io", at)


def _named(match: re.Match[str]) -> str:
    """The parser shows keys as a tuple: ``'fixtures', 'key'`` is fixtures.key."""
    inner = match[1] if match.re.groups else ""
    return ".".join(re.findall(r"'([^']*)'", inner)) if re.match(r"'.*',", inner) else inner
