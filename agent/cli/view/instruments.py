"""The instruments in the middle: exposure needle, network, engine."""

from rich.box import ROUNDED
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.cli.view import words
from agent.cli.view.seen import Seen
from agent.cli.view.strokes import curve, needle, scale
from agent.cli.view.words import BAD, DIM, FRAME, GOOD, TITLE, WARN, exposed, losses, nearness, say, word

REACH = 2.0
"""Stops the ruler shows either way."""


def exposure(seen: Seen, now: float, language: str, width: int, hand_back: str) -> Panel:
    """How many stops the picture is from its target, and what the loop does about it; ``hand_back``: how it is given
    the lights again once it has let go."""
    cameras = sorted({*seen.exposure, *seen.names("exposure/")})
    name = cameras[0] if cameras else ""
    state = seen.exposure.get(name)
    group = f"exposure/{name}"
    off = state.error if state is not None else seen.number(group, "ev_stops")
    ruler = width - (width + 1) % 2
    numbers, ticks = scale(ruler, REACH)
    line = Text(ticks, FRAME)
    if off is None:
        said = Text(word("no-picture", language), f"bold {BAD}")
    else:
        colour = nearness(off)
        at = needle(off, ruler, REACH)
        line = Text.assemble((ticks[:at], FRAME), ("▲", f"bold {colour}"), (ticks[at + 1 :], FRAME))
        said = Text.assemble((f"{off:+.2f} stop ", f"bold {colour}"), (word(exposed(off), language), colour))
    light = seen.number(group, "luminance")
    if state is not None:
        mean = f"{light * 100:.1f}" if light is not None else "–"
        target = f"{state.target * 100:.0f} %"
        figure = f"  {mean}/{target}"
        said.append(figure if said.cell_len + len(figure) <= width else f"  → {target}", DIM)
    said.truncate(width, overflow="ellipsis")
    what = Text()
    if f"exposure.{name}.loop" in seen.alerts:
        what.append(f"{word('let-go', language)} – {hand_back}", f"bold {BAD}")
    elif state is not None:
        what.append(state.mode, words.ACCENT if state.mode == "hold" else DIM)
        trim = seen.number(group, "trim_stops")
        if trim is not None:
            what.append(f" · trim {trim:+.2f}", "")
        if state.reason:
            what.append(f" · {state.reason}", DIM)
        if state.advice is not None:
            what.append(f" · {say(state.advice, 'en' if language == 'both' else language)}", WARN)
    what.truncate(width, overflow="ellipsis")
    trace = Text()
    for value in seen.curve(group, "ev_stops", now)[-width:]:  # how far off it was, lately
        trace.append(curve([None if value is None else abs(value)], 1, 0.0, REACH / 2), nearness(value))
    content = Text("\n").join([Text(numbers, DIM), line, said, what, trace])
    return _panel(content, f"{word('exposure', language)} {name}".strip())


def network(seen: Seen, now: float, language: str, width: int) -> Panel:
    """Each probe: round trip, jitter, loss, and the last round trips as a curve."""
    probes = list(dict.fromkeys([*(n for k, n in seen.devices if k == "probe"), *seen.names("network/")]))
    lines: list[Text] = []
    table = len(probes) > 2
    for name in probes[: 5 if table else 2]:
        group = f"network/{name}"
        health = seen.devices.get(("probe", name))
        row = Text(f"{name[:9]:10}", "bold")
        if health is not None and health.health == "offline":
            row.append(f"{word('offline', language)} {health.reason}", BAD)
        else:
            row.append_text(_round_trip(seen, group))
        row.truncate(width, overflow="ellipsis")
        lines.append(row)
        if not table:
            history = (seen.curve(group, "rtt_ms", now) or seen.curve(group, "rtt_p50_ms", now))[-width:]
            lines.append(Text(curve(history, width, 0.0, _top(history)), words.ACCENT))
    return _panel(Text("\n").join(lines), word("network", language))


def _top(values: list[float | None]) -> float:
    """The usual value at half height, so that what is unusual stands out."""
    known = sorted(value for value in values if value is not None)
    return max(2 * known[len(known) // 2], known[-1]) or 1.0 if known else 1.0


def _round_trip(seen: Seen, group: str) -> Text:
    known = seen.numbers.get(group, {})
    last = known.get("rtt_ms", known.get("rtt_p50_ms"))
    jitter, loss = known.get("jitter_ms"), known.get("loss_percent")
    row = Text()
    row.append(f"{last:6.1f} ms" if last is not None else "     – ms", "" if last is not None else BAD)
    row.append(f"  ±{jitter:4.1f}" if jitter is not None else "  ±   –", DIM)
    row.append(f"  {loss:4.1f} %" if loss is not None else "", losses(loss))
    return row


def engine(seen: Seen, language: str) -> Panel:
    """How the agent itself is: its cost, its beat, its devices."""
    brief = "en" if language == "both" else language
    table = Table.grid(padding=(0, 1))
    table.add_column(style=DIM, no_wrap=True, min_width=max(4, *(min(9, len(name)) for _, name in seen.devices), 4))
    table.add_column(no_wrap=True, overflow="ellipsis")
    cpu, memory = seen.number("host/agent", "cpu_percent"), seen.number("host/agent", "rss_mib")
    if cpu is not None and memory is not None:
        table.add_row("CPU", Text.assemble(f"{cpu:5.1f} %  ", (f"{memory:.0f} MiB", DIM)))
    lag = seen.number("host/agent", "loop_lag_ms")
    gap = seen.number("lighting/outputs", "widest_gap_ms")
    if lag is not None and gap is not None:
        table.add_row(word("beat", brief), Text.assemble(f"gap {gap:.0f} ms  ", (f"lag {lag:.1f} ms", DIM)))
    for (kind, name), state in list(seen.devices.items())[:3]:
        if kind == "probe":
            continue
        colour = {"ok": GOOD, "offline": BAD}.get(state.health, WARN)
        said = state.reason or f"{state.model} {state.firmware}"
        table.add_row(name, Text.assemble(("● ", colour), (said, DIM if state.health == "ok" else BAD)))
    if seen.report is not None:
        colour = {"pass": GOOD, "marginal": WARN}.get(seen.report.verdict, BAD)
        verdict = say(words.verdict(seen.report.verdict), brief)
        table.add_row(word("test", brief), Text.assemble((verdict, colour), (f" {seen.report.depth}", DIM)))
    return _panel(table, word("engine", language))


def _panel(content: Text | Table, title: str) -> Panel:
    return Panel(content, title=Text(title, TITLE), title_align="left", border_style=FRAME, box=ROUNDED, padding=(0, 1))
