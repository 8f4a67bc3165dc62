"""Snapshots of the responders on a line, and what changed between two."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx.rdm_changes import What, changes
from drivers.dmx.rdm_codec import Uid, decode
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_parameters import DeviceInfo, LossMode
from drivers.dmx.rdm_port import Answer
from drivers.dmx.rdm_survey import MOST_LISTED, Survey, read, read_all, refresh, survey
from drivers.dmx.rdm_words import Pid
from drivers.errors import DriverError, LinkLost, Refused
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_parts import Defect, FakeSensor
from tests.drivers.dmx.rdm_bench import LinePort, bench

LAMP, OTHER = Uid(0x1234, 0x56789ABC), Uid(0x1234, 0x56789ABD)


def taken(port: LinePort, known: tuple[Uid, ...] = ()) -> Survey:
    return port.run(survey(Controller(port.uid), False, known))


def rich() -> FakeResponder:
    return FakeResponder(
        LAMP,
        label="key",
        address=21,
        personality=2,
        sensors=(FakeSensor("LED board", 412, prefix=0x01, normal=(0, 750), range=(-200, 1200)), FakeSensor("fan", 90)),
        counters={Pid.DEVICE_HOURS: 5000, Pid.LAMP_HOURS: 800, Pid.LAMP_STRIKES: 77, Pid.DEVICE_POWER_CYCLES: 12},
        comms=[1, 2, 3],
        startup_mode=LossMode(0, 0.5, None, 255),
        tests=("fan",),
        sub_devices={1: FakeResponder(LAMP, address=100), 3: FakeResponder(LAMP, address=110)},
    )


def test_a_snapshot_has_all_there_is():
    port, controller = bench(rich(), passive=True)
    lamp = port.run(read(controller, LAMP))
    assert (lamp.model, lamp.manufacturer, lamp.label, lamp.firmware) == ("Panel", "Virtual studio", "key", "1.4.2")
    assert (lamp.info.address, lamp.info.footprint, lamp.last_slot, lamp.personality) == (21, 4, 24, "16 bit")
    assert [(mode.number, mode.slots, mode.text) for mode in lamp.personalities] == [(1, 2, "8 bit"), (2, 4, "16 bit")]
    board, fan = lamp.sensors
    assert (board.definition.text, board.present, board.is_normal) == ("LED board", 41.2, True)
    assert (fan.present, fan.is_normal) == (90, False)
    assert (lamp.device_hours, lamp.lamp_hours, lamp.lamp_strikes, lamp.power_cycles) == (5000, 800, 77, 12)
    assert lamp.comms is not None and lamp.comms.total == 6
    assert lamp.fail_mode == LossMode(0, 1.0, None, 0) and lamp.startup_mode == LossMode(0, 0.5, None, 255)
    assert {number: sub.info.address for number, sub in lamp.sub_devices.items()} == {1: 100, 3: 110}
    assert lamp.name == "key (1234:56789ABC)" and not lamp.odd and not lamp.unread


def test_taking_it_changes_nothing():
    lamp = rich()
    port, controller = bench(lamp, passive=True)
    port.run(read(controller, LAMP))
    assert lamp.sets == 0 and not lamp.identifying and lamp.comms == [1, 2, 3]
    assert all(request.command.name == "GET" for request in port.line.requests)


def test_what_is_not_supported_is_not_asked():
    port, controller = bench(FakeResponder(LAMP, counters={}, fail_mode=None))
    lamp = port.run(read(controller, LAMP))
    assert lamp.lamp_hours is None and lamp.device_hours is None and lamp.fail_mode is None
    assert not {Pid.LAMP_HOURS, Pid.DMX_FAIL_MODE} & {request.pid for request in port.line.requests}


def test_a_lie_about_personalities_is_told_and_harmless():
    port, controller = bench(FakeResponder(LAMP, defects={Defect.TOO_MANY_PERSONALITIES}))
    lamp = port.run(read(controller, LAMP))
    assert lamp.info.personalities == 4 and len(lamp.personalities) == 2
    assert [each.en for each in lamp.odd] == ["says 4 personalities, describes 2"]
    assert "DMX_PERSONALITY_DESCRIPTION 3" in lamp.unread


def test_one_that_tells_nothing_does_not_stop_the_others():
    port, _ = bench(FakeResponder(LAMP, defects={Defect.BAD_CHECKSUM}), FakeResponder(OTHER))
    found = taken(port)
    assert found.discovery.uids == (LAMP, OTHER)
    assert [each.uid for each in found.responders] == [OTHER]
    assert "wrongly" in found.mute[LAMP]
    assert found.named(LAMP) is None


def test_a_lost_wire_is_not_a_mute_responder():
    class Gone(LinePort):
        def transact(self, step, timeout):
            if self.transactions == 5:
                raise LinkLost("unplugged")
            return super().transact(step, timeout)

    port = Gone(FakeResponder(LAMP), FakeResponder(OTHER))
    with pytest.raises(LinkLost):
        port.run(read_all(Controller(port.uid), (LAMP, OTHER)))


@settings(deadline=None, max_examples=10)
@given(st.dictionaries(st.sampled_from(Pid), st.binary(max_size=60)), st.integers(0, 255), st.integers(0, 0xFFFF))
def test_a_responder_that_says_anything_is_read_or_refused_in_bounds(said, count, subs):
    info = DeviceInfo(1, 1, 512, count, count, 1, subs, count)
    many = b"".join(each.to_bytes(2, "big") for each in Pid)

    class Hostile(LinePort):
        def transact(self, step, timeout):
            self.transactions += 1
            request = decode(step.packet)
            default = {Pid.DEVICE_INFO: info.encode(), Pid.SUPPORTED_PARAMETERS: many}
            data = said.get(Pid(request.pid), default.get(Pid(request.pid), b"\1" * 13))
            return Answer(request.answer(data=data).encode())

    port = Hostile()
    try:
        lamp = port.run(read(Controller(port.uid), LAMP), limit=1e9)
    except DriverError:
        pass
    else:
        assert len(lamp.sensors) <= MOST_LISTED and len(lamp.sub_devices) <= MOST_LISTED
    assert port.transactions < 10_000


def test_on_air_known_ones_are_read_and_nobody_is_searched():
    port, controller = bench(rich(), FakeResponder(OTHER), passive=True)
    responders, mute = port.run(read_all(controller, (LAMP, OTHER)))
    assert len(responders) == 2 and not mute
    with pytest.raises(Refused):
        port.run(survey(controller, False))


def test_a_refresh_is_passive_short_and_sees_what_changes():
    lamp = rich()
    port, controller = bench(lamp, passive=True)
    before = port.run(read(controller, LAMP))
    lamp.address, lamp.counters[Pid.DEVICE_HOURS], lamp.comms = 44, 5001, [9, 9, 9]
    lamp.sensors = (replace(lamp.sensors[0], value=700), lamp.sensors[1])
    lamp.firmware, lamp.software = "2.0", 5
    already = port.transactions
    now = port.run(refresh(controller, before))
    assert (now.info.address, now.device_hours, now.firmware, now.label) == (44, 5001, "2.0", "key")
    assert now.sensors[0].present == 70.0 and now.comms is not None and now.comms.total == 27
    assert port.transactions - already == 9
    assert now == replace(port.run(read(controller, LAMP)), unread=now.unread)


def test_nothing_changed():
    port, _ = bench(rich(), FakeResponder(OTHER))
    assert changes(taken(port), taken(port)) == []


def test_every_change_has_a_next_step_in_both_languages():
    lamp, other = rich(), FakeResponder(OTHER)
    port, _ = bench(lamp, other)
    before = taken(port)
    lamp.firmware, lamp.software = "1.5.0", 0x01050000
    lamp.address = 33
    lamp.personality = 1
    port.line.responders[1] = FakeResponder(Uid(1, 1))
    found = changes(before, taken(port))
    told = {(change.what, str(change.uid)): change for change in found}
    assert set(told) == {
        (What.NEW, "0001:00000001"),
        (What.GONE, "1234:56789ABD"),
        (What.FIRMWARE, "1234:56789ABC"),
        (What.ADDRESS, "1234:56789ABC"),
        (What.PERSONALITY, "1234:56789ABC"),
    }
    firmware = told[What.FIRMWARE, "1234:56789ABC"]
    assert (firmware.before, firmware.after) == ("1.4.2 (id 0x01040200)", "1.5.0 (id 0x01050000)")
    address = told[What.ADDRESS, "1234:56789ABC"]
    assert address.said.en == "key (1234:56789ABC): start address 21 became 33."
    personality = told[What.PERSONALITY, "1234:56789ABC"]
    assert (personality.before, personality.after) == ("2: 16 bit (4 slots)", "1: 8 bit (2 slots)")
    assert all(text for change in found for text in (*change.said, *change.next_step))


@pytest.mark.parametrize("defect", [Defect.NEVER_MUTES, Defect.NO_MUTE_ANSWER, Defect.BAD_BRANCH])
def test_who_begins_to_break_the_rules_is_told_once(defect):
    lamp = FakeResponder(LAMP)
    port, _ = bench(lamp, FakeResponder(OTHER))
    before = taken(port)
    lamp.defects = {defect}
    after = taken(port)
    (odd,) = changes(before, after)
    assert (odd.what, odd.uid) == (What.ODD, LAMP)
    assert all(text for text in (*odd.said, *odd.next_step))
    assert changes(after, taken(port)) == []


def test_a_search_that_broke_off_calls_nobody_gone():
    port, _ = bench(FakeResponder(LAMP), FakeResponder(OTHER))
    before = taken(port)
    after = replace(before, discovery=replace(before.discovery, uids=(LAMP,), complete=False), responders=())
    assert changes(before, after) == []
