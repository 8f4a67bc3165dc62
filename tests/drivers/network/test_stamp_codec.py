import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.contrib import stamp as scapy_stamp

from drivers.network import stamp_codec as codec

U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
requests = st.builds(codec.Request, U32, U64, U16, U16, st.binary(max_size=64))
replies = st.builds(
    codec.Reply,
    sequence=U32,
    sent=U64,
    received=U64,
    sender_sequence=U32,
    sender_sent=U64,
    error=U16,
    session=U16,
    sender_error=U16,
    sender_ttl=st.integers(0, 255),
    tlvs=st.binary(max_size=64),
)


@given(requests)
def test_requests_survive_the_wire(request_):
    assert codec.decode_request(request_.encode()) == request_


@given(replies)
def test_replies_survive_the_wire(reply):
    assert codec.decode_reply(reply.encode()) == reply


@given(replies)
def test_a_reply_of_38_bytes_is_read_without_its_ttl(reply):
    short = codec.decode_reply(reply.encode()[:38])
    assert short.sender_ttl is None
    assert (short.sequence, short.sender_sequence, short.sender_sent, short.received, short.sent) == (
        reply.sequence,
        reply.sender_sequence,
        reply.sender_sent,
        reply.received,
        reply.sent,
    )
    assert len(short.encode()) == 38


@given(st.binary(max_size=120))
def test_any_bytes_never_raise(noise):
    request, reply = codec.decode_request(noise), codec.decode_reply(noise)
    assert (request is None) == (len(noise) < 44)
    assert (reply is None) == (len(noise) < 38)
    if reply is not None:
        assert reply.processing is None or reply.processing > 0
        assert reply.arrived >= 0


@given(st.binary(max_size=120))
@example(b"\x80\x01\xff\xff")
@example(b"\x80\x07\x00\x01x\x80\x01\x00\x00")
def test_reflected_tlvs_are_exactly_as_long_as_they_came(tlvs):
    assert len(codec.reflected(tlvs)) == len(tlvs)


def test_reflected_padding_is_recognised_others_are_marked_broken_ones_too():
    assert codec.reflected(codec.padding(10)) == bytes((0, 1, 0, 6)) + bytes(6)
    assert codec.reflected(b"\x00\x07\x00\x01x") == b"\x80\x07\x00\x01x"
    assert codec.reflected(b"\x80\x01\x00\x09x") == b"\x40\x01\x00\x09x"


@pytest.mark.parametrize(("size", "length"), [(0, 0), (3, 0), (4, 4), (1156, 1156)])
def test_padding_is_of_the_asked_size(size, length):
    assert len(codec.padding(size)) == length


def test_scapy_reads_our_request():
    seen = scapy_stamp.STAMPSessionSenderTestUnauthenticated(
        codec.Request(7, codec.to_stamp(1_700_000_000.25), session=99, tlvs=codec.padding(12)).encode()
    )
    assert (seen.seq, seen.ssid) == (7, 99)
    assert float(seen.ts) == pytest.approx(1_700_000_000.25 + codec.NTP_EPOCH, abs=1e-6)
    assert (seen.err_estimate.S, seen.err_estimate.Z) == (0, 0)
    assert (seen.err_estimate.scale, seen.err_estimate.multiplier) == (32, 1)
    assert [(tlv.type, tlv.len) for tlv in seen.tlv_objects] == [(1, 8)]


def test_scapy_reads_our_reply():
    seen = scapy_stamp.STAMPSessionReflectorTestUnauthenticated(
        codec.Reply(
            sequence=5,
            sent=codec.to_stamp(100.5),
            received=codec.to_stamp(100.25),
            sender_sequence=7,
            sender_sent=codec.to_stamp(99.75),
            session=3,
            sender_ttl=254,
        ).encode()
    )
    assert (seen.seq, seen.ssid, seen.seq_sender, seen.ttl_sender) == (5, 3, 7, 254)
    times = [float(each) - codec.NTP_EPOCH for each in (seen.ts, seen.ts_rx, seen.ts_sender)]
    assert times == pytest.approx([100.5, 100.25, 99.75], abs=1e-6)


def test_we_read_the_request_scapy_builds():
    built = bytes(scapy_stamp.STAMPSessionSenderTestUnauthenticated(seq=11, ts=1000.5, ssid=4))
    read = codec.decode_request(built)
    assert (read.sequence, read.session, read.sent) == (11, 4, int(1000.5 * codec.ONE_SECOND))


@given(st.floats(0, 4e9), st.floats(-1000, 1000))
def test_differences_hold_across_the_end_of_the_era_in_2036(start, step):
    found = codec.apart(codec.to_stamp(start), codec.to_stamp(start + step))
    assert found == pytest.approx(step, abs=2e-6)


def test_the_known_stamp_of_1970():
    assert codec.to_stamp(0) == 2_208_988_800 << 32
    assert codec.to_stamp(0.5) & 0xFFFFFFFF == 0x80000000


def reply(received, sent, error=codec.WITHIN_A_SECOND):
    return codec.Reply(sequence=0, sent=sent, received=received, sender_sequence=0, sender_sent=0, error=error)


def test_processing_is_t3_minus_t2_and_unknown_when_they_are_equal():
    assert reply(codec.to_stamp(10.0), codec.to_stamp(10.000123)).processing == pytest.approx(123e-6, abs=1e-9)
    assert reply(1000, 1000).processing is None
    assert reply(1000, 999).processing is None


def test_ptp_stamps_count_nanoseconds():
    assert reply(5 << 32 | 999_999_000, 6 << 32 | 1_000, codec.PTP | 1).processing == pytest.approx(2e-6, abs=1e-9)
