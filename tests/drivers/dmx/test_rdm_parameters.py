"""Parameters as typed values: the fields of the standard, their units, and data that do not fit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import rdm_parameters as p
from drivers.dmx import rdm_words as words
from drivers.dmx.rdm_codec import RdmError, Uid
from drivers.dmx.rdm_words import Pid


def test_device_info_byte_by_byte():
    data = bytes.fromhex("0100 0203 0509 01020304 0008 02 03 01f9 0001 04")
    info = p.DEVICE_INFO.read(data)
    assert info == p.DeviceInfo(
        model=0x0203,
        software=0x01020304,
        footprint=8,
        personality=2,
        personalities=3,
        address=0x1F9,
        sub_devices=1,
        sensors=4,
        category=0x0509,
        protocol=0x0100,
    )
    assert info.encode() == data and len(data) == 19
    assert p.DEVICE_INFO.read(data + b"later") == info


def test_sensors_in_their_unit():
    # number 1, temperature, °C, deci; -20.0…120.0, normal 0.0…75.0; both recordings
    data = bytes.fromhex("01 00 01 01 ff38 04b0 0000 02ee 03") + b"LED board"
    sensor = p.SENSOR_DEFINITION.read(data)
    assert (sensor.type, sensor.unit, sensor.factor, sensor.text) == ("temperature", "°C", 0.1, "LED board")
    assert (sensor.range, sensor.normal) == ((-20.0, 120.0), (0.0, 75.0))
    value = p.SENSOR_VALUE.read(bytes.fromhex("01 ff9c fc18 0231 0000"))
    assert value == p.SensorValue(1, -100, -1000, 561, 0)
    assert p.SENSOR_VALUE.read(value.encode()) == value
    assert p.SENSOR_VALUE.read(b"\1\0\5") == p.SensorValue(1, 5), "some leave out what they do not record"


@pytest.mark.parametrize(
    ("prefix", "factor"),
    [
        (0, 1),
        (1, 0.1),
        (2, 0.01),
        (3, 1e-3),
        (4, 1e-6),
        (0x0A, 1e-24),
        (0x11, 10),
        (0x13, 1e3),
        (0x1A, 1e24),
        (0x2B, 1),
    ],
)
def test_prefixes(prefix, factor):
    assert words.scale(prefix) == pytest.approx(factor)


def test_units_stand_at_their_numbers():
    assert (words.UNITS[0x01], words.UNITS[0x04], words.UNITS[0x08], words.UNITS[0x0A]) == ("°C", "V", "Hz", "W")
    assert (words.UNITS[0x1A], words.UNITS[0x1C], len(words.UNITS)) == ("lx", "byte", 0x1D)
    assert (words.SENSORS[0x01], words.SENSORS[0x18], words.SENSORS[0x20]) == ("voltage", "illuminance", "counter")


def test_loss_modes_in_seconds():
    mode = p.DMX_FAIL_MODE.read(bytes.fromhex("0000 0019 ffff 80"))
    assert mode == p.LossMode(scene=0, delay=2.5, hold=None, level=128)
    assert mode.encode() == bytes.fromhex("0000 0019 ffff 80")
    for seconds in (-1, 6553.5, float("nan")):
        with pytest.raises(RdmError, match="does not fit"):
            p.LossMode(0, seconds, 0, 0).encode()


def test_status_messages_speak_both_languages():
    (message,) = p.STATUS_MESSAGES.read(bytes.fromhex("0000 04 0012 0000 0000"))
    assert message.is_bad and message.said is not None
    assert (message.said.en, message.said.zh) == ("lamp failed to strike", "灯泡点亮失败")
    (own,) = p.STATUS_MESSAGES.read(bytes.fromhex("0001 02 8001 0000 ffff"))
    assert own.said is None and not own.is_bad and own.second == -1
    assert p.STATUS_MESSAGES.read(b"") == ()


def test_lists_and_numbers():
    assert p.SUPPORTED_PARAMETERS.read(bytes.fromhex("0060 8001")) == {0x60, 0x8001}
    assert p.SLOT_INFO.read(bytes.fromhex("0000 00 0001 0001 01 0000")) == (p.SlotInfo(0, 0, 1), p.SlotInfo(1, 1, 0))
    assert p.DMX_PERSONALITY.read(b"\2\3") == p.Personalities(2, 3)
    assert p.DMX_PERSONALITY_DESCRIPTION.read(b"\2\0\4CCT") == p.PersonalityDescription(2, 4, "CCT")
    assert p.COMMS_STATUS.read(bytes.fromhex("0001 0002 0003")).total == 6
    assert p.SELF_TEST_DESCRIPTION.read(b"\1fan") == "fan"
    assert p.Muted.decode(b"\0\x09" + Uid(1, 2).encode()) == p.Muted(
        managed_proxy=True, proxied=True, binding=Uid(1, 2)
    )
    description = p.PARAMETER_DESCRIPTION.read(
        bytes.fromhex("8001 02 05 03 00 0a 03 00000000 000003e8 00000001") + b"Standby power"
    )
    assert (description.unit, description.factor, description.highest) == ("W", 1e-3, 1000)


def test_labels_are_shown_safely_and_set_within_limits():
    assert p.text(b"key light\0rest") == "key light"
    assert p.text(b"a\x1b[31mb\xffc") == "a?[31mb?c"
    assert len(p.text(b"x" * 100)) == 32
    assert p.label("key") == b"key" and p.label("") == b""
    for wrong in ("x" * 33, "灯", "a\nb"):
        with pytest.raises(RdmError, match="no label"):
            p.label(wrong)


def test_the_passive_ones_are_gets_without_effect():
    assert Pid.QUEUED_MESSAGE not in p.PASSIVE and Pid.STATUS_MESSAGES not in p.PASSIVE
    assert {Pid.DEVICE_INFO, Pid.SENSOR_VALUE, Pid.COMMS_STATUS, Pid.LAMP_HOURS} <= p.PASSIVE


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(p.ALL), st.binary(max_size=60))
def test_any_data_are_a_value_or_an_rdm_error(parameter, data):
    try:
        parameter.read(data)
    except RdmError as error:
        assert str(error)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 0xFFFF), st.integers(-32768, 32767), st.integers(-32768, 32767))
def test_every_status_and_reason_has_words(number, first, second):
    said = words.status_text(number, first, second)
    assert said is None or (said.en and said.zh and "{" not in said.en + said.zh)
    assert words.nack_text(number).en and words.nack_text(number).zh
    assert words.pid_name(number)
