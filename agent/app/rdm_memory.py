"""What RDM found last on every line, on disk: a light whose firmware or address is another one after a restart is still
one that has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from agent.runtime.files import put_aside, replace_file
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_discovery import Discovery, Oddity
from drivers.dmx.rdm_parameters import DeviceInfo, PersonalityDescription
from drivers.dmx.rdm_survey import Responder, Survey

NAME = "rdm.json"

Place = tuple[str, int]
"""An output and a universe."""


MOST_GONE = 64
"""Devices remembered of a line that are there no more."""


@dataclass(frozen=True)
class Line:
    """What is known of a line: by the last searches, and ``gone``: who was there once and was not found by a complete
    search. ``searched``: when, in seconds since 1970."""

    survey: Survey
    searched: float = 0.0
    gone: tuple[Responder, ...] = ()


def merged(before: Line | None, found: Survey, at: float) -> Line:
    """What is known after a search. Nobody is gone by one that was not complete, and who was found but told nothing is
    remembered as it was. One whose start address another device has now was replaced."""
    if before is None:
        return Line(found, at)
    search, then = found.discovery, before.survey
    known = {each.uid: each for each in (*before.gone, *then.responders, *found.responders)}
    if not search.complete:
        uids = tuple(sorted({*then.discovery.uids, *search.uids}))
        search = Discovery(uids, odd={**then.discovery.odd, **search.odd}, complete=False)
    there = tuple(known.pop(uid) for uid in search.uids if uid in known)
    taken = {each.info.address for each in there}
    gone = tuple(each for each in known.values() if each.info.address not in taken)[-MOST_GONE:]
    return Line(Survey(search, there, found.mute), at, gone)


class _Device(BaseModel):
    """What of a responder a change can be told by."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    uid: str
    info: DeviceInfo
    model: str = ""
    label: str = ""
    firmware: str = ""
    personalities: tuple[PersonalityDescription, ...] = ()


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    output: str
    universe: int
    searched: float = 0.0
    uids: tuple[str, ...]
    odd: dict[str, Oddity] = Field(default_factory=dict)
    complete: bool = True
    devices: tuple[_Device, ...] = ()
    gone: tuple[_Device, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    lines: tuple[_Line, ...] = ()


class RdmFile:
    """Reads and replaces the file; each write is atomic and on the disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> dict[Place, Line]:
        """Nothing when there is no file. A damaged one is put aside and said, never fatal."""
        try:
            kept = _File.model_validate_json(self.path.read_bytes())
            return {(line.output, line.universe): _known(line) for line in kept.lines}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            put_aside(self.path, "rdm", error)
            return {}

    def write(self, found: Mapping[Place, Line]) -> None:
        """Raises OSError when the disk refuses."""
        kept = _File(lines=tuple(_line(*place, known) for place, known in found.items()))
        replace_file(self.path, kept.model_dump_json(exclude_defaults=True).encode())


def _line(output: str, universe: int, known: Line) -> _Line:
    search = known.survey.discovery
    return _Line(
        output=output,
        universe=universe,
        searched=known.searched,
        uids=tuple(map(str, search.uids)),
        odd={str(uid): oddity for uid, oddity in search.odd.items()},
        complete=search.complete,
        devices=tuple(map(_device, known.survey.responders)),
        gone=tuple(map(_device, known.gone)),
    )


def _device(each: Responder) -> _Device:
    return _Device(
        uid=str(each.uid),
        info=each.info,
        model=each.model,
        label=each.label,
        firmware=each.firmware,
        personalities=each.personalities,
    )


def _known(line: _Line) -> Line:
    odd = {Uid.parse(uid): oddity for uid, oddity in line.odd.items()}
    search = Discovery(tuple(map(Uid.parse, line.uids)), odd=odd, complete=line.complete)
    return Line(Survey(search, tuple(map(_responder, line.devices))), line.searched, tuple(map(_responder, line.gone)))


def _responder(each: _Device) -> Responder:
    return Responder(
        Uid.parse(each.uid),
        each.info,
        model=each.model,
        label=each.label,
        firmware=each.firmware,
        personalities=each.personalities,
    )
