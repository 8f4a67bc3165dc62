"""Lamp buses against their twins, and against firmware written by hand."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.units import Attribute
from drivers.base import Quality, Verdict
from drivers.errors import BadReply, DeviceMissing, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.lamps.line import LineBus, LineOptions
from drivers.lamps.modbus import ModbusBus, ModbusOptions
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from drivers.virtual.twin import Fault, Fitted
from drivers.virtual.twins.lamps import framed, line_twin, modbus_twin
from firmware_profiles.render import resolution
from tests.drivers.lamps.benches import bus, made, mode, spied

LIGHT, CCT, TINT = Attribute.INTENSITY, Attribute.CCT, Attribute.TINT
DIMMER = mode("generic/modbus-dimmer", "0-1000")
RELAY = mode("generic/modbus-dimmer", "relay-1000")
BICOLOUR = mode("generic/modbus-bicolour", "kelvin")
ASCII = mode("generic/ascii-controller", "8ch")
GL1 = mode("neewer/gl1", "wifi")


def test_several_units_and_channels_share_one_line():
    _, driver, lamps, far = bus(ModbusBus, modbus_twin, [(DIMMER, 1, 1), (DIMMER, 1, 4), (DIMMER, 9, 2)])
    driver.open()
    for lamp, level in zip(lamps, (0.1, 0.5, 1.0), strict=True):
        lamp.apply({LIGHT: level})
    assert [far.shown[lamp.name][LIGHT] for lamp in lamps] == [0.1, 0.5, 1.0]
    assert [lamp.read() for lamp in lamps] == [{LIGHT: 0.1}, {LIGHT: 0.5}, {LIGHT: 1.0}]


def test_neighbouring_registers_are_written_together_and_kelvin_is_kelvin():
    driver, lamp, spy = spied(ModbusBus, BICOLOUR, lambda data: b"")
    with pytest.raises(ReplyTimeout):
        driver.open()
    driver.options = driver.options.model_copy(update={"retries": 0})
    assert spy.heard[0] == bytes.fromhex("01 03 00 00 00 02 c4 0b")
    writes = list(lamp.writes({LIGHT: 500, CCT: 5600}))
    assert [tuple(write)[:4] for write in writes] == [(1, 16, 0, (500, 5600))]


@pytest.mark.parametrize(
    ("curve", "level", "raw"),
    [({"points": [[0, 0], [0.1, 0.0], [0.5, 0.2], [1, 1]]}, 0.6, 750), ({"curve": "dali-log"}, 0.1, 668)],
)
def test_a_measured_or_logarithmic_curve_holds_on_a_bus_too(curve, level, raw):
    slot = {"attribute": "intensity", "bits": 16, "raw": [0, 1000], **curve}
    own = made([slot], modbus={"values": {"intensity": {"address": 0}}})
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(own, 1, 1)])
    driver.open()
    lamp.apply({LIGHT: level})
    assert far.held.values["lamp-0"] == {LIGHT: raw}
    assert lamp.read() == {LIGHT: pytest.approx(level, rel=0.01)}
    assert (own.attributes, own.separable) == ((LIGHT,), True)


def test_the_switch_comes_after_the_level_and_only_when_it_changes():
    studio, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(RELAY, 1, 1)])
    driver.open()
    sent = []
    write = far.device.receive
    far.device.receive = lambda data: sent.append(data[1]) or write(data)
    lamp.apply({LIGHT: 0.5})
    lamp.apply({LIGHT: 0.6})
    lamp.apply({LIGHT: 0.0})
    assert sent == [6, 5, 6, 6, 5]
    assert far.shown["lamp-0"][LIGHT] == 0.0
    lamp.renew()
    lamp.apply({LIGHT: 0.0})
    assert sent[-2:] == [6, 5]
    assert studio.now() > 0.02 * 7, "the profile's gap was not kept"


def test_a_lamp_that_takes_no_level_while_off_is_switched_on_first():
    studio, driver, (lamp,), far = bus(LineBus, line_twin, [(GL1, 1, 1)], host="10.77.0.90")
    heard = []
    write = far.device.receive_datagram
    far.device.receive_datagram = lambda data: heard.append((round(studio.now(), 3), data.hex())) or write(data)
    driver.open()
    hello = f"80021000000{len(HOME):x}{HOME.encode().hex()}2e"
    assert [data for _, data in heard] == [hello] * 3
    lamp.apply({LIGHT: 1.0, CCT: 5600})
    assert [data for _, data in heard[3:]] == ["800502010189", "80050302643826"]
    assert all(b[0] - a[0] >= 0.499 for a, b in pairwise(heard)), "faster than 500 ms"
    assert far.shown["lamp-0"] == {LIGHT: 1.0, CCT: 5600}
    assert lamp.read() is None
    lamp.apply({LIGHT: 0.0, CCT: 5600})
    assert heard[-1][1] == "800502010088" and far.shown["lamp-0"][LIGHT] == 0.0
    driver.close()
    assert not studio.in_use()


def test_sensors_are_readings_and_a_dead_one_is_missing():
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(RELAY, 7, 1)])
    driver.open()
    far.device.sensors[7, 0] = 0xFFCE
    [reading] = lamp.sample()
    assert (reading.name, reading.value, reading.unit) == ("temperature", pytest.approx(-5.0), "°C")
    far.fault(Fault.SILENCE)
    [reading] = lamp.sample()
    assert reading.quality is Quality.MISSING and reading.value != reading.value
    far.fault(Fault.UNPLUG)
    with pytest.raises(LinkLost):
        lamp.sample()


def test_a_modbus_exception_is_a_refusal_in_the_standards_words():
    wrong = made(
        [{"attribute": "intensity", "bits": 16, "raw": [0, 2000]}],
        modbus={"channels": 4, "values": {"intensity": {"address": 0, "stride": 1}}},
    )
    studio = VirtualStudio(ManualClock())
    studio.lamps["bus"] = (Fitted("lamp", DIMMER),)
    options = ModbusOptions(port="/dev/b")
    modbus_twin(studio, options, "bus")
    driver = ModbusBus(options, studio)
    lamp, other = driver.lamp("lamp", wrong), driver.lamp("other", wrong, 1, 2)
    driver.open()
    with pytest.raises(Refused, match=r"will not write 0 .*illegal data value \(Modbus exception 3\)"):
        lamp.apply({LIGHT: 1.0})
    with pytest.raises(Refused, match=r"illegal data address \(Modbus exception 2\)"):
        other.read()


def test_a_busy_device_is_asked_again_later():
    driver, lamp, _ = spied(ModbusBus, DIMMER, lambda data: framed(b"\x01\x86\x06") if data[1] == 6 else b"")
    driver.lamps.clear()
    driver.open()
    with pytest.raises(ReplyTimeout, match="server device busy"):
        lamp.apply({LIGHT: 1.0})


def test_values_below_zero_travel_in_twos_complement():
    tint = made(
        [{"attribute": "tint", "bits": 16, "raw": [0, 200]}],
        modbus={"values": {"tint": {"address": 5, "offset": -100}}},
    )
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(tint, 1, 1)])
    assert next(iter(lamp.writes({TINT: 0}))).numbers == (0xFF9C,)
    driver.open()
    lamp.apply({TINT: -1.0})
    assert far.shown["lamp-0"] == lamp.read() == {TINT: -1.0}


def by_hand(data):
    """An ASCII controller in a few lines of its own."""
    levels = by_hand.levels
    if len(data) != 8 or data[:1] != b"$":
        return b""
    total = 0
    for byte in data[:6]:
        total ^= byte
    if data[6:] != b"%02X" % total:
        return b""
    channel = int(data[2:3])
    if not 1 <= channel <= 8:
        return b"&"
    if data[1:2] == b"3":
        levels[channel] = int(data[3:6], 16)
    if data[1:2] == b"4":
        answer = b"$4%d%03X" % (channel, levels.get(channel, 0))
        total = 0
        for byte in answer:
            total ^= byte
        return answer + b"%02X" % total
    return b"$"


def test_an_ascii_controller_written_by_hand_understands_the_profile():
    by_hand.levels = {}
    driver, lamp, spy = spied(LineBus, ASCII, by_hand, channel=8)
    driver.open()
    lamp.apply({LIGHT: 1.0})
    assert lamp.read() == {LIGHT: 1.0} and by_hand.levels == {8: 255}
    assert spy.heard[1:3] == [b"$380FF1F", b"$180001D"]


def test_a_refusal_is_told_and_not_repeated():
    driver, lamp, spy = spied(LineBus, ASCII, lambda data: b"&" if data[1:2] == b"3" else by_hand(data))
    driver.open()
    with pytest.raises(Refused, match="declines"):
        lamp.apply({LIGHT: 1.0})
    assert len([data for data in spy.heard if data[1:2] == b"3"]) == 1


def test_codes_of_refusals_have_their_words():
    coded = made(
        [{"attribute": "intensity"}],
        line={
            "set": [
                {
                    "fields": [{"text": "L"}, {"number": "intensity", "form": "decimal", "width": 3}, {"text": "\r"}],
                    "reply": {"fields": [{"text": "OK\r"}]},
                    "refused": {"fields": [{"text": "E"}, {"number": "code", "form": "decimal"}, {"text": "\r"}]},
                    "codes": {"3": "too hot"},
                }
            ]
        },
    )
    driver, lamp, _ = spied(LineBus, coded, lambda data: b"E3\r")
    driver.open()
    with pytest.raises(Refused, match="declines: too hot"):
        lamp.apply({LIGHT: 0.2})


def test_what_may_be_done_once_only_is_not_said_twice():
    once = {"fields": [{"text": "L"}, {"number": "intensity"}], "reply": "echo", "repeatable": False}
    driver, lamp, spy = spied(LineBus, made([{"attribute": "intensity"}], line={"set": [once]}), lambda data: b"")
    driver.open()
    with pytest.raises(ReplyTimeout):
        lamp.apply({LIGHT: 0.2})
    assert len(spy.heard) == 1


def test_unasked_words_before_a_question_are_no_answer():
    panel = mode("neewer/pl81-pro", "usb")
    studio = VirtualStudio(ManualClock())
    studio.lamps["bus"] = (Fitted("lamp", panel),)
    far = line_twin(studio, LineOptions(port="/dev/b"), "bus")
    driver = LineBus(LineOptions(port="/dev/b"), studio)
    lamp = driver.lamp("lamp", panel)
    driver.open()
    far.wire.emit(bytes.fromhex("3a 02 03 01 32 09 00 7b"))
    lamp.apply({LIGHT: 0.5, CCT: 4950})
    assert far.shown["lamp"] == {LIGHT: 0.5, CCT: 4950}
    far.wire.emit(bytes.fromhex("3a 02 03 01 32 09 00 7b"))
    far.fault(Fault.SILENCE)
    with pytest.raises(ReplyTimeout):
        lamp.apply({LIGHT: 0.5, CCT: 4950})


def test_one_dead_lamp_does_not_keep_a_bus_closed_but_all_of_them_do():
    studio = VirtualStudio(ManualClock())
    options = ModbusOptions(port="/dev/b")
    studio.lamps["bus"] = (Fitted("alive", DIMMER, 2),)
    far = modbus_twin(studio, options, "bus")
    driver = ModbusBus(options, studio)
    driver.lamp("dead", DIMMER, 1)
    driver.lamp("alive", DIMMER, 2)
    assert driver.open().model == "Modbus RTU line"
    far.fault(Fault.SILENCE)
    with pytest.raises(ReplyTimeout):
        driver.open()
    assert not studio.in_use()


def test_modbus_and_text_go_over_a_serial_server_too():
    for kind, twin, lamp in ((ModbusBus, modbus_twin, DIMMER), (LineBus, line_twin, ASCII)):
        studio, driver, (handle,), far = bus(kind, twin, [(lamp, 1, 2)], host="gateway.lan", tcp=4196)
        driver.open()
        handle.apply({LIGHT: 1.0})
        assert far.shown["lamp-0"][LIGHT] == 1.0
        far.fault(Fault.UNPLUG)
        with pytest.raises(LinkLost):
            handle.apply({LIGHT: 0.0})
        with pytest.raises(DeviceMissing):
            driver.open()
        assert not studio.in_use()


def test_a_lamp_that_says_what_cannot_be_is_not_believed():
    driver, lamp, _ = spied(ModbusBus, DIMMER, lambda data: bytes.fromhex("01 03 02 ff ff b9 f4"))
    with pytest.raises(BadReply, match="intensity is 65535, and it has 0…1000"):
        driver.open()
        lamp.read()


def test_the_checks_tell_a_hand_at_the_knob():
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(DIMMER, 1, 1)])
    driver.open()
    answers, agrees = driver.checks()
    assert (answers.run().verdict, agrees.run().verdict) == (Verdict.PASS, Verdict.SKIPPED)
    lamp.apply({LIGHT: 0.5})
    assert agrees.run().verdict is Verdict.PASS
    far.held.values["lamp-0"][LIGHT] = 900
    result = agrees.run()
    assert result.verdict is Verdict.FAIL and "0.5" in result.said.en and "0.9" in result.said.en
    far.fault(Fault.SILENCE)
    assert answers.run().verdict is Verdict.FAIL


@pytest.mark.parametrize(("power", "function"), [({"coil": 4, "many": True}, 15), ({"address": 9, "on": 2}, 6)])
def test_a_switch_is_a_coil_or_a_register_as_the_device_has_it(power, function):
    box = made(
        [{"attribute": "intensity", "bits": 16, "raw": [0, 100]}],
        modbus={"values": {"intensity": {"address": 0}}, "power": power},
    )
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(box, 1, 1)])
    driver.open()
    sent = []
    write = far.device.receive
    far.device.receive = lambda data: sent.append(data[1]) or write(data)
    lamp.apply({LIGHT: 0.5})
    assert sent == [6, function] and far.shown["lamp-0"] == {LIGHT: 0.5}
    lamp.apply({LIGHT: 0.0})
    assert far.shown["lamp-0"] == {LIGHT: 0.0}


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(Attribute)), st.floats() | st.floats(0, 1) | st.floats(2000, 8000)))
def test_whatever_is_asked_only_what_can_be_reaches_a_lamp(levels):
    for kind, twin, personality, options in (
        (ModbusBus, modbus_twin, BICOLOUR, {"port": "/dev/b"}),
        (LineBus, line_twin, GL1, {"host": "10.77.0.90"}),
    ):
        _, driver, (lamp,), far = bus(kind, twin, [(personality, 1, 1)], **options)
        driver.open()
        before = dict(far.shown["lamp-0"])
        channels = personality.channels
        possible = all(a in channels and channels[a].lowest <= v <= channels[a].highest for a, v in levels.items())
        if possible:
            lamp.apply(levels)
            shown = far.shown["lamp-0"]
            assert all(abs(shown[a] - v) <= resolution(personality, a, v) for a, v in levels.items() if a is CCT)
        else:
            with pytest.raises(NotSupported):
                lamp.apply(levels)
            assert far.shown["lamp-0"] == before


def test_only_what_is_new_is_said_and_all_of_it_after_a_failure():
    two = made(
        [{"attribute": "intensity", "bits": 16, "raw": [0, 100]}, {"attribute": "tint", "raw": [0, 200]}],
        modbus={"values": {"intensity": {"address": 0}, "tint": {"address": 1}}},
    )
    _, driver, (lamp,), far = bus(ModbusBus, modbus_twin, [(two, 1, 1)])
    driver.open()
    sent = []
    write = far.device.receive
    far.device.receive = lambda data: sent.append(data[3]) or write(data)
    for level in (0.5, 0.6, 0.6):
        lamp.apply({LIGHT: level, TINT: 0.0})
    assert sent == [0, 1, 0, 0, 1]
    far.fault(Fault.SILENCE)
    with pytest.raises(ReplyTimeout):
        lamp.apply({LIGHT: 0.7, TINT: 0.0})
    far.heal()
    sent.clear()
    lamp.apply({LIGHT: 0.6, TINT: 0.0})
    assert sent == [0, 1]
