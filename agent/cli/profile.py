"""``studio-agent profile list|show NAME``: the light models this installation and this site know."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.parser import NoConfig, complain, config_argument, find, load

if TYPE_CHECKING:
    from firmware_profiles.model import Profile


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="list|show", parser_class=type(parser))
    listing = what.add_parser("list", help="names and DMX modes")
    show = what.add_parser("show", help="one in full")
    show.add_argument("name", metavar="VENDOR/MODEL")
    show.add_argument("--firmware", metavar="VERSION", help="the light's firmware, where profiles differ by it")
    for each in (listing, show):
        config_argument(each)


def run(options: argparse.Namespace) -> int:
    """0; 66 when there is no such profile."""
    from firmware_profiles import library

    try:
        profiles = library.load(_site_folders(options.config))
    except NoConfig as error:
        complain(error)
        return error.code
    for broken in profiles.broken:
        complain(broken)
    if options.what == "list":
        for name in profiles.names():
            modes = sorted({m for s in profiles.shelves for p in s.profiles if p.name == name for m in p.personalities})
            print(f"{name:32}{', '.join(modes)}")
        return os.EX_OK
    try:
        print(_shown(profiles.find(options.name, options.firmware)))
    except library.ProfileMissing as missing:
        complain(missing)
        return os.EX_NOINPUT
    return os.EX_OK


def _site_folders(given: Path | None) -> tuple[Path, ...]:
    """The folders of the configuration, if there is one: the shipped profiles can be listed without."""
    if find(given, os.environ) is None:
        return ()
    return load(given, os.environ)[1].agent.profile_dirs


def _shown(profile: "Profile") -> str:
    lines = [f"{profile.name} – {profile.title}", f"source: {profile.source}"]
    for mode, personality in profile.personalities.items():
        lines += ["", f"{mode} – {personality.title}, {personality.footprint} slot{'s' * (personality.footprint != 1)}"]
        place = 1
        for slot in personality.slots:
            what = str(slot.attribute) if slot.attribute else f"fixed at {slot.fixed} ({slot.reason})"
            if slot.attribute is not None and slot.part != "fine":
                first, last = slot.ends
                what += f" {first:g}…{last:g}{', ' + slot.curve if slot.curve != 'linear' else ''}"
            at = f"{place}" if slot.width == 1 else f"{place}–{place + 1}"
            lines.append(f"  {at:>5}  {what}{'' if slot.part == 'whole' else ' ' + slot.part}")
            place += slot.width
    for quirk in profile.quirks:
        lines += ["", f"note: {quirk.text} ({quirk.source})"]
    return "\n".join(lines)
