"""Small drawings for the page, as inline SVG: colours come from the page's style, so they follow dark and print."""

from collections.abc import Sequence
from typing import Any

from agent.selftest import words
from agent.selftest.report import Bounds
from config.units import Text

CELL = 13
PLOT, EDGE = 132, 20
THICK = {"pass": 6, "marginal": 3.5, "fail": 1.5}
"""A gauge is read without its colours, too: the better, the thicker."""
FAINT = 0.01
"""Share of white below which a zone is not drawn as lit: noise must not look like light."""


def heat_map(rows: Sequence[Sequence[float | None]]) -> str:
    """The zones a light reaches: the brighter, the more; crossed where clipped."""
    known = [value for row in rows for value in row if value is not None]
    top = max([*known, FAINT])
    width, height = max(map(len, rows), default=0) * CELL, len(rows) * CELL
    cells = []
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            share = 1.0 if value is None else max(0.0, min(1.0, value / top)) ** 0.6
            spot = f'x="{x * CELL}" y="{y * CELL}" width="{CELL - 1}" height="{CELL - 1}" rx="2"'
            kind = "cell clipped" if value is None else "cell"
            cells.append(f'<rect class="{kind}" {spot} style="fill-opacity:{0.06 + 0.94 * share:.2f}"/>')
    return f'<svg class="heat" viewBox="0 0 {width} {height}" role="img">{_said(words.REACHED)}{"".join(cells)}</svg>'


def curve(levels: Sequence[float], shares: Sequence[float], baseline: Sequence[float | None] | None) -> str:
    """Command against light; the diagonal is the ideal, the thin line the baseline."""
    parts = [
        f'<rect class="paper" x="{EDGE}" y="4" width="{PLOT}" height="{PLOT}"/>',
        *(
            f'<line class="grid" x1="{EDGE + PLOT * i / 4}" y1="4" x2="{EDGE + PLOT * i / 4}" y2="{4 + PLOT}"/>'
            f'<line class="grid" x1="{EDGE}" y1="{4 + PLOT * i / 4}" x2="{EDGE + PLOT}" y2="{4 + PLOT * i / 4}"/>'
            for i in (1, 2, 3)
        ),
        f'<line class="ideal" x1="{EDGE}" y1="{4 + PLOT}" x2="{EDGE + PLOT}" y2="4"/>',
    ]
    if baseline:
        known = [(level, share) for level, share in zip(levels, baseline, strict=False) if share is not None]
        parts.append(f'<polyline class="before" points="{_points([(0.0, 0.0), *known])}"/>')
    seen = list(zip(levels, shares, strict=False))
    parts.append(f'<polyline class="line" points="{_points([(0.0, 0.0), *seen])}"/>')
    parts += [f'<circle class="dot" cx="{_x(level):.1f}" cy="{_y(share):.1f}" r="3"/>' for level, share in seen]
    parts += [
        f'<text x="{EDGE - 3}" y="{4 + PLOT}" text-anchor="end">0</text>',
        f'<text x="{EDGE - 3}" y="12" text-anchor="end">1</text>',
        f'<text x="{EDGE + PLOT}" y="{PLOT + 17}" text-anchor="end">→</text>',
    ]
    box = f"0 0 {EDGE + PLOT + 4} {PLOT + 22}"
    return f'<svg class="curve" viewBox="{box}" role="img">{_said(words.CURVE)}{"".join(parts)}</svg>'


def gauge(value: float, bounds: Bounds) -> str:
    """Where a value lies between good and bad."""
    limits = [limit for limit in (bounds.warn, bounds.fail) if limit is not None]
    if not limits:
        return ""
    top = max(*limits, value, 1e-9) * 1.15
    if value > 1.5 * max(limits):
        top = value * 1.02
    width = 110.0

    def x(level: float) -> float:
        return max(0.0, min(width, width * level / top))

    edges: list[tuple[float, float, str]] = []
    warn = bounds.warn if bounds.warn is not None else bounds.fail
    fail = bounds.fail if bounds.fail is not None else top
    assert warn is not None
    if bounds.below:
        fail = bounds.fail if bounds.fail is not None else 0.0
        edges = [(0, x(fail), "fail"), (x(fail), x(warn), "marginal"), (x(warn), width, "pass")]
    else:
        edges = [(0, x(warn), "pass"), (x(warn), x(fail), "marginal"), (x(fail), width, "fail")]
    bars = "".join(
        f'<rect class="bar {name}" x="{start:.1f}" y="{6.5 - THICK[name] / 2:g}" width="{max(0.0, end - start):.1f}" '
        f'height="{THICK[name]:g}"/>'
        for start, end, name in edges
    )
    mark = f'<rect class="mark" x="{max(0.0, x(value) - 1.5):.1f}" y="0" width="3" height="13" rx="1.5"/>'
    return f'<svg class="gauge" viewBox="0 0 {width:.0f} 13" role="img">{_said(words.PLACE)}{bars}{mark}</svg>'


def of_light(evidence: dict[str, Any]) -> str:
    """Both drawings of a light from what LGT-01 kept."""
    parts = []
    if evidence.get("zones"):
        parts.append(heat_map(evidence["zones"]))
    if len(evidence.get("shares") or ()) > 1:
        parts.append(curve(evidence["levels"], evidence["shares"], evidence.get("baseline")))
    return "".join(parts)


def _said(text: Text) -> str:
    """For who cannot see it, and under the mouse."""
    return f"<title>{text.zh} {text.en}</title>"


def _x(level: float) -> float:
    return EDGE + PLOT * level


def _y(share: float) -> float:
    return 4 + PLOT * (1 - max(0.0, min(1.0, share)))


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_x(level):.1f},{_y(share):.1f}" for level, share in pairs)
