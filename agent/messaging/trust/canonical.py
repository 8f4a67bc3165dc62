"""One text for one JSON value: RFC 8785 (JSON Canonicalization Scheme). Pure.

Two programs that mean the same envelope must sign the same bytes, in whatever order their libraries write keys and
however they write numbers::

    no space between tokens · keys sorted by UTF-16 code units (3.2.3) · strings as ECMAScript's JSON.stringify writes
    them (3.2.2.2) · numbers as ECMAScript writes doubles (3.2.2.3): 1, 0.35, 1e-7, 1e+21 · UTF-8
"""

import json
import math
from typing import Any

SAFE = 2**53 - 1
"""Integers beyond this are doubles elsewhere, and some of them other numbers (RFC 7493, 2.2)."""


def canonical(value: Any) -> bytes:
    """The bytes of it. Raises ValueError for what JSON or a double cannot hold: NaN, infinity, integers
    that are no double, a lone surrogate, a key that is no string."""
    try:
        return _text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is no text") from None


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > SAFE and (abs(value) >= 10**21 or _number(float(value)) != str(value)):
            raise ValueError("an integer that is another number in other languages")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is no string")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    raise ValueError(f"{type(value).__name__} is not JSON")


def _number(value: float) -> str:
    """As ECMA-262 Number::toString does. Python's repr finds the same shortest digits; only their dress differs."""
    if not math.isfinite(value):
        raise ValueError("NaN and infinity are not JSON")
    if value == 0:
        return "0"
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(power or 0)
    digits = (whole + part).lstrip("0")
    point -= len(whole + part) - len(digits)
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    shown = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{shown}e{'+' if point > 0 else '-'}{abs(point - 1)}"
