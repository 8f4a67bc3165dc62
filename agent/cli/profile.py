"""``studio-agent profile list|show|check|import``: the light models that are known here, and new ones."""

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.parser import NoConfig, complain, config_argument, find, load, mine, spoken, wrapped
from config.units import Text

if TYPE_CHECKING:
    from firmware_profiles.library import Library
    from firmware_profiles.model import FirmwareRange, Profile, Slot

NAMES = 32
"""Columns of the list that names take."""


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(
        dest="what", required=True, metavar="list|show|check|import", parser_class=type(parser)
    )
    listing = what.add_parser("list", help="names and DMX modes")
    show = what.add_parser("show", help="one in full")
    show.add_argument("name", metavar="VENDOR/MODEL")
    show.add_argument("--firmware", metavar="VERSION", help="the light's firmware, where profiles differ by it")
    for each in (listing, show):
        config_argument(each)
    check = what.add_parser("check", help="every fault of profile files, by line")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    new = what.add_parser("import", help="a profile from an Open Fixture Library (JSON) or GDTF file")
    new.add_argument("file", type=Path, metavar="FILE")
    new.add_argument("--mode", metavar="NAME", help="this DMX mode only")
    new.add_argument("--vendor", metavar="NAME", help="the maker, where the file does not say it or not well")
    new.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("profiles"),
        metavar="FOLDER",
        help="where VENDOR/MODEL.toml goes (default: profiles)",
    )
    new.add_argument("--force", action="store_true", help="write over a profile that is there")


def run(options: argparse.Namespace) -> int:
    """0; 66 when what was named is not there, 78 when it is not right, 73 when a profile cannot be written."""
    if options.what == "check":
        codes = [_check(file) for file in options.files]
        return next((code for code in (os.EX_CONFIG, os.EX_NOINPUT) if code in codes), os.EX_OK)
    width = shutil.get_terminal_size().columns
    if options.what == "import":
        from agent.cli.profile_import import take

        return take(options, width, spoken("both", width, os.environ))
    from config.chinese import told
    from firmware_profiles import library

    try:
        folders, language = _site(options.config)
    except NoConfig as error:
        complain(error)
        return error.code
    profiles = library.load(folders)
    for broken in profiles.broken:
        complain(told(broken, spoken(language, width, os.environ)))
    if options.what == "list":
        for line in _listed(profiles, width):
            print(line)
        return os.EX_OK
    try:
        profile = profiles.find(options.name, options.firmware)
    except library.ProfileMissing as missing:
        complain(missing)
        return os.EX_NOINPUT
    for line in _shown(profile, width, spoken(language, width, os.environ)):
        print(line)
    return os.EX_OK


def _site(given: Path | None) -> tuple[tuple[Path, ...], Any]:
    """The folders and the language of the configuration, if there is one: shipped profiles can be listed without."""
    if find(given, os.environ) is None:
        return (), "both"
    agent = load(given, os.environ)[1].agent
    return agent.profile_dirs, agent.language


def _check(file: Path) -> int:
    from config.chinese import told
    from config.problems import ConfigError
    from firmware_profiles import library

    try:
        profile = library.read(file)
    except ConfigError as error:
        complain(told(error, mine()))
        is_file = os.path.isfile(file)  # noqa: PTH113 - Path.is_file() raises for a name that is too long
        return os.EX_CONFIG if is_file and os.access(file, os.R_OK) else os.EX_NOINPUT
    modes = ", ".join(
        f"{name} ({'Modbus' if mode.modbus else 'line' if mode.line else mode.footprint})"
        for name, mode in profile.personalities.items()
    )
    en = f"{file}: ok – {profile.name}; modes and their slots: {modes}"
    print(Text(en, f"{file}：正常 – {profile.name}；模式及其通道数：{modes}").say(mine()))
    return os.EX_OK


def _listed(profiles: "Library", width: int) -> Iterator[str]:
    for name in profiles.names():
        modes = sorted({mode for profile in profiles.named(name) for mode in profile.personalities})
        if len(name) >= NAMES:
            yield name
        first = f"{name if len(name) < NAMES else '':{NAMES}}"
        yield from wrapped(", ".join(modes), width, first, " " * NAMES)


def _shown(profile: "Profile", width: int, language: Any) -> Iterator[str]:
    from agent.cli.profile_wire import kind, lines

    def say(en: str, zh: str) -> str:
        return Text(en, zh).say(language)

    yield from wrapped(f"{profile.name} – {profile.title}", width)
    yield from wrapped(f"{say('source', '来源')}: {profile.source}", width, "", "  ")
    if profile.match.firmware:
        ranges = "; ".join(map(_range, profile.match.firmware))
        unknown = say(", or not known", "，或未知") if profile.match.unknown else ""
        yield from wrapped(f"{say('firmware', '固件')}: {ranges}{unknown}", width, "", "  ")
    if profile.match.rdm:
        models = ", ".join(f"{each.manufacturer:04X}:{each.model:04X}" for each in profile.match.rdm)
        yield from wrapped(f"{say('RDM maker and model', 'RDM 厂商与型号')}: {models}", width, "", "  ")
    for mode, personality in profile.personalities.items():
        yield ""
        yield from wrapped(f"{mode} – {personality.title}, {kind(personality, say)}", width, "", "  ")
        if personality.wire is not None:
            for margin, text in lines(personality, say):
                yield from wrapped(text, width, f"  {margin:>9}  ", " " * 13)
            continue
        if personality.mixer is not None:
            told = ", ".join(f"{a} {low:g}…{high:g}" for a, (low, high) in personality.ranges.items())
            yield from wrapped(f"{say('mixed to', '混合为')}: {told}", width, "  ", "    ")
        place = 1
        for slot in personality.slots:
            at = f"{place}" if slot.width == 1 else f"{place}–{place + 1}"
            fixed = say(f"fixed at {slot.fixed}", f"固定为 {slot.fixed}")
            yield from wrapped(_slot(slot, fixed), width, f"  {at:>5}  ", " " * 9)
            place += slot.width
    for quirk in profile.quirks:
        yield ""
        yield from wrapped(f"{say('note', '注意')}: {quirk.text} ({quirk.source})", width, "", "  ")


def _slot(slot: "Slot", fixed: str) -> str:
    if slot.drives is None:
        return f"{fixed} ({slot.reason})"
    if slot.part == "fine":
        return f"{slot.drives} fine"
    first, last = slot.ends
    unit = {"cct": " K", "hue": "°"}.get(str(slot.attribute), "")
    what = f"{slot.attribute} {first:g}…{last:g}{unit}"
    if slot.emitter is not None:
        white = f"{slot.cct:g} K" if slot.cct is not None else ""
        what = f"{slot.emitter}: {white or 'xy {:g} {:g}'.format(*slot.xy or ())}, light {slot.light:g}"
    curve = f", {slot.curve}" if slot.curve != "linear" else ""
    curve = f", curve of {len(slot.points)} points" if slot.points is not None else curve
    used = f", DMX {slot.raw[0]}…{slot.raw[1]}" if slot.raw else ""
    return f"{what}{curve}{used}{'' if slot.part == 'whole' else ' coarse'}"


def _range(firmware: "FirmwareRange") -> str:
    ends = [f"≥ {firmware.since}" if firmware.since else "", f"< {firmware.before}" if firmware.before else ""]
    return " ".join(filter(None, ends))
