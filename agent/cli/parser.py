"""What all commands say alike: the parser, finding the configuration, and how its errors are shown."""

import argparse
import math
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

    from config.model import StudioConfig

SYSTEM = Path("/etc/studio-agent/config.toml")
VARIABLE = "STUDIO_AGENT_CONFIG"
DEMO = ".demo"
YEAR = 366 * 86400.0
BOTH_FIT = 140
"""Columns a table in two languages needs."""


class Parser(argparse.ArgumentParser):
    """Usage errors end with EX_USAGE (64, sysexits.h) instead of 2, which monitoring reads as *critical*."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


class NoConfig(Exception):
    """There is no usable configuration; ``code`` is the exit code, the text is for people."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def config_argument(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """``-c FILE``."""
    where = f"default: ${VARIABLE}, a running demo's, {SYSTEM}"
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", required=required, help=None if required else where
    )


def seconds(text: str) -> float:
    """Type of an option: seconds above zero, at most a year. What is none is a usage error."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= YEAR:
        raise argparse.ArgumentTypeError(f"{text!r}: seconds, above 0 and at most a year, such as 30 or 0.5")
    return found


def port(text: str, lowest: int = 1) -> int:
    """Type of an option: a port number. What is none is a usage error."""
    if not text.isdecimal() or not text.isascii() or not lowest <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a whole number from {lowest} to 65535")
    return int(text)


def port_or_any(text: str) -> int:
    """As :func:`port`; 0 is any free one."""
    return port(text, 0)


def checkout() -> Path:
    """The folder this program runs from; the present folder when it was installed elsewhere."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def find(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file to use; ``None``: nobody named one and there is none in the usual places."""
    if given is not None:
        return given
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    for folder in dict.fromkeys((Path.cwd() / DEMO, checkout() / DEMO)):
        if (folder / "studio.toml").is_file() and answers(folder / "state" / "control.sock"):
            return folder / "studio.toml"
    return SYSTEM if SYSTEM.is_file() else None


def answers(path: Path) -> bool:
    """Whether somebody listens on this Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def load(given: Path | None, environ: Mapping[str, str]) -> "tuple[Path, StudioConfig]":
    """The configuration, found and read. Raises NoConfig with what to say and the exit code."""
    path = find(given, environ)
    if path is None:
        raise NoConfig(f"no configuration: give -c FILE, set ${VARIABLE}, or install {SYSTEM}", os.EX_NOINPUT)
    if not path.exists():
        raise NoConfig(f"{path}: there is no such file", os.EX_NOINPUT)
    from config.chinese import told
    from config.load import load as load_config
    from config.problems import ConfigError

    try:
        return path, load_config(path, environ)
    except ConfigError as error:
        raise NoConfig(told(error, mine()), os.EX_CONFIG) from None


def console(**how: Any) -> "Console":
    """Standard output for tables. A reader that has seen enough (``… | head``) is told as everywhere, by
    BrokenPipeError; rich would end the process with 1."""
    from rich.console import Console

    class Paper(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Paper(**how)


def spoken(language: Any, width: int, environ: Mapping[str, str]) -> Any:
    """Both languages only where a line has room for them; else the one of the person's own settings."""
    if language != "both" or width >= BOTH_FIT:
        return language
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def mine(language: Any = "both") -> Any:
    """The same for whoever sits at this terminal."""
    return spoken(language, shutil.get_terminal_size().columns, os.environ)


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A text in lines of at most ``width`` columns (a Chinese character takes two), with what begins them."""
    from rich.console import Console
    from rich.text import Text

    lines = Text(text).wrap(Console(width=width), max(20, width - max(len(first), len(rest))))
    return [f"{rest if at else first}{line.plain.rstrip()}" for at, line in enumerate(lines)]


def complain(said: object) -> None:
    """A message for people, on standard error."""
    print(said, file=sys.stderr, flush=True)
