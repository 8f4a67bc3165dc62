"""A foreign light as a profile of ours, and everything of it that a profile cannot say."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from config.forms import plain_name
from config.units import EMITTERS, HUE_SPAN, SILENT, SLOTS, Attribute, Text
from firmware_profiles.importers.foreign import Channel, Drive, Fault, Light, Mode, NotThere, plain, too_wide
from firmware_profiles.model import Match, Personality, Profile, RdmModel, Slot

_MAIN = re.compile(r"dimmer|intensity|brightness|master", re.IGNORECASE)
_FADE = re.compile(r"cross[ -]?fade|<->|↔", re.IGNORECASE)
"""Names of channels that fade between white and colour: held, they leave the levels of one side without effect."""


@dataclass(frozen=True)
class Left:
    """Something that the profile does not say: of a mode, of which slots, of which channel, and why.

    ``held`` is the value its slots keep; ``None`` where the channel is driven and only part of it is left out.
    """

    mode: str
    slots: str
    channel: str
    why: Text
    held: str | None = None


@dataclass(frozen=True)
class Imported:
    """A profile, and what of the foreign light is not in it."""

    profile: Profile
    left: tuple[Left, ...]
    refused: tuple[tuple[str, Text], ...]
    """Modes that cannot be had, by their names in the foreign file, with the reason."""


def convert(light: Light, wanted: str | None = None) -> Imported:
    """The light's modes, or the ``wanted`` one (its name, short name or key). Raises Fault when none can be had."""
    modes = list(zip(_keys(light.modes), light.modes, strict=True))
    if wanted is not None:
        modes = [
            (key, mode)
            for key, mode in modes
            if wanted.casefold() in (key, mode.name.casefold(), mode.short.casefold())
        ]
        if not modes:
            known = ", ".join(repr(mode.name) for mode in light.modes[:40])
            raise NotThere("mode", f"there is no {plain(wanted)!r}", f"one of: {known}")
    personalities: dict[str, Personality] = {}
    left: list[Left] = []
    refused: list[tuple[str, Text]] = []
    for key, mode in modes:
        try:
            personalities[key], more = _personality(key, mode)
        except _Refused as error:
            refused.append((mode.name, error.why))
        else:
            left += more
    if not personalities:
        name, why = refused[0]
        more_of_them = f" (and {len(refused) - 1} more modes)" if len(refused) > 1 else ""
        right = "another mode" if wanted is not None and len(light.modes) > 1 else "write this light by hand"
        raise Fault(f"mode {name!r}", f"{why.en}{more_of_them}", right)
    vendor, model = plain_name(light.vendor), plain_name(light.model)
    if not vendor or not model:
        what, said = ("model", light.model) if vendor else ("vendor", light.vendor)
        raise Fault(what, f"{said!r} has no letter a-z or digit", "a name such as acme")
    profile = Profile(
        vendor=vendor,
        model=model,
        title=plain(f"{light.vendor} {light.model}"),
        source=light.source,
        match=Match(rdm=() if light.rdm is None else (RdmModel(manufacturer=light.rdm[0], model=light.rdm[1]),)),
        personalities=personalities,
    )
    left += [Left("–", "", remark.of, remark.told) for remark in light.remarks]
    return Imported(profile, tuple(left), tuple(refused))


class _Refused(Exception):
    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def _keys(modes: Sequence[Mode]) -> list[str]:
    """A name for each mode, from its own: unique, and the same every time."""
    keys: list[str] = []
    for number, mode in enumerate(modes, 1):
        word = plain_name(mode.name) or f"mode-{number}"
        nth = 1
        key = word
        while key in keys:
            nth += 1
            key = f"{word[:58]}-{nth}"
        keys.append(key)
    return keys


def _personality(key: str, mode: Mode) -> tuple[Personality, list[Left]]:
    if mode.refused != SILENT:
        raise _Refused(mode.refused)
    if mode.footprint > SLOTS:
        raise _Refused(too_wide(mode.footprint))
    channels = _one_each(mode.channels)
    slots: dict[int, Slot] = {}
    taken: dict[int, str] = {}
    left = [Left(key, "", "", remark) for remark in mode.remarks]
    for channel in channels:
        for place in channel.places:
            if place in taken:
                en, zh = f"{taken[place]} and {channel.name}", f"{taken[place]} 与 {channel.name}"
                raise _Refused(Text(f"{en} both sit on slot {place + 1}", f"{zh} 占用同一通道 {place + 1}"))
            taken[place] = channel.name
        if channel.drive is None:
            if _FADE.search(channel.name):
                one = Text("only one of the two sides it fades between shows", "只显示其渐变两端之一")
                channel = replace(channel, why=Text(f"{channel.why.en}; {one.en}", f"{channel.why.zh}；{one.zh}"))
            slots |= _held(channel)
        else:
            slots |= _driven(channel, channel.drive)
            if channel.default is None and len(channel.places) <= 2 and channel.why == SILENT:
                continue
        left += _left(key, channel)
    for place in range(mode.footprint):
        if place not in taken:
            why = Text("no channel of the file describes this slot", "文件未描述该通道")
            slots[place] = Slot(fixed=0, reason=why.en)
            left.append(Left(key, str(place + 1), "–", why, "0"))
    try:
        personality = Personality(title=mode.name, slots=tuple(slots[place] for place in sorted(slots)))
    except ValidationError as error:
        first = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise _Refused(Text(first, _NOTHING if "nothing can be told" in first else first)) from None
    return personality, left


_NOTHING = "没有任何可调属性"


def _one_each(channels: Sequence[Channel]) -> list[Channel]:
    """The channels with at most one for each attribute. Raises _Refused when it cannot be told which."""
    chosen = list(channels)
    for attribute in Attribute:
        rivals = [at for at, channel in enumerate(chosen) if channel.drive and channel.drive.attribute is attribute]
        if len(rivals) < 2:
            continue
        main = [at for at in rivals if _MAIN.search(chosen[at].name)]
        names = ", ".join(chosen[at].name for at in rivals[:4]) + ("…" if len(rivals) > 4 else "")
        if attribute is not Attribute.INTENSITY or len(main) != 1:
            raise _Refused(
                Text(
                    f"several channels drive {attribute} ({names}); a profile has one level per attribute",
                    f"多个通道控制 {attribute}（{names}）；配置文件中每个属性只有一个值",
                )
            )
        why = Text(f"{chosen[main[0]].name} drives {attribute} already", f"{chosen[main[0]].name} 已控制 {attribute}")
        for at in set(rivals) - set(main):
            chosen[at] = replace(chosen[at], drive=None, default=None, why=why)
    colours = [channel.name for channel in chosen if channel.drive and channel.drive.attribute in EMITTERS]
    for at, channel in enumerate(chosen):
        if colours and channel.drive and channel.drive.attribute in HUE_SPAN:
            names = ", ".join(colours[:4])
            why = Text(f"the colour is that of {names} already", f"{names} 已控制颜色")
            chosen[at] = replace(channel, drive=None, default=None, why=why)
    return chosen


def _driven(channel: Channel, drive: Drive) -> dict[int, Slot]:
    width = len(channel.places)
    cut = 8 * max(0, width - 2)
    first, last = -(-drive.first >> cut), ((drive.last + 1) >> cut) - 1
    full = (1 << 8 * min(width, 2)) - 1
    if first >= last:
        raise _Refused(Text(f"{channel.name}: its range is empty", f"{channel.name}：范围为空"))
    said: dict[str, object] = {"attribute": drive.attribute}
    neutral = {Attribute.TINT: (-1.0, 1.0), **HUE_SPAN}.get(drive.attribute, (0.0, 1.0))
    if (drive.start, drive.end) != neutral:
        said["span"] = (drive.start, drive.end)
    if (first, last) != (0, full):
        said["raw"] = (first, last)
    if channel.default is not None:
        said["default"] = min(max(channel.default, min(drive.start, drive.end)), max(drive.start, drive.end))
    slots = {}
    try:
        if width == 1:
            slots[channel.places[0]] = Slot.model_validate(said)
        elif channel.places[1] == channel.places[0] + 1:
            slots[channel.places[0]] = Slot.model_validate({**said, "bits": 16})
        else:
            slots[channel.places[0]] = Slot.model_validate({**said, "part": "coarse"})
            slots[channel.places[1]] = Slot(attribute=drive.attribute, part="fine")
    except ValidationError as error:
        first_error = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise _Refused(Text(f"{channel.name}: {first_error}", f"{channel.name}：{first_error}")) from None
    for place in channel.places[2:]:
        slots[place] = Slot(fixed=0, reason=f"{channel.name}: finer than 16 bit, which a profile does not have")
    return slots


def _held(channel: Channel) -> dict[int, Slot]:
    if channel.harm != SILENT:
        en, zh = f"{channel.name} at {_value(channel)}", f"{channel.name} 保持 {_value(channel)}"
        raise _Refused(Text(f"{en}: {channel.harm.en}", f"{zh}：{channel.harm.zh}"))
    reason = f"{channel.name}: {channel.why.en or 'no function'}"
    if channel.holds:
        reason += f"; {channel.hold} is {channel.holds}"
    places = channel.places
    if len(places) == 2 and places[1] == places[0] + 1:
        return {places[0]: Slot(bits=16, fixed=channel.hold, reason=reason)}
    pieces = channel.hold.to_bytes(len(places), "big")
    return {place: Slot(fixed=piece, reason=reason) for place, piece in zip(places, pieces, strict=True)}


def _value(channel: Channel) -> str:
    return f"{channel.hold} ({channel.holds})" if channel.holds else str(channel.hold)


def _left(key: str, channel: Channel) -> Iterator[Left]:
    at = _slots(channel.places)
    if channel.drive is None:
        if not channel.idle:
            yield Left(key, at, channel.name, channel.why, _value(channel))
        return
    if channel.why != SILENT:
        yield Left(key, at, channel.name, channel.why)
    if len(channel.places) > 2:
        why = Text("finer than 16 bit, which a profile does not have", "高于 16 位精度，配置文件不支持")
        yield Left(key, _slots(channel.places[2:]), channel.name, why, "0")


def _slots(places: Sequence[int]) -> str:
    runs = sorted(place + 1 for place in places)
    whole = len(runs) > 1 and runs[-1] - runs[0] == len(runs) - 1
    return f"{runs[0]}–{runs[-1]}" if whole else ", ".join(map(str, runs))
