"""The report as a table on a terminal. rich is imported here and in the command line only, and only when used."""

from typing import TYPE_CHECKING, Literal

from agent.messaging.header import Say
from agent.selftest import words
from agent.selftest.report import Outcome, Report
from config.units import Text
from drivers.base import Verdict

if TYPE_CHECKING:
    from rich.console import Console

Language = Literal["en", "zh", "both"]

NARROW = 100
"""Columns the table needs."""

STYLES = {
    Verdict.PASS: "green",
    Verdict.MARGINAL: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "magenta",
    Verdict.SKIPPED: "dim",
    Verdict.OVERDUE: "yellow",
}


def show(report: Report, console: "Console", language: Language = "en") -> None:
    """Every check, then what to do first, then the verdict."""
    from rich.markup import escape

    if console.width < NARROW:
        _lines(report, console, language)
    else:
        _table(report, console, language)
    if report.stated:
        console.print(escape(words.STATED.say(language)), style="yellow")
    if report.stopped is not None:
        console.print(escape(_say(report.stopped, language)), style="yellow")
    if report.accepted is not None:
        console.print(escape(words.accepted(report.accepted).say(language)))
    for check in report.first_things:
        todo = escape(_say(check.remedy, language)) or escape(_say(check.said, language))
        console.print(f"[{STYLES[check.verdict]}]{check.id} {escape(check.name)}[/]: {todo}")
    counts = ", ".join(f"{count} {said.say(language)}" for count, _, said in tally(report))
    headline = words.HEADLINES[report.verdict].say(language)
    console.print(f"[{STYLES[report.verdict]}]{headline}[/] ({counts}) in {report.seconds:.1f} s")


def _table(report: Report, console: "Console", language: Language) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "check", "of", "value", "found"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "value" else "left")
    for group, checks in report.groups().items():
        for check in checks:
            style = STYLES[check.verdict]
            table.add_row(
                f"[{style}]{escape(word(check).say(language))}[/]",
                f"{check.id} {escape(_say(check.title, language))}",
                escape(group.name),
                measured(check),
                escape(_say(check.said, language)),
            )
        table.add_section()
    console.print(table)


def _lines(report: Report, console: "Console", language: Language) -> None:
    """For a narrow terminal: a line each, and below it what was found where it did not simply pass."""
    from rich.padding import Padding
    from rich.text import Text as Line

    said = [word(check).say(language) for check in report.checks]
    width = max((Line(each).cell_len for each in said), default=0)
    for group, checks in report.groups().items():
        console.print(Line(group.name, "bold"))
        for check in checks:
            line = Line.assemble((word(check).say(language), STYLES[check.verdict]))
            line.append(
                " " * (width + 2 - line.cell_len)
                + f"{check.id}  {_say(check.title, language)}  {measured(check)}".rstrip()
            )
            console.print(line, no_wrap=True, overflow="ellipsis")
            if check.verdict is not Verdict.PASS:
                console.print(Padding(Line(_say(check.said, language), "dim"), (0, 0, 0, width + 2)))


def word(check: Outcome) -> Text:
    """Its verdict; a check that does not apply is not *skipped*."""
    return words.VERDICTS[check.verdict] if check.asked else words.NOT_APPLICABLE


def tally(report: Report) -> list[tuple[int, str, Text]]:
    """How many of each, the style's name and the word, worst first; what does not apply to this studio is last."""
    absent = sum(not check.asked for check in report.checks)
    counted = [
        (count - absent if verdict is Verdict.SKIPPED else count, str(verdict), words.VERDICTS[verdict])
        for verdict, count in report.counts.items()
    ]
    return [each for each in (*counted, (absent, "not", words.NOT_APPLICABLE)) if each[0] > 0]


def measured(check: Outcome) -> str:
    """Value and unit, three figures: ``104 ms``; shares in per cent."""
    if check.value is None:
        return ""
    if check.unit.startswith("of "):
        return f"{check.value * 100:.1f} % {check.unit}"
    if 0 < abs(check.value) < 0.01:
        return f"< 0.01 {check.unit}"
    if check.value == 1:
        return f"1 {words.ONE.get(check.unit, check.unit)}"
    return f"{check.value:.3g} {check.unit}" if abs(check.value) < 1000 else f"{check.value:.0f} {check.unit}"


def _say(say: Say, language: Language) -> str:
    return Text(say.en, say.zh).say(language) if say.en or say.zh else ""
