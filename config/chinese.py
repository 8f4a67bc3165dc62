"""What is wrong with a file, in the operators' other language: by a table of our English sentences (chinese.toml).

The sentences are made where the fault is found, over all floors, and pydantic's are put into our words before
(:mod:`config.check`); so one table says them all. What it does not have stays English.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config.problems import ConfigError, Problem

TABLE = Path(__file__).with_name("chinese.toml")
_HOLES = {"{}": "(.+)", "{#}": r"([-+]?[\d.]+(?:e[-+]?\d+)?)"}
_WHERE = {"file": "文件", "folder": "文件夹", "end of file": "文件末尾"}


def chinese(text: str) -> str:
    """A sentence of ours in Chinese; as it is where the table has none."""
    if text.endswith(".") and not text.startswith("give it: "):
        return text  # what a key means: a description, which stays as the model has it
    for pattern, said in _table():
        if found := pattern.fullmatch(text):
            return _filled(said, [chinese(part) for part in found.groups()])
    return text


def told(error: ConfigError, language: str) -> str:
    """All its problems, a line each: ``file:12: key – why – what would be right``; in both languages the Chinese
    stands below the English, so that the line with the place is what tools know."""
    return "\n".join(line for problem in error.problems for line in _lines(error.file, problem, language))


def _lines(file: str, problem: Problem, language: str) -> Iterator[str]:
    why, right = chinese(problem.why), chinese(problem.right)
    if language == "zh":
        yield Problem(_where(problem.where), why, right, problem.at).line(file)
        return
    yield problem.line(file)
    if language != "en" and (why, right) != (problem.why, problem.right):
        yield f"    {why}{f' – {right}' if right else ''}"


def _where(where: str) -> str:
    if column := re.fullmatch(r"column (\d+)", where):
        return f"第 {column[1]} 列"
    return _WHERE.get(where) or re.sub(r" \(from (\w+)\)$", r"（来自 \1）", where)


def _filled(said: str, parts: list[str]) -> str:
    order = iter(range(len(parts)))
    return re.sub(r"\{(\d?)\}", lambda hole: parts[int(hole[1] or next(order))], said)


@cache
def _table() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Pattern and sentence, those with the most words of their own first."""
    said = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    pieces = {english: re.split(r"(\{#?\})", english) for english in said}
    length = {english: sum(len(each) for each in parts[::2]) for english, parts in pieces.items()}
    return tuple(
        (re.compile("".join(_HOLES.get(each) or re.escape(each) for each in pieces[english]), re.DOTALL), said[english])
        for english in sorted(said, key=lambda each: (-length[each], each))
    )
