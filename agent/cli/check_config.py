"""``studio-agent check-config FILE…``: every fault of a configuration at once; needs no hardware."""

import argparse
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.parser import complain, mine
from config.units import Text

if TYPE_CHECKING:
    from config.model import StudioConfig


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """0: all are right; 78: a fault in any of them; 66: a file cannot be read."""
    codes = [_one(file) for file in options.files]
    return next((code for code in (os.EX_CONFIG, os.EX_NOINPUT) if code in codes), os.EX_OK)


def _one(file: Path) -> int:
    from agent.app.examined import faults
    from config.chinese import told
    from config.load import read

    try:
        is_file = stat.S_ISREG(file.stat().st_mode)
    except FileNotFoundError:
        complain(Text(f"{file}: there is no such file", f"{file}：没有该文件").say(mine()))
        return os.EX_NOINPUT
    except OSError:
        is_file = False  # reading it tells why
    reading = read(file, os.environ)
    config = reading.config
    found = faults(reading, file)
    for error in found:
        complain(told(error, mine("both" if config is None else config.agent.language)))
    if found:
        return os.EX_CONFIG if is_file and os.access(file, os.R_OK) else os.EX_NOINPUT
    assert config is not None
    print(_right(file, config).say(mine(config.agent.language)))
    return os.EX_OK


def _right(file: Path, config: "StudioConfig") -> Text:
    """What there is in a file without a fault."""
    counts = (
        (len(config.fixtures), "fixture", "个灯具"),
        (len(config.outputs), "output", "个输出"),
        *([(len(config.buses), "lamp bus", "条灯具总线")] if config.buses else []),
        (len(config.cameras), "camera", "台摄像机"),
        (len(config.probes), "probe", "个网络探测"),
        (len(config.looks), "look", "个场景"),
        (len(config.cues), "cue list", "个 Cue 列表"),
    )
    en = ", ".join(f"{count} {word}{('es' if word.endswith('s') else 's') * (count != 1)}" for count, word, _ in counts)
    zh = "、".join(f"{count} {word}" for count, _, word in counts)
    mode = config.exposure.mode if config.exposure else "off"
    zh_mode = config.exposure.mode if config.exposure else "关闭"
    return Text(f"{file}: ok – {en}; exposure {mode}", f"{file}：正常 – {zh}；曝光 {zh_mode}")
