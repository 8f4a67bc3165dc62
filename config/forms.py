"""What a text must look like, in words instead of a regular expression."""

import re

NAMES = r"^[a-z0-9][a-z0-9_-]{0,62}$"

_SETS = {
    "A-Za-z0-9": "letters, digits",
    "0-9A-Fa-f": "hexadecimal digits",
    "A-Za-z": "letters",
    "a-z0-9": "lower-case letters, digits",
    "0-9": "digits",
}


def plain_name(text: str) -> str:
    """The name that is nearest to a text; "" when there is none."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:63]


def said(pattern: str) -> str:
    """The pattern in words; "" when it is of no simple kind."""
    if pattern == NAMES:
        return "lower-case letters, digits, - and _, at most 63, beginning with a letter or digit"
    if pattern == r"^\S+$":
        return "a text without spaces"
    found = re.fullmatch(r"\^\[(.*)\]\{(\d+),(\d+)\}\$", pattern)
    letters = next((key for key in _SETS if found and found[1].startswith(key)), None)
    if found is None or letters is None:
        return ""
    signs = [sign for sign in found[1].removeprefix(letters) if sign != "\\"]
    if "-" in signs[:-1]:
        return ""
    kinds = ", ".join((_SETS[letters], *signs))
    return f"{found[2]} to {found[3]} characters: {kinds}"
