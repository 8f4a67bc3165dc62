"""RDM through a widget: its labels, what it owes, old and new firmware, and levels that never stop for long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import enttec_codec as codec
from drivers.dmx import rdm_parameters as p
from drivers.dmx.enttec_codec import Decoder, Label, Parameters
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import discover
from drivers.dmx.rdm_port import Ask, Job, Table, run
from drivers.dmx.rdm_survey import survey
from drivers.dmx.rdm_words import Pid
from drivers.errors import BadReply, DriverError, LinkLost, ReplyTimeout
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import EnttecTwin, enttec_twin
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line
from drivers.virtual.twins.rdm_parts import Defect

PORT = "usb:EN1"
LAMP, OTHER = Uid(0x1234, 0x56789ABC), Uid(0x1234, 0x56789ABD)


def placed(*responders: FakeResponder, firmware: tuple[int, int] = (2, 4)) -> tuple[EnttecPro, EnttecTwin]:
    studio = VirtualStudio(ManualClock())
    options = EnttecProOptions(port=PORT)
    twin = enttec_twin(studio, options, "widget")
    twin.device.parameters = Parameters(firmware[1], firmware[0], 9, 1, 40)
    twin.device.line = Line(responders, now=studio.now)
    driver = EnttecPro(options, studio)
    driver.open()
    driver.send(1, bytes(512))
    return driver, twin


def controlled(driver: EnttecPro):
    port = driver.rdm()
    assert port is not None
    return port, Controller(port.uid)


@pytest.mark.parametrize(
    ("firmware", "can"), [((1, 44), False), ((2, 3), False), ((2, 4), True), ((4, 14), True), ((4, 15), True)]
)
def test_which_firmware_can(firmware, can):
    driver, _ = placed(firmware=firmware)
    assert (driver.rdm() is not None) is can
    driver.close()
    assert driver.rdm() is None


def test_our_uid_is_the_widgets_own():
    port, _ = controlled(placed()[0])
    assert str(port.uid) == "454E:02134567"


@pytest.mark.parametrize("firmware", [(2, 4), (4, 14), (4, 15)])
def test_discovery_and_reading(firmware):
    driver, twin = placed(FakeResponder(LAMP, label="key"), FakeResponder(OTHER), firmware=firmware)
    port, controller = controlled(driver)
    found = run(survey(controller, port.has_table), port, 60)
    assert found.discovery.uids == (LAMP, OTHER)
    assert [each.label for each in found.responders] == ["key", ""]
    assert not found.mute
    assert twin.device.putting_out


def test_bytes_on_the_usb_line():
    driver, twin = placed(FakeResponder(LAMP))
    port, controller = controlled(driver)
    written = []
    receive = twin.device.receive
    twin.device.receive = lambda data: written.append(data) or receive(data)  # type: ignore[method-assign]
    run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 1)
    asked, levels = written
    (message,) = Decoder().feed(asked)
    assert message.label == Label.SEND_RDM
    assert message.data[:9] == bytes.fromhex("cc01 18 123456789abc")
    assert levels == driver.last


def test_levels_go_out_after_every_transaction_and_have_the_line_for_a_frame():
    driver, twin = placed(*(FakeResponder(Uid(1, number), late={Pid.DEVICE_HOURS: 3.0}) for number in range(5)))
    port, controller = controlled(driver)
    times: list[tuple[float, int]] = []
    receive = twin.device.receive

    def watched(data: bytes) -> bytes:
        times.extend((driver.host.now(), message.label) for message in Decoder().feed(data))
        return receive(data)

    twin.device.receive = watched  # type: ignore[method-assign]
    job = Job(survey(controller, False), port)
    while job.step():
        assert twin.device.putting_out
        port.rest(job.due - port.now())
    assert len(job.result.responders) == 5
    labels = [label for _, label in times]
    assert set(labels[0::2]) == {Label.SEND_RDM, Label.RDM_DISCOVERY} and set(labels[1::2]) == {Label.SEND}
    stopped = [times[at + 1][0] - times[at][0] for at in range(0, len(times), 2)]
    output = [times[at + 1][0] - times[at][0] for at in range(1, len(times) - 1, 2)]
    assert max(stopped) <= port.limit
    assert min(output) >= 0.0249


def test_before_the_first_frame_there_are_no_levels_to_send():
    driver, twin = placed(FakeResponder(LAMP))
    driver.close()
    twin.device.restart()
    driver.last = None
    driver.open()
    port, controller = controlled(driver)
    assert run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 1) == 1
    assert not twin.device.putting_out


def test_silence_a_cut_answer_and_a_late_one():
    lamp = FakeResponder(LAMP)
    driver, twin = placed(lamp)
    port, controller = controlled(driver)
    lamp.defects.add(Defect.SLOW)
    with pytest.raises(ReplyTimeout):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 2)
    lamp.defects = {Defect.CUT}
    with pytest.raises(BadReply):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 2)
    lamp.defects = set()
    twin.socket.emit(codec.encode(Label.RECEIVED, b"\0\xcc\1\x18late"))
    assert run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 1) == 1


def test_a_widget_that_never_tells_its_time_out_is_not_waited_for_without_end():
    driver, twin = placed()
    twin.device.line = None  # says nothing to label 7 and 11 at all
    port, controller = controlled(driver)
    begun = driver.host.now()
    found = run(discover(controller, False), port, 60)
    assert found.uids == () and found.complete
    assert driver.host.now() - begun < 3 * (port.limit + port.gap) + 0.1


def test_a_status_bit_spoils_an_answer():
    driver, twin = placed()
    port, _ = controlled(driver)
    received = codec.encode(Label.RECEIVED, b"\1\xcc\1\x18") + codec.encode(Label.RDM_TIMEOUT)
    twin.device.receive = lambda data: received  # type: ignore[method-assign]
    heard = port.transact(Ask(b"\xcc"), 0.2)
    assert heard.garbled and not heard.silent and not heard.data


def test_levels_of_others_are_no_answer():
    driver, twin = placed(FakeResponder(LAMP))
    port, controller = controlled(driver)
    receive = twin.device.receive
    levels = codec.encode(Label.RECEIVED, b"\0\0" + bytes(24))
    twin.device.receive = lambda data: levels + receive(data)  # type: ignore[method-assign]
    assert run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 1) == 1


def test_unplugged_in_the_middle():
    driver, twin = placed(FakeResponder(LAMP))
    port, controller = controlled(driver)
    twin.socket.fault(Fault.UNPLUG, 20)
    with pytest.raises(LinkLost):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 1)


def test_it_keeps_no_table():
    port, _ = controlled(placed()[0])
    assert port.transact(Table(), 0.2).silent


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.binary(max_size=60) | st.builds(codec.encode, st.integers(3, 12), st.binary(max_size=40)), max_size=6)
)
def test_whatever_a_widget_says_is_an_answer_or_none(said):
    driver, twin = placed()
    port, controller = controlled(driver)
    chunks = iter(said)
    twin.device.receive = lambda data: next(chunks, b"")  # type: ignore[method-assign]
    begun = driver.host.now()
    heard = port.transact(Ask(b"\xcc", branch=True), 0.2)
    assert len(heard.data) <= 60 and driver.host.now() - begun < 0.201
    with pytest.raises(DriverError):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 2)
