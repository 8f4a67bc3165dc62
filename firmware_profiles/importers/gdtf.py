"""GDTF (DIN SPEC 15800): the description of a fixture type → :class:`Light`. Pure: a tree in, a light out.

    FixtureType ─ DMXModes ─ DMXMode ─ DMXChannels ─ DMXChannel ─ LogicalChannel ─ ChannelFunction ─ ChannelSet
                                        Offset="1,2"                Attribute       DMXFrom, Physical…

A function reaches from its ``DMXFrom`` to the next one's. A value ``255/1`` counts in one byte; in a wider channel its
bytes repeat (65535), with ``255/1s`` they are shifted (65280).
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from config.units import SILENT, SLOTS, Attribute, Text
from firmware_profiles.importers.foreign import PIXELS, Channel, Drive, Fault, Light, Mode, instead, plain, too_wide
from firmware_profiles.importers.package import Node
from firmware_profiles.importers.remarks import measured, of_gdtf

MODES = 256
FUNCTIONS = 512
"""Functions and their sets, of one channel."""
WIDEST = 4
"""Bytes of a channel."""
ENOUGH = 4
"""Functions of one channel that are told by name."""

ATTRIBUTES: Mapping[str, Attribute] = {
    "Dimmer": Attribute.INTENSITY,
    "CTC": Attribute.CCT,
    "CTO": Attribute.CCT,
    "CTB": Attribute.CCT,
    "ColorAdd_R": Attribute.RED,
    "ColorAdd_G": Attribute.GREEN,
    "ColorAdd_B": Attribute.BLUE,
    "ColorAdd_W": Attribute.WHITE,
    "ColorAdd_RY": Attribute.AMBER,
    "ColorRGB_Red": Attribute.RED,
    "ColorRGB_Green": Attribute.GREEN,
    "ColorRGB_Blue": Attribute.BLUE,
    "HSB_Hue": Attribute.HUE,
    "HSB_Saturation": Attribute.SATURATION,
    "HSB_Brightness": Attribute.INTENSITY,
}
"""Attributes of annex A whose meaning is one of ours. ``Tint`` has neither a unit nor a direction there."""
_SPANS: Mapping[Attribute, tuple[int, int]] = {Attribute.CCT: (1000, 20000), Attribute.HUE: (0, 360)}
_UNITS = {Attribute.CCT: "kelvin within 1000…20000", Attribute.HUE: "degrees within 0…360"}

_WHY: tuple[tuple[str, Text], ...] = (
    (r"Shutter\d*(Strobe.*)?|Strobe.*", Text("strobe or shutter", "频闪或快门")),
    (r"Pan.*|Tilt.*|XYZ.*|Rot_.*|Scale_.*|PositionEffect.*", Text("movement", "运动")),
    (r"Gobo.*|AnimationWheel.*|Color\d+.*|ColorEffects.*|ColorMacro.*", Text("gobo or colour wheel", "图案轮或色轮")),
    (r"Effects.*|Video.*|Media.*|.*Macro.*", Text("effects", "效果")),
    (r"Zoom.*|Focus.*|Iris.*|Frost.*|Prism.*|Blade.*|Shaper.*", Text("optics", "光学")),
    (r"Control\d*|Function|.*Reset|Fan.*|Lamp.*", Text("maintenance", "维护功能")),
    (r"Tint", Text("green/magenta without a unit or a direction", "绿/品红偏色，没有单位和方向")),
    (r"NoFeature", Text("no function", "无功能")),
)
_STILL = re.compile(
    r"\b(?:off|no (?:effect|function|strobe)|none|open|stop|disabled?|not used|steady)\b", re.IGNORECASE
)
_RIGHT = "a GDTF file as its maker or gdtf-share gives it"


def read(root: Node, source: str, vendor: str | None) -> Light:
    """The light that a description tells of. Raises Fault."""
    types = root.all("FixtureType") if root.tag == "GDTF" else []
    if len(types) != 1:
        raise Fault("description.xml", "has no GDTF/FixtureType", _RIGHT, root.line)
    [fixture] = types
    name = plain(_said(fixture, "Name"))
    maker = plain(vendor if vendor is not None else _said(fixture, "Manufacturer"))
    last = fixture.all("Revisions", "Revision")[-1:]
    notes = [plain(f"{each.said.get('Text', '')} {each.said.get('Date', '')}") for each in last]
    which = f", revision {notes[0]}" if notes and notes[0] else ""
    said = plain(f"GDTF {plain(root.said.get('DataVersion', '1.0'), 10)}, {source}{which}", 400)
    modes = fixture.all("DMXModes", "DMXMode")
    if not 0 < len(modes) <= MODES:
        raise Fault("DMXModes", f"has {len(modes)} modes", f"1 to {MODES}", fixture.line)
    repeated = _repeated(fixture)
    rdm, remarks = of_gdtf(fixture)
    read_in = tuple(_mode(node, repeated) for node in modes)
    return Light(maker, name, said, read_in, rdm, (*remarks, *measured(fixture)))


def _said(node: Node, key: str) -> str:
    word = node.said.get(key, "").strip()
    if not word:
        raise Fault(node.tag, f"has no {key}", _RIGHT, node.line)
    return word


def _repeated(fixture: Node) -> frozenset[str]:
    """Geometries that are placed by reference: a channel on one of them is there once for each place."""
    tops = [top for collect in fixture.all("Geometries") for top in collect.inner]
    named = {node.said.get("Geometry", "") for top in tops for node in top.walk() if node.tag == "GeometryReference"}
    return frozenset(node.said.get("Name", "") for top in tops if top.said.get("Name") in named for node in top.walk())


def _mode(mode: Node, repeated: frozenset[str]) -> Mode:
    name = plain(_said(mode, "Name"))
    channels: list[Channel] = []
    remarks: list[Text] = []
    breaks: set[str] = set()
    for node in mode.all("DMXChannels", "DMXChannel"):
        places = _places(node)
        if node.said.get("Geometry") in repeated or node.said.get("DMXBreak") == "Overwrite":
            return Mode(name, refused=PIXELS)
        if not places:
            word = _name(node)
            remarks.append(Text(f"{word} has no slot of its own", f"{word} 没有自己的通道"))
            continue
        breaks.add(node.said.get("DMXBreak", "1"))
        if places and max(places) >= SLOTS:
            return Mode(name, refused=too_wide(max(places) + 1))
        channels.append(_channel(node, places))
    if len(breaks) > 1:
        return Mode(name, refused=Text(f"it needs {len(breaks)} start addresses", f"需要 {len(breaks)} 个起始地址"))
    if macros := len(mode.all("FTMacros", "FTMacro")):
        remarks.append(Text(f"its {macros} macros", f"{macros} 个宏"))
    if relations := len(mode.all("Relations", "Relation")):
        remarks.append(Text(f"its {relations} relations between channels", f"通道之间的 {relations} 个关联"))
    footprint = max((place + 1 for channel in channels for place in channel.places), default=0)
    if not footprint:
        return Mode(name, refused=Text("it has no DMX channel", "没有 DMX 通道"))
    channels.sort(key=lambda channel: channel.places[0])
    return Mode(name, footprint, tuple(channels), remarks=tuple(dict.fromkeys(remarks)))


def _places(node: Node) -> tuple[int, ...]:
    said = node.said.get("Offset", "").strip()
    if said in ("", "None"):
        return ()
    words = [word.strip() for word in said.split(",")]
    found = [int(word) for word in words if re.fullmatch(r"[0-9]{1,6}", word)]
    if len(found) != len(words) or min(found) < 1 or len(set(found)) < len(found) or len(found) > WIDEST:
        raise Fault(
            "DMXChannel Offset", f"{plain(said, 40)!r} is none", "one to four numbers from 1, like 1,2", node.line
        )
    return tuple(place - 1 for place in found)


@dataclass(frozen=True)
class _Function:
    """A range of a channel's values: ``first`` … ``last``, with its sets as (first, last, node)."""

    node: Node
    attribute: str
    first: int
    last: int
    sets: tuple[tuple[int, int, Node], ...]

    def called(self, value: int) -> str:
        """The file's words for a value."""
        words = [each.said.get("Name", "") for first, last, each in self.sets if first <= value <= last]
        return next((plain(w, 60) for w in (*words, self.node.said.get("Name", ""), self.attribute) if plain(w)), "")

    def harm(self, value: int) -> Text:
        """What would be wrong with holding the channel at a value of this range."""
        called = self.called(value)
        shuts = re.search(r"\bclosed?\b", called, re.IGNORECASE) or self._is_shut(value)
        if shuts and re.match("Shutter|Dimmer", self.attribute):
            return Text("the light would stay dark", "灯会一直不亮")
        if _STILL.search(called):
            return SILENT
        if re.fullmatch(r"Shutter\d*Strobe.*|Strobe.*", self.attribute):
            return Text("the light would flash", "灯会闪烁")
        return Text("an effect would run", "会运行效果") if re.fullmatch(r"Effects\d*", self.attribute) else SILENT

    def _is_shut(self, value: int) -> bool:
        """Whether a set says of a shutter (0 shut … 1 open) that it is shut at this value."""
        if not re.fullmatch(r"Shutter\d*", self.attribute):
            return False
        at = [node for first, last, node in self.sets if first <= value <= last and "PhysicalTo" in node.said]
        return any(_number(node, "PhysicalFrom", 0.0) == 0 == _number(node, "PhysicalTo", 1.0) for node in at)


def _channel(node: Node, places: tuple[int, ...]) -> Channel:
    width = len(places)
    functions = list(_functions(node, width))
    hold, given = _default(node, functions, width)
    base = Channel(_name(node), places, hold=hold)
    ours = [function for function in functions if function.attribute in ATTRIBUTES]
    if any(function.node.said.get("ModeMaster") for function in functions):
        why = Text(
            "its meaning changes with another channel, and a profile's slots keep theirs",
            "其含义随另一通道改变，而配置文件中通道含义固定",
        )
        return _still(replace(base, why=why), functions)
    if len(ours) != 1:
        several = Text(f"{len(ours)} ranges with a level each", f"{len(ours)} 个各自可调的范围")
        idle = all(function.attribute == "NoFeature" for function in functions)
        return _still(replace(base, why=several if ours else _why(functions), idle=idle), functions)
    [function] = ours
    physical = _ends(function)
    attribute = ATTRIBUTES[function.attribute]
    # A circle is told in degrees, or as 0…1 where the file leaves the ends at their defaults.
    turn = 360 if attribute is Attribute.HUE and max(physical) <= 1 else 1
    start, end = (turn * each for each in physical)
    low, high = _SPANS.get(attribute, (0, 1))
    if not (low <= start <= high and low <= end <= high) or start == end or function.first >= function.last:
        unit = _UNITS.get(attribute, "share within 0…1")
        why = Text(f"{function.attribute} has no range of {unit}", f"{function.attribute} 没有可用范围（{low}…{high}）")
        return _still(replace(base, why=why), functions)
    if any(_bends(function, *physical)):
        why = Text(f"{function.attribute} goes in steps", f"{function.attribute} 不是均匀变化")
        return _still(replace(base, why=why), functions)
    rest = [f"{f.first}–{f.last} {f.called(f.first)}" for f in functions if f is not function]
    told = plain("; ".join(rest[:ENOUGH]) + ("; …" if len(rest) > ENOUGH else ""), 200)
    why = Text(f"values that are not used: {told}", f"未使用的值：{told}") if rest else SILENT
    if profile := plain(function.node.said.get("DMXProfile", ""), 40):
        curve = Text(f"its curve {profile}: taken as linear", f"曲线 {profile}：按线性处理")
        why = Text(f"{why.en}; {curve.en}", f"{why.zh}；{curve.zh}") if rest else curve
    default = None
    if given and attribute not in (Attribute.INTENSITY, Attribute.CCT) and function.first < hold <= function.last:
        default = start + (hold - function.first) / (function.last - function.first) * (end - start)
    drive = Drive(attribute, function.first, function.last, start, end)
    return replace(base, drive=drive, why=why, default=default)


def _functions(node: Node, width: int) -> Iterator[_Function]:
    """The channel's functions with their ends, which the file leaves to the next one's beginning."""
    found = [
        (_value(each, "DMXFrom", width) or 0, logical.said.get("Attribute", "NoFeature"), each)
        for logical in node.all("LogicalChannel")
        for each in logical.all("ChannelFunction") or [Node("ChannelFunction", logical.line, {})]
    ]
    if len(found) + sum(len(each.inner) for _, _, each in found) > FUNCTIONS:
        raise Fault("DMXChannel", f"has more than {FUNCTIONS} functions and sets", _RIGHT, node.line)
    top = (1 << 8 * width) - 1
    firsts = sorted({first for first, _, _ in found})
    ends = dict(zip(firsts, [*(first - 1 for first in firsts[1:]), top], strict=False))
    for first, logical, each in found:
        sets = sorted(((_value(inner, "DMXFrom", width) or 0, inner) for inner in each.all("ChannelSet")), key=_first)
        lasts = [*(start - 1 for start, _ in sets[1:]), ends[first]]
        bounded = tuple((start, last, inner) for (start, inner), last in zip(sets, lasts, strict=False))
        yield _Function(each, plain(each.said.get("Attribute", logical), 40), first, ends[first], bounded)


def _first(item: tuple[int, Node]) -> int:
    return item[0]


def _value(node: Node, key: str, width: int) -> int | None:
    """A DMX value in ``width`` bytes; None when it is absent or ``None``. Raises Fault for what is no value."""
    said = node.said.get(key, "None").strip()
    if said.lower() in ("none", ""):
        return None
    match = re.fullmatch(r"([0-9]{1,10})/([1-4])(s?)", said)
    if match is None or int(match[1]) >= 1 << 8 * int(match[2]):
        raise Fault(f"{node.tag} {key}", f"{plain(said, 40)!r} is no DMX value", "like 255/1", node.line)
    pieces = int(match[1]).to_bytes(int(match[2]), "big")
    filled = pieces + bytes(width) if match[3] else pieces * width
    return int.from_bytes(filled[:width], "big")


def _default(node: Node, functions: Sequence[_Function], width: int) -> tuple[int, bool]:
    """The value the channel starts with, and whether the file says so."""
    path = node.said.get("InitialFunction", "").split(".")
    for function in functions:
        is_initial = path[-1] == function.node.said.get("Name", "") and (
            len(path) < 2 or path[-2] == function.attribute or len(functions) == 1
        )
        if is_initial and (value := _value(function.node, "Default", width)) is not None:
            return value, True
    value = _value(node, "Default", width)
    if value is not None:
        return value, True
    found = [_value(function.node, "Default", width) for function in functions[:1]]
    return (found[0], True) if found and found[0] is not None else (0, False)


def _still(channel: Channel, functions: Sequence[_Function]) -> Channel:
    """The channel with a value it can be held at: the file's own, or one at which nothing flashes."""
    harms = [function.harm(channel.hold) for function in functions if function.first <= channel.hold <= function.last]
    harm = next((each for each in harms if each != SILENT), SILENT)
    if harm != SILENT:
        starts = [(f, at) for f in functions for at in (f.first, *(first for first, _, _ in f.sets))]
        calm = next((at for f, at in starts if f.harm(at) == SILENT and _is_open(f, at)), None)
        if calm is not None:
            channel, harm = replace(channel, hold=calm, why=instead(channel.why, channel.hold, harm)), SILENT
    words = [f.called(channel.hold) for f in functions if f.first <= channel.hold <= f.last]
    return replace(channel, harm=harm, holds=words[0] if words else "")


def _is_open(function: _Function, value: int) -> bool:
    called = function.called(value)
    if re.fullmatch(r"Shutter\d*", function.attribute):  # what is off there may be the light
        return re.search(r"\bopen\b", called, re.IGNORECASE) is not None
    return function.attribute == "NoFeature" or _STILL.search(called) is not None


def _why(functions: Sequence[_Function]) -> Text:
    reasons: list[Text] = []
    for function in functions:
        known = (text for pattern, text in _WHY if re.fullmatch(pattern, function.attribute))
        word = function.attribute
        reason = next(known, Text(f"{word}, which no attribute stands for", f"{word}，没有对应属性"))
        if reason not in reasons and (function.attribute != "NoFeature" or len(functions) == 1):
            reasons.append(reason)
    reasons = reasons[:ENOUGH] or [Text("no function", "无功能")]
    return Text(", ".join(each.en for each in reasons), "、".join(each.zh for each in reasons))


def _ends(function: _Function) -> tuple[float, float]:
    ends = _number(function.node, "PhysicalFrom", 0.0), _number(function.node, "PhysicalTo", 1.0)
    return (ends[1], ends[0]) if function.node.said.get("DMXInvert") == "Yes" else ends


def _bends(function: _Function, start: float, end: float) -> Iterator[bool]:
    """Whether each set's own levels are away from the function's straight line by more than a twentieth of it."""
    whole = {_number(function.node, "PhysicalFrom", 0.0), _number(function.node, "PhysicalTo", 1.0)}
    for first, last, node in function.sets:
        if {_number(node, "PhysicalFrom", start), _number(node, "PhysicalTo", end)} == whole:
            continue  # some editors write the function's own ends into every set
        for value, key in ((first, "PhysicalFrom"), (last, "PhysicalTo")):
            if key in node.said:
                share = (value - function.first) / (function.last - function.first)
                line = start + share * (end - start)
                yield abs(_number(node, key, line) - line) > 0.05 * abs(end - start)


def _number(node: Node, key: str, absent: float) -> float:
    said = node.said.get(key)
    if said is None:
        return absent
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Fault(f"{node.tag} {key}", f"{plain(said, 40)!r} is no number", "like 0.5", node.line)
    return value


def _name(node: Node) -> str:
    logical = [each.said.get("Attribute", "") for each in node.all("LogicalChannel")][:1]
    return plain("".join(logical), 60) or plain(node.said.get("Geometry", "?"), 60)
