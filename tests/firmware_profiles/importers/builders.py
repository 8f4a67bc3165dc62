"""Small files in the two foreign formats, and what an import of them renders."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.importers import files
from firmware_profiles.render import render

DIMMER: dict[str, Any] = {"fineChannelAliases": ["Dimmer fine"], "capability": {"type": "Intensity"}}
CCT: dict[str, Any] = {
    "capability": {"type": "ColorTemperature", "colorTemperatureStart": "2700K", "colorTemperatureEnd": "6500K"}
}
STROBE: dict[str, Any] = {
    "capabilities": [
        {"dmxRange": [0, 5], "type": "ShutterStrobe", "shutterEffect": "Open"},
        {"dmxRange": [6, 255], "type": "ShutterStrobe", "shutterEffect": "Strobe", "speedStart": "1Hz"},
    ]
}


def emitter(colour: str, **more: Any) -> dict[str, Any]:
    """A channel of one colour."""
    return {"capability": {"type": "ColorIntensity", "color": colour}, **more}


def ofl(channels: Mapping[str, Any], *modes: tuple[str, list[Any]], **more: Any) -> dict[str, Any]:
    """A fixture of the Open Fixture Library."""
    return {
        "name": "Tube 2",
        "meta": {"authors": ["A. Person"], "lastModifyDate": "2024-05-01"},
        "links": {"manual": ["https://acme.example/tube-2.pdf"]},
        "availableChannels": dict(channels),
        "modes": [{"name": name, "channels": listed} for name, listed in modes],
        **more,
    }


def saved(folder: Path, fixture: object) -> Path:
    """The fixture in a file, named as in the library with its maker before."""
    file = folder / "acme-tube-2.json"
    file.write_text(json.dumps(fixture), encoding="utf-8")
    return file


def function(attribute: str, start: str = "0/1", **more: str) -> str:
    """One ChannelFunction."""
    said = {"Name": f"{attribute} 1", "Attribute": attribute, "DMXFrom": start, **more}
    inner = said.pop("inner", "")
    return f"<ChannelFunction {_attributes(said)}>{inner}</ChannelFunction>"


def channel(offset: str, attribute: str, *functions: str, **more: str) -> str:
    """One DMXChannel."""
    inner = "".join(functions or [function(attribute)])
    said = {"DMXBreak": "1", "Offset": offset, "Geometry": "Body", **more}
    return (
        f'<DMXChannel {_attributes(said)}><LogicalChannel Attribute="{attribute}">{inner}</LogicalChannel></DMXChannel>'
    )


def _attributes(said: Mapping[str, str]) -> str:
    return " ".join(f'{key}="{value}"' for key, value in said.items())


def description(*modes: tuple[str, list[str]], geometry: str = '<Geometry Name="Body"/>', more: str = "") -> str:
    """A description.xml."""
    inner = "".join(
        f'<DMXMode Name="{name}" Geometry="Body"><DMXChannels>{"".join(channels)}</DMXChannels>{more}</DMXMode>'
        for name, channels in modes
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<GDTF DataVersion="1.2">\n'
        '<FixtureType Name="Tube 2" Manufacturer="Acme">'
        f"<Geometries>{geometry}</Geometries><DMXModes>{inner}</DMXModes>"
        '<Revisions><Revision Text="first" Date="2024-05-01T00:00:00"/></Revisions></FixtureType></GDTF>'
    )


def packed(text: str | bytes, name: str = "description.xml", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The archive around a description."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, compression)
    return content.getvalue()


def gdtf(folder: Path, *modes: tuple[str, list[str]], **more: str) -> Path:
    """A GDTF file."""
    file = folder / "tube.gdtf"
    file.write_bytes(packed(description(*modes, **more)))
    return file


def slots(folder: Path, file: Path, mode: str, **levels: float) -> str:
    """What the imported profile, read back by the library, sends for these levels: hexadecimal."""
    ready = files.read(file)
    path = folder / "site" / ready.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ready.text, encoding="utf-8")
    profile = library.load([folder / "site"]).find("acme/tube-2")
    assert profile == ready.imported.profile
    said = {Attribute(name): level for name, level in levels.items()}
    return render(profile.personalities[mode], said).hex()


def left(file: Path) -> dict[str, tuple[str, str, str | None]]:
    """Channel → its slots, why it is not in the profile (English), and the value that is held."""
    return {each.channel: (each.slots, each.why.en, each.held) for each in files.read(file).imported.left}


def refused(file: Path) -> dict[str, str]:
    """Mode → why it is refused (English)."""
    return {name: why.en for name, why in files.read(file).imported.refused}
