"""What RDM found last on every line, on disk: a light whose firmware or address is another one after a restart is still
one that has changed."""

from collections.abc import Mapping
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


def merged(before: Survey | None, found: Survey) -> Survey:
    """What is known after a search. Nobody is gone by one that was not complete, and who was found but told nothing is
    remembered as it was."""
    if before is None:
        return found
    search = found.discovery
    if not search.complete:
        uids = tuple(sorted({*before.discovery.uids, *search.uids}))
        search = Discovery(uids, odd={**before.discovery.odd, **search.odd}, complete=False)
    known = {each.uid: each for each in (*before.responders, *found.responders)}
    return Survey(search, tuple(known[uid] for uid in search.uids if uid in known), found.mute)


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
    uids: tuple[str, ...]
    odd: dict[str, Oddity] = Field(default_factory=dict)
    complete: bool = True
    devices: tuple[_Device, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    lines: tuple[_Line, ...] = ()


class RdmFile:
    """Reads and replaces the file; each write is atomic and on the disk when it returns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> dict[Place, Survey]:
        """Nothing when there is no file. A damaged one is put aside and said, never fatal."""
        try:
            kept = _File.model_validate_json(self.path.read_bytes())
            return {(line.output, line.universe): _survey(line) for line in kept.lines}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            put_aside(self.path, "rdm", error)
            return {}

    def write(self, found: Mapping[Place, Survey]) -> None:
        """Raises OSError when the disk refuses."""
        kept = _File(lines=tuple(_line(*place, survey) for place, survey in found.items()))
        replace_file(self.path, kept.model_dump_json(exclude_defaults=True).encode())


def _line(output: str, universe: int, found: Survey) -> _Line:
    search = found.discovery
    return _Line(
        output=output,
        universe=universe,
        uids=tuple(map(str, search.uids)),
        odd={str(uid): oddity for uid, oddity in search.odd.items()},
        complete=search.complete,
        devices=tuple(
            _Device(
                uid=str(each.uid),
                info=each.info,
                model=each.model,
                label=each.label,
                firmware=each.firmware,
                personalities=each.personalities,
            )
            for each in found.responders
        ),
    )


def _survey(line: _Line) -> Survey:
    odd = {Uid.parse(uid): oddity for uid, oddity in line.odd.items()}
    search = Discovery(tuple(map(Uid.parse, line.uids)), odd=odd, complete=line.complete)
    devices = [
        Responder(
            Uid.parse(each.uid),
            each.info,
            model=each.model,
            label=each.label,
            firmware=each.firmware,
            personalities=each.personalities,
        )
        for each in line.devices
    ]
    return Survey(search, tuple(devices))
