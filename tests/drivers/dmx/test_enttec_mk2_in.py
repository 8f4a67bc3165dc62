"""The Mk2 that listens, beyond the contract: two cables, each its universe, and what is never a level."""

from typing import Any

import pytest
from pydantic import ValidationError

from drivers.base import Heard, Verdict
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_mk2_in import SPEC, EnttecMk2In, EnttecMk2InOptions
from drivers.dmx.enttec_pro_in import EnttecProInOptions
from drivers.dmx.enttec_receive import LOSS
from drivers.errors import LinkLost, NotSupported
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec_in import enttec_in_twin
from drivers.virtual.twins.enttec_mk2_in import enttec_mk2_in_twin

EXAMPLE = {**SPEC.example, "ports": (5, 9), "priority": 150}
PORT, LABEL = SPEC.example["port"], SPEC.example["receive_label"]
ONE, TWO = bytes([1]) * 512, bytes([2]) * 512


class Desk:
    """The driver, told ``wrong`` things, and a widget that knows the right ones."""

    def __init__(self, **wrong: Any) -> None:
        self.clock = ManualClock()
        studio = VirtualStudio(self.clock)
        self.twin = enttec_mk2_in_twin(studio, EnttecMk2InOptions.model_validate(EXAMPLE), "desk")
        self.driver = EnttecMk2In(EnttecMk2InOptions.model_validate({**EXAMPLE, **wrong}), studio)

    def news(self, seconds: float) -> list[Heard]:
        until = self.clock.now() + seconds
        heard: list[Heard] = []
        while (rest := until - self.clock.now()) > 0:
            heard += self.driver.listen(rest)
        return heard


def heard(universe: int, slots: bytes) -> Heard:
    return Heard(universe, slots, 150, sources=(f"DMX on {PORT}, socket {1 if universe == 5 else 2}",))


def test_each_cable_is_heard_as_its_universe_and_lost_alone():
    desk = Desk()
    assert desk.driver.open().model == "DMX USB Pro Mk2"
    desk.twin.say(9, TWO)
    assert desk.news(3) == [heard(9, TWO)]
    desk.twin.say(5, ONE)
    assert desk.news(3) == [heard(5, ONE)]
    desk.twin.say(9, ONE)
    assert desk.news(3) == [heard(9, ONE)]
    del desk.twin.device.consoles[2]
    assert desk.news(LOSS - 0.1) == []
    assert desk.news(5) == [Heard(9, b"", 150, ended="lost")]
    desk.twin.say(9, TWO)
    assert desk.news(5) == [heard(9, TWO)]
    assert [check.run().verdict for check in desk.driver.checks()] == [Verdict.PASS] * 3
    assert desk.news(3) == []


@pytest.mark.parametrize("wrong", [{"api_key": "33221100"}, {"assign_label": 199}, {"receive_label": 203}])
def test_with_another_keys_numbers_only_the_first_cable_is_heard(wrong):
    desk = Desk(**wrong)
    desk.driver.open()
    desk.twin.say(9, TWO)
    desk.twin.say(5, ONE)
    assert desk.news(5) == [heard(5, ONE)]


def test_on_the_second_cable_too_only_whole_packets_of_levels_are_levels():
    desk = Desk()
    desk.driver.open()
    desk.twin.say(9, TWO)
    desk.news(1)
    for start_code in (0x17, 0x55, 0xCC, 0xDD):
        desk.twin.send(bytes([start_code]) + ONE, socket=2)
    for status in (1, 2, 3):
        desk.twin.send(b"\0" + ONE, status, socket=2)
    for data in (b"", b"\0", b"\0\0" + bytes(513)):
        desk.twin.socket.emit(codec.encode(LABEL, data))
    assert desk.news(1) == []
    counts = desk.driver.counts
    assert (counts["other"], counts["spoiled"], counts["malformed"]) == (4, 3, 3)


def test_after_a_power_cycle_both_cables_are_heard_again_or_lost():
    desk = Desk()
    desk.driver.open()
    desk.twin.say(5, ONE)
    desk.twin.say(9, TWO)
    desk.news(1)
    desk.twin.fault(Fault.UNPLUG)
    with pytest.raises(LinkLost):
        desk.driver.listen(1)
    desk.twin.heal()
    del desk.twin.device.consoles[1]
    desk.driver.open()
    news = desk.news(5)
    assert sorted(news, key=lambda each: each.universe) == [Heard(5, b"", 150, ended="lost"), heard(9, TWO)]


def test_a_widget_with_one_socket_is_refused_with_the_driver_that_fits():
    studio = VirtualStudio(ManualClock())
    enttec_in_twin(studio, EnttecProInOptions(port=PORT), "desk")
    with pytest.raises(NotSupported, match="one DMX socket") as refused:
        EnttecMk2In(EnttecMk2InOptions.model_validate(EXAMPLE), studio).open()
    assert "enttec-pro-in" in refused.value.remedy
    assert not studio.in_use()


@pytest.mark.parametrize("wrong", [{"ports": (1, 1)}, {"receive_label": 5}, {"mode": "change"}, {"universe": 1}])
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        EnttecMk2InOptions.model_validate({**EXAMPLE, **wrong})
