"""What both foreign formats say of a light, in one form: modes, channels, and which part of each a profile can say."""

import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from config.problems import ConfigError, Problem
from config.units import SILENT, SLOTS, Attribute, Text


class Unreadable(ConfigError):
    """The file cannot be imported: one problem, with where, why and what would be right. Nothing else leaves here."""


class Fault(Exception):
    """What is wrong at one place of a file, for a reader that does not know the file's name."""

    def __init__(self, where: str, why: str, right: str = "", at: int | None = None) -> None:
        super().__init__(f"{where} – {why}")
        self.problem = Problem(plain(where), plain(why, 300), right, at)


class NotThere(Fault):
    """The file that was named, or the mode that was asked for, is not there."""


@dataclass(frozen=True)
class Drive:
    """A range of slot values over which a channel moves one attribute evenly.

    ``first`` and ``last`` count in the channel's width on the wire; ``start`` and ``end`` are the levels there, in the
    attribute's unit.
    """

    attribute: Attribute
    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True)
class Channel:
    """One channel of a mode. ``places`` are its slots, 0-based, the most significant first."""

    name: str
    places: tuple[int, ...]
    drive: Drive | None = None
    why: Text = SILENT
    """Why it is not driven; with a drive, what of it the profile leaves out."""
    hold: int = 0
    """Value while nothing drives it, in the width of ``places``."""
    holds: str = ""
    """What the file says of that value."""
    harm: Text = SILENT
    """What would be wrong with holding it, if anything."""
    default: float | None = None
    """Level of a driven emitter when none is told, if the file gives one."""
    idle: bool = False
    """The file itself says that it has no function: nothing is lost."""


@dataclass(frozen=True)
class Mode:
    """One DMX mode. ``refused`` says why none of it can be had."""

    name: str
    footprint: int = 0
    channels: tuple[Channel, ...] = ()
    short: str = ""
    remarks: tuple[Text, ...] = ()
    refused: Text = SILENT


class Remark(NamedTuple):
    """Something the file says of the whole light that a profile does not: what it is of, and what is told of it."""

    of: str
    told: Text


@dataclass(frozen=True)
class Light:
    """One model of light with all its modes."""

    vendor: str
    model: str
    source: str
    modes: tuple[Mode, ...]
    rdm: tuple[int, int] | None = None
    """ESTA manufacturer and model number, by which RDM finds it."""
    remarks: tuple[Remark, ...] = ()


def plain(text: object, most: int = 120) -> str:
    """A foreign text for one line of a file or a terminal: no control characters, no line ends, not too long."""
    kept = "".join(" " if c.isspace() else c for c in str(text)[: 4 * most] if c.isspace() or _is_visible(c))
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def _is_visible(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")  # control, format (bidi), surrogate, unassigned


def too_wide(footprint: int) -> Text:
    """Why a mode of so many slots is refused."""
    return Text(
        f"it takes {footprint} slots; a universe has {SLOTS}", f"占用 {footprint} 个通道；一个域只有 {SLOTS} 个"
    )


def instead(why: Text, start: int, harm: Text) -> Text:
    """The reason of a channel that is not held at the value the file starts with, but at one that does no harm."""
    return Text(
        f"{why.en} (at {start}, the file's own start, {harm.en})", f"{why.zh}（文件的初始值 {start} 时{harm.zh}）"
    )


def whose(model: object) -> Text:
    """What is told of an RDM model number whose maker the file does not name."""
    return Text(
        f"the file gives model {plain(model, 20)} and not its maker's ESTA number: add both to [match] rdm when known",
        f"文件给出型号 {plain(model, 20)}，但没有厂商的 ESTA 编号：得知后请一并加入 [match] rdm",
    )


PIXELS = Text(
    "it drives pixels one by one; a profile has one level per attribute",
    "逐像素控制；配置文件中每个属性只有一个值",
)
