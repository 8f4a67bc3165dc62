"""The widget driver beyond the contract: parameters, identity, and the output that must not stop."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import Verdict
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label, Parameters
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.host import SerialPort
from drivers.registry import Kind, find
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import EnttecTwin, enttec_twin

PORT = "usb:EN1"


def placed(**options: object) -> tuple[EnttecPro, EnttecTwin]:
    studio = VirtualStudio(ManualClock())
    chosen = EnttecProOptions.model_validate({"port": PORT, **options})
    twin = enttec_twin(studio, EnttecProOptions(port=PORT), "widget")
    return EnttecPro(chosen, studio), twin


def test_identity():
    driver, _ = placed()
    identity = driver.open()
    assert (identity.model, identity.firmware, identity.serial) == ("DMX USB Pro", "1.44", "02134567")
    assert identity.details == {"port": PORT, "variety": "DMX"}


def test_checks_leave_the_output_running():
    driver, twin = placed()
    driver.open()
    driver.send(1, bytes(512))
    assert twin.device.putting_out
    assert [check.run().verdict for check in driver.checks()] == [Verdict.PASS] * 5
    assert twin.device.putting_out


def test_the_right_widget_is_taken_and_another_refused():
    placed(serial="2134567")[0].open()
    driver, _ = placed(serial="999")
    with pytest.raises(DeviceMissing, match="widget 02134567 is there, not 999"):
        driver.open()
    assert not driver.is_open


def test_parameters_are_set_only_when_they_differ():
    driver, twin = placed(break_us=176, mab_us=32, rate=0)
    driver.open()
    assert (twin.device.parameters.break_time, twin.device.parameters.mab_time, twin.device.parameters.rate) == (
        16,
        3,
        0,
    )
    driver.send(1, bytes(512))
    wid_02 = driver.checks()[-1]
    assert wid_02.run().verdict is Verdict.PASS

    twin.device.parameters = replace(twin.device.parameters, break_time=9)  # fell back to its default
    result = wid_02.run()
    assert (result.verdict, result.value) == (Verdict.MARGINAL, 1)


@pytest.mark.parametrize("said", [(0, 0, 255), (255, 200, 41)])
def test_a_widget_is_never_set_to_what_it_may_not_be_set_to(said):
    driver, twin = placed(rate=30)
    asked: list[bytes] = []
    twin.device.parameters = Parameters(44, 1, *said)
    receive = twin.device.receive
    twin.device.receive = lambda data: asked.append(data) or receive(data)
    driver.open()
    said_by_us = codec.Decoder().feed(b"".join(asked))
    (data,) = [each.data for each in said_by_us if each.label == Label.SET_PARAMETERS]
    assert 9 <= data[2] <= 127 and 1 <= data[3] <= 127 and data[4] == 30
    plain, twin = placed()
    twin.device.parameters = before = Parameters(44, 1, *said)
    plain.open()
    assert twin.device.parameters == before, "nobody asked for another"


def test_the_sniffer_firmware_cannot_send():
    driver, twin = placed()
    twin.device.parameters = replace(twin.device.parameters, firmware_msb=3)
    with pytest.raises(NotSupported, match="RDM sniffer"):
        driver.open()


class Clone:
    """A widget that knows labels 3 and 6 only, as cheap ones do, or some others; ``chatter`` comes before every
    answer."""

    def __init__(self, chatter: bytes = b"", parameters: bytes = bytes((1, 2, 9, 1, 40)), **others: bytes) -> None:
        self._decoder = codec.Decoder()
        self._chatter = chatter
        self._answers = {codec.Label.PARAMETERS: parameters}
        self._answers |= {codec.Label[name]: answer for name, answer in others.items()}

    def receive(self, data: bytes) -> bytes:
        asked = [message.label for message in self._decoder.feed(data)]
        return b"".join(
            self._chatter + codec.encode(label, self._answers[codec.Label(label)])
            for label in asked
            if label in self._answers
        )

    def restart(self) -> None:
        self._decoder = codec.Decoder()


def clone(**of: bytes) -> EnttecPro:
    studio = VirtualStudio(ManualClock())
    studio.place_serial(SerialPort("/dev/ttyUSB0", PORT, usb_serial="EN1"), Clone(**of))
    return EnttecPro(EnttecProOptions(port=PORT), studio)


def test_a_clone_without_serial_number_is_a_widget_all_the_same():
    identity = clone().open()
    assert (identity.firmware, identity.serial) == ("2.1", "")


def test_a_widget_that_has_names_says_them():
    named = {"MANUFACTURER": codec.name_bytes(0x6A6B, "DMXking"), "DEVICE_NAME": codec.name_bytes(2, "ultraDMX Micro")}
    identity = clone(**named).open()
    assert identity.model == "DMX USB Pro"
    assert (identity.details["manufacturer"], identity.details["device"]) == ("DMXking", "ultraDMX Micro")
    assert "device" not in clone(DEVICE_NAME=b"\0").open().details


def test_dmx_coming_in_does_not_hide_the_answer():
    received = codec.encode(codec.Label.RECEIVED, bytes(514))
    assert clone(chatter=received * 3).open().firmware == "2.1"


def test_an_answer_that_is_too_short_is_bad():
    with pytest.raises(BadReply, match="parameters are too short"):
        clone(parameters=b"\1\2").open()


def test_checks_of_a_widget_that_fell_silent_say_so():
    driver, twin = placed()
    driver.open()
    driver.send(1, bytes(24))
    twin.fault(Fault.SILENCE)
    verdicts = {check.id: check.run().verdict for check in driver.checks()}
    assert verdicts["WID-01"] is verdicts["WID-02"] is Verdict.FAIL
    twin.fault(Fault.UNPLUG)
    verdicts = {check.id: check.run().verdict for check in driver.checks()}
    assert verdicts["SER-03"] is verdicts["WID-01"] is Verdict.FAIL


def test_checks_before_open():
    driver, twin = placed()
    found = {check.id: check.run for check in driver.checks()}
    assert found["SER-01"]().verdict is Verdict.PASS
    assert found["SER-02"]().verdict is Verdict.PASS
    assert found["SER-03"]().verdict is Verdict.SKIPPED
    twin.fault(Fault.UNPLUG)
    assert found["SER-01"]().verdict is Verdict.FAIL
    assert found["SER-02"]().verdict is Verdict.FAIL


def test_a_port_has_one_owner():
    driver, _ = placed()
    driver.open()
    other = EnttecPro(EnttecProOptions(port=PORT), driver.host)
    with pytest.raises(DeviceMissing, match="in use"):
        other.open()
    driver.close()
    other.open()
    with pytest.raises(LinkLost):
        driver.send(1, b"\0")


@pytest.mark.parametrize("wrong", [{"port": ""}, {"port": PORT, "break_us": 50}, {"port": PORT, "serial": "x"}, {}])
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        EnttecProOptions.model_validate(wrong)


class Babbler:
    """Answers every write with the next of some bytes, whatever was asked."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers

    def receive(self, data: bytes) -> bytes:
        return self._answers.pop(0) if self._answers else b""

    def restart(self) -> None:
        """It has no state."""


parts = st.one_of(
    st.binary(max_size=700),
    st.builds(codec.encode, st.sampled_from([3, 5, 9, 10, 14, 77, 78]), st.binary(max_size=20)),
)


@settings(max_examples=60)
@given(
    st.lists(parts, max_size=9), st.sampled_from(["enttec-pro", "enttec-pro-mk2", "enttec-pro-in", "enttec-pro-mk2-in"])
)
def test_whatever_a_widget_answers_only_driver_errors_come_of_it(answers, name):
    spec = find(name)
    studio = VirtualStudio(ManualClock())
    options = spec.options.model_validate(spec.example)
    studio.place_serial(SerialPort("/dev/ttyUSB0", spec.example["port"]), Babbler(answers))
    driver = spec.make(options, studio)
    try:
        identity = driver.open()
        assert identity.firmware.partition(".")[0] != "3"
        for check in driver.checks():
            check.run()
        if spec.kind is Kind.INPUT:
            driver.listen(3)
    except DriverError as error:
        assert error.reason
    driver.close()
    assert not studio.in_use()
