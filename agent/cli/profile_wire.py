"""How ``studio-agent profile show`` tells of a light without DMX: its registers, or its frames."""

from collections.abc import Callable, Iterator

from firmware_profiles.curves import Measured
from firmware_profiles.entry import WireEntry
from firmware_profiles.line_protocol import Frame, LineProtocol, Part, Request
from firmware_profiles.model import Personality
from firmware_profiles.register_map import RegisterMap

Say = Callable[[str, str], str]
"""English and Chinese → what the terminal shows."""


def kind(personality: Personality, say: Say) -> str:
    """How a personality is reached, in a word or two."""
    wire = personality.wire
    if wire is None:
        count = personality.footprint
        return say(f"{count} slot{'s' * (count != 1)}", f"{count} 个通道")
    speaks = "Modbus" if isinstance(wire, RegisterMap) else say("its own protocol", "专用协议")
    return f"{speaks}, {_settings(wire, say)}"


def lines(personality: Personality, say: Say) -> Iterator[tuple[str, str]]:
    """What a light without DMX has: a word for the margin, and the rest."""
    if personality.modbus is not None:
        yield from _registers(personality, personality.modbus, say)
    elif personality.line is not None:
        yield from _values(personality)
        yield from _frames(personality.line, say)


def _settings(wire: WireEntry, say: Say) -> str:
    port = wire.port if isinstance(wire, LineProtocol) else None
    parts = [f"{wire.baud} Bd {wire.framing}" if port is None else say(f"port {port}", f"端口 {port}")]
    if wire.channels > 1:
        parts.append(say(f"{wire.channels} channels", f"{wire.channels} 个回路"))
    if wire.gap:
        parts.append(say(f"gap {wire.gap * 1e3:g} ms", f"间隔 {wire.gap * 1e3:g} ms"))
    if wire.keepalive:
        parts.append(say(f"told again every {wire.keepalive:g} s", f"每 {wire.keepalive:g} 秒重发"))
    return ", ".join(parts)


def _values(personality: Personality) -> Iterator[tuple[str, str]]:
    for attribute, channel in personality.channels.items():
        curve = f", {channel.curve}" if channel.curve != "linear" else ""
        curve = f", curve of {len(channel.curve.points)} points" if isinstance(channel.curve, Measured) else curve
        yield str(attribute), f"{channel.start:g}…{channel.end:g} = {channel.first}…{channel.last}{curve}"


def _registers(personality: Personality, table: RegisterMap, say: Say) -> Iterator[tuple[str, str]]:
    for name, text in _values(personality):
        register = next(each for attribute, each in table.values.items() if attribute == name)
        each = say(f" (+{register.stride} a channel)", f"（每回路 +{register.stride}）") if register.stride else ""
        read = "" if register.read == "none" else say(f", read: {register.read}", f"，读：{register.read}")
        if register.read_address is not None:
            read += f" {register.read_address}"
        offset = f" {register.offset:+d}" if register.offset else ""
        where = say(f"register {register.address}", f"寄存器 {register.address}")
        yield name, f"{text}{offset}, {where}{each}, {_function(register.function, say)}{read}"
    power = table.power
    if power is not None:
        coil = say(f"coil {power.coil}", f"线圈 {power.coil}")
        place = coil if power.coil is not None else say(f"register {power.address}", f"寄存器 {power.address}")
        each = say(f" (+{power.stride} a channel)", f"（每回路 +{power.stride}）") if power.stride else ""
        yield say("switch", "开关"), f"{place}{each}, {_function(power.function, say)}"
    for sensor in table.sensors:
        scale = f" x {sensor.factor:g}" if sensor.factor != 1 else ""
        shift = f" {sensor.offset:+g}" if sensor.offset else ""
        where = say(f"{sensor.read} register {sensor.address}", f"{sensor.read} 寄存器 {sensor.address}")
        yield sensor.name, f"{sensor.unit}: {where}{scale}{shift}"


def _function(number: int, say: Say) -> str:
    return say(f"function {number:02X}", f"功能码 {number:02X}")


def _frames(protocol: LineProtocol, say: Say) -> Iterator[tuple[str, str]]:
    for name in ("hello", "set", "read"):
        for request in getattr(protocol, name):
            yield name, _request(request, say)
    for name in ("on", "off", "heartbeat"):
        request = getattr(protocol, name)
        if request is not None:
            yield name, _request(request, say)


def _request(request: Request, say: Say) -> str:
    text = _frame(request)
    if request.times > 1:
        text += say(f" ({request.times} times)", f"（{request.times} 次）")
    if request.reply == "echo":
        text += say(" → the same", " → 原样返回")
    elif isinstance(request.reply, Frame):
        text += f" → {_frame(request.reply)}"
    return text if request.refused is None else text + say(", or no: ", "，拒绝：") + _frame(request.refused)


def _frame(frame: Frame) -> str:
    return " ".join(_part(part) for part in frame.fields)


def _part(part: Part) -> str:
    if part.text is not None:
        return repr(part.text)
    if part.bytes is not None:
        return part.bytes
    if part.skip is not None:
        return f"<{part.skip}>"
    name = part.number or part.check or ("length" if part.length else "own address")
    written = "" if part.form == "binary" else f" {part.form}"
    width = f":{part.width}" if part.width is not None else ""
    return f"<{name}{width}{written}>"
