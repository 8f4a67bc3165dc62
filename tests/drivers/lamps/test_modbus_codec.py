"""Modbus RTU frames: bytes of the standard, any noise, any chunking."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.lamps.modbus_codec import Answer, Question, encode, find, runs, silence
from drivers.virtual.twins.lamps import crc, framed

relaxed = settings(deadline=None, max_examples=80)
words = st.integers(0, 0xFFFF)
READ = st.builds(Question, st.integers(1, 247), st.sampled_from((3, 4)), words, st.just(()), st.integers(1, 125))
WRITE = st.one_of(
    st.builds(Question, st.integers(1, 247), st.just(6), words, st.tuples(words), st.just(0)),
    st.builds(Question, st.integers(1, 247), st.just(5), words, st.tuples(st.integers(0, 1)), st.just(0)),
    st.builds(
        Question,
        st.integers(1, 247),
        st.just(16),
        words,
        st.lists(words, min_size=1, max_size=123).map(tuple),
        st.just(0),
    ),
)


@pytest.mark.parametrize(
    ("question", "wire"),
    [  # PDUs: Modbus Application Protocol 1.1b3, examples of 6.3, 6.4, 6.5, 6.6, 6.11, 6.12
        (Question(17, 3, 0x6B, length=3), "11 03 00 6B 00 03 76 87"),
        (Question(1, 4, 8, length=1), "01 04 00 08 00 01 B0 08"),
        (Question(1, 5, 0xAC, (1,)), "01 05 00 AC FF 00 4C 1B"),
        (Question(1, 6, 1, (3,)), "01 06 00 01 00 03 98 0B"),
        (Question(1, 15, 0x13, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)), "01 0F 00 13 00 0A 02 CD 01 72 CB"),
        (Question(1, 16, 1, (10, 0x102)), "01 10 00 01 00 02 04 00 0A 01 02 92 30"),
    ],
)
def test_bytes_on_the_wire(question, wire):
    made = encode(question)
    assert made == bytes.fromhex(wire)
    assert made[-2:] == crc(made[:-2])


@pytest.mark.parametrize(
    "question",
    [
        Question(0, 6, 1, (1,)),
        Question(248, 6, 1, (1,)),
        Question(1, 7, 1, (1,)),
        Question(1, 3, 0, length=126),
        Question(1, 16, 0, tuple(range(124))),
    ],
)
def test_nobody_is_asked_what_cannot_be_asked(question):
    with pytest.raises(ValueError, match=r"unit|function"):
        encode(question)


def answer(question, numbers):
    if question.function in (3, 4):
        data = b"".join(number.to_bytes(2, "big") for number in numbers)
        return framed(bytes((question.unit, question.function, len(data))) + data)
    return framed(encode(question)[:6])


@relaxed
@given(st.data(), READ, st.binary(max_size=40))
def test_registers_are_found_behind_noise_and_not_before_the_last_byte(data, question, noise):
    numbers = data.draw(st.lists(words, min_size=question.length, max_size=question.length))
    noise = bytes(byte for byte in noise if byte != question.unit)
    wire = noise + answer(question, numbers)
    assert find(wire, question) == Answer(tuple(numbers))
    assert all(find(wire[:end], question) is None for end in range(len(noise), len(wire)))


@relaxed
@given(WRITE, st.binary(max_size=40))
def test_a_write_is_confirmed_by_its_own_words_only(question, noise):
    noise = bytes(byte for byte in noise if byte != question.unit)
    assert find(noise + answer(question, ()), question) == Answer()
    other = question._replace(address=question.address ^ 1)
    assert find(answer(other, ()), question) is None
    stranger = question._replace(unit=question.unit % 247 + 1)
    assert find(answer(stranger, ()), question) is None


@relaxed
@given(WRITE, st.integers(1, 255))
def test_an_exception_is_an_answer(question, code):
    wire = framed(bytes((question.unit, question.function | 0x80, code)))
    assert find(wire, question) == Answer(exception=code)


@relaxed
@given(st.one_of(READ, WRITE), st.binary(max_size=300))
def test_noise_never_raises(question, noise):
    find(noise, question)


@relaxed
@given(READ, st.integers(0, 2000), st.integers(1, 255))
def test_one_wrong_byte_is_no_answer(question, at, flip):
    wire = bytearray(answer(question, [0] * question.length))
    wire[at % len(wire)] ^= flip
    assert find(bytes(wire), question) is None


def test_silence_between_frames():
    assert silence(9600) == pytest.approx(0.00401, abs=1e-5)
    assert silence(115200) == 0.00175


def test_neighbours_are_read_together():
    assert runs([3, 1, 2, 9, 2], 125) == [(1, 3), (9, 1)]
    assert runs(list(range(5)), 2) == [(0, 2), (2, 2), (4, 1)]
    assert runs([], 2) == []
