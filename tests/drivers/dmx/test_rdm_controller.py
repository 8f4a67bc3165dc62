"""Requests: every type of response, retries, what is refused on air, and one transaction at a time."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import rdm_parameters as p
from drivers.dmx.rdm_codec import ALL_SUB_DEVICES, EVERYBODY, Command, Packet, ResponseType, Uid
from drivers.dmx.rdm_controller import OVERFLOWS, TRIES, Controller, Nack, OnAir
from drivers.dmx.rdm_parameters import Status
from drivers.dmx.rdm_port import Answer, Ask, Job, Pause, run
from drivers.dmx.rdm_words import Nack as Reason
from drivers.dmx.rdm_words import Pid, StatusType
from drivers.errors import BadReply, DriverError, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_parts import Defect
from tests.drivers.dmx.rdm_bench import OURS, LinePort, bench

LAMP = Uid(0x1234, 0x56789ABC)


def test_an_answer_is_read_and_counted():
    port, controller = bench(FakeResponder(LAMP, label="key"))
    assert port.run(controller.get(LAMP, p.DEVICE_LABEL)) == "key"
    assert (len(controller.answered), controller.spoilt, controller.unanswered) == (1, 0, 0)


def test_each_request_has_its_own_number():
    port, controller = bench(FakeResponder(LAMP))
    for _ in range(300):
        port.run(controller.get(LAMP, p.DMX_START_ADDRESS))
    numbers = [request.number for request in port.line.requests]
    assert all((b - a) % 256 == 1 for a, b in pairwise(numbers))


def test_silence_is_asked_thrice_and_then_told():
    port, controller = bench()
    with pytest.raises(ReplyTimeout, match="1234:56789ABC does not answer DEVICE_INFO"):
        port.run(controller.get(LAMP, p.DEVICE_INFO))
    assert port.transactions == TRIES == controller.unanswered


@pytest.mark.parametrize(
    ("defect", "why"),
    [(Defect.BAD_CHECKSUM, "noise"), (Defect.BAD_NUMBER, "transaction"), (Defect.CUT, "noise")],
)
def test_a_spoilt_answer_is_asked_again_and_then_told(defect, why):
    port, controller = bench(FakeResponder(LAMP, defects={defect}))
    with pytest.raises(BadReply, match=why):
        port.run(controller.get(LAMP, p.DEVICE_INFO))
    assert port.transactions == TRIES == controller.spoilt


def test_a_refusal_comes_with_its_reason_in_both_languages():
    port, controller = bench(FakeResponder(LAMP))
    with pytest.raises(Nack, match="refuses DMX_START_ADDRESS: the value is out of its range") as caught:
        port.run(controller.set(LAMP, Pid.DMX_START_ADDRESS, b"\x02\x01"))
    assert caught.value.code == Reason.DATA_OUT_OF_RANGE
    assert caught.value.said.zh == "数值超出范围"
    assert port.transactions == 1, "a refusal is not asked again"
    with pytest.raises(Nack, match="does not know this parameter"):
        port.run(controller.get(LAMP, p.LAMP_HOURS))
    with pytest.raises(Nack, match="cannot get or set"):
        port.run(controller.set(LAMP, Pid.DEVICE_INFO))


def test_long_answers_are_put_together():
    lamp = FakeResponder(LAMP, chunk=10)
    port, controller = bench(lamp)
    supported = port.run(controller.get(LAMP, p.SUPPORTED_PARAMETERS))
    lamp.chunk = 231
    assert supported == port.run(controller.get(LAMP, p.SUPPORTED_PARAMETERS))
    assert len(supported) > 10


def test_an_answer_that_never_ends_is_given_up():
    port, controller = bench(FakeResponder(LAMP, defects={Defect.ENDLESS}, chunk=3))
    with pytest.raises(BadReply, match="never ends"):
        port.run(controller.get(LAMP, p.SUPPORTED_PARAMETERS))
    assert port.transactions == OVERFLOWS


@pytest.mark.parametrize("passive", [False, True])
def test_a_late_answer_is_fetched_when_it_is_ready(passive):
    port, controller = bench(FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 1.5}), passive=passive)
    begun = port.now()
    assert port.run(controller.get(LAMP, p.DEVICE_HOURS)) == 1200
    assert 1.5 <= port.now() - begun < 1.8
    assert [request.pid for request in port.line.requests] == [Pid.DEVICE_HOURS, Pid.QUEUED_MESSAGE]


def test_while_a_late_answer_is_waited_for_the_line_is_free():
    port, controller = bench(FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 1.5}))
    job = Job(controller.get(LAMP, p.DEVICE_HOURS), port)
    begun = port.now()
    assert job.step()  # the request
    port.rest(job.due - port.now())
    assert job.step()  # the pause
    assert job.due == pytest.approx(port.now() + 1.5)
    for _ in range(10):
        assert job.step()  # too early: nothing is sent
    assert port.transactions == 1
    with pytest.raises(ValueError, match="not done"):
        _ = job.result
    port.rest(job.due - port.now())
    assert job.step()
    port.rest(job.due - port.now())
    assert not job.step() and job.result == 1200
    assert not job.step() and port.now() - begun < 1.8


def test_a_late_answer_without_a_queue_is_asked_for_again():
    port, controller = bench(FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 1.5}, defects={Defect.NO_QUEUE}))
    assert port.run(controller.get(LAMP, p.DEVICE_HOURS)) == 1200


def test_a_set_that_takes_its_time_is_confirmed_from_the_queue():
    lamp = FakeResponder(LAMP, late={Pid.DMX_START_ADDRESS: 2.0})
    port, controller = bench(lamp)
    port.run(controller.set(LAMP, Pid.DMX_START_ADDRESS, b"\0\x21"))
    assert lamp.address == 0x21
    assert port.now() > 102


def test_what_else_was_in_the_queue_is_kept():
    lamp = FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 0.1})
    other = Packet(OURS, LAMP, 0, Command.SET_RESPONSE, Pid.DMX_START_ADDRESS, kind=0)
    lamp.queue.append((0.0, other))
    port, controller = bench(lamp)
    assert port.run(controller.get(LAMP, p.DEVICE_HOURS)) == 1200
    assert [packet.pid for packet in controller.heard] == [Pid.DMX_START_ADDRESS]


def test_a_responder_that_puts_off_for_ever_is_given_up():
    port, controller = bench(FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 6000.0}))
    with pytest.raises(ReplyTimeout, match="put DEVICE_HOURS off"):
        port.run(controller.get(LAMP, p.DEVICE_HOURS))
    assert port.now() < 110


def test_a_queue_is_emptied():
    message = Status(0, StatusType.ERROR, 0x0021, 1, 92)
    lamp = FakeResponder(LAMP, statuses=[message])
    lamp.queue += [(0.0, Packet(OURS, LAMP, 0, Command.GET_RESPONSE, Pid.DEVICE_LABEL, b"x", kind=0))] * 3
    port, controller = bench(lamp)
    taken = port.run(controller.queued(LAMP))
    assert [packet.pid for packet in taken] == [Pid.DEVICE_LABEL] * 3
    (status,) = port.run(controller.get(LAMP, p.STATUS_MESSAGES, bytes((StatusType.ADVISORY,))))
    assert status.is_bad and status.said is not None
    assert status.said.en == "sensor 1 over temperature at 92 °C"
    assert port.run(controller.queued(LAMP)) == []


def test_sub_devices():
    lamp = FakeResponder(LAMP, sub_devices={2: FakeResponder(LAMP, address=40), 5: FakeResponder(LAMP, address=50)})
    port, controller = bench(lamp)
    assert port.run(controller.get(LAMP, p.DMX_START_ADDRESS, sub_device=5)) == 50
    with pytest.raises(Nack, match="no such sub-device"):
        port.run(controller.get(LAMP, p.DMX_START_ADDRESS, sub_device=3))
    port.run(controller.set(LAMP, Pid.DEVICE_LABEL, b"all", ALL_SUB_DEVICES))
    assert {each.label for each in lamp.sub_devices.values()} == {"all"} and lamp.label == ""
    with pytest.raises(NotSupported):
        port.run(controller.get(LAMP, p.DMX_START_ADDRESS, sub_device=ALL_SUB_DEVICES))


def test_a_broadcast_is_said_once_and_nobody_is_waited_for():
    lamp = FakeResponder(LAMP)
    port, controller = bench(lamp)
    assert port.run(controller.set(EVERYBODY, Pid.IDENTIFY_DEVICE, b"\1")) == b""
    assert lamp.identifying and port.transactions == 1
    with pytest.raises(NotSupported):
        port.run(controller.get(EVERYBODY, p.DEVICE_INFO))


def test_on_air_everything_but_looking_is_refused_before_it_is_sent():
    lamp = FakeResponder(LAMP, tests=("fan",))
    port, controller = bench(lamp, passive=True)
    for steps in (
        controller.set(LAMP, Pid.IDENTIFY_DEVICE, b"\1"),
        controller.set(LAMP, Pid.RESET_DEVICE, b"\1"),
        controller.set(LAMP, Pid.PERFORM_SELFTEST, b"\xff"),
        controller.set(EVERYBODY, Pid.DMX_START_ADDRESS, b"\0\1"),
        controller.get(LAMP, p.STATUS_MESSAGES, b"\2"),
        controller.queued(LAMP),
    ):
        with pytest.raises(OnAir, match="is not done on air") as caught:
            port.run(steps)
        assert isinstance(caught.value, Refused) and "直播中" in caught.value.said.zh
    assert port.transactions == 0
    assert port.run(controller.get(LAMP, p.PERFORM_SELFTEST)) is False
    assert lamp.sets == 0


def test_a_busy_responder_is_asked_again_a_little_later():
    lamp = FakeResponder(LAMP)
    port, controller = bench(lamp)
    steps = controller.get(LAMP, p.DMX_START_ADDRESS)
    ask = next(steps)
    assert isinstance(ask, Ask)
    request = port.line.requests[-1] if port.line.requests else None
    busy = Packet(OURS, LAMP, 1, Command.GET_RESPONSE, Pid.DMX_START_ADDRESS, b"\0\7", kind=ResponseType.NACK)
    assert request is None and isinstance(steps.send(Answer(busy.encode())), Pause)
    again = steps.send(Answer())
    assert isinstance(again, Ask)
    with pytest.raises(StopIteration) as end:
        steps.send(Answer(port.line.exchange(again.packet)))
    assert end.value.value == 1


def test_a_lost_wire_ends_a_job_at_once():
    class Gone(LinePort):
        def transact(self, step, timeout):
            raise LinkLost("unplugged")

    port = Gone()
    job = Job(Controller(port.uid).get(LAMP, p.DEVICE_INFO), port)
    with pytest.raises(LinkLost):
        job.step()
    assert job.done


def test_all_at_once_has_an_end():
    port, controller = bench(FakeResponder(LAMP, late={Pid.DEVICE_HOURS: 5.0}))
    begun = port.now()
    with pytest.raises(ReplyTimeout, match="not done in 1 s"):
        run(controller.get(LAMP, p.DEVICE_HOURS), port, 1.0)
    assert port.now() - begun <= 1.0


answers = st.builds(
    Packet,
    to=st.just(OURS),
    source=st.just(LAMP),
    number=st.integers(0, 8),
    command=st.sampled_from([Command.GET_RESPONSE, Command.GET_RESPONSE, Command.SET_RESPONSE, Command.GET]),
    pid=st.sampled_from([Pid.DEVICE_INFO, Pid.DEVICE_INFO, Pid.STATUS_MESSAGES, 0x8000]),
    data=st.binary(max_size=40),
    kind=st.integers(0, 4),
    queued=st.integers(0, 255),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(answers.map(Packet.encode) | st.binary(max_size=60), max_size=8))
def test_whatever_a_responder_says_only_driver_errors_come_of_it(said):
    heard = iter(said)

    class Hostile(LinePort):
        def transact(self, step, timeout):
            self.transactions += 1
            return Answer(next(heard, b""))

    port = Hostile()
    try:
        info = port.run(Controller(OURS).get(LAMP, p.DEVICE_INFO))
    except DriverError:
        pass
    else:
        assert isinstance(info, p.DeviceInfo)
    assert port.transactions <= len(said) + TRIES
