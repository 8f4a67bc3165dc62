"""DMX from a bare UART: what a receiver on the line sees of it, and that no packet cuts off the one before."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import Verdict
from drivers.dmx.open_dmx import SLOT, OpenDmx, OpenDmxOptions
from drivers.errors import LinkLost, ReplyTimeout, Stalled
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.open_dmx import OpenDmxTwin, open_dmx_twin

PORT = "usb:A50285BI"
FRAME = bytes(slot % 255 + 1 for slot in range(512))


class Line:
    """The driver, and a receiver on the other end."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.studio = VirtualStudio(self.clock)
        chosen = OpenDmxOptions.model_validate({"port": PORT, **options})
        self.twin: OpenDmxTwin = open_dmx_twin(self.studio, chosen, "line")
        self.driver = OpenDmx(chosen, self.studio)

    def taken(self) -> bytes:
        return self.twin.frames.get(1, b"")


@pytest.fixture
def line() -> Line:
    return Line()


def test_packets_as_fast_as_they_can_be_are_never_cut(line):
    line.driver.open()
    begun = line.clock.now()
    for shade in range(100):
        frame = bytes([shade]) * 512
        line.driver.send(1, frame)
        assert line.taken() == frame
    per_packet = (line.clock.now() - begun) / 99  # the last one is still on its way
    assert (line.twin.device.cut, line.twin.device.missed) == (0, 0)
    assert 513 * SLOT + 196e-6 <= per_packet <= 1 / 40, "the rate it promises cannot be held"


def test_on_its_beat_send_does_not_wait_for_the_wire(line):
    line.driver.open()
    for beat in range(10):
        due = 2000.0 + beat / 40
        line.clock.advance(due - line.clock.now())
        line.driver.send(1, FRAME)
        assert line.clock.now() - due < 0.001
    assert line.twin.device.cut == 0


class Sticky:
    """A port whose bus stalls: the kernel takes ``room`` bytes more, and the chip gets them when it goes on."""

    def __init__(self, link: Any, clock: ManualClock) -> None:
        self._link = link
        self._clock = clock
        self.set_break, self.set_rts, self.pause, self.close = link.set_break, link.set_rts, link.pause, link.close
        self.room: int | None = None
        self._waiting = b""

    def write(self, data: bytes) -> None:
        if self.room is None:
            self._link.write(data)
            return
        taken, self.room = min(len(data), self.room), max(0, self.room - len(data))
        self._waiting += data[:taken]
        if taken < len(data):
            self._clock.advance(0.5)
            raise Stalled("full", taken=taken)

    def drain(self) -> None:
        if self.room is not None and self._waiting:
            self._clock.advance(0.5)
            raise ReplyTimeout("did not leave")
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._link.write(waiting)


@pytest.mark.parametrize("room", [0, 1, 300, 513, 600])
def test_after_a_stall_nothing_is_left_of_the_packet_before_when_the_next_begins(room):
    line = Line()
    serial = line.studio.serial
    ports: list[Sticky] = []

    def sticky(*where: Any) -> Any:
        ports.append(Sticky(serial(*where), line.clock))
        return ports[-1]

    line.studio.serial = sticky
    line.driver.open()
    line.driver.send(1, FRAME)
    ports[-1].room = room
    for _ in range(3):
        with suppress(ReplyTimeout):
            line.driver.send(1, FRAME[::-1])
    ports[-1].room = None
    for shade in range(3):
        line.driver.send(1, bytes([shade]) * 512)
        assert line.taken() == bytes([shade]) * 512
    assert line.twin.device.cut == 0


def test_what_a_program_before_us_left_on_its_way_is_not_cut(line):
    link = line.studio.serial(PORT, 250_000)
    link.set_break(True)
    link.pause(100e-6)
    link.set_break(False)
    link.pause(20e-6)
    link.write(bytes(1) + FRAME)
    link.close()
    line.driver.open()
    line.driver.send(1, FRAME)
    assert line.twin.device.cut == 0


def test_unchanged_frames_are_asked_for_on_every_beat(line):
    assert line.driver.refresh.keepalive == pytest.approx(1 / line.driver.refresh.max_hz)
    assert line.driver.refresh.max_hz <= 40


def test_short_packets_keep_the_least_break_to_break_time(line):
    """E1.11, table 6: 1204 us; 24 slots and the start code alone are 1100 us."""
    line.driver.open()
    begun = line.clock.now()
    for _ in range(10):
        line.driver.send(1, b"\x80")
    assert (line.clock.now() - begun) / 9 >= 1204e-6
    assert line.taken() == b"\x80" + bytes(23)
    assert line.twin.device.cut == 0


@pytest.mark.parametrize(
    ("broken", "marked", "taken"),
    [(92e-6, 12e-6, True), (88e-6, 8e-6, True), (80e-6, 12e-6, False), (92e-6, 4e-6, False), (0.9, 0.9, True)],
)
def test_the_receiver_misses_what_it_may_miss(line, broken, marked, taken):
    """E1.11, table 7: so a driver that cheats on its times fails here."""
    link = line.studio.serial(PORT, 250_000)
    link.set_break(True)
    link.pause(broken)
    link.set_break(False)
    link.pause(marked)
    link.write(bytes(1) + FRAME)
    assert (line.taken() == FRAME) is taken
    assert line.twin.device.missed == (not taken)


def test_the_receiver_sees_a_break_cut_a_packet(line):
    link = line.studio.serial(PORT, 250_000)
    for _ in range(2):
        link.set_break(True)
        link.pause(100e-6)
        link.set_break(False)
        link.pause(20e-6)
        link.write(bytes(1) + FRAME)
        link.pause(513 * SLOT - 1e-6)
    assert line.twin.device.cut == 1


steps = st.one_of(
    st.tuples(st.just("break"), st.booleans()),
    st.tuples(st.just("pause"), st.sampled_from([0.0, 5e-6, 20e-6, 100e-6, 0.03])),
    st.tuples(st.just("write"), st.binary(min_size=1, max_size=700)),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(steps, max_size=30))
def test_whatever_comes_only_whole_beginnings_of_start_code_0_are_levels(script):
    line = Line()
    link = line.studio.serial(PORT, 250_000)
    written, whole = b"", False
    broken = False
    for what, how in script:
        if what == "break":
            link.set_break(how)
            whole |= how
            broken, written = how, b"" if how or broken else written
        elif what == "pause":
            link.pause(how)
        else:
            before = line.taken()
            link.write(how)
            written += b"" if broken else how
            after = line.taken()
            if after != before:
                assert whole and not broken and written[0] == 0
                assert after == written[1:513]


def test_the_checks_hold_where_a_packet_takes_its_time(line):
    found = {check.id: check.run for check in line.driver.checks()}
    assert found["SER-03"]().verdict is Verdict.SKIPPED
    line.driver.open()
    line.driver.send(1, FRAME)
    assert [run().verdict for run in found.values()] == [Verdict.PASS] * 3
    assert (line.taken(), line.twin.device.cut) == (FRAME, 0)


def test_an_unplugged_adapter_is_noticed_by_the_next_packet_and_comes_back(line):
    line.driver.open()
    line.driver.send(1, FRAME)
    line.twin.fault(Fault.UNPLUG)
    with pytest.raises(LinkLost):
        line.driver.send(1, FRAME)
    line.driver.close()
    line.twin.heal()
    line.driver.open()
    line.driver.send(1, FRAME)
    assert line.taken() == FRAME


@pytest.mark.parametrize(
    "wrong", [{"rate": 44}, {"rate": 5}, {"break_us": 80}, {"mab_us": 8}, {"break_us": 5000}, {"port": ""}]
)
def test_options_that_would_break_the_standard(wrong):
    with pytest.raises(ValidationError):
        OpenDmxOptions.model_validate({"port": PORT, **wrong})
