"""How the devices on an RDM line say they are: sensors, status messages, self-tests, answers (RDM-05…08)."""

from config.units import SILENT, Text
from drivers.base import Limits, Result, Verdict
from drivers.dmx import rdm_parameters as p
from drivers.dmx.rdm_codec import Command, Uid
from drivers.dmx.rdm_controller import Controller, Nack
from drivers.dmx.rdm_known import CABLE, Known, in_part, listed, nobody, of_all, result
from drivers.dmx.rdm_parameters import Status
from drivers.dmx.rdm_port import Pause, Steps
from drivers.dmx.rdm_survey import MOST_LISTED, Sensor
from drivers.dmx.rdm_words import Pid, StatusType
from drivers.errors import BadReply, DriverError, LinkLost, ReplyTimeout

TESTING_S = 60.0
ASKED = 20
ASKED_OF_ALL = 200
"""Of a long line each is asked less often."""
OUT_OF_RANGE = Limits(fail=1)
MISSED = Limits(warn=1.0, fail=5.0)
"""Requests without a good answer, in percent."""

CLEAN = Text("Clean fan and vents; give the light air.", "清洁风扇与散热口，保证通风。")
SHOWN = Text("Do what the light's manual says to this message.", "按灯具手册处理该信息。")
SERVICE = Text("Have the light serviced.", "送修灯具。")

_ALL_TESTS = b"\xff"


def sensors(known: Known) -> Result:
    """RDM-05. The normal range is the maker's own; hours and cycles are told as evidence."""
    if (skipped := nobody(known)) is not None:
        return skipped
    answered, read, hours = known.run(_sensors_and_hours(known.controller(), known.uids), 2 * known.reading_s)
    evidence: dict[str, object] = {
        "sensors": {
            f"{uid} {each.definition.text or each.definition.type}": f"{each.present:g} {each.definition.unit}"
            for uid, each in read
            if each.present is not None
        },
        **hours,
    }
    if not read and not any(hours.values()):
        none = Result(Verdict.SKIPPED, Text("No device has sensors or counters.", "没有设备具备传感器或计数器。"))
        return in_part(known, answered, none)
    findings = [
        f"{uid} {each.definition.text or each.definition.type} {each.present:g} {each.definition.unit}"
        for uid, each in read
        if each.is_normal is False and each.definition.normal[0] < each.definition.normal[1]
    ]
    bad = Text(f"Out of its normal range: {listed(findings)}.", f"超出正常范围：{listed(findings)}。")
    good = Text(f"{len(read)} sensors in their normal range.", f"{len(read)}个传感器均正常。")
    return in_part(known, answered, result(findings, OUT_OF_RANGE, good, bad, CLEAN, evidence, "sensors"))


def _sensors_and_hours(
    controller: Controller, uids: tuple[Uid, ...]
) -> Steps[tuple[list[Uid], list[tuple[Uid, Sensor]], dict[str, dict[str, int]]]]:
    found: list[tuple[Uid, Sensor]] = []
    infos = yield from of_all(controller, uids, p.DEVICE_INFO)
    for uid, info in infos.items():
        for number in range(min(info.sensors, MOST_LISTED)):
            try:
                definition = yield from controller.get(uid, p.SENSOR_DEFINITION, bytes((number,)))
                value = yield from controller.get(uid, p.SENSOR_VALUE, bytes((number,)))
            except LinkLost:
                raise
            except DriverError:
                continue
            found.append((uid, Sensor(definition, value)))
    hours = yield from of_all(controller, uids, p.DEVICE_HOURS)
    lamp = yield from of_all(controller, uids, p.LAMP_HOURS)
    cycles = yield from of_all(controller, uids, p.DEVICE_POWER_CYCLES)
    named = (("device_hours", hours), ("lamp_hours", lamp), ("power_cycles", cycles))
    return list(infos), found, {name: {str(uid): value for uid, value in each.items()} for name, each in named}


def statuses(known: Known) -> Result:
    """RDM-06. Asking takes the messages away from the device, so all of them are kept in the evidence."""
    if (skipped := nobody(known)) is not None:
        return skipped
    told, able, unable = known.run(_statuses(known.controller(), known.uids), known.reading_s)
    if able:
        found = _judged(told, Text("No device reports a fault.", "没有设备报告故障。"))
    else:
        found = Result(Verdict.SKIPPED, Text("No device has status messages.", "没有设备支持状态信息。"))
    return in_part(known, [*able, *unable], found)


def _judged(told: list[tuple[Uid, Status, Text]], good: Text) -> Result:
    """The worst of the messages."""
    errors = [each for each in told if each[1].type == StatusType.ERROR]
    warnings = [each for each in told if each[1].type == StatusType.WARNING]
    evidence = {"messages": [f"{uid} {_named(status)}: {said.en}" for uid, status, said in told]}
    worst = errors or warnings
    if not worst:
        return Result(Verdict.PASS, good, value=0, unit="messages", evidence=evidence)
    english, chinese = (listed([f"{uid} {said[side]}" for uid, _, said in worst]) for side in (0, 1))
    said = Text(f"Reported: {english}.", f"设备报告：{chinese}。")
    verdict = Verdict.FAIL if errors else Verdict.MARGINAL
    return Result(verdict, said, SHOWN, len(worst), "messages", evidence=evidence)


def _named(status: Status) -> str:
    known = {each.value: each.name.lower().replace("_", " ") for each in StatusType}
    return known.get(status.type, f"type {status.type:#04x}")


def _statuses(
    controller: Controller, uids: tuple[Uid, ...]
) -> Steps[tuple[list[tuple[Uid, Status, Text]], list[Uid], list[Uid]]]:
    """All messages with their texts; who has such a thing, and who said not to have it."""
    found: list[tuple[Uid, Status, Text]] = []
    able: list[Uid] = []
    unable: list[Uid] = []
    for uid in uids:
        try:
            messages = yield from controller.get(uid, p.STATUS_MESSAGES, bytes((StatusType.ADVISORY,)))
        except LinkLost:
            raise
        except Nack:
            unable.append(uid)
            continue
        except DriverError:
            continue
        able.append(uid)
        for status in messages:
            said = status.said or (yield from _own_text(controller, uid, status))
            found.append((uid, status, said))
    return found, able, unable


def _own_text(controller: Controller, uid: Uid, status: Status) -> Steps[Text]:
    """A maker's own message, in the words of the device."""
    try:
        text = yield from controller.get(uid, p.STATUS_ID_DESCRIPTION, status.message.to_bytes(2, "big"))
    except LinkLost:
        raise
    except DriverError:
        text = ""
    text = text or f"message {status.message:#06x}"
    return Text(text, text)


def self_tests(known: Known) -> Result:
    """RDM-07. Starts every test of every device that has any, waits until they are done, and judges what they report.
    A light may move, flash or go dark meanwhile."""
    if (skipped := nobody(known)) is not None:
        return skipped
    tested, running, told = known.run(_tested(known.controller(), known.uids), TESTING_S)
    if not tested:
        return Result(Verdict.SKIPPED, Text("No device has a self-test.", "没有设备支持自检。"))
    if running:
        names = listed([str(uid) for uid in running])
        said = Text(f"Not done in {TESTING_S - 5:g} s: {names}.", f"{TESTING_S - 5:g} 秒内未完成：{names}。")
        return Result(Verdict.FAIL, said, SERVICE, evidence={"tested": [str(uid) for uid in tested]})
    good = Text(f"{len(tested)} devices tested themselves.", f"{len(tested)}台设备完成自检。")
    return _judged(told, good)


def _tested(
    controller: Controller, uids: tuple[Uid, ...]
) -> Steps[tuple[list[Uid], list[Uid], list[tuple[Uid, Status, Text]]]]:
    tested: list[Uid] = []
    for uid in uids:
        try:
            yield from controller.get(uid, p.PERFORM_SELFTEST)
        except LinkLost:
            raise
        except DriverError:
            continue
        try:
            yield from controller.set(uid, Pid.PERFORM_SELFTEST, _ALL_TESTS, once=True)
        except Nack:
            continue
        except (ReplyTimeout, BadReply):
            pass  # it may have begun all the same, and must be waited for
        tested.append(uid)
    running = list(tested)
    for _ in range(int(TESTING_S - 10)):
        if not running:
            break
        yield Pause(1.0)
        active = yield from of_all(controller, running, p.PERFORM_SELFTEST)
        running = [uid for uid in running if active.get(uid, True)]
    for uid in running:  # none may go on into the show
        try:
            yield from controller.set(uid, Pid.PERFORM_SELFTEST, b"\0")
        except LinkLost:
            raise
        except DriverError:
            continue
    told, _, _ = yield from _statuses(controller, tuple(tested))
    return tested, running, told


def answers(known: Known) -> Result:
    """RDM-08. E1.20 gives a device 2 ms to answer and the controller 2.8 ms to wait; a widget or gateway keeps these
    times itself and tells only that it heard nothing. So what is counted is who misses, not by how much."""
    if (skipped := nobody(known)) is not None:
        return skipped
    asked = max(1, min(ASKED, ASKED_OF_ALL // len(known.uids)))
    missed = known.run(_missed(known.controller(), known.uids, asked), 2 * known.reading_s)
    worst, count = max(missed.items(), key=lambda each: each[1])
    rate = 100 * count / asked
    verdict = MISSED.judge(rate)
    said = Text(f"{worst} missed {count} of {asked} requests.", f"{worst} 在{asked}次请求中{count}次无应答。")
    evidence = {str(uid): each for uid, each in missed.items()}
    return Result(verdict, said, SILENT if verdict is Verdict.PASS else CABLE, rate, "%", MISSED, evidence)


def _missed(controller: Controller, uids: tuple[Uid, ...], asked: int) -> Steps[dict[Uid, int]]:
    """How many of so many requests each did not answer well at once."""
    missed = dict.fromkeys(uids, 0)
    for _ in range(asked):
        for uid in uids:
            before = controller.spoilt + controller.unanswered
            try:
                yield from controller.request(uid, Command.GET, Pid.DEVICE_INFO, tries=1)
            except LinkLost:
                raise
            except DriverError:
                missed[uid] += controller.spoilt + controller.unanswered > before
    return missed
