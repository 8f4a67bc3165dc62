"""Profiles of lights without DMX: what cannot be is one clear error, and what is shipped makes sense."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.model import Personality
from firmware_profiles.register_map import Register, Sensor

DIM = {"attribute": "intensity", "bits": 16, "raw": [0, 1000]}
WARM = {"attribute": "cct", "bits": 16, "span": [2700, 6500], "raw": [2700, 6500]}
WW, CW = {"emitter": "ww", "cct": 2700, "light": 1.0}, {"emitter": "cw", "cct": 6500, "light": 1.0}


def mode(*slots, **wire):
    return Personality.model_validate({"title": "for a test", "slots": slots, **wire})


def modbus(values, *slots, **more):
    return mode(*(slots or (DIM,)), modbus={"values": values, **more})


def line(*fields, slots=(DIM,), **more):
    return mode(*slots, line={"set": [{"fields": fields}], **more})


SET = {"number": "intensity", "form": "decimal", "width": 4}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: modbus({}), "one of them lacks intensity"),
        (lambda: modbus({"intensity": {"address": 0}, "cct": {"address": 1}}), "one of them lacks cct"),
        (lambda: modbus({"intensity": {"address": 65536}}), "65535"),
        (lambda: modbus({"intensity": {"address": "0"}}), "valid integer"),
        (lambda: modbus({"intensity": {"address": 0, "function": 5}}), "6 or 16"),
        (lambda: modbus({"intensity": {"address": 0, "offset": 65000}}), "does not fit into 16 bits"),
        (lambda: modbus({"intensity": {"address": 0, "offset": -1}}, dict(DIM, raw=[0, 40000])), "does not fit"),
        (lambda: modbus({"intensity": {"address": 65530, "stride": 2}}, channels=4), "would be 65536"),
        (lambda: modbus({"intensity": {"address": 0}}, channels=2), "register 0 is intensity of channel 1 and"),
        (
            lambda: modbus({"intensity": {"address": 0, "stride": 1}, "cct": {"address": 1}}, DIM, WARM, channels=2),
            "register 1 is intensity of channel 2 and cct of channel 1",
        ),
        (lambda: modbus({"intensity": {"address": 3}}, power={"address": 3}), "register 3 is intensity of channel 1"),
        (lambda: modbus({"intensity": {"address": 3}}, power={}), "either a coil or an address"),
        (lambda: modbus({"cct": {"address": 3}}, WARM, power={"coil": 0}), "follows intensity"),
        (lambda: modbus({"intensity": {"address": 0}}, framing="7E1"), "8N1"),
        (lambda: modbus({"intensity": {"address": 0}}, baud=0), "300"),
        (lambda: modbus({"intensity": {"address": 0}}, gap=-1), "greater than or equal to 0"),
        (lambda: modbus({"intensity": {"address": 0}}, speed=9600), "not permitted"),
        (
            lambda: modbus({"intensity": {"address": 0}}, sensors=[{"name": "t", "unit": "°C", "address": 1}] * 2),
            "same name",
        ),
        (lambda: line(SET, {"number": "cct"}), "one of them lacks cct"),
        (lambda: line({"bytes": "01"}), "one of them lacks intensity"),
        (lambda: line({"number": "intensity", "form": "decimal", "width": 3}), "hold 0…999"),
        (lambda: line({"number": "intensity"}), "hold 0…255"),
        (lambda: line({"number": "intensity", "width": 2, "add": -1}), "-1…999"),
        (lambda: line(SET, {"number": "channel", "form": "decimal"}, channels=12), "channel is 1…12"),
        (lambda: line(SET, on={"fields": [{"text": "on"}]}), "on and line.off belong together"),
        (lambda: line(SET, heartbeat={"fields": [{"text": "!"}]}), "needs keepalive"),
        (lambda: line(SET, read=[{"fields": [{"text": "?"}]}]), "needs a reply with a value"),
        (lambda: line(SET, read=[{"fields": [{"text": "?"}, SET]}]), "tells the light no value"),
        (lambda: line(SET, hello=[{"fields": [SET]}]), "tells the light no value"),
        (lambda: line(SET, {"number": "code"}), "in refusals only"),
        (lambda: line(SET, {"number": "red"}), "lacks red"),
        (lambda: mode(DIM, {"fixed": 0, "reason": "fan"}, modbus={"values": {"intensity": {"address": 0}}}), "whole"),
        (
            lambda: mode(DIM, modbus={"values": {"intensity": {"address": 0}}}, line={"set": [{"fields": [SET]}]}),
            "not both",
        ),
    ],
)
def test_what_cannot_be_is_told(make, why):
    with pytest.raises(ValidationError, match=why):
        make()


@pytest.mark.parametrize(
    "wire",
    [{"modbus": {"values": {"intensity": {"address": 0}}}}, {"line": {"set": [{"fields": [SET]}]}}],
    ids=["modbus", "line"],
)
@pytest.mark.parametrize(
    ("slots", "keys"),
    [
        ((WW, CW), {"mix": "cct"}),
        ((DIM, WW, CW), {"mix": "cct"}),
        ((DIM, WW), {}),
        ((DIM,), {"mix": "xy"}),
        ((DIM,), {"cct": (2700, 6500)}),
        ((DIM,), {"duv": 0.02}),
    ],
)
def test_a_light_without_dmx_does_not_mix(slots, keys, wire):
    with pytest.raises(ValidationError, match="is for DMX: with modbus or line each slot is an attribute") as caught:
        mode(*slots, **keys, **wire)
    assert caught.value.error_count() == 1


def test_a_profile_file_tells_it_by_line(tmp_path):
    from config.problems import ConfigError

    file = tmp_path / "box.toml"
    file.write_text(
        'vendor = "acme"\nmodel = "box"\ntitle = "Box"\nsource = "for a test"\n'
        '[personalities.a]\ntitle = "a"\nslots = [{ attribute = "intensity" }]\n'
        "[personalities.a.modbus]\nvalues.intensity = { adress = 1 }\n"
    )
    with pytest.raises(ConfigError) as caught:
        library.read(file)
    assert [(p.at, p.where.rpartition(".")[2]) for p in caught.value.problems][:1] == [(9, "adress")]
    assert "did you mean 'address'" in str(caught.value)


@given(st.integers(-0x8000, 0x7FFF), st.integers(-0x8000, 0))
def test_signed_registers_go_there_and_back(number, offset):
    register = Register(address=0, offset=offset)
    value = number - offset
    if 0 <= value <= 0xFFFF and (offset < 0 or number >= 0):
        assert register.value(register.numbers(value)) == value


def test_sensors_scale_and_sign():
    sensor = Sensor(name="t", unit="°C", address=0, factor=0.1, offset=-40.0, signed=True)
    assert sensor.reading([0xFFFF]) == pytest.approx(-40.1)
    assert Sensor(name="v", unit="V", address=0, factor=0.01).reading([0xFFFF]) == pytest.approx(655.35)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-70000, 70000), st.text(max_size=6), st.floats()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    ["values", "intensity", "register", "set", "fields", "number", "bytes", "check", "over"]
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_no_table_whatever_raises_anything_but_its_own_error(table):
    for key in ("modbus", "line"):
        try:
            mode(DIM, **{key: table})
        except ValidationError:
            continue


def test_every_shipped_light_without_dmx_is_one_its_driver_takes():
    from drivers import registry

    found = 0
    for profile in library.load().shelves[-1].profiles:
        for personality in profile.personalities.values():
            if personality.wire is None:
                continue
            found += 1
            spec = registry.find("modbus" if personality.modbus else "line")
            bus = spec.make(spec.options.model_validate(dict(spec.example)), None)
            lamp = bus.lamp("lamp", personality)
            assert set(personality.attributes) <= set(Attribute)
            assert lamp.gap == personality.wire.gap
    assert found >= 11
