"""Whatever a file holds, only the importer's own error comes out, in bounded time and memory; and never by chance."""

import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_profiles.importers import files, ofl, package
from firmware_profiles.importers.foreign import Fault
from tests.chinese import english_only
from tests.firmware_profiles.importers.builders import (
    CCT,
    DIMMER,
    STROBE,
    channel,
    description,
    emitter,
    function,
    packed,
    saved,
)
from tests.firmware_profiles.importers.builders import (
    ofl as fixture,
)

GOOD: dict[str, Any] = fixture(
    {
        "Dimmer": DIMMER,
        "CCT": CCT,
        "Strobe": STROBE,
        "Red": emitter("Red", defaultValue=9),
        "What": {"capabilities": [{"dmxRange": [0, 255], "type": "Generic", "switchChannels": {"Other": "Red"}}]},
    },
    ("8", ["Dimmer", "CCT", "Strobe", None]),
    ("16", ["Dimmer", "Dimmer fine", "What", "Other"]),
    ("Pixels", [{"insert": "matrixChannels"}]),
)
GOOD["templateChannels"] = {"Amber $pixelKey": emitter("Amber")}
GOOD["rdm"] = {"modelId": 514, "softwareVersion": "4.1"}
GOOD["modes"][1]["rdmPersonalityIndex"] = 2
TEXT = json.dumps(GOOD).encode()
RDM = '<SoftwareVersionID Value="0x0104"><DMXPersonality Value="0x02" DMXMode="8"/></SoftwareVersionID>'
PROTOCOLS = f'<Protocols><FTRDM ManufacturerID="20B9" DeviceModelID="202">{RDM}</FTRDM></Protocols>'
DESCRIPTION = description(
    ("8", [channel("1", "Dimmer"), channel("2", "CTC", function("CTC", PhysicalFrom="2700", PhysicalTo="6500"))]),
    ("16", [channel("1,2", "Dimmer", Default="0/2"), channel("3", "Shutter1", function("Shutter1Strobe", "8/1"))]),
)
XML = DESCRIPTION.replace("<Revisions>", f"{PROTOCOLS}<Revisions>").encode()
ARCHIVE = packed(XML)

quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(file: Path) -> str:
    """What comes of a file: the profile's text, or the one error there may be. Anything else is a fault of ours."""
    try:
        return files.read(file).text
    except files.Unreadable as error:
        assert not english_only(error.problems)
        [problem] = error.problems
        assert problem.why
        assert "\n" not in str(error)
        assert str(error).startswith(str(file))
        return str(error)


def given_content(folder: Path, content: bytes) -> str:
    file = folder / "acme-tube-2.json"
    file.write_bytes(content)
    first = outcome(file)
    assert outcome(file) == first, "the same file, another outcome"
    return first


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value within a JSON document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for step, inner in steps for place in places(inner, (*at, step)))]


STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["50%", "101%", "0K", "99999K", "Dimmer", "8bit", "$pixelKey", "Red $pixelKey", "", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@quick
@given(at=st.sampled_from(places(GOOD)[1:]), value=STRANGE, gone=st.booleans())
def test_a_value_of_the_wrong_kind(tmp_path: Path, at: tuple[Any, ...], value: Any, gone: bool) -> None:
    changed = json.loads(TEXT)
    inner = changed
    for step in at[:-1]:
        inner = inner[step]
    if gone:
        del inner[at[-1]]
    else:
        inner[at[-1]] = value
    given_content(tmp_path, json.dumps(changed).encode())


@quick
@given(value=STRANGE)
def test_any_json(tmp_path: Path, value: Any) -> None:
    given_content(tmp_path, json.dumps(value).encode())


@quick
@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"{", b"PK", b"PK\x03\x04", b"PK\x05\x06"]))
def test_any_bytes(tmp_path: Path, content: bytes, start: bytes) -> None:
    given_content(tmp_path, start + content)


@quick
@given(data=st.data(), whole=st.sampled_from([TEXT, ARCHIVE]))
def test_a_file_cut_short_or_with_bytes_changed(tmp_path: Path, data: st.DataObject, whole: bytes) -> None:
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    given_content(tmp_path, bytes(content))


@quick
@given(data=st.data())
def test_a_description_with_characters_changed(tmp_path: Path, data: st.DataObject) -> None:
    text = bytearray(XML)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.binary(max_size=4)
            | st.sampled_from([b'"', b"<", b"/>", b"None", b"9999999999/4", b"-1", b"1e999", b"&a;"])
        )
    given_content(tmp_path, packed(bytes(text)))


def error(folder: Path, content: bytes) -> str:
    with pytest.raises(files.Unreadable) as told:
        file = folder / "acme-tube-2.json"
        file.write_bytes(content)
        files.read(file)
    return str(told.value).removeprefix(f"{folder}/acme-tube-2.json")


def test_a_bomb_of_a_zip_is_not_unpacked(tmp_path: Path) -> None:
    bomb = packed(b"<GDTF>" + b" " * (200 * 1024 * 1024))
    lying = bytearray(bomb)  # the table of contents says that there are only ten bytes
    foot = lying.rindex(package.FOOT)
    lying[foot + 24 : foot + 28] = struct.pack("<I", 10)
    for content in (bomb, bytes(lying)):
        tracemalloc.start()
        with pytest.raises(Fault):
            package.tree(package.description(content))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 6 * package.LONGEST
    assert error(tmp_path, bomb).startswith(": description.xml – is larger than 8388608 bytes when unpacked")


def test_entities_are_refused_before_they_multiply(tmp_path: Path) -> None:
    laughs = b'<!DOCTYPE GDTF [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><GDTF>&b;</GDTF>'
    assert error(tmp_path, packed(laughs)) == ":1: description.xml – has a DOCTYPE, and GDTF has none – remove it"
    outside = b'<!DOCTYPE GDTF SYSTEM "file:///etc/passwd"><GDTF/>'
    assert "has a DOCTYPE" in error(tmp_path, packed(outside))


@pytest.mark.parametrize("name", ["../description.xml", "/description.xml", "a/description.xml", "Description.xml"])
def test_a_description_elsewhere_in_the_archive_is_none(tmp_path: Path, name: str) -> None:
    assert error(tmp_path, packed(XML, name)).startswith(": file – the archive has no description.xml at its root")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["acme-tube-2.json"], "nothing is unpacked to the disk"


def test_bounds_of_everything_else(tmp_path: Path) -> None:
    assert "is nested too deeply" in error(tmp_path, packed(b"<GDTF>" * 100))
    assert "more than 200000 elements" in error(tmp_path, packed(b"<GDTF>" + b"<a/>" * 200_001))
    assert "more than 4096 entries" in error(tmp_path, b"PK" + package.FOOT * 4097)
    assert "packed in an unusual way" in error(tmp_path, packed(XML, compression=zipfile.ZIP_LZMA))
    assert "is nested too deeply" in error(tmp_path, b'{"name": ' + b"[" * 100_000)
    assert "thousands of digits" in error(tmp_path, b'{"name": ' + b"1" * 5000 + b"}")
    assert "larger than 4194304 bytes" in error(tmp_path, b"{" + b" " * ofl.LARGEST)
    assert "has 300 of them – 1 to 256" in error(tmp_path, json.dumps(GOOD | {"modes": GOOD["modes"] * 100}).encode())
    many = {"capabilities": [{"dmxRange": [at, at], "type": "NoFunction"} for at in range(1025)]}
    assert "capabilities – has 1025 of them" in error(tmp_path, json.dumps(fixture({"D": many}, ("M", ["D"]))).encode())
    templates = GOOD | {"templateChannels": {f"{at} $pixelKey": DIMMER for at in range(129)}}
    assert "templateChannels – has 129 of them" in error(tmp_path, json.dumps(templates).encode())
    sets = function("Dimmer", inner='<ChannelSet DMXFrom="0/1"/>' * 512)
    assert "more than 512 functions and sets" in error(
        tmp_path, packed(description(("M", [channel("1", "Dimmer", sets)])))
    )
    assert "this key is there twice" in error(tmp_path, b'{"name": "a", "name": "b"}')
    assert "Infinity is no JSON number" in error(tmp_path, b'{"name": Infinity}')
    assert "is neither JSON nor a zip archive" in error(tmp_path, b"")
    assert ":2: column 1 – not valid JSON" in error(tmp_path, b'{"name":\n}')


def test_a_profile_that_no_agent_would_read_is_not_written(tmp_path: Path) -> None:
    wide = {f"C{at}": {"capability": {"type": "Generic", "comment": "x" * 60}} for at in range(500)}
    modes = [(f"M{at}", ["D", *wide]) for at in range(40)]
    file = saved(tmp_path, fixture({"D": DIMMER, **wide}, *modes))
    with pytest.raises(files.Unreadable, match=r"its profile would have \d+ bytes – one mode of it: --mode NAME"):
        files.read(file)
    assert files.read(file, mode="M7").imported.profile.personalities["m7"].footprint == 501


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(files.Unreadable, match="is not a plain file"):
        files.read(tmp_path)
    with pytest.raises(files.Unreadable, match="cannot be read: No such file"):
        files.read(tmp_path / "nothing.json")
    with pytest.raises(files.Unreadable, match="cannot be read: "):
        files.read(tmp_path / ("x" * 300))
