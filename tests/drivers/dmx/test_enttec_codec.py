"""The USB Pro codec: bytes of the paper, any chunking, noise."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Decoder, Label, Message, Parameters

relaxed = settings(deadline=None, max_examples=80)
messages = st.builds(Message, st.integers(0, 255), st.binary(max_size=codec.LONGEST))


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("made", "wire"),
    [
        (codec.ask_parameters(), "7E 03 02 00 00 00 E7"),
        (codec.ask_parameters(508), "7E 03 02 00 FC 01 E7"),
        (codec.ask_serial(), "7E 0A 00 00 E7"),
        (codec.encode(Label.MANUFACTURER), "7E 4D 00 00 E7"),
        (codec.encode(Label.SET_PARAMETERS, bytes((0, 0, 9, 1, 40))), "7E 04 05 00 00 00 09 01 28 E7"),
        (codec.send_frame(b"\xff\x80"), "7E 06 19 00 00 FF 80" + " 00" * 22 + " E7"),
        (codec.send_frame(bytes(512)), "7E 06 01 02" + " 00" * 513 + " E7"),
    ],
)
def test_bytes_on_the_wire(made, wire):
    assert made == bytes.fromhex(wire)


def test_the_replies_of_a_widget():
    decoder = Decoder()
    found = decoder.feed(bytes.fromhex("7E 03 05 00 2C 01 09 01 28 E7 7E 0A 04 00 67 45 13 02 E7"))
    assert [message.label for message in found] == [3, 10]
    parameters = Parameters.decode(found[0].data)
    assert parameters == Parameters(44, 1, 9, 1, 40)
    assert parameters.firmware == "1.44"
    assert codec.serial_text(found[1].data) == "02134567"
    assert codec.serial_bytes("02134567") == found[1].data


def test_received_packets_are_good_without_status_bits_only():
    good = codec.decode_received(bytes((0, 0, 1, 2)))
    assert good is not None and good.good and (good.start_code, good.slots) == (0, b"\x01\x02")
    for status in (1, 2, 3):
        spoiled = codec.decode_received(bytes((status, 0, 1)))
        assert spoiled is not None and not spoiled.good
    assert codec.decode_received(b"\0") is None


@relaxed
@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 5000), max_size=12))
def test_any_chunking_gives_the_same_messages(sent, cuts):
    decoder = Decoder()
    wire = b"".join(codec.encode(*message) for message in sent)
    found = [message for chunk in chunked(wire, cuts) for message in decoder.feed(chunk)]
    assert found == sent
    assert not decoder.dropped and not decoder.partial


@relaxed
@given(st.binary(max_size=2000), st.lists(st.integers(0, 5000), max_size=12))
def test_chunking_does_not_matter_for_noise_either(noise, cuts):
    whole, pieces = Decoder(), Decoder()
    assert whole.feed(noise) == [message for chunk in chunked(noise, cuts) for message in pieces.feed(chunk)]
    assert whole.dropped == pieces.dropped


@relaxed
@given(st.binary(max_size=900), messages)
def test_after_noise_and_the_longest_false_message_it_finds_its_place_again(noise, message):
    decoder = Decoder()
    decoder.feed(noise + bytes(codec.LONGEST + 5))
    assert decoder.feed(codec.encode(*message)) == [message]


@relaxed
@given(st.binary(max_size=64).filter(lambda noise: codec.START not in noise), messages)
def test_noise_without_a_start_byte_costs_nothing_but_itself(noise, message):
    decoder = Decoder()
    assert decoder.feed(noise + codec.encode(*message)) == [message]
    assert decoder.dropped == len(noise)


def test_a_length_that_cannot_be_is_no_message():
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("7E 05 59 02") + codec.ask_serial()) == [Message(10, b"")]
    assert decoder.dropped == 4


def test_too_much_data_is_refused():
    with pytest.raises(ValueError, match="601 data bytes; at most 600"):
        codec.encode(6, bytes(601))


@relaxed
@given(st.binary(min_size=1, max_size=512), st.integers(0, 255))
def test_a_frame_comes_back_padded_to_24_slots(frame, start_code):
    (message,) = Decoder().feed(codec.send_frame(frame, start_code))
    assert message.label == Label.SEND
    assert message.data == bytes((start_code,)) + frame + bytes(max(0, 24 - len(frame)))


@relaxed
@given(st.tuples(*[st.integers(0, 255)] * 5), st.binary(max_size=508))
def test_parameters_come_back(numbers, user):
    parameters = Parameters(*numbers, user)
    assert Parameters.decode(parameters.encode()) == parameters


@relaxed
@given(st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_serial_numbers_come_back(text):
    assert codec.serial_text(codec.serial_bytes(text)) == text
