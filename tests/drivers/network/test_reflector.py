import signal
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib import stamp as scapy_stamp

from drivers.errors import DeviceMissing
from drivers.network import stamp_codec as codec
from drivers.network.reflector import SESSIONS, Reflector, serve
from tests.processes import Child

PROBE = ("192.0.2.1", 50000)


def answer(reflector, request, source=PROBE, ttl=255):
    data = reflector.answer(request.encode(), source, 1000.0, ttl, lambda: 1000.5)
    return codec.decode_reply(data)


def test_a_reply_mirrors_its_request_and_tells_both_times():
    reply = answer(Reflector(862), codec.Request(77, 12345, error=0x0203, session=6), ttl=61)
    assert (reply.sender_sequence, reply.sender_sent, reply.sender_error) == (77, 12345, 0x0203)
    assert (reply.session, reply.sender_ttl) == (6, 61)
    assert reply.processing == pytest.approx(0.5)


def test_it_numbers_its_own_replies_per_session():
    reflector = Reflector(862)
    numbers = [answer(reflector, codec.Request(sequence, 1)).sequence for sequence in (5, 9, 7)]
    assert numbers == [0, 1, 2]
    assert answer(reflector, codec.Request(1, 1), source=("192.0.2.1", 50001)).sequence == 0
    assert answer(reflector, codec.Request(1, 1, session=2)).sequence == 0


def test_sessions_it_remembers_are_bounded():
    reflector = Reflector(862)
    for port in range(1024, 1024 + SESSIONS * 2):
        answer(reflector, codec.Request(0, 1), source=("192.0.2.1", port))
    assert len(reflector._sessions) == SESSIONS


@pytest.mark.parametrize("port", [862, 8862])
def test_two_reflectors_do_not_play_ping_pong(port):
    assert Reflector(8862).answer(bytes(44), ("192.0.2.1", port), 0.0, 255, lambda: 0.0) is None


@given(st.binary(max_size=200))
def test_any_datagram_gets_no_answer_or_one_exactly_as_long(data):
    reply = Reflector(862).answer(data, PROBE, 0.0, None, lambda: 0.0)
    assert (reply is None) == (len(data) < 44)
    assert reply is None or len(reply) == len(data)


def test_a_request_that_scapy_built_is_answered_over_a_real_socket(host, reflector):
    asked = scapy_stamp.STAMPSessionSenderTestUnauthenticated(seq=3, ts=123.5, ssid=9)
    with closing(host.udp(("127.0.0.1", 0), ttl=200)) as sender:
        sender.send(bytes(asked), ("127.0.0.1", reflector))
        got = sender.receive(20.0)
    reply = scapy_stamp.STAMPSessionReflectorTestUnauthenticated(got.data)
    assert (reply.seq_sender, reply.ssid, reply.ttl_sender) == (3, 9, 200)
    assert float(reply.ts_sender) == pytest.approx(123.5)
    assert float(reply.ts_rx) <= float(reply.ts)
    assert got.ttl == codec.TTL


def test_serve_tells_where_it_is_and_stops_when_asked(host):
    bound = []
    serve(host, ("127.0.0.1", 0), lambda: bool(bound), bound.append)
    assert bound[0][0] == "127.0.0.1"
    assert bound[0][1] > 0


def test_a_port_in_use_is_one_clear_line(host, reflector):
    with pytest.raises(DeviceMissing, match="in use"):
        serve(host, ("127.0.0.1", reflector), lambda: True)
    ended = subprocess.run(
        [sys.executable, "-m", "drivers.network.reflector", "--bind", "127.0.0.1", "--port", str(reflector)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"reflector: UDP 127.0.0.1:{reflector} is in use by another program – stop the other program"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number):
    command = [sys.executable, "-m", "drivers.network.reflector", "--bind", "127.0.0.1", "--port", "0"]
    process = Child(*command, stderr=subprocess.STDOUT)
    process.wait_line(lambda line: line.startswith("reflector ready on 127.0.0.1:"))
    assert process.end(number) == 0
    assert len(process.lines) == 1
