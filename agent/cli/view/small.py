"""The screen for terminals too small for boxes: a line a light, a line an instrument, the keys always.

┌ online, messages per second, on air ┐
│ lights                              │
│ exposure, network                   │
│ alerts, log                         │
└ keys                                ┘
"""

from collections.abc import Sequence

from rich.text import Text

from agent.cli.view import words
from agent.cli.view.seen import Seen
from agent.cli.view.strokes import bar
from agent.cli.view.words import BAD, DIM, FAINT, GOOD, LEVELS, WARN, say, severest, word

NARROW, LOW = 60, 18
"""Columns and rows below which this screen is shown."""
TRACK = "grey23"


def draw(seen: Seen, now: float, size: tuple[int, int], language: str, keys: Sequence[tuple[str, str, str]]) -> Text:
    """The whole screen, exactly as many lines as ``size`` has rows. In two languages there is room for one only."""
    width, height = size
    spoken = "zh" if language == "zh" else "en"
    top = [_header(seen, now, spoken, width)]
    foot = footer(keys, width, max(1, height // 4))
    instruments = [*_exposure(seen, spoken), *_network(seen, spoken)]
    room = height - len(top) - len(foot)
    wrong = _alerts(seen, spoken)
    shown = max(0, min(len(seen.fixtures), room - len(instruments) - min(len(wrong), 2) - 1))
    lines = [*_lights(seen, now, spoken, width, shown), *instruments]
    lines += wrong[: max(1, min(len(wrong), room - len(lines) - 1))]
    rest = room - len(lines)
    if rest > 0:
        lines += [
            Text.assemble((f"{entry.at} ", FAINT), (say(entry.text, spoken), LEVELS[entry.level]))
            for entry in list(seen.log)[-rest:]
        ]
    lines = [*top, *lines[:room]]
    lines += [Text() for _ in range(height - len(lines) - len(foot))]
    whole = (lines + foot)[:height]
    for line in whole:
        line.truncate(width, overflow="ellipsis", pad=True)
    return Text("\n").join(whole)


def footer(keys: Sequence[tuple[str, str, str]], width: int, rows: int) -> list[Text]:
    """As many keys as fit into ``rows`` lines; the last one, which ends it all, always."""
    items = [Text.assemble((f" {key} ", "bold black on grey70"), (f" {short} ", DIM)) for key, short, _ in keys]
    last = items.pop() if items else Text()
    lines = [Text()]
    for item in items:
        reserved = last.cell_len if len(lines) == rows else 0
        if lines[-1].cell_len + item.cell_len + reserved > width:
            if len(lines) == rows:
                break
            lines.append(Text())
        lines[-1].append_text(item)
    if lines[-1].cell_len + last.cell_len > width and len(lines) < rows:
        lines.append(Text())
    lines[-1].append_text(last)
    return lines


def _header(seen: Seen, now: float, language: str, width: int) -> Text:
    status, air = seen.status, seen.air
    left = Text("◆ ", words.ACCENT)
    if status is None:
        left.append(word("waiting", language), WARN)
    elif status.state == "offline":
        left.append(word("offline", language), f"bold {BAD}")
    else:
        left.append(word("ready" if status.ready else "online", language), GOOD if status.ready else WARN)
    right = Text(f"{seen.rate(now):.0f} msg/s ", DIM)
    if air is not None:
        on = "off-air" if not air.on_air else "on-air" if air.known else "unknown-air"
        right.append(f" {word(on, language)} ", "bold white on #d70000" if air.on_air else "black on #5fd787")
    left.append(" " * max(1, width - left.cell_len - right.cell_len))
    return left + right


def _lights(seen: Seen, now: float, language: str, width: int, rows: int) -> list[Text]:
    names = list(seen.fixtures)
    longest = min(10, max((len(name) for name in names), default=0))
    lines = []
    for name in names if len(names) <= rows else names[: max(0, rows - 1)]:
        state, _ = seen.fixtures[name]
        levels = seen.levels(name, now)
        level = seen.brightness(name, now)
        lost = state.health == "offline"
        kelvin = f"{levels['cct']:5.0f} K" if "cct" in levels else " " * 7
        tail = word("offline", language) if lost else f"{level * 100:3.0f} % {kelvin}"
        filled, rest = bar(level, max(4, width - longest - 15))
        colour = FAINT if lost else words.light_colour(levels)
        lines.append(
            Text.assemble(
                (f"{name[:longest]:{longest}} ", "bold"),
                (filled, colour),
                (rest, TRACK),
                (f" {tail}", BAD if lost else ""),
            )
        )
    if len(names) > rows > 0:
        lines.append(Text(f"+ {len(names) - rows + 1}", DIM))
    return lines


def _exposure(seen: Seen, language: str) -> list[Text]:
    lines = []
    for name, state in list(seen.exposure.items())[:1]:
        line = Text(f"{name} ", "bold")
        if state.error is None:
            line.append(word("no-picture", language), BAD)
        else:
            line.append(f"{state.error:+.2f} stop ")
            line.append(word(words.exposed(state.error), language), words.nearness(state.error))
        line.append(f" · {state.mode}", DIM)
        lines.append(line)
    return lines


def _network(seen: Seen, language: str) -> list[Text]:
    lines = []
    for name in list(seen.names("network/"))[:1]:
        known = seen.numbers[f"network/{name}"]
        rtt, loss = known.get("rtt_ms", known.get("rtt_p50_ms")), known.get("loss_percent")
        line = Text(f"{name} ", "bold")
        line.append("– ms" if rtt is None else f"{rtt:.1f} ms", BAD if rtt is None else "")
        if loss is not None:
            line.append(f"  {loss:.1f} %", words.losses(loss))
        lines.append(line)
    return lines


def _alerts(seen: Seen, language: str) -> list[Text]:
    lines = []
    for place, alert in enumerate(severest(seen.alerts.values())):
        lines.append(
            Text.assemble(("● ", f"bold {LEVELS[alert.level]}"), (say(alert.text, language), LEVELS[alert.level]))
        )
        if not place:
            lines.append(Text(f"  → {say(alert.first, language)}", DIM))
    return lines or [Text(f"✓ {word('quiet', language)}", GOOD)]
