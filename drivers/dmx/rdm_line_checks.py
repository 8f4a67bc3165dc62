"""Who is on an RDM line, how they are set, and how well they hear (RDM-01…04)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from config.units import SILENT, Text
from drivers.base import Limits, Result, Verdict
from drivers.dmx import rdm_parameters as p
from drivers.dmx.rdm_codec import ROOT, Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import discover
from drivers.dmx.rdm_known import CABLE, Known, Planned, in_part, listed, nobody, of_all, result
from drivers.dmx.rdm_parameters import CommsStatus, DeviceInfo, LossMode
from drivers.dmx.rdm_port import Steps
from drivers.dmx.rdm_survey import MOST_LISTED
from drivers.errors import DriverError, LinkLost

LOOKING_S = 12.0
DIFFERENCES = Limits(warn=1)
OVERLAPS = Limits(fail=1)
SPOILT = Limits(warn=1.0, fail=10.0)
"""Packets that reach a device spoilt, of 1000."""

POWER = Text("Check power, cable and start address of those named.", "检查所列设备的电源、线缆与起始地址。")
ADDRESSES = Text("Give one of each pair a free start address.", "为每对中的一台设置空闲的起始地址。")
REWRITE = Text("Set them again over RDM, or correct the plan.", "通过RDM重新设置，或修改计划。")


def expected(known: Known) -> Result:
    """RDM-01. Compared with the plan, or with what was there the last time. Missing ones fail, new ones warn."""
    known.job = None  # a search of somebody else would be told lies from now on: its devices are muted by this one
    has_table = known.opened().has_table
    full = not known.wanted and not has_table
    known_before = known.wanted | {*known.uids}
    there = known.run(discover(known.controller(), has_table, known_before, full), LOOKING_S)
    wanted = frozenset(known.plan) or known.wanted
    missing = [str(uid) for uid in sorted(wanted) if uid not in there.uids]
    new = [str(uid) for uid in there.uids if uid not in wanted] if wanted else []
    evidence = {
        "found": [str(uid) for uid in there.uids],
        "missing": missing,
        "new": new,
        "odd": {str(uid): odd.value for uid, odd in there.odd.items()},
        "transactions": there.transactions,
    }
    if not there.complete:
        said = Text("The line could not be searched to the end: too much noise.", "线路噪声过大，无法完成搜索。")
        return Result(Verdict.FAIL, said, CABLE, evidence=evidence)
    known.uids = there.uids
    known.wanted = known.wanted | {*there.uids}
    if missing:
        said = Text(f"Missing: {listed(missing)}.", f"缺少设备：{listed(missing)}。")
        return Result(Verdict.FAIL, said, POWER, len(missing), "devices", Limits(fail=1), evidence)
    if new:
        said = Text(f"New on the line: {listed(new)}.", f"新设备：{listed(new)}。")
        remedy = Text(
            "Address it and add it to the plan, or take it off the line.", "设置地址并加入计划，或从线路移除。"
        )
        return Result(Verdict.MARGINAL, said, remedy, len(new), "devices", Limits(warn=1), evidence)
    count = len(there.uids)
    said = Text(f"{count} devices, as expected.", f"共{count}台设备，与预期一致。")
    return Result(Verdict.PASS, said, SILENT, 0, "devices", Limits(warn=1), evidence)


def apart(known: Known) -> Result:
    """RDM-02. Two that the plan puts on the same address are a group, and no fault."""
    if (skipped := nobody(known)) is not None:
        return skipped
    answered, places = known.run(_places(known.controller(), known.uids), known.reading_s)
    findings = [f"{place.name} ends at slot {place.last}" for place in places if place.last > 512]
    furthest = places[:1]
    for one, other in pairwise(places):
        furthest = [max(furthest[0], one, key=lambda each: each.last)]
        if other.first <= furthest[0].last and not _group(known.plan, furthest[0].uid, other.uid):
            findings.append(f"{furthest[0].name} and {other.name} at slot {other.first}")
    evidence = {"slots": {place.name: [place.first, place.last] for place in places}, "free": _free(places)}
    bad = Text(f"Shared or beyond 512: {listed(findings)}.", f"地址重叠或超过512：{listed(findings)}。")
    good = Text(f"{len(places)} devices, no slot shared.", f"{len(places)}台设备，地址无重叠。")
    found = result(findings, OVERLAPS, good, bad, ADDRESSES, evidence, "overlaps")
    return in_part(known, answered, found)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """The slots of a device or of one of its sub-devices."""

    first: int
    last: int
    uid: Uid
    sub_device: int = ROOT

    @property
    def name(self) -> str:
        return f"{self.uid}/{self.sub_device}" if self.sub_device else str(self.uid)


def _places(controller: Controller, uids: Sequence[Uid]) -> Steps[tuple[list[Uid], list[_Place]]]:
    """Who answered, and all slots in their order. A device's footprint is without its sub-devices' (10.5.1)."""
    infos = yield from of_all(controller, uids, p.DEVICE_INFO)
    found = [(uid, ROOT, info) for uid, info in infos.items()]
    for uid, root in infos.items():
        for number in range(1, min(root.sub_devices, MOST_LISTED) + 1):
            try:
                found.append((uid, number, (yield from controller.get(uid, p.DEVICE_INFO, sub_device=number))))
            except LinkLost:
                raise
            except DriverError:
                continue
    return list(infos), sorted(
        _Place(info.address, info.address + info.footprint - 1, uid, number)
        for uid, number, info in found
        if info.footprint and info.address != p.NO_ADDRESS
    )


def _group(plan: Mapping[Uid, Planned], one: Uid, other: Uid) -> bool:
    address = plan[one].address if one in plan else None
    return address is not None and other in plan and plan[other].address == address


def _free(places: Sequence[_Place]) -> list[list[int]]:
    """Runs of slots that nobody uses."""
    used = {slot for place in places for slot in range(place.first, place.last + 1)}
    free: list[list[int]] = []
    for slot in range(1, 513):
        if slot in used:
            continue
        if free and free[-1][1] == slot - 1:
            free[-1][1] = slot
        else:
            free.append([slot, slot])
    return free


def planned(known: Known) -> Result:
    """RDM-03. A fail mode that differs fails: it is what the light does when everything else has failed."""
    if (skipped := nobody(known)) is not None:
        return skipped
    plan = {uid: wish for uid, wish in known.plan.items() if uid in known.uids}
    if not plan:
        said = Text("No plan says how these devices shall be set.", "没有这些设备的设置计划。")
        return Result(Verdict.SKIPPED, said)
    infos, fails, starts = known.run(_settings(known.controller(), plan), known.reading_s)
    findings: list[str] = []
    grave = False
    for uid, wish in plan.items():
        info = infos.get(uid)
        findings += _differences(uid, wish, info) if info else [f"{uid} does not answer"]
        if wish.fail_mode is not None and fails.get(uid) != wish.fail_mode:
            findings.append(f"{uid} fail mode")
            grave = True
        if wish.startup_mode is not None and starts.get(uid) != wish.startup_mode:
            findings.append(f"{uid} startup mode")
    limits = Limits(warn=1, fail=1) if grave else DIFFERENCES
    bad = Text(f"Not as planned: {listed(findings)}.", f"与计划不符：{listed(findings)}。")
    good = Text(f"{len(plan)} devices are set as planned.", f"{len(plan)}台设备设置与计划一致。")
    return result(findings, limits, good, bad, REWRITE, {}, "differences")


def _settings(
    controller: Controller, plan: Mapping[Uid, Planned]
) -> Steps[tuple[dict[Uid, DeviceInfo], dict[Uid, LossMode], dict[Uid, LossMode]]]:
    infos = yield from of_all(controller, plan, p.DEVICE_INFO)
    fails = [uid for uid, wish in plan.items() if wish.fail_mode is not None]
    starts = [uid for uid, wish in plan.items() if wish.startup_mode is not None]
    fail_modes = yield from of_all(controller, fails, p.DMX_FAIL_MODE)
    startup_modes = yield from of_all(controller, starts, p.DMX_STARTUP_MODE)
    return infos, fail_modes, startup_modes


def _differences(uid: Uid, wish: Planned, info: DeviceInfo) -> list[str]:
    found = []
    if wish.address is not None and wish.address != info.address:
        found.append(f"{uid} address {info.address}, not {wish.address}")
    if wish.personality is not None and wish.personality != info.personality:
        found.append(f"{uid} personality {info.personality}, not {wish.personality}")
    return found


def line_quality(known: Known) -> Result:
    """RDM-04. What each counts as spoilt since the last run, of the RDM packets that went over the line."""
    if (skipped := nobody(known)) is not None:
        return skipped
    controller = known.controller()
    counted = known.run(of_all(controller, known.uids, p.COMMS_STATUS), known.reading_s)
    if not counted:
        return Result(Verdict.SKIPPED, Text("No device counts spoilt packets.", "没有设备统计错误数据包。"))
    rates = _rates(known, counted, controller.sent)
    if not rates:
        said = Text("First counts kept; the next run compares.", "已记录首次计数，下次运行时比较。")
        return Result(Verdict.SKIPPED, said)
    worst, rate = max(rates.items(), key=lambda each: each[1])
    verdict = SPOILT.judge(rate)
    said = Text(f"{worst} heard {rate:.1f} of 1000 packets spoilt.", f"{worst} 每千包中有 {rate:.1f} 个错误。")
    evidence = {str(uid): round(each, 2) for uid, each in rates.items()}
    return Result(verdict, said, SILENT if verdict is Verdict.PASS else CABLE, rate, "per 1000", SPOILT, evidence)


def _rates(known: Known, counted: Mapping[Uid, CommsStatus], sent: int) -> dict[Uid, float]:
    rates = {}
    for uid, now in counted.items():
        total, then = known.comms.get(uid, (0, 0))
        if uid in known.comms and now.total >= total and sent > then:  # less: the counters were cleared
            rates[uid] = (now.total - total) * 1000 / (sent - then)
        known.comms[uid] = (now.total, sent)
    return rates
