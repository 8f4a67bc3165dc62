"""Setting: checked before, read back after, and never on air."""

import pytest

from drivers.dmx import rdm_actions as actions
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_parameters import LossMode, Reset, Status
from drivers.dmx.rdm_words import Pid
from drivers.errors import BadReply, NotSupported, Refused
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_parts import FakeSensor
from tests.drivers.dmx.rdm_bench import bench

LAMP = Uid(0x1234, 1)


def lamp() -> FakeResponder:
    return FakeResponder(LAMP, tests=("fan",), sensors=(FakeSensor("LED", 40),), startup_mode=LossMode(0, 0.0, 0.0, 0))


def test_what_is_set_is_there():
    it = lamp()
    it.comms = [1, 2, 3]
    it.statuses = [Status(0, 2, 0x0050, 1, 0)]
    port, controller = bench(it)
    port.run(actions.set_address(controller, LAMP, 512))
    port.run(actions.set_personality(controller, LAMP, 2))
    port.run(actions.set_label(controller, LAMP, "key light"))
    port.run(actions.set_fail_mode(controller, LAMP, LossMode(0, 2.5, None, 128)))
    port.run(actions.identify(controller, LAMP, True))
    port.run(actions.start_test(controller, LAMP, 1))
    port.run(actions.clear_comms(controller, LAMP))
    port.run(actions.clear_statuses(controller, LAMP))
    port.run(actions.set_counter(controller, LAMP, Pid.DEVICE_HOURS, 7))
    assert (it.address, it.personality, it.label, it.identifying, it.testing) == (512, 2, "key light", True, 1)
    assert (it.fail_mode, it.comms, it.statuses) == (LossMode(0, 2.5, None, 128), [0, 0, 0], [])
    assert it.counters[Pid.DEVICE_HOURS] == 7
    port.run(actions.start_test(controller, LAMP, actions.NO_TEST))
    port.run(actions.reset(controller, LAMP, Reset.COLD))
    port.run(actions.record_sensors(controller, LAMP))
    assert (it.testing, it.resets, it.identifying) == (0, 1, False)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda controller: actions.set_address(controller, LAMP, 0),
        lambda controller: actions.set_address(controller, LAMP, 513),
        lambda controller: actions.set_personality(controller, LAMP, 0),
        lambda controller: actions.set_label(controller, LAMP, "x" * 33),
        lambda controller: actions.set_fail_mode(controller, LAMP, LossMode(0, 7000.0, None, 0)),
        lambda controller: actions.set_startup_mode(controller, LAMP, LossMode(0, None, -1.0, 0)),
        lambda controller: actions.start_test(controller, LAMP, 256),
        lambda controller: actions.set_counter(controller, LAMP, Pid.DEVICE_INFO),
        lambda controller: actions.set_counter(controller, LAMP, Pid.LAMP_HOURS, -1),
    ],
)
def test_what_cannot_be_is_not_sent(wrong):
    port, controller = bench(lamp())
    with pytest.raises(NotSupported):
        port.run(wrong(controller))
    assert port.transactions == 0


def test_a_device_that_confirms_and_does_not_keep_it_is_told():
    it = lamp()
    port, controller = bench(it)
    original = it.hear

    def forgetful(packet):
        answer = original(packet)
        it.address = 1
        return answer

    it.hear = forgetful  # type: ignore[method-assign]
    with pytest.raises(BadReply, match="confirmed DMX_START_ADDRESS 100 and still says 1"):
        port.run(actions.set_address(controller, LAMP, 100))


def test_nothing_is_set_on_air():
    it = lamp()
    port, controller = bench(it, passive=True)
    for steps in (
        actions.set_address(controller, LAMP, 5),
        actions.identify(controller, LAMP, True),
        actions.reset(controller, LAMP),
        actions.start_test(controller, LAMP),
        actions.record_sensors(controller, LAMP),
        actions.set_startup_mode(controller, LAMP, LossMode(0, 0.0, None, 0)),
    ):
        with pytest.raises(Refused, match="not done on air"):
            port.run(steps)
    assert port.transactions == 0 and it.sets == 0
