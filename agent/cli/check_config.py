"""``studio-agent check-config FILE…``: every fault of a configuration at once; needs no hardware."""

import argparse
import os
import stat
from pathlib import Path

from agent.cli.parser import complain


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """0: all are right; 78: a fault in any of them; 66: a file cannot be read."""
    codes = [_one(file) for file in options.files]
    return next((code for code in (os.EX_CONFIG, os.EX_NOINPUT) if code in codes), os.EX_OK)


def _one(file: Path) -> int:
    from agent.app.examined import faults
    from config.load import read

    try:
        is_file = stat.S_ISREG(file.stat().st_mode)
    except FileNotFoundError:
        complain(f"{file}: there is no such file")
        return os.EX_NOINPUT
    except OSError:
        is_file = False  # reading it tells why
    reading = read(file, os.environ)
    config = reading.config
    found = faults(reading, file)
    for error in found:
        complain(error)
    if found:
        return os.EX_CONFIG if is_file and os.access(file, os.R_OK) else os.EX_NOINPUT
    assert config is not None
    counts = (
        (len(config.fixtures), "fixture"),
        (len(config.outputs), "output"),
        *([(len(config.buses), "lamp bus")] if config.buses else []),
        (len(config.cameras), "camera"),
        (len(config.probes), "probe"),
        (len(config.looks), "look"),
        (len(config.cues), "cue list"),
    )
    said = ", ".join(f"{count} {word}{('es' if word.endswith('s') else 's') * (count != 1)}" for count, word in counts)
    print(f"{file}: ok – {said}; exposure {config.exposure.mode if config.exposure else 'off'}")
    return os.EX_OK
