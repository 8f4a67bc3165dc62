"""What changed on a line between two surveys, each with the next step."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from config.units import Text
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_discovery import Oddity
from drivers.dmx.rdm_survey import Responder, Survey


class What(StrEnum):
    NEW = "new"
    GONE = "gone"
    FIRMWARE = "firmware"
    ADDRESS = "address"
    PERSONALITY = "personality"
    ODD = "odd"


@dataclass(frozen=True, slots=True)
class Change:
    """One event. ``said`` is what happened, ``next_step`` what to do about it."""

    what: What
    uid: Uid
    said: Text
    next_step: Text
    before: str = ""
    after: str = ""


_NEW = Text(
    "Give it its start address, and name it in the configuration if it is to be controlled.",
    "设置其起始地址；如需控制，请写入配置。",
)
_GONE = Text("Check its power, its cable and the terminator of the line.", "检查其电源、线缆与线路终端电阻。")
_FIRMWARE = Text(
    "Check that a profile holds for this firmware (profile show); run the light's self-test off air.",
    "确认有适用于该固件的配置文件（profile show），并在非直播时运行灯具自检。",
)
_ADDRESS = Text(
    "Set the address back, or correct the fixture's address in the configuration.", "恢复起始地址，或修改配置中的地址。"
)
_PERSONALITY = Text(
    "Set the personality back, or correct the fixture's personality in the configuration.",
    "恢复DMX模式，或修改配置中的模式。",
)

_ODD = {
    Oddity.NEVER_MUTES: (
        Text("goes on answering discovery although muted", "静默后仍应答搜索"),
        Text("Update its firmware; each discovery takes longer because of it.", "请更新其固件；它会延长每次搜索。"),
    ),
    Oddity.NO_MUTE_ANSWER: (
        Text("answers discovery but not its mute", "应答搜索但不应答静默命令"),
        Text("Check cable and terminator, then update its firmware.", "检查线缆与终端电阻，然后更新其固件。"),
    ),
    Oddity.CONTESTED: (
        Text("two devices have this UID, or its answers are always spoilt", "两台设备共用此UID，或其应答总是损坏"),
        Text("Take one device after the other off the line and look again.", "逐台断开设备后重新搜索。"),
    ),
}


def changes(before: Survey, after: Survey) -> list[Change]:
    """New and gone devices, firmware, start addresses and personalities that changed, and who now breaks the rules of
    discovery, by UID.

    A device that was found but told nothing is neither gone nor changed. Nobody is called gone by a search that was
    not complete.
    """
    found: list[Change] = []
    there = {each.uid: each for each in after.responders}
    then = {each.uid: each for each in before.responders}
    for uid in sorted({*before.discovery.uids, *after.discovery.uids}):
        old, now = then.get(uid), there.get(uid)
        if uid not in before.discovery.uids:
            name = now.name if now else str(uid)
            found.append(Change(What.NEW, uid, Text(f"New on the line: {name}.", f"线路上出现新设备：{name}。"), _NEW))
        elif uid not in after.discovery.uids:
            if after.discovery.complete:
                name = old.name if old else str(uid)
                said = Text(f"No longer on the line: {name}.", f"设备已不在线路上：{name}。")
                found.append(Change(What.GONE, uid, said, _GONE))
        elif old and now:
            found += _differences(old, now)
        odd = after.discovery.odd.get(uid)
        if odd is not None and odd is not before.discovery.odd.get(uid):
            what, next_step = _ODD[odd]
            said = Text(f"{uid} {what.en}.", f"{uid}：{what.zh}。")
            found.append(Change(What.ODD, uid, said, next_step, after=odd.value))
    return found


def _differences(old: Responder, now: Responder) -> Iterator[Change]:
    was, name = old.info, now.name
    if (was.model, was.software, old.firmware) != (now.info.model, now.info.software, now.firmware):
        one, other = firmware(old), firmware(now)
        said = Text(f"{name}: firmware {one} became {other}.", f"{name}：固件由 {one} 变为 {other}。")
        yield Change(What.FIRMWARE, now.uid, said, _FIRMWARE, one, other)
    if was.address != now.info.address:
        first, second = str(was.address), str(now.info.address)
        said = Text(f"{name}: start address {first} became {second}.", f"{name}：起始地址由 {first} 变为 {second}。")
        yield Change(What.ADDRESS, now.uid, said, _ADDRESS, first, second)
    if (was.personality, was.footprint) != (now.info.personality, now.info.footprint):
        first, second = mode(old), mode(now)
        said = Text(f"{name}: personality {first} became {second}.", f"{name}：DMX模式由 {first} 变为 {second}。")
        yield Change(What.PERSONALITY, now.uid, said, _PERSONALITY, first, second)


def firmware(responder: Responder) -> str:
    """``"1.4.2 (id 0x01040200)"``: label and number, for either may be the one that was changed."""
    number = f"{responder.info.software:#010x}"
    return f"{responder.firmware} (id {number})" if responder.firmware else f"id {number}"


def mode(responder: Responder) -> str:
    """``"2: 16 bit (4 slots)"``."""
    named = f": {responder.personality}" if responder.personality else ""
    return f"{responder.info.personality}{named} ({responder.info.footprint} slots)"
