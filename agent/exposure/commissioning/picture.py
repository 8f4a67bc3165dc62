"""What commissioning found as one HTML page that needs nothing else: each fixture's light over the picture's zones.

No scripts, no fonts, no network: it can be mailed or printed. It shows zones, never a picture of what is before the
camera. The language is chosen by radio buttons and style rules. Its head line says at once whether it went well.
"""

import math
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Literal

import numpy as np

from agent.exposure.commissioning.findings import hardly
from agent.exposure.commissioning.instructions import Commissioned
from agent.exposure.transport.matrix import Mask, Reach, Transport, Zones
from config.units import Text
from drivers.camera.metrics import COLUMNS, ROWS

Language = Literal["en", "zh", "both"]

CELL = 20
FAINT = 0.002
"""Linear light that is not drawn as more than it is: noise must not look like light."""
SPAN = 2.0
"""Stops either way of the bar that shows a range."""
CHECKED = ' checked="checked"'
LANGUAGES = (("zh", "中文"), ("en", "English"), ("both", "中 / EN"))

DONE = Text("Commissioned", "标定完成")
FIXTURES = Text("What each light brings to the picture, at full", "各灯具全亮时在画面中的贡献")
PICTURE = Text("The picture", "画面")
LOOK = Text("In the look", "当前场景")
ROOM = Text("Room light alone", "仅环境光")
NOISE = Text("Noise of one picture", "单帧噪声")
REFERENCE = Text("reference zones: what the loop regulates on", "基准区域：自动控制以此为准")
UNKNOWN = Text("clipped, so unknown", "过曝，数值未知")
RANGES = Text("What each light can do", "各灯具的调节范围")
SHARE = Text(
    "beside a name: its share of the reference zones' light in the look", "名称旁：当前场景下占基准区域光的比例"
)
WHITE = Text("below a map, 100 % is the camera's white", "图下：100 % 为摄像机白电平")
HEADS = (
    Text("Light", "灯具"),
    Text("Level in the look", "场景亮度"),
    Text("Share of the reference light", "占基准光比例"),
    Text("Darker by", "可调暗"),
    Text("Brighter by", "可调亮"),
    Text("Range, −2…+2 stops", "范围 −2…+2 档"),
    Text("Later than the delay", "额外延迟"),
)
SPARE = 5
"""Columns from this one on are left out on a narrow screen: a bar of two numbers that are there, and an engineer's."""


def page(result: Commissioned | Transport, language: Language = "both") -> str:
    """The whole page, UTF-8. ``language`` is the one it opens in."""
    found = result if isinstance(result, Commissioned) else None
    transport = result.transport if isinstance(result, Commissioned) else result
    body = _transport(transport, found)
    style = files("agent.exposure.commissioning").joinpath("picture.css").read_text(encoding="utf-8")
    radios = "".join(
        f'<input type="radio" name="language" id="in-{key}"{CHECKED if key == language else ""}/>'
        for key, _ in LANGUAGES
    )
    labels = "".join(f'<label for="in-{key}">{name}</label>' for key, name in LANGUAGES)
    return f"""<!DOCTYPE html>
<html lang="{"en" if language == "en" else "zh-CN"}"><head><meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{escape(f"{transport.camera} · {DONE.say(language)} · {transport.at}")}</title><style>{style}</style></head>
<body>{radios}<nav>{labels}</nav><main>
{body}
</main></body></html>
"""


def _transport(transport: Transport, found: Commissioned | None) -> str:
    delay = transport.delay
    levels = transport.levels({})
    said = [
        Text(
            f"The picture is {delay.seconds * 1000:.0f} ms behind the lights.",
            f"画面比灯光滞后 {delay.seconds * 1000:.0f} 毫秒。",
        ),
        _reach_all(transport),
    ]
    reaches = zip(transport.fixtures, transport.reach, strict=True)
    if useless := hardly({name: (reach.down, reach.up) for name, reach in reaches}):
        said.append(useless)
    if found is not None:
        said.append(
            Text(
                f"The reference zones are even within {found.flatness:.2f} stop; the room's light moved by "
                f"{found.drift:.3f} stop in a step at most.",
                f"基准区域均匀度在 {found.flatness:.2f} 档以内；单步期间环境光变化不超过 {found.drift:.3f} 档。",
            )
        )
    if transport.mired_gain is not None:
        said.append(
            Text(
                f"The picture's colour moves by {transport.mired_gain:.2f} mired with each mired of the lights.",
                f"灯光每变化 1 mired，画面色温变化 {transport.mired_gain:.2f} mired。",
            )
        )
    columns = [
        _map(Text(name, name), transport.matrix[:, at], transport.reference, f"{reach.share * 100:.0f} %")
        for at, (name, reach) in enumerate(zip(transport.fixtures, transport.reach, strict=True))
    ]
    whole = [
        _map(LOOK, transport.predict(levels), transport.reference),
        _map(ROOM, transport.ambient, transport.reference),
        _map(NOISE, transport.noise, None),
    ]
    late = found.late if found is not None else {}
    zones, every = int(transport.reference.sum()), transport.reference.size
    counted = Text(f"{zones} of {every} zones are reference zones", f"{every} 个区域中有 {zones} 个基准区域")
    controls = ", ".join(f"{name} = {value:g}" for name, value in sorted(transport.controls.items()))
    return f"""<header class="done"><h1>{_both(DONE)}</h1>{_facts(transport.camera, transport.at)}
{"".join(f"<p>{_both(each)}</p>" for each in said)}</header>
<h2>{_both(FIXTURES)}</h2><div class="maps">{"".join(columns)}</div>
<ul class="key"><li>{_sample("edge")}{_both(REFERENCE)}</li><li>{_sample("unknown")}{_both(UNKNOWN)}</li>
<li>{_both(SHARE)}</li><li>{_both(WHITE)}</li></ul>
<h2>{_both(RANGES)}</h2><div class="card wide">{_table(transport, late)}</div>
<h2>{_both(PICTURE)}</h2><div class="maps">{"".join(whole)}</div>
<footer>{_both(counted)}{f" · <code>{escape(controls)}</code>" if controls else ""}</footer>"""


def _reach_all(transport: Transport) -> Text:
    """What all lights together can do to the reference zones."""
    light = transport.matrix[transport.reference].mean(axis=0)
    room = float(transport.ambient[transport.reference].mean())
    now = max(float(light @ transport.levels({})) + room, 1e-6)
    low, high = (
        math.log2(max(float(light @ np.array([getattr(reach, end) for reach in transport.reach])) + room, 1e-6) / now)
        for end in ("low", "high")
    )
    return Text(
        f"All lights together reach from {low:+.1f} to {high:+.1f} stop of the look.",
        f"全部灯具合计可使基准区域在当前场景的 {low:+.1f} 至 {high:+.1f} 档之间变化。",
    )


def _facts(camera: str, at: str) -> str:
    said = " · ".join(filter(None, (f"<b>{escape(camera)}</b>" if camera else "", escape(_when(at)))))
    return f"<p>{said}</p>" if said else ""


def _when(at: str) -> str:
    return at[:19].replace("T", " ") + " UTC" if at.endswith("Z") else at


def _map(title: Text, zones: Zones, reference: Mask | None, note: str = "") -> str:
    """The zones of something: the brighter, the more, its most written below."""
    most = max(float(np.nanmax(zones)) if np.isfinite(zones).any() else 0.0, 0.0)
    top = max(most, FAINT if reference is not None else 1e-9)
    cells = "".join(_cell(at, value, top) for at, value in enumerate(zones.tolist()))
    edges = "" if reference is None else f'<path class="edge" d="{_outline(reference)}"/>'
    shown = f"{most * 100:.{1 if most >= 0.01 else 3}f} %"
    label = f"<title>{escape(title.zh)} {escape(title.en)}</title>"
    named = f"<b>{escape(title.en)}</b>" if title.en == title.zh else f"<span>{_both(title)}</span>"
    return f"""<section class="card map"><h3>{named}<i>{note}</i></h3>
<svg class="heat" viewBox="-1 -1 {COLUMNS * CELL + 2} {ROWS * CELL + 2}" role="img">{label}{cells}{edges}</svg>
<div class="scale">0 {_ramp()} {shown}</div></section>"""


def _cell(at: int, value: float, top: float) -> str:
    row, column = divmod(at, COLUMNS)
    x, y = column * CELL, row * CELL
    if value != value:
        return f'<path class="unknown" d="M{x + 4} {y + 4}l12 12m0 -12l-12 12"/>'
    shown = _opacity(value / top)
    place = f'x="{x + 0.5}" y="{y + 0.5}" width="{CELL - 1}" height="{CELL - 1}"'
    return f'<rect class="cell" {place} fill-opacity="{shown:.2f}"/>'


def _opacity(share: float) -> float:
    """As the eye sees it: half the light is not half as bright."""
    return float(0.04 + 0.96 * max(0.0, min(1.0, share)) ** 0.6)


def _ramp() -> str:
    steps = "".join(
        f'<rect class="cell" x="{at * 10}" width="10" height="9" fill-opacity="{_opacity((at + 0.5) / 20):.2f}"/>'
        for at in range(20)
    )
    return f'<svg viewBox="0 0 200 9" preserveAspectRatio="none" aria-hidden="true">{steps}</svg>'


def _sample(kind: str) -> str:
    drawn = (
        '<path class="edge" d="M2 2h12v12h-12z"/>'
        if kind == "edge"
        else '<path class="unknown" d="M3 3l10 10m0 -10l-10 10"/>'
    )
    return f'<svg viewBox="0 0 16 16" aria-hidden="true">{drawn}</svg>'


def _outline(mask: Mask) -> str:
    """The borders between zones that are in and zones that are not."""
    inside = np.pad(mask.reshape(ROWS, COLUMNS), 1)
    lines = [
        f"M{column * CELL} {row * CELL}h{CELL}"
        for row, column in np.argwhere(inside[:-1, 1:-1] != inside[1:, 1:-1]).tolist()
    ]
    lines += [
        f"M{column * CELL} {row * CELL}v{CELL}"
        for row, column in np.argwhere(inside[1:-1, :-1] != inside[1:-1, 1:]).tolist()
    ]
    return "".join(lines)


def _table(transport: Transport, late: Mapping[str, float]) -> str:
    heads = HEADS if late else HEADS[:-1]
    rows = []
    for name, reach in zip(transport.fixtures, transport.reach, strict=True):
        cells = [
            f"<b>{escape(name)}</b>",
            f"{reach.level * 100:.0f} %",
            f"{reach.share * 100:.0f} %",
            f"{reach.down:+.2f}",
            f"{reach.up:+.2f}",
            _span(reach),
        ]
        if late:
            cells.append(f"{late[name] * 1000:+.0f} ms" if name in late else "–")
        rows.append(_row("td", cells))
    return f"<table>{_row('th', map(_both, heads))}{''.join(rows)}</table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    marked = ((' class="spare"' if at >= SPARE else "", cell) for at, cell in enumerate(cells))
    return f"<tr>{''.join(f'<{tag}{mark}>{cell}</{tag}>' for mark, cell in marked)}</tr>"


def _span(reach: Reach) -> str:
    left, right = (75 + 75 * max(-1.0, min(1.0, stops / SPAN)) for stops in (reach.down, reach.up))
    return (
        '<svg class="span" viewBox="0 0 150 14" aria-hidden="true">'
        '<path class="end" d="M0.5 2v10M37.5 4v6M112.5 4v6M149.5 2v10M0 7h150"/>'
        f'<rect class="bar" x="{left:.1f}" y="4" width="{max(right - left, 1):.1f}" height="6" rx="2"/>'
        '<path class="zero" d="M75 1v12"/></svg>'
    )


def _both(say: Text) -> str:
    return f'<span class="zh" lang="zh-CN">{escape(say.zh)}</span><span class="en" lang="en">{escape(say.en)}</span>'
