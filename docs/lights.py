"""The tables of docs/profiles.md: what a profile file may hold, and the lights that are shipped."""

import re

from pydantic import BaseModel

from config.units import Attribute
from docs.fields import fields, grid, said
from firmware_profiles import library
from firmware_profiles.line_protocol import Escape, Frame, LineProtocol, Part, Request
from firmware_profiles.model import FirmwareRange, Match, Personality, Profile, Quirk, SelfTestLimits, Slot
from firmware_profiles.model import Limits as ProfileLimits
from firmware_profiles.register_map import Register, RegisterMap, Sensor, Switch


def profile_keys() -> str:
    titles: dict[type[BaseModel], str] = {
        Profile: "The file",
        Match: "`[match]`",
        FirmwareRange: "One item of `match.firmware`",
        Personality: "`[personalities.NAME]`",
        Slot: "One item of `slots`",
        RegisterMap: "`[personalities.NAME.modbus]`",
        Register: "One item of `modbus.values`",
        Switch: "`modbus.power`",
        Sensor: "One item of `modbus.sensors`",
        LineProtocol: "`[personalities.NAME.line]`",
        Request: "What is said: `line.set`, `on`, `off`, `read`, `hello`, `heartbeat`",
        Frame: "What is answered: `reply`, `refused`",
        Part: "One item of `fields`",
        Escape: "`escape`",
        ProfileLimits: "`[limits]`",
        Quirk: "`[[quirks]]`",
        SelfTestLimits: "`[selftest]`",
    }
    pages = []
    for model, title in titles.items():
        text = re.sub(r"\[(\w+)\]\(#\w+\)", r"table", fields(model))
        pages.append(f"### {title}\n\n{said(model)}\n\n{text}")
    return "\n".join(pages)


def shipped() -> str:
    rows = []
    for profile in sorted(library.load().shelves[-1].profiles, key=lambda each: (each.name, str(each.match.firmware))):
        modes = ", ".join(f"`{mode}`\u00a0({_reached(each)})" for mode, each in profile.personalities.items())
        able = {attribute for each in profile.personalities.values() for attribute in each.attributes}
        firmware = "; ".join(
            " ".join(f"{word} {end}" for word, end in (("from", each.since), ("before", each.before)) if end)
            for each in profile.match.firmware
        )
        told = ", ".join(attribute for attribute in Attribute if attribute in able)
        rows.append((f"`{profile.name}`", profile.title, firmware or "any", told, modes))
    return grid(("Profile", "Light", "Firmware", "Attributes", "Personalities (slots)"), rows)


def _reached(personality: Personality) -> str:
    """Its slots, or how it is spoken to without DMX."""
    if personality.wire is None:
        return str(personality.footprint)
    return "Modbus" if personality.modbus else "line"
