"""RDM-01…08 on lines with and without faults, through the widget and through a gateway."""

import pytest

from drivers.base import Impact, Result, Verdict
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.enttec_codec import Parameters
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.dmx.rdm_checks import TITLES
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_known import Known, Planned
from drivers.dmx.rdm_parameters import LossMode, Status
from drivers.dmx.rdm_words import Pid, StatusType
from drivers.errors import LinkLost
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.artnet import artnet_twin
from drivers.virtual.twins.enttec import enttec_twin
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line
from drivers.virtual.twins.rdm_parts import Defect, FakeSensor

LAMP, OTHER, THIRD = Uid(0x1234, 1), Uid(0x1234, 2), Uid(0x1234, 3)


class Room:
    """An open widget with RDM firmware and its line."""

    def __init__(self, *responders: FakeResponder, firmware: tuple[int, int] = (2, 4)) -> None:
        self.studio = VirtualStudio(ManualClock())
        options = EnttecProOptions(port="usb:EN1")
        self.twin = enttec_twin(self.studio, options, "widget")
        self.twin.device.parameters = Parameters(firmware[1], firmware[0], 9, 1, 40)
        self.line = self.twin.device.line = Line(responders, now=self.studio.now)
        self.driver = EnttecPro(options, self.studio)
        self.driver.open()
        self.driver.send(1, bytes(512))

    @property
    def known(self) -> Known:
        return self.driver.rdm_known()

    def run(self, name: str) -> Result:
        check = next(check for check in self.driver.checks() if check.id == name)
        begun = self.studio.now()
        result = check.run()
        assert self.studio.now() - begun <= check.deadline
        assert result.said.en and result.said.zh
        assert result.verdict in (Verdict.PASS, Verdict.SKIPPED) or (result.remedy.en and result.remedy.zh)
        assert self.twin.device.putting_out, "the levels stopped"
        return result


def lamps(**more: object) -> tuple[FakeResponder, FakeResponder]:
    return FakeResponder(LAMP, address=1, **more), FakeResponder(OTHER, address=11)  # type: ignore[arg-type]


def test_only_a_widget_with_rdm_has_them():
    plain = Room(firmware=(1, 44))
    assert not [check for check in plain.driver.checks() if check.id.startswith("RDM")]
    able = Room()
    found = {check.id: check for check in able.driver.checks() if check.id.startswith("RDM")}
    assert set(found) == set(TITLES)
    assert {name for name, check in found.items() if check.impact is Impact.VISIBLE} == {"RDM-01", "RDM-07"}
    assert all(check.impact in (Impact.INVISIBLE, Impact.VISIBLE) for check in found.values())


def test_a_sound_line_passes():
    room = Room(*lamps(sensors=(FakeSensor("LED", 40),)))
    verdicts = {name: room.run(name).verdict for name in TITLES}
    passed = {"RDM-01", "RDM-02", "RDM-05", "RDM-06", "RDM-08"}
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.PASS} == passed
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.SKIPPED} == set(TITLES) - passed
    assert all(each.sets == 0 for each in room.line.responders)


def test_before_anybody_is_known_there_is_nothing_to_ask():
    room = Room(*lamps())
    for name in sorted(set(TITLES) - {"RDM-01"}):
        result = room.run(name)
        assert result.verdict is Verdict.SKIPPED and "RDM-01" in result.remedy.en


def test_01_missing_and_new():
    first, second = lamps()
    room = Room(first, second)
    assert room.run("RDM-01").verdict is Verdict.PASS
    room.line.responders.append(FakeResponder(THIRD, address=31))
    new = room.run("RDM-01")
    assert (new.verdict, new.evidence["new"]) == (Verdict.MARGINAL, [str(THIRD)])
    assert room.run("RDM-01").verdict is Verdict.PASS, "told once"
    room.line.responders.remove(first)
    for _ in range(2):
        gone = room.run("RDM-01")
        assert (gone.verdict, gone.value, gone.evidence["missing"]) == (Verdict.FAIL, 1, [str(LAMP)])
    assert room.known.uids == (OTHER, THIRD)
    room.line.responders.append(first)
    assert room.run("RDM-01").verdict is Verdict.PASS


def test_01_against_a_plan():
    room = Room(*lamps())
    room.known.plan = {LAMP: Planned(), THIRD: Planned()}
    result = room.run("RDM-01")
    assert result.verdict is Verdict.FAIL
    assert (result.evidence["missing"], result.evidence["new"]) == ([str(THIRD)], [str(OTHER)])


def test_01_noise():
    room = Room(*lamps())
    room.line.noise = True
    result = room.run("RDM-01")
    assert result.verdict is Verdict.FAIL and "noise" in result.said.en
    assert room.known.uids == ()


def test_02_overlaps_and_the_end_of_the_universe():
    first, second = lamps()
    room = Room(first, second, FakeResponder(THIRD, address=512))
    room.run("RDM-01")
    result = room.run("RDM-02")
    assert result.verdict is Verdict.FAIL and result.evidence["found"] == [f"{THIRD} ends at slot 513"]
    room.line[THIRD].address = 100
    second.address = 2
    result = room.run("RDM-02")
    assert result.evidence["found"] == [f"{LAMP} and {OTHER} at slot 2"]
    assert result.evidence["free"] == [[4, 99], [102, 512]]
    second.address = 1
    assert room.run("RDM-02").verdict is Verdict.FAIL
    room.known.plan = {LAMP: Planned(address=1), OTHER: Planned(address=1), THIRD: Planned()}
    assert room.run("RDM-02").verdict is Verdict.PASS, "a group, declared"


def test_02_one_long_device_over_two_others():
    long = FakeResponder(LAMP, address=1, modes=(("long", 100),))
    room = Room(long, FakeResponder(OTHER, address=10), FakeResponder(THIRD, address=50))
    room.run("RDM-01")
    assert room.run("RDM-02").value == 2


def test_02_sub_devices_have_slots_of_their_own():
    rack = FakeResponder(
        LAMP, modes=(), sub_devices={1: FakeResponder(LAMP, address=5), 2: FakeResponder(LAMP, address=6)}
    )
    room = Room(rack, FakeResponder(OTHER, address=100))
    room.run("RDM-01")
    result = room.run("RDM-02")
    assert result.evidence["found"] == [f"{LAMP}/1 and {LAMP}/2 at slot 6"]
    rack.sub_devices[2].address = 7
    assert room.run("RDM-02").verdict is Verdict.PASS


def test_silence_is_not_taken_for_health():
    first, second = lamps()
    room = Room(first, second)
    room.run("RDM-01")
    for silent, verdict in ((first, Verdict.MARGINAL), (second, Verdict.ERROR)):
        silent.defects = {Defect.SLOW}
        for name in ("RDM-02", "RDM-05", "RDM-06"):
            result = room.run(name)
            assert result.verdict is verdict and str(LAMP) in result.said.en, name


def test_one_that_puts_answers_off_does_not_stop_the_others():
    first, second = lamps()
    first.late = {Pid.DEVICE_HOURS: 20.0}
    room = Room(first, second)
    room.run("RDM-01")
    result = room.run("RDM-05")
    assert result.verdict is Verdict.PASS and result.evidence["device_hours"] == {str(OTHER): 1200}


def test_03_against_the_plan():
    first, second = lamps()
    room = Room(first, second)
    room.run("RDM-01")
    fail = LossMode(0, 1.0, None, 0)
    room.known.plan = {LAMP: Planned(1, 1, fail), OTHER: Planned(11)}
    assert room.run("RDM-03").verdict is Verdict.PASS
    second.address = 12
    first.personality = 2
    result = room.run("RDM-03")
    assert (result.verdict, result.value) == (Verdict.MARGINAL, 2)
    first.fail_mode = LossMode(0, 1.0, None, 255)
    assert room.run("RDM-03").verdict is Verdict.FAIL


def test_04_what_was_spoilt_since_the_last_time():
    first, second = lamps()
    room = Room(first, second)
    room.run("RDM-01")
    assert room.run("RDM-04").verdict is Verdict.SKIPPED
    room.run("RDM-08")
    assert room.run("RDM-04").verdict is Verdict.PASS
    room.run("RDM-08")
    first.comms[0] += 5
    result = room.run("RDM-04")
    assert result.verdict is Verdict.FAIL and str(LAMP) in result.said.en
    first.comms[:] = [0, 0, 0]  # somebody cleared them
    room.run("RDM-08")
    assert room.run("RDM-04").verdict is Verdict.PASS


def test_05_out_of_its_normal_range():
    room = Room(*lamps(sensors=(FakeSensor("LED", 40), FakeSensor("fan bearing", 91))))
    room.run("RDM-01")
    result = room.run("RDM-05")
    assert (result.verdict, result.value) == (Verdict.FAIL, 1)
    assert result.evidence["found"] == [f"{LAMP} fan bearing 91 °C"]
    assert result.evidence["device_hours"] == {str(LAMP): 1200, str(OTHER): 1200}


def test_05_a_sensor_without_a_normal_range_is_not_judged():
    room = Room(*lamps(sensors=(FakeSensor("LED", 40, normal=(0, 0)),)))
    room.run("RDM-01")
    assert room.run("RDM-05").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (StatusType.ERROR, Verdict.FAIL),
        (StatusType.WARNING, Verdict.MARGINAL),
        (StatusType.ADVISORY, Verdict.PASS),
        (StatusType.ERROR_CLEARED, Verdict.PASS),
    ],
)
def test_06_the_worst_message_counts_and_all_are_kept(kind, verdict):
    first, second = lamps()
    room = Room(first, second)
    room.run("RDM-01")
    first.statuses = [Status(0, StatusType.ADVISORY, 0x0050, 1, 0), Status(0, kind, 0x8001, 0, 0)]
    first.status_texts = {0x8001: "Fan blocked"}
    result = room.run("RDM-06")
    assert result.verdict is verdict
    assert len(result.evidence["messages"]) == 2
    assert result.evidence["messages"][1].endswith(": Fan blocked")
    assert ("Fan blocked" in result.said.zh) == (verdict is not Verdict.PASS)


def test_07_waits_until_the_tests_are_done_and_reads_what_they_say():
    first, second = lamps(tests=("fan", "colours"))
    room = Room(first, second)
    room.run("RDM-01")
    original, polls = first.hear, []

    def hear(packet):
        if packet.pid == Pid.PERFORM_SELFTEST and packet.command.name == "GET" and first.testing:
            polls.append(room.studio.now())
            if len(polls) == 4:
                first.testing = 0
                first.statuses = [Status(0, StatusType.ERROR, 0x0012, 0, 0)]
        return original(packet)

    first.hear = hear  # type: ignore[method-assign]
    result = room.run("RDM-07")
    assert result.verdict is Verdict.FAIL and "lamp failed to strike" in result.said.en
    assert len(polls) == 4 and polls[-1] - polls[0] >= 3
    assert not second.testing


def test_07_one_that_does_not_end_is_ended():
    first, second = lamps(tests=("fan",))
    room = Room(first, second)
    room.run("RDM-01")
    result = room.run("RDM-07")
    assert result.verdict is Verdict.FAIL and "Not done" in result.said.en
    assert first.testing == 0


def test_08_who_misses_requests():
    first, second = lamps()
    room = Room(first, second)
    room.run("RDM-01")
    assert room.run("RDM-08").value == 0
    second.defects = {Defect.BAD_CHECKSUM}
    result = room.run("RDM-08")
    assert (result.verdict, result.value) == (Verdict.FAIL, 100)
    assert str(OTHER) in result.said.en and result.evidence == {str(LAMP): 0, str(OTHER): 20}


def test_a_long_line_is_done_in_time():
    room = Room(*(FakeResponder(Uid(1, number), address=1 + 2 * number) for number in range(30)))
    room.known.uids = tuple(each.uid for each in room.line.responders)
    for name in ("RDM-02", "RDM-05", "RDM-06", "RDM-08"):
        assert room.run(name).verdict is Verdict.PASS, name


def test_an_unplugged_widget_is_the_engines_affair():
    room = Room(*lamps())
    check = next(check for check in room.driver.checks() if check.id == "RDM-01")
    room.driver.close()
    with pytest.raises(LinkLost, match="RDM is not open"):
        check.run()


def test_through_a_gateway():
    studio = VirtualStudio(ManualClock())
    options = ArtnetOptions(host="10.77.0.21")
    studio.universes["node"] = (1, 2)
    twin = artnet_twin(studio, options, "node")
    twin.lines[2] = Line(lamps(), now=studio.now)
    driver = Artnet(options, studio)
    driver.open()
    assert [check.id for check in driver.checks()] == ["NOD-01"], "no frame yet, so no universe"
    driver.send(2, bytes(512))
    found = {check.id: check for check in driver.checks()}
    assert found["RDM-01"].subject == "10.77.0.21 universe 2"
    assert found["RDM-01"].run().verdict is Verdict.PASS
    assert driver.rdm_known(2).uids == (LAMP, OTHER)
    assert found["RDM-02"].run().verdict is Verdict.PASS
