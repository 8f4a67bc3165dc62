"""Home Assistant's words and ours: there and back within one step of its scales, and nonsense is only ever refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.messaging.commands import ARGS, read_args
from agent.messaging.homeassistant import translate
from agent.messaging.homeassistant.translate import Known, attributes, modes, shown
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import FixtureEntry
from config.units import CIE_SPAN, EMITTERS, HUE_SPAN, Attribute

RGBW = ("red", "green", "blue", "white")
KINDS = {
    "dimmer": ("intensity",),
    "bicolour": ("intensity", "cct"),
    "panel": ("intensity", *RGBW),
    "tinted": ("intensity", "cct", "tint"),
    "rgb": ("red", "green", "blue"),
    "rgbw": RGBW,
    "hybrid": ("intensity", "cct", *RGBW, "amber"),
    "white": ("white",),
    "two whites": ("white", "amber"),
    "by xy": ("intensity", "cie_x", "cie_y"),
    "by hue": ("intensity", "hue", "saturation"),
    "by hue, with white": ("intensity", "cct", "hue", "saturation"),
}
KINDS_OF_LIGHT = st.sampled_from(sorted(KINDS))


def entry(kind: str) -> FixtureEntry:
    return FixtureEntry(name="key", attributes=KINDS[kind])


def levels_of(kind: str) -> st.SearchStrategy[dict[Attribute, float]]:
    span = {Attribute.CCT: (2700.0, 6500.0), Attribute.TINT: (-1.0, 1.0), **CIE_SPAN, **HUE_SPAN}
    return st.fixed_dictionaries(
        {a: st.floats(*span.get(a, (0.0, 1.0)), allow_nan=False) for a in attributes(entry(kind))}
    )


LIT = KINDS_OF_LIGHT.flatmap(lambda kind: st.tuples(st.just(kind), levels_of(kind)))


def known(kind: str, levels: dict[Attribute, float]) -> Known:
    found = Known(fixtures={"key": entry(kind)})
    found.see("key", levels)
    return found


def asked(what: dict[str, Any], found: Known) -> dict[str, Any]:
    """Arguments of lights.set, as they pass the verb's own model."""
    verb, args = translate.request("light", "key", json.dumps(what).encode(), found)
    assert verb == "lights.set"
    read_args(ARGS[verb], json.loads(json.dumps(args)))
    return args


def as_command(state: Any) -> dict[str, Any]:
    """What Home Assistant would send to get what it shows."""
    said = json.loads(state.encode())
    return {k: said[k] for k in ("state", "brightness", "color_temp", "color") if k in said}


@given(LIT)
def test_what_is_shown_can_be_asked_for_and_is_what_it_was(lit: tuple[str, dict[Attribute, float]]) -> None:
    kind, levels = lit
    state = shown(entry(kind), levels)
    args = asked(as_command(state), known(kind, levels))["levels"]
    bright = translate.share(entry(kind), levels)
    step = 0.5 / 255 + 1e-5
    for attribute, value in args.items():
        if attribute is Attribute.CCT:
            assert abs(value - levels[attribute]) <= 0.5
        elif attribute is Attribute.HUE:
            assert abs(value - levels[attribute]) <= 0.006
        elif Attribute.INTENSITY in levels and attribute is not Attribute.INTENSITY:
            assert abs(value - levels[attribute]) <= step
        else:
            # below one 255th the least brightness there is stands for it; a colour is a share of the brightness
            assert abs(value - levels[attribute]) <= (2 * step if bright >= 1 / 255 else 1 / 255)
    assert shown(entry(kind), levels | args).state == state.state


@given(LIT)
def test_a_shown_state_is_what_home_assistant_takes(lit: tuple[str, dict[Attribute, float]]) -> None:
    kind, levels = lit
    said = json.loads(shown(entry(kind), levels).encode())
    assert None not in said.values()
    assert said["color_mode"] in modes(entry(kind))
    assert (said["state"] == "ON") == ("brightness" in said) and 1 <= said.get("brightness", 1) <= 255
    if said["color_mode"] == "color_temp":
        assert isinstance(said["color_temp"], int)
    if said["color_mode"].startswith("rgb"):
        assert sorted(said["color"]) == sorted(said["color_mode"])
        assert all(0 <= share <= 255 for share in said["color"].values())


@given(st.floats(0, 0.735), st.floats(0, 0.834), st.integers(1, 255))
def test_a_chromaticity_is_shown_as_it_was_asked(x: float, y: float, brightness: int) -> None:
    now = {Attribute.INTENSITY: 0.5, Attribute.CIE_X: 0.3, Attribute.CIE_Y: 0.3}
    what = {"state": "ON", "color": {"x": x, "y": y}, "brightness": brightness}
    args = asked(what, known("by xy", now))["levels"]
    state = shown(entry("by xy"), now | args)
    assert (state.color_mode, state.brightness) == ("xy", brightness)
    assert state.color == pytest.approx({"x": x, "y": y}, abs=1e-4)


@given(st.floats(0, 360), st.floats(1, 100), st.sampled_from(["by hue", "by hue, with white"]))
def test_a_hue_is_shown_as_it_was_asked(hue: float, saturation: float, kind: str) -> None:
    now = {Attribute.INTENSITY: 0.5, Attribute.CCT: 3200.0, Attribute.HUE: 0.0, Attribute.SATURATION: 0.0}
    args = asked({"state": "ON", "color": {"h": hue, "s": saturation}}, known(kind, now))["levels"]
    state = shown(entry(kind), now | args)
    assert state.color_mode == "hs"
    assert state.color == pytest.approx({"h": hue, "s": saturation}, abs=0.01)
    white = asked({"state": "ON", "color_temp": 4300}, known("by hue, with white", now | args))["levels"]
    assert white == {Attribute.CCT: 4300.0, Attribute.SATURATION: 0.0}


@given(LIT, st.floats(0, 30))
def test_off_is_dark_and_on_is_as_it_was(lit: tuple[str, dict[Attribute, float]], fade: float) -> None:
    kind, levels = lit
    found = known(kind, levels)
    off = asked({"state": "OFF", "transition": fade}, found)
    assert off["fade"] == fade
    dark = levels | off["levels"]
    assert translate.share(entry(kind), dark) == 0 and shown(entry(kind), dark).state == "OFF"
    found.see("key", dark)
    on = dark | asked({"state": "ON"}, found)["levels"]
    assert shown(entry(kind), on).state == "ON"
    if translate.share(entry(kind), levels) >= 1 / 255:
        assert all(abs(on[a] - levels[a]) < 2e-5 for a in on)
    else:
        assert translate.share(entry(kind), on) > 0


@given(LIT, st.integers(1, 255))
def test_brightness_keeps_the_colour(lit: tuple[str, dict[Attribute, float]], brightness: int) -> None:
    kind, levels = lit
    before = shown(entry(kind), levels)
    after = shown(entry(kind), levels | asked({"state": "ON", "brightness": brightness}, known(kind, levels))["levels"])
    assert after.brightness == brightness
    if translate.share(entry(kind), levels) > 0.05 and before.color and after.color and brightness > 25:
        assert all(abs(before.color[c] - after.color[c]) <= 1 for c in before.color)


@given(st.sampled_from(["panel", "rgbw", "hybrid"]), st.tuples(*[st.integers(0, 255)] * 4), st.integers(1, 255))
def test_a_colour_is_shown_as_it_was_asked(kind: str, colour: tuple[int, ...], brightness: int) -> None:
    able = dict.fromkeys(attributes(entry(kind)), 0.0) | ({Attribute.CCT: 5600.0} if kind == "hybrid" else {})
    wanted = dict(zip("rgbw", colour, strict=True))
    args = asked({"state": "ON", "color": wanted, "brightness": brightness}, known(kind, able))["levels"]
    state = shown(entry(kind), able | args)
    if kind == "hybrid" and not any(colour[:3]):
        assert state.color_mode == "color_temp"  # white alone is no colour
    elif kind == "rgbw":
        strongest = max(colour) or 1
        assert state.color is not None
        # an emitter is driven in steps of its own scale: the dimmer, the coarser
        assert all(abs(state.color[c] - 255 * v / strongest) <= 1 for c, v in wanted.items()) or not any(colour)
    else:
        assert state.color == wanted


def test_a_colour_temperature_takes_the_colour_away() -> None:
    levels = {Attribute(a): 0.5 for a in KINDS["hybrid"]} | {Attribute.CCT: 5600.0}
    assert shown(entry("hybrid"), levels).color_mode == "rgbw"
    args = asked({"state": "ON", "color_temp": 3200}, known("hybrid", levels))["levels"]
    assert args == {Attribute.CCT: 3200.0, Attribute.RED: 0.0, Attribute.GREEN: 0.0, Attribute.BLUE: 0.0}
    assert shown(entry("hybrid"), levels | args).color_mode == "color_temp"


def test_every_attribute_is_in_the_light_or_beside_it() -> None:
    for kind in KINDS:
        one = entry(kind)
        inside = {*translate.dimmers(one)} | ({Attribute.CCT} if "color_temp" in modes(one) else set())
        if any(mode.startswith("rgb") for mode in modes(one)):
            inside |= EMITTERS - {Attribute.AMBER}
        if "xy" in modes(one):
            inside |= CIE_SPAN.keys()
        if "hs" in modes(one):
            inside |= HUE_SPAN.keys()
        assert {*attributes(one)} <= inside | {*translate.beside(one)}, kind
    assert modes(FixtureEntry(name="filter", attributes=("cct", "tint"))) == ()
    assert translate.beside(FixtureEntry(name="filter", attributes=("cct", "tint", "zoom"))) == ("cct", "tint")


FLASH = {"state": "ON", "flash": 2}


@pytest.mark.parametrize(
    ("kind", "name", "body", "verb", "args"),
    [
        ("light", "key", FLASH, "identify", {"fixture": "key", "seconds": 2.0}),
        (
            "level",
            "key",
            {"attribute": "tint", "level": -0.2},
            "lights.set",
            {"targets": ["key"], "levels": {"tint": -0.2}},
        ),
        ("exposure", "cam-1", {"mode": "hold"}, "exposure.set", {"mode": "hold"}),
        ("exposure", "cam-1", {"target": 0.2}, "exposure.set", {"mode": "watch", "target": 0.2}),
        ("look", "soft", {}, "look.apply", {"look": "soft"}),
        ("identify", "key", {}, "identify", {"fixture": "key"}),
        ("release", "all", {}, "lights.release", {"targets": ["all"]}),
        ("selftest", "full", {}, "selftest.start", {"depth": "full"}),
        ("selftest", "cancel", {}, "selftest.cancel", {}),
    ],
)
def test_what_is_pressed_becomes_a_command(
    kind: str, name: str, body: dict[str, Any], verb: str, args: dict[str, Any]
) -> None:
    found = known("tinted", {Attribute.INTENSITY: 0.5, Attribute.CCT: 5600.0, Attribute.TINT: 0.0})
    found.modes["cam-1"] = "watch"
    assert translate.request(kind, name, json.dumps(body).encode(), found) == (verb, args)
    read_args(ARGS[verb], json.loads(json.dumps(args)))


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("light", "ON", ReasonCode.MALFORMED),
        ("light", "", ReasonCode.INVALID),
        ("light", '{"state": "DIM"}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "brightness": 256}', ReasonCode.OUT_OF_RANGE),
        ("light", '{"state": "ON", "effect": "rainbow"}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "color_temp": 3200}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "color": {"r": 1, "g": 2, "b": 3}}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "color": {"x": 0.3, "y": 0.3}}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "color": {"r": 1, "g": 2}}', ReasonCode.INVALID),
        ("light", '{"state": "ON", "color": {"r": 1, "g": 2, "b": 3, "x": 0.3, "y": 0.3}}', ReasonCode.INVALID),
        ("level", '{"attribute": "zoom", "level": 1}', ReasonCode.INVALID),
        ("exposure", '{"mode": "auto"}', ReasonCode.INVALID),
        ("exposure", '{"target": 0.2}', ReasonCode.UNKNOWN_TARGET),
        ("look", '{"fade": 3}', ReasonCode.INVALID),
        ("window", "{}", ReasonCode.UNKNOWN_TARGET),
    ],
)
def test_nonsense_is_refused_with_its_reason(kind: str, body: str, code: ReasonCode) -> None:
    with pytest.raises(Refusal) as refused:
        translate.request(kind, "key", body.encode(), known("dimmer", {Attribute.INTENSITY: 0.5}))
    assert refused.value.code is code


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["state", "brightness", "color_temp", "color", "transition", "flash", "mode", "target", "attribute", "level"]
)
BODIES = st.one_of(
    st.binary(max_size=60),
    JUNK.map(lambda thing: json.dumps(thing).encode()),
    st.dictionaries(KEYS, JUNK | st.sampled_from(["ON", "OFF"]), max_size=4).map(
        lambda thing: json.dumps(thing).encode()
    ),
)
WORDS = st.sampled_from(["light", "level", "exposure", "look", "identify", "release", "selftest"]) | st.text(max_size=5)


@given(WORDS, st.sampled_from(["key", "quick", "cancel"]) | st.text(max_size=5), BODIES, KINDS_OF_LIGHT)
def test_whatever_comes_is_a_command_or_refused(kind: str, name: str, body: bytes, light: str) -> None:
    try:
        verb, args = translate.request(kind, name, body, known(light, {}))
    except Refusal:
        return
    assert verb in ARGS and json.dumps(args)
