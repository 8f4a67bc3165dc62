"""Lamp buses on real wires, with devices that answer late, twice, in pieces or not at all."""

import socket
import time
from itertools import pairwise

import pytest

from config.units import Attribute
from drivers.errors import BadReply, LinkLost, Refused, ReplyTimeout
from drivers.lamps.line import LineBus, LineOptions
from drivers.lamps.modbus import ModbusBus, ModbusOptions
from drivers.real.host import RealHost
from tests.drivers.lamps.benches import made, mode
from tests.drivers.lamps.wires import Box, Controller, Node, Terminal

LIGHT, TINT = Attribute.INTENSITY, Attribute.TINT
HOST = RealHost()
TWO = made(
    [{"attribute": "intensity", "bits": 16, "raw": [0, 1000]}],
    modbus={"channels": 2, "baud": 115200, "values": {"intensity": {"address": 0, "stride": 1}}},
)


def on(terminal, personality, channels=(1,), kind=ModbusBus, **options):
    driver = kind((ModbusOptions if kind is ModbusBus else LineOptions)(port=terminal.name, **options), HOST)
    return driver, [driver.lamp(f"l{n}", personality, 1, n) for n in channels]


def test_a_late_answer_is_never_taken_for_the_next_questions():
    """Two channels of one unit are asked alike, and answered alike: nothing in the answer says which it is."""
    box = Box({0: 100, 1: 900}, late=lambda count: 0.14 if 1 <= count <= 3 else 0.0)
    with Terminal(box) as far:
        driver, (first, second) = on(far, TWO, (1, 2), timeout=0.2, retries=1)
        driver.open()
        assert first.read() == {LIGHT: 0.1}  # by the answer to its first asking, while the second's is on its way
        assert second.read() == {LIGHT: 0.9}
        assert first.read() == {LIGHT: 0.1}
        driver.close()


def test_after_silence_the_same_unit_is_left_alone_until_its_answer_would_be_overdue():
    box = Box({0: 100, 1: 900}, late=lambda count: 0.15 if count == 1 else 0.0)
    with Terminal(box) as far:
        driver, (first, second) = on(far, TWO, (1, 2), timeout=0.2, retries=1)
        driver.open()
        far.answers = lambda data: [(delay + 0.13, answer) for delay, answer in box(data)]
        with pytest.raises(ReplyTimeout):
            first.read()
        far.answers = box
        assert second.read() == {LIGHT: 0.9}
        driver.close()


def test_a_damaged_answer_costs_one_retry_and_no_waiting():
    box = Box({0: 100}, spoil=lambda count, data: data[:-1] + bytes((data[-1] ^ 1,)) if count % 2 else data)
    with Terminal(box) as far:
        driver, (lamp,) = on(far, TWO, timeout=0.2, retries=1)
        driver.open()
        begun = time.monotonic()
        assert lamp.read() == {LIGHT: 0.1}
        assert time.monotonic() - begun < 0.2
        driver.close()


def test_a_unit_that_said_nothing_is_asked_once_and_not_repeatedly_until_it_answers():
    box = Box({0: 100})
    with Terminal(box) as far:
        driver, (lamp,) = on(far, TWO, timeout=0.1, retries=1)
        driver.open()
        far.answers, asked = (lambda data: []), far.bytes
        for questions in (2, 3, 4):
            with pytest.raises(ReplyTimeout):
                lamp.read()
            assert far.questions(questions, asked) == questions
        far.answers = box
        assert lamp.read() == {LIGHT: 0.1}
        driver.close()


def test_slow_wires_have_time_for_their_bytes():
    """At 300 Bd a question alone takes 0.29 s. (A pseudo-terminal is quicker; the device waits as long.)"""
    slow = made(
        [{"attribute": "intensity", "bits": 16, "raw": [0, 1000]}],
        modbus={"baud": 300, "values": {"intensity": {"address": 0}}},
    )
    with Terminal(Box({0: 100}, late=lambda count: 15 * 11 / 300)) as far:
        driver, (lamp,) = on(far, slow, retries=1)
        driver.open()
        assert lamp.read() == {LIGHT: 0.1}
        times = [when for when, _ in far.heard]
        assert len(times) == 2 and times[1] - times[0] > 3.5 * 11 / 300
        driver.close()


def test_the_gap_is_kept_between_an_answer_and_the_next_question():
    box = Box({})
    gap = 0.03
    wire = {"baud": 115200, "gap": gap, "values": {"intensity": {"address": 0}, "tint": {"address": 1}}}
    two = made([{"attribute": "intensity", "raw": [0, 100]}, {"attribute": "tint", "raw": [0, 200]}], modbus=wire)
    with Terminal(box) as far:
        driver, (lamp,) = on(far, two)
        driver.open()
        lamp.apply({LIGHT: 0.5, TINT: 0.0})
        lamp.apply({LIGHT: 0.6, TINT: 0.1})
        driver.close()
        times = [when for when, _ in far.heard]
    assert len(times) == 5 and min(b - a for a, b in pairwise(times)) > gap - 0.002


def test_a_unit_that_takes_another_value_than_it_was_told_is_not_believed():
    """Some clamp, and confirm what they made of it."""
    box = Box({})
    with Terminal(lambda data: [(0.0, answer.replace(b"\x03\xe8", b"\x00\x64")) for _, answer in box(data)]) as far:
        driver, (lamp,) = on(far, TWO, timeout=0.1)
        driver.open()
        with pytest.raises(BadReply):
            lamp.apply({LIGHT: 1.0})
        driver.close()


WIDE = made(
    [
        {"attribute": "intensity", "bits": 16, "raw": [0, 60000]},
        {"attribute": "tint", "bits": 16, "raw": [0, 40000]},
    ],
    modbus={
        "baud": 115200,
        "values": {
            "intensity": {"address": 10, "words": 2, "order": "little", "offset": 65535, "function": 16},
            "tint": {"address": 12, "words": 2, "offset": -20000, "function": 16},
        },
        "sensors": [
            {"name": "hours", "unit": "h", "address": 20, "words": 2, "read": "holding", "factor": 0.1},
            {"name": "temperature", "unit": "°C", "address": 22, "words": 2, "read": "holding", "real": True},
            {"name": "none", "unit": "°C", "address": 24, "words": 2, "read": "holding", "real": True},
        ],
    },
)


def test_values_in_two_registers_go_out_together_and_come_back():
    box = Box({20: 1, 21: 0x86A0, 22: 0x4249, 23: 0, 24: 0x7FC0, 25: 0})
    with Terminal(box) as far:
        driver, (lamp,) = on(far, WIDE)
        driver.lamps, kept = [], driver.lamps  # it has no possible values before it was told some
        driver.open()
        driver.lamps = kept
        lamp.apply({LIGHT: 1.0, TINT: -1.0})
        assert [box.registers[n] for n in (10, 11, 12, 13)] == [0xEA5F, 1, 0xFFFF, 0xB1E0]
        assert lamp.read() == {LIGHT: 1.0, TINT: -1.0}
        hours, temperature, none = lamp.sample()
        assert (hours.value, temperature.value) == (pytest.approx(10000.0), pytest.approx(50.25))
        assert none.quality.name == "MISSING"
        driver.close()


def test_silent_sensors_cost_the_line_one_time_limit_and_not_one_each():
    many = [{"name": f"s{n}", "unit": "V", "address": n} for n in range(8)]
    wire = {"baud": 115200, "values": {"intensity": {"address": 0}}, "sensors": many}
    measuring = made([{"attribute": "intensity", "raw": [0, 100]}], modbus=wire)
    box = Box({})
    with Terminal(lambda data: [] if data[1] == 4 else box(data)) as far:
        driver, (lamp,) = on(far, measuring, timeout=0.1)
        driver.open()
        begun = time.monotonic()
        assert {reading.quality.name for reading in lamp.sample()} == {"MISSING"}
        assert time.monotonic() - begun < 0.2
        driver.close()


ASCII = mode("generic/ascii-controller", "8ch")
BINARY = mode("generic/binary-controller", "8ch")


def test_text_answers_in_single_bytes_behind_noise_are_understood():
    device = Controller()

    def dribbling(data):
        pieces = [b"\x00\xff~", *(bytes((byte,)) for _, answer in device(data) for byte in answer)]
        return [(0.003 * n, piece) for n, piece in enumerate(pieces)]

    with Terminal(dribbling) as far:
        driver, (lamp,) = on(far, ASCII, kind=LineBus)
        driver.open()
        lamp.apply({LIGHT: 1.0})
        assert lamp.read() == {LIGHT: 1.0} and device.levels == {1: 255}
        driver.close()


def test_an_acknowledgement_said_twice_does_not_hide_a_refusal():
    device = Controller()
    with Terminal(lambda data: device(data) * 2) as far:
        driver, (lamp,) = on(far, ASCII, kind=LineBus)
        driver.open()
        lamp.apply({LIGHT: 1.0})
        device.refuses = True
        with pytest.raises(Refused):
            lamp.apply({LIGHT: 0.5})
        driver.close()


def test_a_late_acknowledgement_is_not_the_next_commands():
    """The first is acknowledged after its time; the second, of another channel, is refused."""
    device = Controller()
    with Terminal(device) as far:
        driver, (first, second) = on(far, ASCII, (1, 2), kind=LineBus, timeout=0.2, retries=0)
        driver.open()
        first.apply({LIGHT: 0.0})
        second.apply({LIGHT: 0.0})
        driver.options = driver.options.model_copy(update={"timeout": 0.2, "retries": 1})
        driver.wire._options = driver.options
        far.answers = lambda data: [(0.15, answer) for _, answer in device(data)]
        first.apply({LIGHT: 0.5})  # by the first acknowledgement; the second one is on its way
        device.refuses, far.answers = True, device
        with pytest.raises(Refused):
            second.apply({LIGHT: 0.5})
        driver.close()


def test_a_binary_echo_with_another_value_confirms_nothing():
    def clamping(data):
        body = data[:4] + bytes((min(data[4], 100),))
        return [(0.0, body + bytes((sum(body) & 0xFF,)))]

    with Terminal(lambda data: clamping(data) if data[2] == 1 else [(0.0, b"@\1\2\1\0\x44")]) as far:
        driver, (lamp,) = on(far, BINARY, kind=LineBus, timeout=0.1)
        driver.open()
        lamp.apply({LIGHT: 0.2})
        with pytest.raises(BadReply):
            lamp.apply({LIGHT: 1.0})
        driver.close()


NUMBERED = [{"text": "s"}, {"number": "intensity", "form": "decimal", "width": 3}]
ON_NET = made(
    [{"attribute": "intensity", "raw": [0, 255]}],
    line={
        "gap": 0.03,
        "set": [{"fields": NUMBERED, "reply": {"fields": [{"text": "k"}, *NUMBERED[1:]]}}],
        "read": [{"fields": [{"text": "?"}], "reply": {"fields": [{"text": "v"}, *NUMBERED[1:]]}}],
    },
)


def test_datagrams_may_be_lost_doubled_and_out_of_order():
    level, count = [0], [0]

    def lamp_firmware(data):
        count[0] += 1
        if count[0] % 3 == 1:
            return []  # lost
        if data[:1] == b"s":
            level[0] = int(data[1:])
            return [(0.0, b"k007"), (0.0, b"k" + data[1:]), (0.01, b"k" + data[1:])]  # an old one first, one twice
        return [(0.0, b"v%03d" % level[0]), (0.02, b"v%03d" % level[0])]

    with Node(lamp_firmware) as far:
        driver = LineBus(LineOptions(host="127.0.0.1", udp=far.port, timeout=0.6, retries=3), HOST)
        lamp = driver.lamp("l", ON_NET)
        driver.open()
        for value in (10, 200, 30):
            lamp.apply({LIGHT: value / 255})
            assert lamp.read() == {LIGHT: pytest.approx(value / 255)} and level == [value]
        driver.close()


def test_a_server_that_drops_its_connection_is_connected_to_anew():
    with socket.create_server(("127.0.0.1", 0)) as server:
        driver = LineBus(LineOptions(host="127.0.0.1", tcp=server.getsockname()[1], timeout=0.3), HOST)
        driver.lamp("l", made([{"attribute": "intensity"}], line={"set": [{"fields": NUMBERED}]}))
        driver.open()
        first, _ = server.accept()
        first.close()
        with pytest.raises(LinkLost):
            for level in (0.1, 0.2, 0.3):  # what the far end closed is known when it has said so
                driver.lamps[0].apply({LIGHT: level})
        driver.open()
        second, _ = server.accept()
        driver.lamps[0].apply({LIGHT: 1.0})
        assert second.recv(4) == b"s255"
        second.close()
        driver.close()
