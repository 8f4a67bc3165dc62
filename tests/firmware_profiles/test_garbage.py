"""Whatever a profile file holds: a profile that can be used, or its one error. Nothing else comes out."""

import copy
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.problems import ConfigError
from drivers import registry
from drivers.errors import DriverError
from drivers.lamps.line_codec import Shape
from firmware_profiles import library
from firmware_profiles.model import Personality, Profile
from firmware_profiles.render import decode, render, slopes
from tests.chinese import english_only

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = ("dimmer", "bicolour-panel", "bicolour-warm-cold", "rgbw", "ascii-controller", "binary-controller")
SHIPPED = [
    tomllib.loads((library.SHIPPED / f"generic/{name}.toml").read_text(encoding="utf-8"))
    for name in (*NAMES, "modbus-dimmer", "modbus-bicolour")
]
WORDS = (
    "intensity",
    "cct",
    "red",
    "warm",
    "xy",
    "modbus",
    "line",
    "echo",
    "channel",
    "xor",
    "decimal",
    "HEX",
    "coarse",
)
STRANGE: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0, 1, 8, 16, 255, 256, 65535, 2700, 6500, *WORDS])
    | st.floats()
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value within a file."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for step, inner in steps for place in places(inner, (*at, step)))]


def read(file: Path) -> Profile | None:
    try:
        return library.read(file)
    except ConfigError as error:
        assert error.problems
        assert str(error).startswith(str(file))
        assert not english_only(error.problems)
        return None


def use(personality: Personality) -> None:
    """What the agent does with a mode that was read."""
    slopes(personality)
    if personality.wire is None:
        for end in (0, 1):
            levels = {attribute: ends[end] for attribute, ends in personality.ranges.items()}
            frame = render(personality, levels)
            assert len(frame) == personality.footprint
            decode(personality, frame)
        return
    channels = personality.channels
    assert all(0 <= each.first < each.last <= (0xFF if each.fine is None else 0xFFFF) for each in channels.values())
    for request in personality.line.set if personality.line is not None else ():
        for end in (0, 1):
            numbers = {str(each): (channel.first, channel.last)[end] for each, channel in channels.items()}
            shape = Shape(request)
            assert len(shape.encode({**numbers, "channel": 1, "unit": 1}, "10.0.0.1")) <= shape.longest
    spec = registry.find("modbus" if personality.modbus else "line")
    bus = spec.make(spec.options.model_validate(dict(spec.example)), None)
    try:
        bus.lamp("lamp", personality)
    except DriverError as error:
        assert str(error)


def check(folder: Path, content: dict[str, Any]) -> None:
    """Write it, read it, use it."""
    file = folder / "light.toml"
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in content.items()), encoding="utf-8")
    profile = read(file)
    for personality in profile.personalities.values() if profile is not None else ():
        use(personality)


@quick
@given(data=st.data())
def test_a_shipped_profile_with_values_changed(tmp_path: Path, data: st.DataObject) -> None:
    changed = copy.deepcopy(data.draw(st.sampled_from(SHIPPED)))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(places(changed)[1:]))
        inner = changed
        for step in at[:-1]:
            inner = inner[step]
        if data.draw(st.integers(0, 3)):
            inner[at[-1]] = data.draw(STRANGE)
        else:
            del inner[at[-1]]
    check(tmp_path, changed)


@pytest.mark.parametrize("number", range(len(SHIPPED)))
def test_every_number_of_a_shipped_profile_as_another_one(tmp_path: Path, number: int) -> None:
    shipped = copy.deepcopy(SHIPPED[number])
    shipped["personalities"] = dict(list(shipped["personalities"].items())[-2:])
    for at in places(shipped)[1:]:
        whole = copy.deepcopy(shipped)
        inner = whole
        for step in at[:-1]:
            inner = inner[step]
        there = inner[at[-1]]
        if isinstance(there, int | float) and not isinstance(there, bool):
            for other in (there + 1, there - 1, -there, 2 * there, there + 256, 70_000):
                inner[at[-1]] = other
                check(tmp_path, whole)


@quick
@given(start=st.integers(0, 600), noise=st.binary(max_size=40))
def test_a_file_with_bytes_changed(tmp_path: Path, start: int, noise: bytes) -> None:
    content = (library.SHIPPED / "generic/ascii-controller.toml").read_bytes()
    file = tmp_path / "light.toml"
    file.write_bytes(content[:start] + noise + content[start + len(noise) :])
    read(file)
