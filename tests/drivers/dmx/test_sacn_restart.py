"""A restarted source takes its universe over at once, whatever number the old stream had come to."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.dmx.sacn import SPEC
from drivers.dmx.sacn_codec import Data, decode
from drivers.host import Endpoint
from drivers.virtual.studio import VirtualStudio


class Listener:
    """Keeps the data packets that reach it."""

    def __init__(self) -> None:
        self.packets: list[Data] = []

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        packet = decode(data)
        if isinstance(packet, Data):
            self.packets.append(packet)
        return []


def late(new: int, last: int) -> bool:
    """What E1.31 6.7.2 has a receiver drop."""
    signed = (new - last + 128) % 256 - 128
    return -20 < signed <= 0


@given(st.integers(0, 255))
def test_at_most_one_packet_of_a_new_start_is_taken_for_late(last: int) -> None:
    studio, node = VirtualStudio(), Listener()
    studio.place_node("10.77.0.9", node)
    output = SPEC.make(SPEC.options(hosts=["10.77.0.9"]), studio)
    output.open()
    for _ in range(4):
        output.send(1, bytes(512))
    output.close()
    dropped = 0
    for packet in node.packets:
        if late(packet.sequence, last):
            dropped += 1
        else:
            last = packet.sequence
    assert len(node.packets) == 4
    assert dropped <= 1
