"""``.venv/bin/python -m docs.make`` makes the tables of the pages from the code; ``--check`` lists stale pages.

A page is written by hand; what stands between ``<!-- make: NAME -->`` and ``<!-- end -->`` is made by the function of
that name below. So text and tables live in one file, and only the tables can go stale.
"""

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel

from agent.app import picture_rules, rules
from agent.app.all_verbs import all_verbs
from agent.exposure.loop.service import ExposureNow
from agent.exposure.loop.words import TRIPPED
from agent.lighting.showfile import Damage
from agent.messaging import examples, exporters
from agent.messaging.commands import ARGS, RANGES, Envelope
from agent.messaging.header import HEADER
from agent.messaging.lifecycle import FINAL, LIMITS, NEXT, SAID, State
from agent.messaging.numbers import NUMBERS
from agent.messaging.sparkplug import metrics as sparkplug
from agent.messaging.topics import ONLY, TABLE, Topics, table
from agent.messaging.trust import policy
from agent.messaging.verbs import INTERLOCKED
from agent.runtime.lane import Health
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.report import EXIT
from agent.selftest.words import VERDICTS
from config.model import AlertSection, StudioConfig
from config.units import CIE_SPAN, Attribute, Text
from docs.entities import homeassistant
from docs.fields import fields, grid, inside, said
from docs.lights import profile_keys, shipped
from docs.typed import EXAMPLES
from drivers import registry
from drivers.base import Impact, Limits
from drivers.camera import checks_against
from drivers.dmx import rdm_checks
from drivers.network.jitter import Statistics
from drivers.virtual.furnish import lamp_of
from drivers.virtual.studio import VirtualStudio

HERE = Path(__file__).parent
COMMAND = ".venv/bin/python -m docs.make"
BLOCK = re.compile(r"(<!-- make: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


# --- docs/mqtt.md ----------------------------------------------------------------------------------------------------


def payloads() -> str:
    told: dict[type[BaseModel], list[str]] = {}
    for row in TABLE:
        told.setdefault(row.payload, []).append(f"`{row.pattern.replace('{', '<').replace('}', '>')}`")
    told.pop(Envelope)
    parts: dict[type[BaseModel], list[str]] = {}
    whole: list[type[BaseModel]] = [*told]
    for model in whole:  # it grows: parts have parts
        for part in (part for name in model.model_fields for part in inside(model, name)):
            whole += [] if part in parts else [part]
            parts[part] = [f"part of {model.__name__}"]
    pages = []
    for model, where in (told | parts).items():
        up = model not in parts and model.model_fields.keys() >= HEADER
        rows = fields(model, sorted(HEADER) if up else (), "Field", defaults=False)
        rows = rows if rows.startswith("|") else "Nothing but the header and the numbers.\n"
        pages.append(f"### {model.__name__}\n\n{', '.join(where)} – {said(model)}\n\n{rows}")
    return "\n".join(pages)


def verbs() -> str:
    known = all_verbs(None, None, None, None)  # type: ignore[arg-type]
    pages = []
    for verb, args in ARGS.items():
        impact = known[verb].impact if verb in known else Impact.PASSIVE
        air = " **Refused on air.**" if impact in INTERLOCKED else ""
        words = EXAMPLES[verb]
        parts = [part for name in args.model_fields for part in inside(args, name)]
        more = "".join(f"#### {part.__name__}\n\n{said(part)}\n\n{fields(part, head='Argument')}\n" for part in parts)
        topic = Topics("demo", "studio").command(verb, "c-1042")
        body = json.dumps({"args": examples.COMMANDS[verb]}, ensure_ascii=False)
        shell = f"./studio send {verb} {words}".strip()
        pages.append(
            f"### `{verb}`\n\n{said(args)}{air}\n\n{fields(args, head='Argument')}\n{more}"
            f"```sh\n{shell}\n```\n\n```json\n{topic}\n{body}\n```\n"
        )
    return "\n".join(pages)


def numbers() -> str:
    pages = []
    for group in NUMBERS:
        where = f"up/tele/{group}/" + ({"exposure": "<camera>", "network": "<probe>"} | ONLY)[group]
        pages.append(f"**`{where}`**\n\n{grid(('Number', 'Unit', 'OpenTelemetry', 'Meaning'), exporters.table(group))}")
    return "\n".join(pages)


def attributes() -> str:
    units = {Attribute.INTENSITY: "share of full light", Attribute.CCT: "kelvin", Attribute.TINT: "magenta … green"}
    units |= dict.fromkeys(CIE_SPAN, "CIE 1931 chromaticity")
    units |= {Attribute.HUE: "degrees: 0 red, 120 green, 240 blue", Attribute.SATURATION: "white … pure colour"}
    rows = [(f"`{a}`", "{:g}…{:g}".format(*RANGES[a]), units.get(a, "share of that colour")) for a in Attribute]
    return grid(("Attribute", "Range", "Unit"), rows)


def lifecycle() -> str:
    meant = {
        None: "nothing answered yet",
        State.ACCEPTED: "understood, allowed, written to the journal",
        State.SCHEDULED: "waits for its time, which `due` says; can be cancelled, outlives a restart",
        State.EXECUTING: "under way; may come several times, with `progress`",
        State.SUCCEEDED: "done, the last frame is on the wire; `result` says what",
        State.FAILED: "did not come to its end, or was not begun in time; `code` says why",
        State.CANCELLED: "stopped on request; lights stay where they were at that moment",
        State.REJECTED: "never began; `code` says why",
    }
    order = list(State)
    rows = [
        (
            f"`{state}`" if state else "*(sent)*",
            ", ".join(f"`{each}`" for each in sorted(after, key=order.index)) or "*final*",
            _longest(state),
            meant[state],
        )
        for state, after in NEXT.items()
    ]
    return (
        grid(("State", "Then", "At most", "Meaning"), rows)
        + f"\nFinal: {', '.join(f'`{s}`' for s in order if s in FINAL)}.\n"
    )


def _longest(state: State | None) -> str:
    if state not in LIMITS:
        return ""
    limit = LIMITS[state]
    return "the verb's deadline" if limit is None else f"{limit:g} s" if limit < 3600 else f"{limit / 3600:.0f} h"


def reasons() -> str:
    return grid(("Code", "English", "中文"), [(f"`{code}`", text.en, text.zh) for code, text in SAID.items()])


# --- docs/configuration.md, docs/profiles.md -------------------------------------------------------------------------


def tables(model: type[BaseModel] = StudioConfig, under: str = "") -> str:
    text = ""
    for name, field in model.model_fields.items():
        named = "dict" in str(field.annotation)
        for inner in inside(model, name):
            path = f"{under}{name}{'.NAME' if named else ''}"
            without = [n for n in inner.model_fields if inside(inner, n)]
            must = " Required." if field.is_required() else ""
            text += f"### `[{path}]`\n\n{said(inner)}{must}\n\n{fields(inner, without)}\n"
            text += tables(inner, f"{path}.") + "\n" if without else ""
    return text.removesuffix("\n")


def drivers() -> str:
    pages = []
    for name in registry.BUILT_IN:
        spec = registry.find(name)
        example = ", ".join(f"{key} = {json.dumps(value)}" for key, value in spec.example.items())
        carries = f", {spec.universes} universe{'s' * (spec.universes > 1)}" if spec.universes else ""
        line = f"options = {{ {example} }}" if example else "# no option is required"
        pages.append(
            f"### `{name}` ({spec.kind}{carries})\n\n{fields(spec.options, head='Option')}\n```toml\n{line}\n```\n"
        )
    return "\n".join(pages)


# --- docs/selftest.md, docs/operations.md ----------------------------------------------------------------------------


def checks() -> str:
    """Every check: the catalogue's and the drivers' own, with what docs/checks.toml adds."""
    titles: dict[str, Text] = {}
    for name in registry.BUILT_IN:
        spec = registry.find(name)
        device = spec.make(spec.options.model_validate(dict(spec.example)), VirtualStudio())
        if (personality := lamp_of(spec)) is not None:
            device.lamp("lamp", personality)
        titles |= {check.id: check.title for check in device.checks()}
    titles |= rdm_checks.TITLES  # only a device that is open and can RDM has them
    titles |= checks_against.TITLES  # only a camera with a reference picture has them
    titles |= {id: entry.title for id, entry in CATALOGUE.items()}  # noqa: A001 - the field's word
    rows = []
    for id, more in tomllib.loads((HERE / "checks.toml").read_text(encoding="utf-8")).items():  # noqa: A001
        remedy = CATALOGUE[id].remedy if id in CATALOGUE else Text(more["en"], more["zh"])
        title = titles.pop(id)
        what = f"**{title.en}**<br>{title.zh}"
        rows.append((f"`{id}`", what, more["measured"], _judged(more), f"{remedy.en}<br>{remedy.zh}"))
    if titles:
        raise KeyError(f"docs/checks.toml says nothing about {', '.join(titles)}")
    return grid(("Id", "Check", "Measured", "Limits", "First thing to do"), rows)


def limits_of(more: Mapping[str, str]) -> Limits | None:
    """The limits which a row of checks.toml points to."""
    module, _, name = more.get("limits", "").partition(":")
    return getattr(importlib.import_module(module), name) if module else None


def _judged(more: Mapping[str, str]) -> str:
    limits, unit = limits_of(more), more.get("unit", "")
    if limits is None:
        return more.get("said", "yes or no")
    sign = "≤" if limits.below else "≥"
    pairs = (("warns", limits.warn), ("fails", limits.fail))
    return ", ".join(f"{word} {sign} {value:g}" for word, value in pairs if value is not None) + f" {unit}"


def verdicts() -> str:
    rows = [(f"`{v}`", VERDICTS[v].en, VERDICTS[v].zh, str(EXIT[v])) for v in VERDICTS]
    return grid(("Verdict", "English", "中文", "Exit code"), rows)


def alerts() -> str:
    """What the standing rules can say, asked of the rules themselves with a made-up studio in trouble."""
    limits = AlertSection()
    health = Health("offline", reason="…")
    lost = SimpleNamespace(name="NAME", lane=SimpleNamespace(health=health))
    probe = SimpleNamespace(
        lane=SimpleNamespace(health=SimpleNamespace(state="ok")),
        watch=SimpleNamespace(statistics=lambda: Statistics(**dict.fromkeys(Statistics.__annotations__, 0))),
    )
    every: Any = SimpleNamespace(
        all=lambda: [(kind, lost) for kind in registry.Kind],
        cameras={"NAME": SimpleNamespace(lane=lost.lane, watch=SimpleNamespace(latest=None))},
        probes={"NAME": probe},
    )
    line = SimpleNamespace(fault="…", differs="…")
    every.buses = {"NAME": SimpleNamespace(lane=probe.lane, pump=SimpleNamespace(lines={"NAME": line}))}
    found = [*rules.devices(every), *rules.lamps(every), *picture_rules.pictures(every, 0.0)]
    for seen in (ExposureNow("hold", 0.18, ev=-1.0), ExposureNow("hold", 0.18, ev=1.0)):
        found += [each for each in rules.exposure(seen, "NAME", limits, False) if each.key.endswith("deviation")]
    for tripped in TRIPPED:
        seen = ExposureNow("hold", 0.18, tripped=tripped)
        found += [each for each in rules.exposure(seen, "NAME", limits, False) if each.key.endswith("loop")]
    seen = ExposureNow("hold", 0.18)
    found += [
        each for each in rules.exposure(seen, "NAME", limits, False) if each.key.endswith(("blind", "commissioning"))
    ]
    other = Text("NAME is set up as …, and is ….", "NAME 配置为…，实际为…。")
    found += rules.on_line(
        "NAME", "…", other, Text('set profile = "…" off air, then reload', '非直播时设置profile = "…"')
    )
    found += rules.network(every, limits)
    found += [rules.storage(("…",)), rules.stopped("…")]
    used: Any = SimpleNamespace(version=SimpleNamespace(number="…"))
    found += [rules.damaged(kind, "NAME", Damage("…", fresh=True), used) for kind in rules.WORDS]
    order = {"critical": 0, "warning": 1, "note": 2}
    rows = [
        (
            f"`{c.key}`",
            c.level,
            f"{_upper(c.said.en)}.<br>→ {_upper(c.remedy.en)}.",
            f"{c.said.zh}。<br>→ {c.remedy.zh}。",
        )
        for c in sorted(found, key=lambda each: order[each.level])
    ]
    return grid(("Alert", "Level", "What it says → the first thing to do", "含义 → 首要措施"), rows)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- pages -----------------------------------------------------------------------------------------------------------

BLOCKS: Mapping[str, Callable[[], str]] = {
    "topics": table,
    "payloads": payloads,
    "policy": policy.table,
    "envelope": lambda: fields(Envelope),
    "verbs": verbs,
    "numbers": numbers,
    "attributes": attributes,
    "lifecycle": lifecycle,
    "reasons": reasons,
    "homeassistant": homeassistant,
    "tables": tables,
    "drivers": drivers,
    "profile-keys": profile_keys,
    "shipped": shipped,
    "checks": checks,
    "verdicts": verdicts,
    "alerts": alerts,
    "sparkplug": sparkplug.table,
}


def made(page: str) -> str:
    """The page with all its blocks made anew. Raises KeyError for a block that nobody makes."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n{found[4]}", page)


def stale() -> dict[Path, str]:
    """Pages whose blocks are not what the code says now, with what they should hold."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.md"))}
    return {path: new for path, text in pages.items() if (new := made(text)) != text}


def main(words: Sequence[str]) -> int:
    """0; with --check 1 when a page is stale."""
    found = stale()
    for path, text in found.items():
        if "--check" not in words:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name} {'is stale' if '--check' in words else 'written'}\n")
    return int(bool(found) and "--check" in words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
