import threading
from contextlib import closing

import pytest
import scapy.layers.l2  # noqa: F401 - imported before rights are dropped and before the clock runs
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from drivers.errors import DeviceMissing, NotSupported
from drivers.real.sniff import udp_in

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}  # given, or scapy asks the network for them
ADDRESSES = {"src": "192.0.2.1", "dst": "192.0.2.2"}
DATAGRAM = IP(**ADDRESSES, ttl=9) / UDP(sport=6454, dport=6454) / b"Art-Net\0"


@pytest.mark.parametrize(
    ("packet", "offset"),
    [
        (Ether(**MACS) / DATAGRAM, 14),
        (Ether(**MACS) / Dot1Q(vlan=7) / DATAGRAM, 14),
        (Ether(**MACS) / Dot1Q(vlan=7) / Dot1Q(vlan=8) / DATAGRAM, 14),
        (DATAGRAM, 0),
    ],
)
def test_udp_is_found_in_packets_that_scapy_built(packet, offset):
    found = udp_in(bytes(packet), offset, 5.0)
    assert (found.source, found.ttl, found.received) == (("192.0.2.1", 6454), 9, 5.0)
    assert found.data[8:] == b"Art-Net\0"


def test_ethernet_padding_is_cut_off():
    assert udp_in(bytes(Ether(**MACS) / DATAGRAM) + bytes(18), 14, 0.0).data[8:] == b"Art-Net\0"


def test_later_fragments_are_left_out():
    later = IP(**ADDRESSES, frag=185, proto=17) / (b"\x19\x36\x19\x36" + bytes(40))
    assert udp_in(bytes(later), 0, 0.0) is None


@given(st.binary(max_size=80), st.sampled_from([0, 14]))
def test_any_bytes_never_raise(packet, offset):
    found = udp_in(packet, offset, 0.0)
    assert found is None or len(found.data) >= 8


def test_a_packet_cut_anywhere_never_raises():
    whole = bytes(Ether(**MACS) / DATAGRAM)
    found = [udp_in(whole[:length], 14, 0.0) for length in range(len(whole) + 1)]
    assert found[14 + 20 + 7] is None
    assert found[-1] is not None


def test_a_look_at_loopback_sees_a_datagram_once(host):
    stop = threading.Event()
    with closing(host.udp(("127.0.0.1", 0))) as one, closing(host.udp(("127.0.0.1", 0))) as other:

        def talk():
            number = 0
            while not stop.wait(0.02):
                one.send(b"look %d" % number, other.local)
                number += 1

        talking = threading.Thread(target=talk)
        talking.start()
        try:
            seen = host.sniff("lo", 1.5)
        except NotSupported as error:
            assert "CAP_NET_RAW" in error.remedy
            return
        finally:
            stop.set()
            talking.join(20)
        ours = [each.data[8:] for each in seen if each.source == one.local]
        assert ours
        assert len(ours) == len(set(ours))


def test_without_the_right_to_capture_it_is_not_supported(host, nobody):
    with nobody(), pytest.raises(NotSupported, match="may not capture") as refused:
        host.sniff("lo", 0.1)
    assert "CAP_NET_RAW" in refused.value.remedy


def test_an_interface_that_is_not_there_is_missing(host):
    with pytest.raises(DeviceMissing, match="no capture on 'nope0'"):
        host.sniff("nope0", 0.1)
