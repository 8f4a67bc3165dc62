"""Frames of line protocols: bytes from the makers' papers, any noise, any chunking."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.lamps.line_codec import CHECKS, DoesNotFit, Shape, crc16
from firmware_profiles import library
from firmware_profiles.line_protocol import Frame

relaxed = settings(deadline=None, max_examples=80)


def line(name, mode):
    return library.find(name).personalities[mode].line


def frame(*fields, **more):
    return Frame.model_validate({"fields": list(fields), **more})


GL1 = line("neewer/gl1", "wifi")
PL81 = line("neewer/pl81-pro", "usb")
ASCII = line("generic/ascii-controller", "8ch")
BINARY = line("generic/binary-controller", "8ch")


@pytest.mark.parametrize(
    ("request_", "numbers", "wire"),
    [
        (GL1.set[0], {"intensity": 20, "cct": 33}, "80 05 03 02 14 21 bf"),  # neewer-gl1, README: 20 at 3300 K
        (GL1.on, {}, "80 05 02 01 01 89"),
        (GL1.off, {}, "80 05 02 01 00 88"),
        (GL1.hello[0], {}, "80 02 10 00 00 0d 31 39 32 2e 31 36 38 2e 31 2e 32 33 36 2e"),
        (PL81.set[0], {"intensity": 100, "cct": 9}, "3a 02 03 01 64 09 00 ad"),  # neewer-control, RESEARCH.md
        (PL81.set[0], {"intensity": 10, "cct": 9}, "3a 02 03 01 0a 09 00 53"),
        (ASCII.set[0], {"channel": 1, "intensity": 255}, b"$310FF16".hex()),
        (ASCII.on, {"channel": 8}, b"$180001D".hex()),
        (ASCII.read[0], {"channel": 1}, b"$4100011".hex()),
        (BINARY.set[0], {"unit": 1, "channel": 3, "intensity": 128}, "40 01 01 03 80 c5"),
    ],
)
def test_bytes_on_the_wire(request_, numbers, wire):
    assert Shape(request_).encode(numbers, "192.168.1.236") == bytes.fromhex(wire)


def test_the_checksums_have_their_catalogued_values():
    data = b"123456789"
    assert CHECKS["crc16-modbus"](data) == 0x4B37
    assert CHECKS["crc16-ccitt"](data) == 0x29B1
    assert CHECKS["crc16-xmodem"](data) == 0x31C3
    assert CHECKS["xor"](data) == 0x31
    assert (CHECKS["sum8"](data), CHECKS["sum16"](data)) == (0xDD, 0x1DD)
    assert crc16(b"", 0xA001, 0xFFFF, reflected=True) == 0xFFFF


EVERY = frame(
    {"bytes": "AA"},
    {"length": True, "over": [2, 7]},
    {"number": "unit"},
    {"number": "cct", "width": 2, "order": "little"},
    {"number": "intensity", "form": "HEX", "width": 3},
    {"number": "red", "form": "decimal", "width": 4},
    {"number": "green", "form": "decimal", "width": 3, "padded": False},
    {"skip": 2},
    {"check": "crc16-modbus", "order": "little"},
)
ESCAPED = frame(
    {"bytes": "7E"},
    {"number": "cct", "width": 2},
    {"number": "intensity"},
    {"check": "crc16-ccitt"},
    {"bytes": "7E"},
    escape={"lead": "7D", "of": "7E"},
)
numbers = st.fixed_dictionaries(
    {
        "unit": st.integers(0, 255),
        "cct": st.integers(0, 0xFFFF),
        "intensity": st.integers(0, 0xFF),
        "red": st.integers(0, 9999),
        "green": st.integers(0, 999),
    }
)


def chunked(data, cuts):
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@relaxed
@given(numbers)
def test_what_is_written_is_found(given_):
    for one in (EVERY, ESCAPED):
        shape = Shape(one)
        wanted = {name: given_[name] for name in one.numbers}
        wire = shape.encode(given_)
        found = shape.find(wire)
        assert found is not None and dict(found.numbers) == wanted and found.end == len(wire)
        assert shape.find(wire, {**wanted, "cct": wanted["cct"] ^ 1}) is None, "another's answer was taken"
    inside = Shape(ESCAPED).encode(given_)[1:-1]
    assert 0x7E not in inside


@relaxed
@given(numbers, st.binary(max_size=60), st.lists(st.integers(0, 200), max_size=6))
def test_noise_before_it_and_any_chunking_change_nothing(given_, noise, cuts):
    noise = bytes(byte for byte in noise if byte not in (0x7E, 0xAA))
    for one in (EVERY, ESCAPED):
        shape = Shape(one)
        heard, found = b"", []
        wire = noise + shape.encode(given_)
        for chunk in chunked(wire, cuts):
            heard += chunk
            found.append(shape.find(heard))
        assert found[-1] is not None and found[-1].end == len(wire)
        assert all(each is None for each in found if each is not found[-1] and each != found[-1])


@relaxed
@given(st.binary(max_size=300))
def test_noise_never_raises(noise):
    for one in (EVERY, ESCAPED, *GL1.set, *PL81.set, *ASCII.read, ASCII.read[0].reply, BINARY.read[0].reply):
        Shape(one).find(noise)


@relaxed
@given(numbers, st.integers(0, 400), st.integers(1, 255))
def test_a_frame_with_one_wrong_byte_is_none(given_, at, flip):
    shape = Shape(EVERY)
    wire = bytearray(shape.encode(given_))
    wire[at % len(wire)] ^= flip
    found = shape.find(bytes(wire))
    # hex digits in the other case are the same number, and bytes of no concern are checked by the CRC all the same
    assert found is None or wire.upper() == shape.encode(given_).upper()


@relaxed
@given(numbers)
def test_cut_anywhere_it_is_not_there_yet(given_):
    for one in (EVERY, ESCAPED):
        wire = Shape(one).encode(given_)
        assert all(Shape(one).find(wire[:end]) is None for end in range(len(wire)))


def test_a_number_without_room_is_never_written():
    with pytest.raises(DoesNotFit, match="4096 does not fit"):
        Shape(EVERY).encode({"unit": 1, "cct": 0, "intensity": 4096, "red": 0, "green": 0})


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ([{"bytes": "80", "text": "x"}], "exactly one of"),
        ([{}], "exactly one of"),
        ([{"bytes": "8"}], "match pattern"),
        ([{"bytes": "80", "width": 2}], "width has no meaning"),
        ([{"number": "shutter"}], "Input should be"),
        ([{"check": "xor"}], "must cover other fields"),
        ([{"bytes": "80"}, {"check": "xor", "over": [0, 1]}], "must cover other fields"),
        ([{"bytes": "80"}, {"check": "xor", "over": [0, 9]}], "must cover other fields"),
        ([{"bytes": "80"}, {"check": "xor"}, {"check": "sum8"}], "checksum over a checksum"),
        ([{"bytes": "80"}, {"check": "crc16-modbus", "width": 1}], "width is too small"),
        ([{"bytes": "80"}, {"check": "xor", "form": "HEX", "width": 1}], "width is too small"),
        ([{"number": "cct"}, {"number": "cct"}], "stands twice"),
        ([{"number": "cct", "padded": False}], "padded = false is for decimal"),
        ([], "at least 1 item"),
    ],
)
def test_what_cannot_be_a_frame_is_told(fields, why):
    with pytest.raises(ValidationError, match=why):
        frame(*fields)


@relaxed
@given(numbers, st.sampled_from((0x20, 0xFF, 0)), st.integers(0, 200))
def test_escapes_of_the_escape_and_of_the_checksum_come_back(given_, flip, cut):
    """Everything that may need one: the lead, both ends, and their like in the checksum."""
    escape = {"lead": "7D", "of": "7E 7C 11 13", "flip": flip}
    for check in CHECKS:
        inside = ({"number": "cct", "width": 2}, {"number": "intensity"}, {"check": check})
        shape = Shape(frame({"bytes": "7E"}, *inside, {"bytes": "7C"}, escape=escape))
        for special in (0x7D7D, 0x7E7C, 0x1113, given_["cct"]):
            sent = {"cct": special, "intensity": given_["intensity"]}
            wire = shape.encode(sent)
            assert wire.count(0x7E) == 1 or flip == 0
            found = shape.find(wire)
            assert found is not None and dict(found.numbers) == sent and found.end == len(wire) <= shape.longest
            if flip:  # cut anywhere, also right behind the lead: the next whole frame is found
                again = shape.find(wire[: 1 + cut % (len(wire) - 1)] + wire)
                assert again is not None and dict(again.numbers) == sent


def test_an_escape_that_makes_what_is_escaped_is_told():
    with pytest.raises(ValidationError, match="flip makes 5E into 7E, which is escaped itself"):
        frame({"bytes": "7E"}, {"number": "cct"}, {"bytes": "7E"}, escape={"lead": "7D", "of": "7E 5E"})


def test_an_escaped_frame_needs_ends_that_are_escaped():
    with pytest.raises(ValidationError, match="first and last byte"):
        frame({"bytes": "7E"}, {"number": "cct"}, {"bytes": "7F"}, escape={"lead": "7D", "of": "7E"})
    with pytest.raises(ValidationError, match="one constant byte each"):
        frame({"bytes": "7E"}, {"number": "cct"}, escape={"lead": "7D", "of": "7E"})
