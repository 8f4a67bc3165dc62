"""A message of which only a part went out: what the widget makes of it, and of what comes next."""

import os
import pty
import select
import threading
import tty
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label
from drivers.dmx.enttec_line import WidgetLine
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.errors import Stalled
from drivers.real.host import RealHost
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.enttec import EnttecFirmware, enttec_twin
from drivers.virtual.twins.held import Held
from tests.waiting import PATIENCE

END = codec.END


def frame(number: int) -> bytes:
    """One of its own; nearly every byte could be the end of a message."""
    return number.to_bytes(4, "big") + bytes([END]) * 508


class Desk:
    """A widget's firmware on a pseudo-terminal, that may fall asleep."""

    def __init__(self) -> None:
        self.shown: list[bytes] = []
        self.firmware = EnttecFirmware(Held(lambda universe, slots: self.shown.append(slots)))
        self._near, far = pty.openpty()
        tty.setraw(far)
        self.name = os.ttyname(far)
        self._far = far
        self._awake, self._ended = threading.Event(), threading.Event()
        self._awake.set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def sleep(self) -> None:
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()

    def end(self) -> None:
        self._ended.set()
        self._awake.set()
        self._thread.join(PATIENCE)
        os.close(self._near)
        os.close(self._far)

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._awake.wait(PATIENCE) and select.select([self._near], [], [], 0.02)[0] and self._awake.is_set():
                answer = self.firmware.receive(os.read(self._near, 200))
                if answer:
                    os.write(self._near, answer)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.end()


def test_a_frame_cut_by_a_full_port_is_completed_and_nothing_is_shown_that_was_not_sent(desk):
    driver = EnttecPro(EnttecProOptions(port=desk.name, timeout=5), RealHost())
    driver.open()
    desk.sleep()
    sent = []
    with pytest.raises(Stalled) as stalled:
        for number in range(1000):
            sent.append(frame(number))
            driver.send(1, sent[-1])
    assert 0 < stalled.value.taken < 518, "the port took it whole or not at all: nothing was cut"
    desk.wake()
    for number in range(2000, 2003):
        sent.append(frame(number))
        driver.send(1, sent[-1])
    assert driver.ask_parameters(PATIENCE).firmware == "1.44"
    driver.close()
    assert desk.shown == sent, "each once, in order, the cut one too"


@pytest.mark.parametrize("taken", [1, 2, 3, 4, 5, 100, 511, 516, 517])
def test_what_another_program_left_cut_costs_neither_the_opening_nor_a_false_frame(taken):
    studio = VirtualStudio(ManualClock())
    options = EnttecProOptions(port="usb:EN1")
    twin = enttec_twin(studio, options, "widget")
    link = studio.serial("usb:EN1", 57600)
    link.write(codec.send_frame(frame(1)) + codec.send_frame(frame(2))[:taken])
    link.close()
    driver = EnttecPro(options, studio)
    assert driver.open().firmware == "1.44"
    assert twin.frames == {1: frame(1)}
    driver.send(1, frame(3))
    assert twin.frames == {1: frame(3)}


class Throttle:
    """A port that takes only so many bytes of each write, as ``room`` says, and all when that has been used up."""

    def __init__(self, room: list[int]) -> None:
        self.read = self.drain = self.pause = self.close = None
        self.room = room
        self.took = bytearray()

    def write(self, data: bytes) -> None:
        room = self.room.pop(0) if self.room else len(data)
        self.took += data[:room]
        if room < len(data):
            raise Stalled("full", taken=room)


asked = st.one_of(
    st.integers(0, 5).map(lambda number: codec.send_frame(frame(number))),
    st.integers(0, 99).map(lambda size: codec.send_frame(bytes([END]) * size)),
    st.just(codec.ask_parameters()),
    st.binary(max_size=60).map(lambda data: codec.encode(Label.SEND_RDM, data)),
    st.just(codec.encode(Label.MANUFACTURER) + codec.encode(Label.DEVICE_NAME)),
)


@settings(max_examples=200)
@given(st.lists(asked, min_size=1, max_size=8), st.lists(st.integers(0, 700), max_size=8))
def test_wherever_messages_are_cut_the_widget_sees_whole_ones_only(written, room):
    throttle = Throttle(room)
    line = WidgetLine(throttle)
    known = {(each.label, each.data) for each in codec.Decoder().feed(b"".join(written))}
    for data in written:
        try:
            line.write(data)
        except Stalled:
            continue
    throttle.room.clear()
    line.write(codec.ask_serial())
    widget = codec.Decoder(again=False)
    seen = widget.feed(bytes(throttle.took))
    assert seen[-1] == (Label.SERIAL_NUMBER, b"")
    assert {(each.label, each.data) for each in seen[:-1]} <= known
    assert not widget.dropped and not widget.partial


@given(st.lists(asked, min_size=1, max_size=4), st.data())
def test_what_is_left_of_the_message_that_was_begun(written, data):
    row = b"".join(written)
    messages = [codec.encode(*each) for each in codec.Decoder().feed(row)]
    taken = data.draw(st.integers(0, len(row)))
    left = codec.cut_off(row, taken)
    ends = [len(b"".join(messages[: count + 1])) for count in range(len(messages))]
    assert left == row[taken : min((end for end in (0, *ends) if end >= taken), default=taken)]


def test_a_widget_reads_on_behind_what_was_no_message_and_a_host_looks_inside():
    inside = codec.send_frame(frame(1))
    cut = codec.send_frame(frame(2))[:300] + inside
    spoiled = cut[:517] + b"\0" + inside
    assert codec.Decoder(again=False).feed(spoiled) == [(Label.SEND, b"\0" + frame(1))]
    assert codec.Decoder().feed(cut + bytes(300)) == [(Label.SEND, cut[4:517])], "an end by chance is believed by both"
