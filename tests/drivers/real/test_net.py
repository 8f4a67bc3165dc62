import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.real import net
from tests.waiting import PATIENCE

LOOPBACK = "127.0.0.1"


@pytest.fixture
def pair(host):
    with closing(host.udp((LOOPBACK, 0), ttl=33)) as one, closing(host.udp((LOOPBACK, 0))) as other:
        yield one, other


def test_a_datagram_comes_with_source_ttl_and_kernel_times_in_order(host, pair):
    one, other = pair
    before = host.now()
    left = one.send(b"hello", other.local)
    got = other.receive(PATIENCE)
    assert (got.data, got.source, got.ttl) == (b"hello", one.local, 33)
    assert before <= left <= host.now()
    assert before <= got.received <= host.now()
    assert got.received > left - 0.001


def test_the_receive_time_is_when_it_came_not_when_it_was_read(host, pair):
    """The kernel begins to stamp what comes a moment after the first socket has asked for it (net_enable_timestamp)."""
    one, other = pair

    def told() -> bool:
        one.send(b"early", other.local)
        later = host.now() + 0.05
        assert one.receive(0.05) is None
        return bool(other.receive(PATIENCE).received < later)

    assert told() or told()


def test_times_stay_right_over_many_datagrams(pair):
    one, other = pair
    for number in range(300):
        left = one.send(number.to_bytes(2, "big"), other.local)
        got = other.receive(PATIENCE)
        assert int.from_bytes(got.data, "big") == number
        assert -0.001 < got.received - left < PATIENCE


def test_nothing_is_none_after_the_time_limit(pair):
    started = time.monotonic()
    assert pair[0].receive(0.05) is None
    assert 0.05 <= time.monotonic() - started < PATIENCE


def test_an_empty_datagram_is_a_datagram(pair):
    one, other = pair
    one.send(b"", other.local)
    assert other.receive(PATIENCE).data == b""


def test_port_unreachable_does_not_kill_the_socket(host, pair):
    one, other = pair
    with closing(host.udp((LOOPBACK, 0))) as gone:
        nobody = gone.local
    for _ in range(3):
        one.send(b"anybody?", nobody)
        assert one.receive(0.01) is None
    one.send(b"still here", other.local)
    assert other.receive(PATIENCE).data == b"still here"


def test_close_from_another_thread_ends_a_pending_receive(pair):
    one, _ = pair
    ended = []

    def wait():
        with pytest.raises(LinkLost, match="closed"):
            one.receive(2 * PATIENCE)
        ended.append("by close")

    waiting = threading.Thread(target=wait)
    waiting.start()
    one.close()
    one.close()
    waiting.join(PATIENCE)
    assert ended == ["by close"]
    with pytest.raises(LinkLost):
        one.send(b"x", (LOOPBACK, 9))


def test_multicast_reaches_those_who_joined_and_only_their_groups(host):
    with (
        closing(host.udp(("", 0), groups=["239.255.77.1"], interface=LOOPBACK)) as joined,
        closing(host.udp(interface=LOOPBACK, ttl=1)) as sender,
    ):
        port = joined.local[1]
        with closing(host.udp(("", port), groups=["239.255.77.2"], interface=LOOPBACK)) as neighbour:
            sender.send(b"for one", ("239.255.77.1", port))
            assert joined.receive(PATIENCE).data == b"for one"
            assert neighbour.receive(0.05) is None


@pytest.mark.parametrize("card", [LOOPBACK, "lo", "::1"])
def test_a_network_card_goes_by_name_or_by_any_of_its_addresses(host, card):
    with (
        closing(host.udp(("", 0), groups=["239.255.77.3"], interface=card)) as joined,
        closing(host.udp(interface=card, ttl=1, stamps=False)) as sender,
    ):
        to = ("239.255.77.3", joined.local[1])
        before = host.now()
        assert before <= sender.send(bytearray(b"by that card"), to) <= host.now()
        assert joined.receive(PATIENCE).data == b"by that card"


def test_one_more_group_can_be_joined_and_the_same_one_again(host):
    with closing(host.udp(("", 0), groups=["239.255.77.4"], interface="lo")) as joined:
        joined.join("239.255.77.5")
        joined.join("239.255.77.5")
        with closing(host.udp(interface="lo")) as sender:
            sender.send(b"later", ("239.255.77.5", joined.local[1]))
        assert joined.receive(PATIENCE).data == b"later"
        with pytest.raises(DeviceMissing, match="not an IPv4 address"):
            joined.join("everybody")
    with pytest.raises(LinkLost):
        joined.join("239.255.77.6")


def test_more_groups_than_the_kernel_grants_one_socket_are_heard(host):
    most = int(Path("/proc/sys/net/ipv4/igmp_max_memberships").read_text())
    groups = [f"239.255.{78 + number // 200}.{number % 200 + 1}" for number in range(2 * most + 3)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    with closing(host.udp(("", 0), groups=groups[:-1], interface="lo")) as joined:
        joined.join(groups[-1])
        with closing(host.udp(interface="lo")) as sender:
            for group in groups:
                sender.send(group.encode(), (group, joined.local[1]))
                assert joined.receive(PATIENCE).data == group.encode()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_burst_of_a_large_rig_fits_into_a_group_socket(host):
    with closing(host.udp(("", 0), groups=["239.255.77.8"], interface="lo")) as joined:
        with closing(host.udp(interface="lo", stamps=False)) as sender:
            for _ in range(256):
                sender.send(bytes(638), ("239.255.77.8", joined.local[1]))
        for _ in range(256):
            assert joined.receive(PATIENCE) is not None


def test_an_ipv6_socket_hears_both_and_says_from_whom(host):
    with closing(host.udp(("::", 0), groups=["239.255.77.7", "ff18::8300:7"], interface="lo")) as both:
        port = both.local[1]
        with closing(host.udp(("::1", 0), ttl=33)) as six, closing(host.udp((LOOPBACK, 0), ttl=33)) as four:
            left = six.send(b"six", ("::1", port))
            got = both.receive(PATIENCE)
            assert (got.data, got.source, got.ttl) == (b"six", six.local, 33)
            assert -0.001 < got.received - left < PATIENCE
            four.send(b"four", (LOOPBACK, port))
            got = both.receive(PATIENCE)
            assert (got.data, got.source, got.ttl) == (b"four", four.local, 33)
        with closing(host.udp(interface="lo")) as sender:
            sender.send(b"group", ("239.255.77.7", port))
            assert both.receive(PATIENCE).data == b"group"


def test_a_send_after_close_is_lost_with_and_without_stamps(host):
    for stamps in (True, False):
        opened = host.udp((LOOPBACK, 0), stamps=stamps)
        opened.close()
        with pytest.raises(LinkLost, match="closed"):
            opened.send(b"x", (LOOPBACK, 9))


def test_broadcast_needs_to_be_asked_for(host):
    with closing(host.udp()) as plain, pytest.raises(NotSupported, match="broadcast"):
        plain.send(b"x", ("255.255.255.255", 9))
    with closing(host.udp((LOOPBACK, 0), broadcast=True)) as open_one, closing(host.udp(broadcast=True)) as sender:
        sender.send(b"all", ("127.255.255.255", open_one.local[1]))  # bound to the address: not for broadcasts
        assert open_one.receive(0.02) is None
    with closing(host.udp(("", 0), broadcast=True)) as listener, closing(host.udp(broadcast=True)) as sender:
        sender.send(b"all", ("127.255.255.255", listener.local[1]))
        assert listener.receive(PATIENCE).data == b"all"


def test_no_way_to_a_network_is_link_lost_and_the_socket_lives_on(pair):
    one, other = pair
    with pytest.raises(LinkLost, match="cannot be reached"):
        one.send(b"x", ("192.0.2.1", 9))  # from a loopback address there is no way out
    one.send(b"y", other.local)
    assert other.receive(PATIENCE).data == b"y"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"bind": ("192.0.2.77", 0)}, "no interface of this machine fits '192.0.2.77'"),
        ({"groups": ["239.1.1.1"], "interface": "192.0.2.77"}, "no interface of this machine fits"),
        ({"groups": ["not-an-address"]}, "not an IPv4 address"),
        ({"groups": ["not:an:address"]}, "not an IPv6 address"),
        ({"interface": "none7"}, "no interface of this machine fits 'none7'"),
        ({"bind": ("::", 0), "interface": "2001:db8::7"}, "no interface of this machine fits '2001:db8::7'"),
    ],
)
def test_sockets_that_cannot_be_had_are_missing_with_the_reason(host, options, why):
    with pytest.raises(DeviceMissing, match=why):
        host.udp(**options)


def test_a_port_in_use_is_missing_with_the_reason(host, pair):
    with pytest.raises(DeviceMissing, match="in use by another program"):
        host.udp(pair[0].local)


def test_a_datagram_too_long_is_refused_by_name(pair):
    with pytest.raises(NotSupported, match="70000 bytes are too long"):
        pair[0].send(bytes(70_000), pair[1].local)


def test_connect_takes_the_time_of_one_handshake(host):
    with socket.create_server((LOOPBACK, 0)) as server:
        assert 0 < host.connect("localhost", server.getsockname()[1], PATIENCE) < PATIENCE


def test_a_closed_port_refuses(host):
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Refused, match=f"{port} refuses"):
        host.connect(LOOPBACK, port, PATIENCE)


def test_a_server_that_does_not_accept_is_a_time_out(host):
    with socket.create_server((LOOPBACK, 0), backlog=0) as server:
        address = server.getsockname()
        queued = []
        try:
            started = time.monotonic()
            with pytest.raises(ReplyTimeout, match=r"did not answer in 0\.1 s"):
                for _ in range(8):  # until the queue of the listening socket is full
                    waiting = socket.socket()
                    queued.append(waiting)
                    waiting.setblocking(False)
                    waiting.connect_ex(address)
                    host.connect(*address, 0.1)
            assert time.monotonic() - started < PATIENCE
        finally:
            for each in queued:
                each.close()


def test_names_and_addresses_resolve(host):
    assert host.resolve("localhost") == LOOPBACK
    assert host.resolve("203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize("name", ["", "two words", "a..b", "x" * 300, "\0", "ü" * 80])
def test_what_is_no_name_is_missing_with_the_reason(host, name):
    with pytest.raises(DeviceMissing, match="has no IPv4 address"):
        host.resolve(name)


def test_ping_needs_a_right_and_says_which(host, nobody):
    with nobody():
        try:
            host.ping_socket().close()
        except NotSupported as error:
            assert "ping_group_range" in error.remedy
            assert "CAP_NET_RAW" in error.remedy


def test_clock_offset_is_the_difference_of_the_two_clocks():
    assert abs(net._offset() - (time.time_ns() - time.monotonic_ns())) < 100_000_000


def test_only_driver_errors_leave_a_socket(pair):
    for to in (("not-an-address.invalid", 9), (LOOPBACK, 0)):
        with pytest.raises(DriverError):
            pair[0].send(b"x", to)
