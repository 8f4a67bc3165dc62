"""One way to say what is wrong with a file: where, why, and what would be right."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple


class Problem(NamedTuple):
    """One fault of one key.

    ``where`` is the dotted path of the key (``fixtures.key.address``), ``at`` its line in the file where known.
    """

    where: str
    why: str
    right: str = ""
    at: int | None = None

    def line(self, file: str) -> str:
        """``file: table.key – why – what would be right``; ``file:12: …`` when the line is known."""
        place = file if self.at is None else f"{file}:{self.at}"
        tail = f" – {self.right}" if self.right else ""
        return f"{place}: {self.where} – {self.why}{tail}"


class ConfigError(Exception):
    """A configuration that cannot be used, with *all* its problems."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.line(file) for problem in problems))

    def first(self) -> str:
        """Its first problem, and how many more there are: where one line must do."""
        more = len(self.problems) - 1
        return f"{self.problems[0].line(self.file)}{f' (and {more} more)' if more > 0 else ''}"


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint for a misspelt word: ``did you mean 'x'?``, else the choices there are."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"one of: {', '.join(sorted(known))}" if known else "there is none to choose from"


def exact(number: float) -> str:
    """A number with all its digits, so that 1.0000000001 is not told to be 1."""
    return repr(number).removesuffix(".0")


def quoted(word: str) -> str:
    """A word of the file in quotes, cut short."""
    return repr(word if len(word) <= 60 else f"{word[:57]}…")
