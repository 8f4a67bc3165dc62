"""Open Fixture Library JSON (its ``schemas/fixture.json``) → :class:`Light`. Pure: text in, light out.

A channel has a width in bytes: itself and its ``fineChannelAliases``. Values in the file count in
``dmxValueResolution`` (default: that width); a mode that lists fewer of the bytes uses the upper ones alone.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from config.units import EMITTERS, SILENT, SLOTS, Text
from firmware_profiles.importers.capability import called, drive_of, harm_of, is_idle, is_neutral, rest, why_not
from firmware_profiles.importers.colour import colour_of
from firmware_profiles.importers.foreign import (
    PIXELS,
    Channel,
    Drive,
    Fault,
    Light,
    Mode,
    instead,
    plain,
    too_wide,
)
from firmware_profiles.importers.remarks import of_library
from firmware_profiles.importers.tint import tint_of

LARGEST = 4 * 1024 * 1024
"""Bytes a file may have; the longest in the library has a quarter of that."""
MODES = 256
FUNCTIONS = 1024
"""Of one channel."""
TEMPLATES = 128

_RIGHT = "a fixture file of the Open Fixture Library"
_PIXEL = "$pixelKey"


def read(content: bytes, source: str, vendor: str | None, stem: str) -> Light:
    """The light that the file's ``content`` describes. Raises Fault.

    ``vendor`` is its maker, which the format leaves to the folder's name; without it, what ``stem`` (the file's name)
    has before the model's.
    """
    data = _json(content)
    if "redirectTo" in data:
        raise Fault("redirectTo", f"this file only points to {plain(data['redirectTo'])!r}", "import that one")
    name = plain(_of(data, "name", str, "name"))
    meta = data.get("meta", {})
    authors = meta.get("authors", []) if isinstance(meta, dict) else []
    by = f" by {', '.join(map(plain, authors[:5]))}" if isinstance(authors, list) and authors else ""
    when = f", last changed {plain(meta.get('lastModifyDate'))}" if by and meta.get("lastModifyDate") else ""
    links = data.get("links", {})
    manuals = links.get("manual", []) if isinstance(links, dict) else []
    cites = f"; it cites {', '.join(plain(link, 200) for link in manuals[:3])}" if isinstance(manuals, list) else ""
    fixture = _Fixture(data)
    said = plain(f"Open Fixture Library, {source}{by}{when}{cites if manuals else ''}", 700)
    modes = tuple(fixture.modes())
    return Light(_vendor(data, name, vendor, stem), name, said, modes, remarks=of_library(data))


def _vendor(data: Mapping[str, Any], model: str, given: str | None, stem: str) -> str:
    if given is not None:
        return given
    if isinstance(data.get("manufacturerKey"), str):
        return plain(data["manufacturerKey"])
    key = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    if key and stem.lower().endswith(f"-{key}"):
        return stem[: -len(key) - 1]
    raise Fault("vendor", "the format does not say who makes the light", "give --vendor NAME")


def _json(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Fault("file", "is not UTF-8 text", _RIGHT, content[: error.start].count(b"\n") + 1) from None
    except json.JSONDecodeError as error:
        raise Fault(f"column {error.colno}", f"not valid JSON: {error.msg}", _RIGHT, error.lineno) from None
    except RecursionError:
        raise Fault("file", "is nested too deeply", _RIGHT) from None
    except ValueError:
        raise Fault("file", "a number has thousands of digits", _RIGHT) from None
    if not isinstance(data, dict):
        raise Fault("file", "is JSON, but not a fixture", _RIGHT)
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise Fault(twice, "this key is there twice", "each key only once")
    return found


def _no_constant(word: str) -> None:
    raise Fault("file", f"{word} is no JSON number", "a finite number")


def _of(table: Mapping[str, Any], key: str, kind: type | tuple[type, ...], where: str) -> Any:
    """A value that must be there and be of that kind."""
    if key not in table:
        raise Fault(where, "is missing", _RIGHT)
    value = table[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Fault(where, f"has the wrong type: {plain(json.dumps(value), 60)}", _RIGHT)
    return value


class _Fixture:
    """The channels of one file, looked up by what its modes call them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._templates = self._channels("templateChannels")
        if len(self._templates) > TEMPLATES:
            raise Fault("templateChannels", f"has {len(self._templates)} of them", f"at most {TEMPLATES}")
        self._known: dict[str, tuple[str, int]] = {}  # name on a mode's list -> channel, which byte of it
        self._switched: dict[str, str] = {}  # alias -> the channel whose value says what it is
        self._made: dict[tuple[str, int], Channel] = {}
        self._channel = self._channels("availableChannels")
        for name, channel in self._channel.items():
            self._enter(name, channel)

    def _channels(self, key: str) -> dict[str, dict[str, Any]]:
        found = _of(self._data, key, dict, key) if key in self._data else {}
        for name, channel in found.items():
            if not isinstance(channel, dict):
                raise Fault(f"{key}.{name}", "is not a channel", _RIGHT)
        return dict(found)

    def _enter(self, name: str, channel: Mapping[str, Any]) -> None:
        aliases = self._aliases(name, channel)
        for byte, word in enumerate((name, *aliases)):
            if word in self._known:
                raise Fault(f"availableChannels.{name}", f"the name {word!r} is there twice", "each name only once")
            self._known[word] = (name, byte)
        for cap in self._caps(name, channel):
            switch = cap.get("switchChannels", {})
            if isinstance(switch, dict):
                self._switched |= dict.fromkeys(map(plain, switch), name)

    def _aliases(self, name: str, channel: Mapping[str, Any]) -> list[str]:
        where = f"availableChannels.{name}.fineChannelAliases"
        aliases = channel.get("fineChannelAliases", [])
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases) or len(aliases) > 3:
            raise Fault(where, "is not a list of at most three names", _RIGHT)
        return aliases

    def _caps(self, name: str, channel: Mapping[str, Any]) -> list[dict[str, Any]]:
        where = f"availableChannels.{name}"
        if "capability" in channel:
            return [_of(channel, "capability", dict, f"{where}.capability")]
        caps: list[dict[str, Any]] = _of(channel, "capabilities", list, f"{where}.capabilities")
        for at, cap in enumerate(caps):
            if not isinstance(cap, dict):
                raise Fault(f"{where}.capabilities[{at}]", "is not a capability", _RIGHT)
        if not 0 < len(caps) <= FUNCTIONS:
            raise Fault(f"{where}.capabilities", f"has {len(caps)} of them", f"1 to {FUNCTIONS}")
        return caps

    def modes(self) -> Iterator[Mode]:
        """Every mode of the file."""
        modes = _of(self._data, "modes", list, "modes")
        if not 0 < len(modes) <= MODES:
            raise Fault("modes", f"has {len(modes)} of them", f"1 to {MODES}")
        for at, mode in enumerate(modes):
            where = f"modes[{at}]"
            if not isinstance(mode, dict):
                raise Fault(where, "is not a mode", _RIGHT)
            name = plain(_of(mode, "name", str, f"{where}.name")) or f"mode {at + 1}"
            short = plain(_of(mode, "shortName", str, f"{where}.shortName")) if "shortName" in mode else ""
            listed = _of(mode, "channels", list, f"{where}.channels")
            yield self._mode(where, name, short, listed)

    def _mode(self, where: str, name: str, short: str, listed: Sequence[Any]) -> Mode:
        if any(isinstance(item, dict) for item in listed):
            return Mode(name, short=short, refused=PIXELS)
        if len(listed) > SLOTS:
            return Mode(name, short=short, refused=too_wide(len(listed)))
        at: dict[str, dict[int, int]] = {}  # channel -> its byte -> the slot that has it
        channels: list[Channel] = []
        for place, word in enumerate(listed):
            if word is None:
                channels.append(Channel("–", (place,), why=Text("not used", "未使用"), idle=True))
                continue
            if not isinstance(word, str):
                raise Fault(f"{where}.channels[{place}]", f"is no channel's name: {plain(word, 40)}", _RIGHT)
            found = self._found(word)
            if found is None and plain(word) in self._switched:
                channels.append(self._switching(plain(word), place))
            elif found is None:
                raise Fault(f"{where}.channels[{place}]", f"there is no channel {plain(word)!r}", _RIGHT)
            elif found[1] in at.setdefault(found[0], {}):
                again = Text(f"{plain(word)} is listed twice", f"{plain(word)} 列出两次")
                return Mode(name, short=short, refused=again)
            else:
                at[found[0]][found[1]] = place
        for key, bytes_at in at.items():
            channels += self._placed(key, bytes_at)
        channels.sort(key=lambda channel: channel.places[0])
        return Mode(name, len(listed), tuple(channels), short)

    def _found(self, word: str) -> tuple[str, int] | None:
        """The channel of a name on a mode's list, and which of its bytes; a template's is made when first named."""
        if word not in self._known:
            for template, channel in self._templates.items():
                words = (template, *self._aliases(template, channel))
                for pattern in words:
                    head, pixel, tail = pattern.partition(_PIXEL)
                    fits = len(word) > len(head) + len(tail) and word.startswith(head) and word.endswith(tail)
                    if pixel and fits:
                        key = word[len(head) : len(word) - len(tail)]
                        made = channel | {"fineChannelAliases": [each.replace(_PIXEL, key) for each in words[1:]]}
                        own = template.replace(_PIXEL, key)
                        if own in self._channel:
                            return None
                        self._channel[own] = made
                        self._enter(own, made)
                        return self._known.get(word)
        return self._known.get(word)

    def _placed(self, key: str, bytes_at: Mapping[int, int]) -> Iterator[Channel]:
        """The channel with the bytes that the mode has of it; a fine byte without the coarse one can only stay at 0."""
        used = 0
        while used in bytes_at:
            used += 1
        if used:
            yield replace(self._analysed(key, used), places=tuple(bytes_at[byte] for byte in range(used)))
        for byte, place in sorted(bytes_at.items()):
            if byte >= used:
                why = Text("a fine byte without the coarse one", "只有低位字节，缺少高位字节")
                yield Channel(plain(key), (place,), why=why)

    def _switching(self, alias: str, place: int) -> Channel:
        """A slot that is one channel or another as a third one says: it keeps what it is while that one is held."""
        trigger = self._switched[alias]
        caps, ranges, size = self._ranges(trigger)
        held = self._analysed(trigger, size).hold
        names = [
            cap.get("switchChannels") for cap, (low, high) in zip(caps, ranges, strict=True) if low <= held <= high
        ]
        target = names[0].get(alias) if names and isinstance(names[0], dict) else None
        base = self._analysed(target, 1) if isinstance(target, str) and target in self._channel else Channel("", (0,))
        why = Text(
            f"its meaning changes with {plain(trigger)}, and a profile's slots keep theirs",
            f"其含义随 {plain(trigger)} 改变，而配置文件中通道含义固定",
        )
        return replace(base, name=alias, places=(place,), drive=None, default=None, why=why, idle=False)

    def _ranges(self, key: str) -> tuple[list[dict[str, Any]], list[tuple[int, int]], int]:
        """A channel's functions, where each is, and in how many bytes that is counted."""
        channel, where = self._channel[key], f"availableChannels.{key}"
        size = channel.get("dmxValueResolution", f"{8 * (1 + len(self._aliases(key, channel)))}bit")
        if size not in ("8bit", "16bit", "24bit", "32bit"):
            raise Fault(f"{where}.dmxValueResolution", f"{plain(size, 40)!r} is none", "8bit, 16bit or 24bit")
        width = int(size[:-3]) // 8
        full = (1 << 8 * width) - 1
        caps = self._caps(key, channel)
        return caps, [(0, full)] if "capability" in channel else list(_ranges(caps, full, where)), width

    def _analysed(self, key: str, used: int) -> Channel:
        """What a channel's upper ``used`` bytes do; their places are still to be given."""
        if (key, used) not in self._made:
            self._made[key, used] = self._analyse(key, used)
        return self._made[key, used]

    def _analyse(self, key: str, used: int) -> Channel:
        channel = self._channel[key]
        caps, ranges, size = self._ranges(key)
        given = channel.get("defaultValue")
        start = _default(given, (1 << 8 * size) - 1, f"availableChannels.{key}")
        at = next((n for n, (low, high) in enumerate(ranges) if low <= start <= high), 0)
        base = Channel(plain(channel.get("name", key)), tuple(range(used)), holds=called(caps[at]))
        for line, left_out in (tint_of(caps, ranges), colour_of(base.name, caps, ranges)):
            if line is not None:
                first, last = _scaled(line.first, line.last, size, used)
                return replace(base, drive=replace(line, first=first, last=last), why=left_out)
        driven = [(n, moved) for n, cap in enumerate(caps) if (moved := drive_of(cap)) is not None]
        if len(driven) == 1:
            n, (attribute, low, high) = driven[0]
            first, last = _scaled(*ranges[n], size, used)
            if first < last:
                drive = Drive(attribute, first, last, low, high)
                default = None
                if attribute in EMITTERS and given is not None and ranges[n][0] < start <= ranges[n][1]:
                    default = low + (start - ranges[n][0]) / (ranges[n][1] - ranges[n][0]) * (high - low)
                others = [f"{a}–{b} {called(caps[m])}" for m, (a, b) in enumerate(ranges) if m != n]
                return replace(base, drive=drive, why=rest(others), default=default)
        why = why_not(caps) if len(driven) != 1 else Text("its range is a single value", "范围只有一个值")
        if len(driven) > 1:
            why = Text(f"{len(driven)} ranges with a level each", f"{len(driven)} 个各自可调的范围")
        harm = harm_of(caps[at], start == ranges[at][0], base.name)
        neutral = next((n for n, cap in enumerate(caps) if is_neutral(cap)), None)
        if harm != SILENT:
            calm = (n for n, cap in enumerate(caps) if harm_of(cap, True, base.name) == SILENT)
            other = neutral if neutral is not None else next(calm, None)
            if other is not None:
                why, at, start, harm = instead(why, start, harm), other, ranges[other][0], SILENT
        elif given is None and neutral is not None and not is_neutral(caps[at]):
            at, start = neutral, ranges[neutral][0]
            why = Text(f"{why.en} (the file gives no start value)", f"{why.zh}（文件未给出初始值）")
        first, last = _scaled(*ranges[at], size, used)
        hold, _ = _scaled(start, start, size, used)
        base = replace(base, hold=min(max(hold, first), last) if first <= last else hold)
        idle = all(is_idle(cap) for cap in caps)
        return replace(base, why=why, holds=called(caps[at]), harm=harm, idle=idle)


def _ranges(caps: Sequence[Mapping[str, Any]], full: int, where: str) -> Iterator[tuple[int, int]]:
    before = -1
    for at, cap in enumerate(caps):
        found = cap.get("dmxRange")
        if not isinstance(found, list) or len(found) != 2 or not all(type(end) is int for end in found):
            raise Fault(f"{where}.capabilities[{at}].dmxRange", "is not a pair of whole numbers", "like [0, 127]")
        low, high = found
        if not before < low <= high <= full:
            raise Fault(
                f"{where}.capabilities[{at}].dmxRange", f"{plain(found, 40)} does not rise within 0…{full}", _RIGHT
            )
        before = high
        yield low, high


def _default(given: Any, full: int, where: str) -> int:
    if given is None:
        return 0
    if (
        isinstance(given, str)
        and (share := re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)%", given))
        and float(share[1]) <= 100
    ):
        return round(float(share[1]) / 100 * full)
    if type(given) is not int or not 0 <= given <= full:
        raise Fault(f"{where}.defaultValue", f"{plain(given, 40)} is not within 0…{full}", _RIGHT)
    return given


def _scaled(low: int, high: int, size: int, used: int) -> tuple[int, int]:
    """A range of values of ``size`` bytes as it is in ``used`` bytes: what lies wholly within it."""
    shift = 8 * (used - size)
    if shift >= 0:
        return low << shift, ((high + 1) << shift) - 1
    first = -(-low >> -shift) if low != high else low >> -shift
    return first, ((high + 1) >> -shift) - 1
