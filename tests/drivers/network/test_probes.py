"""The probes on real loopback sockets, against the reflector as a process and through a relay that misbehaves."""

import math
import socket
import threading
import time
from contextlib import closing

import pytest
from pydantic import ValidationError

from drivers.base import Quality, Verdict
from drivers.errors import DeviceMissing, LinkLost, NotSupported, ReplyTimeout
from drivers.network import stamp_codec as codec
from drivers.network.icmp import IcmpOptions, IcmpProbe, checksum
from drivers.network.stamp import StampOptions, StampProbe
from drivers.network.tcp import TcpOptions, TcpProbe
from tests.waiting import PATIENCE

LOOPBACK = "127.0.0.1"
LATEST = 2.0
"""Seconds after which a reply counts as lost: far longer than any that is not meant to be lost takes on a busy machine,
where the way there and back leads through two processes."""


def stamp(host, port, **options):
    return closing(StampProbe(StampOptions(host=LOOPBACK, port=port, **options), host))


def named(readings):
    return {reading.name: reading for reading in readings}


def test_a_probe_knows_its_reflector_and_measures_a_round_trip(host, reflector):
    with stamp(host, reflector) as probe:
        identity = probe.open()
        assert identity.model == "STAMP reflector"
        assert identity.details["processing_time"] == "told"
        list(probe.sample())
        seen = named(probe.sample())
        assert seen["rtt"].value > 0
        assert seen["processing"].value > 0
        assert {seen[name].unit for name in ("rtt", "ipdv-up", "ipdv-down")} == {"ms"}
        assert all(reading.quality is Quality.GOOD for reading in seen.values())


def test_times_of_readings_rise(host, reflector):
    with stamp(host, reflector) as probe:
        probe.open()
        times = [named(probe.sample())["rtt"].time for _ in range(50)]
        assert times == sorted(times)
        assert times[-1] <= host.now()


def test_padding_makes_longer_packets_that_are_answered_as_long(host, reflector):
    with stamp(host, reflector, padding=1156) as probe:
        probe.open()
        assert named(probe.sample())["rtt"].quality is Quality.GOOD


def test_lost_probes_are_missing_readings_exactly_where_they_were_lost(host, relay):
    dropped = {3, 4, 9}
    relay.plan = lambda number: (0 if number in dropped else 1, 0)
    with stamp(host, relay.port, timeout=LATEST) as probe:
        probe.open()  # probe 0
        seen = [named(probe.sample())["rtt"] for _ in range(12)]
    assert {number for number, reading in enumerate(seen, 1) if reading.quality is Quality.MISSING} == dropped
    assert all(math.isnan(seen[number - 1].value) for number in dropped)


def test_doubled_replies_are_counted_and_hide_no_loss(host, relay):
    relay.plan = lambda number: {2: (2, 0), 3: (0, 0), 4: (3, 0)}.get(number, (1, 0))
    with stamp(host, relay.port, timeout=LATEST) as probe:
        probe.open()
        seen = [named(probe.sample()) for _ in range(6)]
        counts = probe._echoes.flight.counts()
    assert [each["rtt"].quality is Quality.MISSING for each in seen] == [False, False, True, False, False, False]
    assert (counts["sent"], counts["lost"], counts["duplicates"], counts["late"]) == (7, 1, 3, 0)
    assert sum(each["duplicates"].value for each in seen if "duplicates" in each) == 3


def test_a_late_reply_stays_lost_and_is_counted_late(host, relay):
    relay.plan = lambda number: (1, 1) if number == 2 else (1, 0)
    with stamp(host, relay.port, timeout=LATEST) as probe:
        probe.open()
        seen = [named(probe.sample()) for _ in range(4)]
    assert [each["rtt"].quality for each in seen] == [Quality.GOOD, Quality.MISSING, Quality.GOOD, Quality.GOOD]
    assert seen[2]["late"].value == 1
    assert "ipdv-up" not in seen[2]  # its forerunner has no time


def test_a_reordered_burst_loses_nothing(host, relay):
    relay.plan = lambda number: (1, 2) if number in (3, 8) else (1, 0)
    with stamp(host, relay.port, timeout=LATEST) as probe:
        probe.open()
        found = probe._echoes.burst(20, 0.0, 2.0)
        counts = probe._echoes.flight.counts()
    assert all(echo is not None for echo in found)
    assert [echo.sequence for echo in found] == list(range(1, 21))
    assert (counts["lost"], counts["reordered"], counts["duplicates"]) == (0, 2, 0)


def test_a_short_reply_with_equal_stamps_counts_as_processing_unknown(host):
    """As the public responder described in the codec answers: 38 bytes, T2 = T3."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as responder:
        responder.bind((LOOPBACK, 0))
        responder.settimeout(PATIENCE)

        def respond():
            for number in range(3):
                data, sender = responder.recvfrom(2048)
                asked = codec.decode_request(data)
                now = codec.to_stamp(time.time())
                responder.sendto(codec.Reply(number, now, now, asked.sequence, asked.sent).encode(), sender)

        responding = threading.Thread(target=respond)
        responding.start()
        with stamp(host, responder.getsockname()[1], timeout=LATEST) as probe:
            identity = probe.open()
            list(probe.sample())
            seen = named(probe.sample())
        responding.join(PATIENCE)
    assert identity.details["reply"] == "38 bytes, no TTL"
    assert "not told" in identity.details["processing_time"]
    assert seen["rtt"].value > 0
    assert "processing" not in seen
    assert seen["ipdv-up"].quality is Quality.UNCERTAIN


def test_replies_that_are_not_ours_change_nothing(host, relay, reflector):
    with stamp(host, reflector, timeout=LATEST) as probe, closing(host.udp((LOOPBACK, 0))) as stranger:
        probe.open()
        to = (LOOPBACK, probe._datagrams.local[1])
        for noise in (b"", b"noise", bytes(44), codec.Reply(0, 1, 1, 1, 12345).encode(), bytes(1400)):
            stranger.send(noise, to)
        assert named(probe.sample())["rtt"].quality is Quality.GOOD
        assert probe._echoes.flight.foreign >= 1
        assert probe._echoes.flight.duplicates == 0


def test_a_reflector_that_does_not_answer_is_a_time_out_with_its_name(host):
    with closing(host.udp((LOOPBACK, 0))) as deaf, stamp(host, deaf.local[1], timeout=0.1) as probe:
        with pytest.raises(ReplyTimeout, match=r"127\.0\.0\.1 \(127\.0\.0\.1\) did not answer in 0\.1 s") as silent:
            probe.open()
        assert silent.value.remedy
        with pytest.raises(LinkLost, match="not open"):
            probe.sample()


def test_a_name_without_address_is_missing(host):
    name = "".join(chr(0x4E00 + 37 * number) for number in range(60))  # too long once encoded: no resolver is asked
    for probe in (
        StampProbe(StampOptions(host=name), host),
        IcmpProbe(IcmpOptions(host=name), host),
        TcpProbe(TcpOptions(host=name), host),
    ):
        with pytest.raises(DeviceMissing, match="no IPv4 address"):
            probe.open()


def test_close_from_another_thread_ends_a_pending_sample(host, relay):
    relay.plan = lambda number: (1 if number == 0 else 0, 0)
    with stamp(host, relay.port, timeout=5.0) as probe:
        probe.open()
        ended = []

        def sample():
            try:
                ended.append(probe.sample())  # what the end of its own time would give
            except LinkLost as lost:
                ended.append(lost)

        sampling = threading.Thread(target=sample)
        sampling.start()
        deadline = time.monotonic() + PATIENCE
        while relay.seen < 2 and time.monotonic() < deadline:
            sampling.join(0.005)
        probe.close()
        sampling.join(PATIENCE)
    assert [type(each) for each in ended] == [LinkLost]


def test_checks_of_a_good_path_pass(host, reflector):
    with stamp(host, reflector, timeout=LATEST) as probe:
        probe.open()
        results = {check.id: check.run() for check in probe.checks()}
        assert probe._echoes.flight.sent == 21  # three of them share one burst
    assert set(results) == {"NET-02", "NET-03", "NET-04", "NET-08"}
    assert results["NET-04"].verdict is Verdict.PASS
    assert results["NET-04"].evidence["probes"] == 20
    assert results["NET-02"].value > 0
    assert results["NET-08"].verdict is Verdict.SKIPPED
    assert all(result.said.en and result.said.zh for result in results.values())


@pytest.mark.parametrize(("lost", "verdict"), [(1, Verdict.MARGINAL), (2, Verdict.FAIL), (20, Verdict.FAIL)])
def test_the_loss_check_judges_what_twenty_probes_prove(host, relay, lost, verdict):
    relay.plan = lambda number: (0 if 1 <= number <= lost else 1, 0)
    with stamp(host, relay.port, timeout=LATEST) as probe:
        probe.open()
        results = {check.id: check.run() for check in probe.checks()}
    assert results["NET-04"].verdict is verdict
    assert results["NET-04"].value == 5 * lost
    assert results["NET-04"].remedy.en
    assert results["NET-04"].remedy.zh
    if lost == 20:
        assert results["NET-02"].verdict is results["NET-03"].verdict is Verdict.ERROR


def test_ping_of_loopback(host):
    with closing(IcmpProbe(IcmpOptions(host="localhost", timeout=2.0), host)) as probe:
        try:
            identity = probe.open()
        except NotSupported as error:  # this machine does not let us: then the remedy must say how
            assert "ping_group_range" in error.remedy
            return
        assert identity.details["address"] == LOOPBACK
        with closing(IcmpProbe(IcmpOptions(host="localhost", timeout=2.0), host)) as other:
            other.open()
            for _ in range(10):
                assert 0 < named(probe.sample())["rtt"].value < 1000
                assert named(other.sample())["rtt"].quality is Quality.GOOD
        assert probe._echoes.flight.duplicates == 0
        results = {check.id: check.run() for check in probe.checks()}
        assert results["NET-04"].verdict is Verdict.PASS
        assert results["NET-08"].verdict in (Verdict.PASS, Verdict.MARGINAL)
        assert results["NET-08"].evidence == {"address": LOOPBACK}


def test_the_checksum_is_that_of_rfc_1071():
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert checksum(b"\x01") == 0xFEFF


def test_a_tcp_probe_times_the_handshake_and_misses_a_service_that_stopped(host):
    with socket.create_server((LOOPBACK, 0), backlog=100) as server:
        port = server.getsockname()[1]
        probe = TcpProbe(TcpOptions(host="localhost", port=port), host)
        assert probe.open().details == {"address": f"{LOOPBACK}:{port}"}
        (reading,) = probe.sample()
        assert 0 < reading.value < 1000
        results = {check.id: check.run() for check in probe.checks()}
        assert results["NET-04"].verdict is Verdict.PASS
    (reading,) = probe.sample()
    assert reading.quality is Quality.MISSING
    with pytest.raises(DeviceMissing, match="refuses"):
        probe.open()
    probe.close()
    with pytest.raises(LinkLost, match="not open"):
        probe.sample()


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (StampOptions, {"host": ""}),
        (StampOptions, {"host": "two words"}),
        (StampOptions, {"host": "a", "port": 0}),
        (StampOptions, {"host": "a", "timeout": 0}),
        (StampOptions, {"host": "a", "timeout": math.inf}),
        (StampOptions, {"host": "a", "padding": 2000}),
        (StampOptions, {"host": "a", "padding": 3}),
        (IcmpOptions, {"host": "a", "port": 1}),
        (TcpOptions, {"host": "a", "timeout": 3}),
    ],
)
def test_options_that_cannot_be_are_refused(options, values):
    with pytest.raises(ValidationError):
        options(**values)
