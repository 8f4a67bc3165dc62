"""A light's own protocol as data: frames of fields, text or binary, and which of them does what.

    head  command  channel  value  check          each field is one of: constant, number, checksum, length,
    ────  ───────  ───────  ─────  ─────          own address, bytes of no concern
     $       3        1      0FF    XX

Data only; ``drivers/lamps/line_codec.py`` turns it into bytes and finds it in what comes back.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.units import Attribute
from firmware_profiles.entry import Entry, Spans, WireEntry

Form = Literal["binary", "hex", "HEX", "decimal"]
Check = Literal["xor", "sum8", "sum16", "crc16-modbus", "crc16-ccitt", "crc16-xmodem"]
Hex = Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2} ?)+$", max_length=200)]
Ascii = Annotated[str, Field(pattern=r"^[\x00-\x7f]+$", max_length=64)]
Range = tuple[Annotated[int, Field(ge=0, le=63)], Annotated[int, Field(ge=0, le=63)]]

CHECK_BYTES: Mapping[Check, int] = {
    "xor": 1,
    "sum8": 1,
    "sum16": 2,
    "crc16-modbus": 2,
    "crc16-ccitt": 2,
    "crc16-xmodem": 2,
}
PLACES = ("channel", "unit", "code")
"""Numbers that are no attribute's: the light's channel and unit, and the code in a refusal."""

Octets = bytes
"""``bytes`` by another name: a field of a frame is called so, too."""


class Part(Entry):
    """One field of a frame: exactly one of bytes, text, number, check, length, own_address, skip."""

    bytes: Hex | None = Field(None, description="Constant bytes, as hex digits: '80 05'.")
    text: Ascii | None = Field(None, description="Constant text.")
    number: Literal["channel", "unit", "code"] | Attribute | None = Field(
        None, description="channel, unit, code (of a refusal), or an attribute: the value of its slot."
    )
    check: Check | None = Field(None, description="Checksum.")
    length: Literal[True] | None = Field(None, description="How many bytes the fields in `over` have.")
    own_address: Literal[True] | None = Field(None, description="This machine's IPv4 address as text.")
    skip: Annotated[int, Field(ge=1, le=64)] | None = Field(None, description="So many bytes that may be anything.")
    form: Form = Field("binary", description="How a number, check or length is written; HEX: capitals.")
    width: Annotated[int, Field(ge=1, le=8)] | None = Field(
        None, description="Bytes or digits it takes; default: 1, a checksum as many as it has."
    )
    padded: bool = Field(True, description="decimal: with leading zeros; false: up to `width` digits.")
    order: Literal["big", "little"] = Field("big", description="binary: which byte comes first.")
    add: Annotated[int, Field(ge=-0xFFFF, le=0xFFFF)] = Field(
        0, description="Added to the number before it is written."
    )
    over: Range | None = Field(
        None, description="First and last field, from 0, that a check or length covers; default: all before it."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Part":
        given = [key for key in KINDS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"a field is exactly one of {', '.join(KINDS)}; this is {', '.join(given) or 'none'}")
        allowed = {given[0], *KINDS[given[0]]}
        if stray := sorted(self.model_fields_set - allowed):
            raise ValueError(f"{', '.join(stray)} has no meaning for a field of kind {given[0]}")
        if not self.padded and self.form != "decimal":
            raise ValueError("padded = false is for decimal numbers")
        if self.check is not None and self.digits < CHECK_BYTES[self.check] * (1 if self.form == "binary" else 2):
            raise ValueError(f"{self.check} has {CHECK_BYTES[self.check]} bytes: width is too small")
        if self.check is not None and self.form == "decimal":
            raise ValueError("a checksum is written binary or hex")
        return self

    @property
    def constant(self) -> "Octets | None":
        """The bytes of a constant field, else ``None``."""
        if self.bytes is not None:
            return Octets.fromhex(self.bytes)
        return None if self.text is None else self.text.encode("ascii")

    @property
    def digits(self) -> int:
        """Bytes or digits a number, check or length takes."""
        if self.width is not None:
            return self.width
        size = CHECK_BYTES[self.check] if self.check is not None else 1
        return size if self.form == "binary" else size * 2 if self.check is not None else 1

    @property
    def most(self) -> int:
        """The largest number it can hold."""
        return int({"binary": 256, "decimal": 10}.get(self.form, 16) ** self.digits) - 1


_WRITTEN = ("form", "width", "order", "padded")
KINDS: Mapping[str, tuple[str, ...]] = {
    "bytes": (),
    "text": (),
    "number": (*_WRITTEN, "add"),
    "check": ("form", "width", "order", "over"),
    "length": (*_WRITTEN, "add", "over"),
    "own_address": (),
    "skip": (),
}
"""The kinds of field, and what else each may have."""


class Escape(Entry):
    """Bytes that may not stand inside a frame are sent as ``lead`` and themselves XOR ``flip``. The first and the last
    field, constants of one byte, stay as they are."""

    lead: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}$")] = Field(description="Escape byte, as hex digits.")
    of: Hex = Field(description="Bytes that are escaped (the lead is, in any case).")
    flip: Annotated[int, Field(ge=0, le=255)] = Field(0x20, description="0: the byte itself follows the lead.")

    @model_validator(mode="after")
    def _stands_for_another(self) -> "Escape":
        never = {*bytes.fromhex(self.of), int(self.lead, 16)}
        if self.flip and (wrong := sorted(byte for byte in never if byte ^ self.flip in never)):
            raise ValueError(f"flip makes {wrong[0]:02X} into {wrong[0] ^ self.flip:02X}, which is escaped itself")
        return self


class Frame(Entry):
    """Fields in order."""

    fields: Annotated[tuple[Part, ...], Field(min_length=1, max_length=32)] = Field(
        description="What it is made of, in order."
    )
    escape: Escape | None = Field(None, description="Bytes that may not stand inside it.")

    @model_validator(mode="after")
    def _holds_together(self) -> "Frame":
        for at, part in enumerate(self.fields):
            first, last = part.over or (0, at - 1)
            covers = part.check is not None or part.length is not None
            if covers and not (first <= last < len(self.fields) and not first <= at <= last):
                raise ValueError(f"field {at} must cover other fields of this frame: over = [first, last], from 0")
            if part.check is not None and any(each.check for each in self.fields[first : last + 1]):
                raise ValueError(f"field {at} is a checksum over a checksum")
        names = [str(part.number) for part in self.fields if part.number is not None]
        if len(set(names)) < len(names):
            raise ValueError("a number stands twice in one frame")
        if self.escape is not None:
            ends = (self.fields[0].constant, self.fields[-1].constant)
            if len(self.fields) < 3 or any(end is None or len(end) != 1 for end in ends):
                raise ValueError("an escaped frame begins and ends with one constant byte each")
            if any(end is not None and end[0] not in Octets.fromhex(self.escape.of) for end in ends):
                raise ValueError("escape.of must have the frame's first and last byte, or its end cannot be found")
        return self

    @property
    def numbers(self) -> set[str]:
        """Names of the numbers in it."""
        return {str(part.number) for part in self.fields if part.number is not None}


class Request(Frame):
    """A frame that is sent, and what comes back."""

    reply: Literal["none", "echo"] | Frame = Field("none", description="What confirms it; echo: the same bytes.")
    refused: Frame | None = Field(None, description="What the light answers when it will not; `code` says why.")
    codes: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, description="Code of a refusal → what it means."
    )
    times: Annotated[int, Field(ge=1, le=5)] = Field(1, description="How often it is sent.")
    repeatable: bool = Field(True, description="Sent again when no answer comes: it may be done twice.")


class LineProtocol(WireEntry):
    """What to say to a light for what, and what it answers."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="UDP or TCP port it listens at, if it is on the network."
    )
    hello: tuple[Request, ...] = Field((), description="Said when the wire has been opened.")
    set: Annotated[tuple[Request, ...], Field(min_length=1)] = Field(description="Say all values.")
    on: Request | None = Field(None, description="Said when the light goes on.")
    off: Request | None = Field(None, description="Said when it goes dark.")
    read: tuple[Request, ...] = Field((), description="Ask for its values.")
    heartbeat: Request | None = Field(None, description="Said every `keepalive` seconds besides `set`.")

    @property
    def reads(self) -> bool:
        """Whether anything it was told can be read again."""
        return bool(self.read)

    def faults(self, spans: Spans) -> Iterator[str]:
        """What is wrong for a personality whose slots have these values."""
        known = {str(attribute) for attribute in spans}
        told = {name for request in self.set for name in request.numbers} - set(PLACES)
        if told != known:
            missing = ", ".join(sorted(told ^ known))
            yield f"line.set and the slots must have the same attributes; one of them lacks {missing}"
        if (self.on is None) != (self.off is None):
            yield "line.on and line.off belong together"
        if self.on is not None and Attribute.INTENSITY not in spans:
            yield "line.on follows intensity, and there is none"
        if self.heartbeat is not None and self.keepalive is None:
            yield "line.heartbeat needs keepalive: how often"
        for where, request in self._requests():
            yield from _numbers(where, request, spans, self.channels)
            for part, frame in (("reply", request.reply), ("refused", request.refused)):
                if isinstance(frame, Frame):
                    yield from _numbers(f"{where}.{part}", frame, spans, self.channels)
            if where.startswith(("line.hello", "line.read")) and (values := request.numbers - set(PLACES)):
                yield f"{where} tells the light no value, and has {', '.join(sorted(values))}"
            if "code" in request.numbers:
                yield f"{where}: a code is in refusals only"
        for at, request in enumerate(self.read):
            reply = request.reply
            if not isinstance(reply, Frame) or not known & reply.numbers:
                yield f"line.read[{at}] needs a reply with a value in it"

    def _requests(self) -> Iterator[tuple[str, Request]]:
        for name in ("hello", "set", "read"):
            yield from ((f"line.{name}[{at}]", request) for at, request in enumerate(getattr(self, name)))
        for name in ("on", "off", "heartbeat"):
            request = getattr(self, name)
            if request is not None:
                yield f"line.{name}", request


def _numbers(where: str, frame: Frame, spans: Spans, channels: int) -> Iterator[str]:
    """Whether every number fits into the digits it has."""
    for part in frame.fields:
        if part.number is None or part.number == "code":
            continue
        if part.number in PLACES:
            span = (1, channels) if part.number == "channel" else (1, 1)
        elif Attribute(part.number) in spans:
            span = spans[Attribute(part.number)]
        else:
            yield f"{where}: no slot has {part.number}"
            continue
        low, high = span[0] + part.add, span[1] + part.add
        if low < 0 or high > part.most:
            yield f"{where}: {part.number} is {low}…{high}, and {part.digits} digits or bytes hold 0…{part.most}"
