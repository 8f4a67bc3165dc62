"""``studio-agent profile import``: a file of somebody else's as a profile, and what of it the profile does not say."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.parser import complain, wrapped
from config.units import Text

if TYPE_CHECKING:
    from firmware_profiles.importers.convert import Imported


def take(options: argparse.Namespace, width: int, language: Any) -> int:
    """0; 66 no such file or mode, 78 not to be imported, 73 not to be written."""
    from config.chinese import chinese, told
    from firmware_profiles.importers import files

    try:
        ready = files.read(options.file, options.mode, options.vendor)
    except files.Unreadable as error:
        complain(told(error, language))
        return os.EX_NOINPUT if isinstance(error, files.Missing) else os.EX_CONFIG
    path = options.output / ready.path
    try:
        _write(path, ready.text, options.force)
    except FileExistsError:
        en = f"{path}: is there already – --force writes over it, -o FOLDER puts it elsewhere"
        complain(Text(en, f"{path}：已存在 – --force 覆盖，-o FOLDER 写到别处").say(language))
        return os.EX_CANTCREAT
    except OSError as error:
        en = f"{path}: cannot be written: {error.strerror} – another folder: -o FOLDER"
        complain(Text(en, f"{path}：无法写入：{chinese(str(error.strerror))} – 换一个文件夹：-o FOLDER").say(language))
        return os.EX_CANTCREAT
    for line in _told(path, options.output, ready.imported, width, language):
        print(line)
    return os.EX_OK


def _write(path: Path, text: str, force: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not force:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        return
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)  # a service that starts just now reads the old one or the new one, never half of it


def _told(path: Path, folder: Path, imported: "Imported", width: int, language: Any) -> Iterator[str]:
    from firmware_profiles.importers.write import by_reason, gathered

    def say(en: str, zh: str) -> str:
        return Text(en, zh).say(language)

    profile = imported.profile
    count = len(profile.personalities)
    modes = say(f"{count} mode{'s' * (count != 1)}", f"{count} 个模式")
    yield from wrapped(f"{path}: {profile.name}, {modes}", width, "", "  ")
    for key, mode in profile.personalities.items():
        slots = say(f"{mode.footprint} slot{'s' * (mode.footprint != 1)}", f"{mode.footprint} 个通道")
        yield from wrapped(f"{key} – {slots}: {', '.join(mode.attributes)}", width, "  ", "      ")
    if imported.left:
        yield ""
        yield say("Not in this profile (mode: slots):", "此配置文件未包含（模式：通道）：")
    for each, places in gathered(imported.left):
        held = f" – {say('held at', '保持')} {each.held}" if each.held is not None else ""
        name = f"{each.channel}: " if each.channel else ""
        yield from wrapped(f"{name}{each.why.say(language)}{held}", width, "  ", "    ")
        where = "; ".join(f"{mode}: {slots}" if slots else mode for mode, slots in places)
        yield from wrapped(where, width, "      ", "      ")
    if imported.refused:
        yield ""
        yield say("Modes that cannot be imported:", "无法导入的模式：")
    for why, names in by_reason(imported.refused):
        yield from wrapped(why.say(language), width, "  ", "    ")
        yield from wrapped("; ".join(names), width, "      ", "      ")
    yield ""
    yield say("Compare it with the light's manual. In the configuration:", "请对照灯具手册核对。在配置文件中：")
    yield f'  profile_dirs = ["{folder}"]'
    yield f'  profile = "{profile.name}"'
    yield f'  personality = "{next(iter(profile.personalities))}"'
