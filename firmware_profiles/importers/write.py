"""A profile as the text of its file, with a header of what it leaves out. The same light gives the same text."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from config.units import Text
from firmware_profiles.importers.convert import Imported, Left
from firmware_profiles.model import Profile, Slot


def text(imported: Imported) -> str:
    """The whole file."""
    return "\n".join([*_header(imported), *_body(imported.profile)]) + "\n"


def gathered(left: Iterable[Left]) -> list[tuple[Left, list[tuple[str, str]]]]:
    """The same thing of several modes once, with (mode, slots) of each."""
    found: dict[tuple[Any, ...], tuple[Left, list[tuple[str, str]]]] = {}
    for each in left:
        key = (each.channel, each.why, each.held)
        found.setdefault(key, (each, []))[1].append((each.mode, each.slots))
    return list(found.values())


def by_reason(refused: Iterable[tuple[str, Text]]) -> list[tuple[Text, list[str]]]:
    """Each reason once, with the modes it is of."""
    found: dict[Text, list[str]] = {}
    for name, why in refused:
        found.setdefault(why, []).append(name)
    return list(found.items())


def _header(imported: Imported) -> list[str]:
    lines = ["Imported by studio-agent profile import. Levels are taken as linear: no curve was measured."]
    if imported.left:
        lines += ["", "Not in this profile (mode: slots):"]
    for each, places in gathered(imported.left):
        held = f" – held at {each.held}" if each.held is not None else ""
        name = f"{each.channel}: " if each.channel else ""
        where = "; ".join(f"{mode}: {slots}" if slots else mode for mode, slots in places)
        lines += [f"- {name}{each.why.en}{held} [{where}]"]
    if imported.refused:
        lines += ["", "Modes that cannot be imported:"]
        lines += [f"- {why.en} [{'; '.join(names)}]" for why, names in by_reason(imported.refused)]
    wrapped: list[str] = []
    for line in lines:
        indent = "  " if line.startswith("-") else ""
        wrapped += textwrap.wrap(line, 116, subsequent_indent=indent, break_on_hyphens=False) or [""]
    return [f"# {line}".rstrip() for line in wrapped] + [""]


def _body(profile: Profile) -> list[str]:
    lines = [f"{key} = {_toml(getattr(profile, key))}" for key in ("vendor", "model", "title", "source")]
    for rdm in profile.match.rdm:
        lines += ["", "[match]", f"rdm = [{{ manufacturer = 0x{rdm.manufacturer:04X}, model = {rdm.model} }}]"]
    for key, personality in profile.personalities.items():
        lines += ["", f"[personalities.{key}]", f"title = {_toml(personality.title)}", "slots = ["]
        lines += [f"    {_slot(slot)}," for slot in personality.slots] + ["]"]
    return lines


def _slot(slot: Slot) -> str:
    said = slot.model_dump(exclude_unset=True)
    order = ("attribute", "bits", "part", "span", "raw", "default", "fixed", "reason")
    return "{ " + ", ".join(f"{key} = {_toml(said[key])}" for key in order if key in said) + " }"


def _toml(value: str | int | float | Sequence[float] | Enum) -> str:
    if isinstance(value, str):  # plain() left nothing that TOML writes differently from JSON
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value).removesuffix(".0")
