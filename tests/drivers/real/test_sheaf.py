"""Many datagrams in one call, over real sockets."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np
import pytest

from drivers.errors import DeviceMissing, LinkLost
from drivers.real.net import open_udp
from drivers.real.sheaf import sender
from tests.waiting import PATIENCE


@contextmanager
def ears(*addresses: str) -> Iterator[list[socket.socket]]:
    opened = []
    for address in addresses:
        opened.append(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM))
        opened[-1].bind((address, 0))
        opened[-1].settimeout(PATIENCE)
    yield opened
    for each in opened:
        each.close()


def heard(ear: socket.socket, count: int) -> list[bytes]:
    return [ear.recv(2000) for _ in range(count)]


def test_this_machine_can_send_many_in_one_call():
    assert sender() is not None


@pytest.mark.parametrize("stamps", [False, True])
@pytest.mark.parametrize(("own", "addresses"), [("", ("127.0.0.1", "127.0.0.2")), ("::", ("::1", "::1"))])
def test_the_chosen_ones_go_to_their_places_in_order(own: str, addresses: Sequence[str], stamps: bool):
    with ears(*addresses) as (one, other):
        opened = open_udp((own, 0), groups=[], interface="", broadcast=False, ttl=1, stamps=stamps)
        with closing(opened):
            packets = np.arange(6 * 40, dtype=np.uint8).reshape(6, 40)
            to = [each.getsockname()[:2] for each in (one, other)] * 3
            sheaf = opened.sheaf(packets, to)
            sheaf.send(np.array([0, 1, 2, 5]))
            assert heard(one, 2) == [packets[0].tobytes(), packets[2].tobytes()]
            assert heard(other, 2) == [packets[1].tobytes(), packets[5].tobytes()]
            packets[4] += 1  # what is sent is what stands there now
            sheaf.send(np.array([4]))
            assert heard(one, 1) == [packets[4].tobytes()]


def test_after_one_that_is_refused_the_others_still_go():
    with ears("127.0.0.1") as (ear,):
        closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
        closed.close()
        opened = open_udp(("", 0), groups=[], interface="", broadcast=False, ttl=1, stamps=False)
        with closing(opened):
            packets = np.arange(5 * 8, dtype=np.uint8).reshape(5, 8)
            sheaf = opened.sheaf(packets, [nobody, nobody, ear.getsockname(), nobody, ear.getsockname()])
            for _ in range(3):  # "port unreachable" comes back by and by, as an error of the next call
                sheaf.send(np.arange(5))
                assert heard(ear, 2) == [packets[2].tobytes(), packets[4].tobytes()]


def test_what_cannot_be_sent_is_said():
    opened = open_udp(("", 0), groups=[], interface="", broadcast=False, ttl=1, stamps=False)
    packets = np.zeros((2, 8), np.uint8)
    with pytest.raises(DeviceMissing, match="fe80::1 is no address for this socket"):
        opened.sheaf(packets, [("127.0.0.1", 9), ("fe80::1", 9)])
    sheaf = opened.sheaf(packets, [("127.0.0.1", 9)] * 2)
    opened.close()
    with pytest.raises(LinkLost, match="closed"):
        sheaf.send(np.arange(2))
