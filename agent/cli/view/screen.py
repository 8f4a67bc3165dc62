"""The screen: what has been seen, drawn for a size. Below 60 x 18 ``small`` draws it.

┌ header: who, online, on air, messages per second ┐
│ lights                                           │
│ exposure        │ network        │ (engine: wide)│
│ alerts (over, or in wide terminals beside) log   │
└ keys and the same as a command ──────────────────┘
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import ROUNDED
from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.cli.view import small, words
from agent.cli.view.instruments import engine, exposure, network
from agent.cli.view.seen import Seen
from agent.cli.view.strokes import bar
from agent.cli.view.words import BAD, DIM, FAINT, FRAME, GOOD, LEVELS, TITLE, WARN, say, severest, word
from agent.messaging.payloads import Alert

WIDE = 110
TALL = 30
QUIET, ROOM = 6, 9
"""Rows that alerts and log have at least, while nothing is wrong and while something is, where lights can give way."""
HAND_BACK = "e"
"""The key that gives the lights back to the exposure loop, where there is one."""
ROOMY = 8
"""Rows of the log from which on long lines are wrapped."""
TRACK = "grey23"
"""What is left of a bar."""


@dataclass
class Foot:
    """The lowest lines: ``keys`` as (key, what it does in one word, and in a few); ``hint`` a command to copy."""

    keys: Sequence[tuple[str, str, str]] = (("q", "quit", "quit"),)
    hint: str = ""


def draw(seen: Seen, now: float, size: tuple[int, int], language: str, foot: Foot) -> RenderableType:
    """The whole screen; ``size`` is (columns, rows)."""
    width, height = size
    if width < small.NARROW or height < small.LOW:
        return small.draw(seen, now, size, language, foot.keys)
    wide = width >= WIDE
    below = footer(foot, width)
    middle_rows = 7 if height >= TALL else 6
    lights_rows = max(1, len(seen.fixtures)) + 2
    rest = height - 1 - lights_rows - middle_rows - len(below)
    for enough, fewest in ((ROOM if seen.alerts else QUIET, 6), (6, 3)):  # a small terminal: lights give way first
        if rest < enough:
            lights_rows = min(lights_rows, max(fewest, lights_rows - (enough - rest)))
            rest = height - 1 - lights_rows - middle_rows - len(below)
    screen = Layout()
    middle = Layout(size=middle_rows)
    inner = width // (3 if wide else 2) - 4
    hand_back = f"press {HAND_BACK}" if any(key == HAND_BACK for key, *_ in foot.keys) else "exposure.set hold"
    columns = [exposure(seen, now, language, inner, hand_back), network(seen, now, language, inner)]
    if wide:
        columns.append(engine(seen, language))
    middle.split_row(*(Layout(each) for each in columns))
    lower = Layout(size=max(rest, 3))
    _lower(lower, seen, language, wide, max(rest, 3), width)
    screen.split_column(
        Layout(header(seen, now, language, width), size=1),
        Layout(lights(seen, now, language, width, lights_rows - 2), size=lights_rows),
        middle,
        lower,
        Layout(Text("\n").join(below), size=len(below)),
    )
    return screen


def header(seen: Seen, now: float, language: str, width: int) -> RenderableType:
    """Who this is, whether it is there, whether the studio is on air."""
    status, air = seen.status, seen.air
    left = Text.assemble((" ◆ ", words.ACCENT), ("Studio Edge Agent", "bold"))
    middle = Text()
    if status is None:
        middle.append(f"○ {word('waiting', language)}", WARN)
    elif status.state == "offline":
        middle.append(f"● {word('offline', language)}", f"bold {BAD}")
    else:
        middle.append("● ", GOOD if status.ready else WARN)
        middle.append(word("online", language))
        if status.ready:
            middle.append(f" · {word('ready', language)}", DIM)
        if status.mode == "virtual" and width >= 100:
            middle.append(f" · {word('virtual', language)}", DIM)
    right = Text(f"{seen.rate(now):.0f} msg/s ", DIM)
    if air is None:
        right.append(" – ", FAINT)
    elif not air.on_air:
        right.append(f" {word('off-air', language)} ", "black on #5fd787")
    else:
        right.append(f" {word('on-air' if air.known else 'unknown-air', language)} ", "bold white on #d70000")
    line = Table.grid(expand=True)
    line.add_column(justify="left")
    line.add_column(justify="center", ratio=1)
    line.add_column(justify="right")
    line.add_row(left, middle, right)
    return line


def lights(seen: Seen, now: float, language: str, width: int, rows: int) -> Panel:
    """One line a light: bar in its own colour, level, colour temperature, who holds it."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, max_width=16)
    table.add_column(ratio=1, no_wrap=True)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, width=24)
    names = list(seen.fixtures)
    if seen.inventory is not None:  # in the order of the configuration
        order = {entry.name: place for place, entry in enumerate(seen.inventory.fixtures)}
        names.sort(key=lambda name: order.get(name, len(order)))
    longest = min(16, max((len(name) for name in names), default=4))
    length = max(10, width - 4 - longest - 8 - 7 - 7 - 26)
    for name in names[: rows if len(names) <= rows else rows - 1]:
        table.add_row(*_light(seen, name, now, language, length))
    if len(names) > rows:
        table.add_row(Text(f"+ {len(names) - rows + 1}", DIM))
    right = ""
    frames, late = seen.number("lighting/outputs", "frame_rate_hz"), seen.number("lighting/outputs", "late_p99_ms")
    if frames is not None and late is not None:
        # at rest a frame goes out about once a second: not a fault, but nothing to do
        beat = word("idle", language) if 0.5 <= frames < 2.0 else f"{frames:.0f} Hz"
        right = f"DMX {beat} · late p99 {late:.1f} ms"
    return panel(table, word("lights", language), right)


def _light(seen: Seen, name: str, now: float, language: str, length: int) -> list[Text]:
    state, _ = seen.fixtures[name]
    levels = seen.levels(name, now)
    level = seen.brightness(name, now)
    filled, rest = bar(level, length)
    lost = state.health == "offline"
    painted = Text.assemble((filled, FAINT if lost else words.light_colour(levels)), (rest, TRACK))
    goal = state.target.get("intensity", level)  # type: ignore[call-overload]
    moving = f"→ {goal * 100:.0f} %" if abs(goal - level) >= 0.01 else ""
    kelvin = f"{levels['cct']:.0f} K" if "cct" in levels else ""
    held = Text(word("free", language), FAINT)
    if lost:
        held = Text(word("offline", language), f"bold {BAD}")
    elif state.held_by is not None:
        held = Text(state.held_by.owner, words.ACCENT if state.held_by.priority == "loop" else WARN)
        held.append(f" {state.held_by.priority}", FAINT)
    return [
        Text(name, "bold"),
        painted,
        Text(f"{level * 100:5.1f} %", "" if not lost else FAINT),
        Text(f"{moving:6}", DIM),
        Text(f"{kelvin:>6}", DIM),
        held,
    ]


def _lower(lower: Layout, seen: Seen, language: str, wide: bool, rows: int, width: int) -> None:
    """Alerts and log: beside each other where there is room, else one over the other."""
    half = width // 2 - 4
    if wide:
        lower.split_row(
            Layout(alerts(seen, language, rows - 2, width // 2 - 4)), Layout(log(seen, language, rows - 2, half))
        )
        return
    if not seen.alerts:  # nothing wrong needs no box of its own
        quiet = Text(f"✓ {word('alerts', language)}: {word('quiet', language)}", GOOD)
        lower.update(log(seen, language, rows - 2, width - 4, quiet))
        return
    each = 2 if language == "both" else 1
    count = len(seen.alerts)
    wanted = max(1, min(max(each * count, count + 1), max((rows - 4) // 2, rows - 7), 8)) + 2
    upper = Layout(alerts(seen, language, wanted - 2, width - 4), size=wanted)
    lower.split_column(upper, Layout(log(seen, language, rows - wanted - 2, width - 4)))


def alerts(seen: Seen, language: str, rows: int, width: int) -> Panel:
    """What is wrong, since when, and the first thing to do; the most serious first."""
    found = severest(seen.alerts.values())
    lines = [line for alert in found for line in _alert(alert, language, width, roomy=True)]
    if len(lines) > rows:
        lines = [line for alert in found for line in _alert(alert, language, width, roomy=False)]
    if len(lines) > rows:
        lines = _tight(found, language, width)
    if not lines:
        lines = [Text(f"✓ {word('quiet', language)}", GOOD)]
    right = f"{len(found)}" if found else ""
    colour = LEVELS[found[0].level] if found else FRAME
    return panel(Text("\n").join(lines[:rows]), word("alerts", language), right, colour)


def _alert(alert: Alert, language: str, width: int, roomy: bool) -> list[Text]:
    """One alert: a line per language, what to do behind it; with room the whole text and the remedy below."""
    colour = LEVELS[alert.level]
    lines: list[Text] = []
    spoken = ("en", "zh") if language == "both" else (language,)
    value = "" if alert.value is None else f"  {alert.value:.2f} {alert.unit}"
    for place, each in enumerate(spoken):
        said = Text(say(alert.text, each), colour)
        said.append("" if place else value, DIM)
        remedy = Text(f"→ {say(alert.first, each)}", DIM)
        if roomy:
            for part in (said, remedy):
                wrapped = part.wrap(Console(width=width), width - 2)
                mark = Text("● ", f"bold {colour}") if part is said and not place else Text("  ")
                lines += [(Text("  ") if row else mark) + line for row, line in enumerate(wrapped)]
        else:
            said = Text("  " if place else "● ", f"bold {colour}") + said
            said.append_text(Text(" ") + remedy)
            said.truncate(width, overflow="ellipsis")
            lines.append(said)
    return lines


def _tight(found: Sequence[Alert], language: str, width: int) -> list[Text]:
    """A line each, and below the most serious one what to do first."""
    lines: list[Text] = []
    for alert in found:
        colour = LEVELS[alert.level]
        lines.append(Text("● ", f"bold {colour}") + Text(say(alert.text, language), colour))
        if alert is found[0]:
            lines.append(Text(f"  → {say(alert.first, language)}", DIM))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def log(seen: Seen, language: str, rows: int, width: int, right: Text | None = None) -> Panel:
    """The last commands and events, the newest below; whole where there is room, else cut at the line's end."""
    lines: list[Text] = []
    for entry in reversed(list(seen.log)[-max(rows, 1) :]):
        said = Text(say(entry.text, language, " · "), LEVELS[entry.level])
        parts = said.wrap(Console(width=width), width - len(entry.at) - 1) if rows >= ROOMY else [said]
        whole = [Text(f"{entry.at} " if not row else " " * 9, FAINT) + part for row, part in enumerate(parts)]
        if len(lines) + len(whole) > rows and lines:
            break
        lines = whole + lines
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    if not lines:
        lines = [Text(word("nothing", language), FAINT)]
    return panel(Text("\n").join(lines[: max(rows, 1)]), word("log", language), right or "")


def footer(foot: Foot, width: int) -> list[Text]:
    """The keys in as many lines as they need, and the command to copy."""
    lines, line = [], Text(" ")
    for key, short, long in foot.keys:
        item = Text.assemble((f" {key} ", "bold black on grey70"), (f" {long if width >= WIDE else short}  ", DIM))
        if line.cell_len + item.cell_len > width + 2:
            lines.append(line)
            line = Text(" ")
        line.append_text(item)
    lines.append(line)
    if foot.hint:
        hint = Text.assemble((" $ ", FAINT), (foot.hint, words.ACCENT))
        hint.truncate(width, overflow="ellipsis")
        lines.append(hint)
    return lines


def panel(content: RenderableType, title: str, right: str | Text = "", colour: str = FRAME) -> Panel:
    """A box with a title, and a remark in its lower right corner."""
    return Panel(
        content,
        title=Text(title, TITLE),
        title_align="left",
        subtitle=(Text(right, DIM) if isinstance(right, str) else right) if right else None,
        subtitle_align="right",
        border_style=colour,
        box=ROUNDED,
        padding=(0, 1),
    )
