"""Art-Net and sACN outputs beyond the contract: what is on the wire, and whom it reaches."""

import numpy as np
import pytest
from pydantic import ValidationError

from drivers.base import Verdict
from drivers.dmx import artnet_codec, sacn_codec
from drivers.dmx.artnet import Artnet, ArtnetOptions, poll
from drivers.dmx.artnet_codec import Dmx
from drivers.dmx.sacn import Sacn, SacnOptions
from drivers.dmx.sacn_codec import Data, Discovery
from drivers.errors import DeviceMissing, LinkLost, NotSupported, ReplyTimeout
from drivers.host import Endpoint
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.artnet import artnet_twin
from drivers.virtual.twins.sacn import sacn_twin


class Ear:
    """A node that only listens."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Endpoint]] = []

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        self.heard.append((data, to))
        return []

    def dmx(self) -> list[Dmx]:
        return [each for data, _ in self.heard if isinstance(each := artnet_codec.decode(data), Dmx)]

    def data(self) -> list[Data]:
        return [each for data, _ in self.heard if isinstance(each := sacn_codec.decode(data), Data)]


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


def listening(studio: VirtualStudio, address: str = "10.0.0.9", *groups: str) -> Ear:
    ear = Ear()
    studio.place_node(address, ear, groups)
    return ear


# --- Art-Net ---


def test_artnet_sequences_are_each_port_addresss_own(studio):
    ear = listening(studio)
    output = Artnet(ArtnetOptions(host="10.0.0.9", port_address_offset=-1), studio)
    assert output.open().details["poll"] == "no answer"
    for _ in range(256):
        output.send(1, b"\1\2")
    output.send(2, b"\3\4")
    frames = ear.dmx()
    assert [frame.sequence for frame in frames if frame.port_address == 0] == [*range(1, 256), 1]
    assert [frame.sequence for frame in frames if frame.port_address == 1] == [1]
    assert {to for _, to in ear.heard} == {("10.0.0.9", 6454)}


def test_artnet_broadcast_reaches_everybody(studio):
    ears = [listening(studio, "10.0.0.9"), listening(studio, "2.3.4.5")]
    output = Artnet(ArtnetOptions(broadcast="2.255.255.255"), studio)
    output.open()
    output.send(1, b"\1\2")
    assert [len(ear.dmx()) for ear in ears] == [1, 1]


def test_artnet_port_addresses_have_15_bits(studio):
    listening(studio)
    output = Artnet(ArtnetOptions(host="10.0.0.9"), studio)
    output.open()
    output.send(0x7FFF, b"\0\0")
    with pytest.raises(NotSupported, match="Port-Address 32768"):
        output.send(0x8000, b"\0\0")


def test_artnet_resolves_once(studio):
    ear = listening(studio)
    studio.place_name("node", "10.0.0.9")
    output = Artnet(ArtnetOptions(host="node"), studio)
    output.open()
    studio.place_name("node", "10.0.0.10")
    output.send(1, b"\0\0")
    assert len(ear.dmx()) == 1
    with pytest.raises(DeviceMissing, match="nowhere"):
        Artnet(ArtnetOptions(host="nowhere"), studio).open()


def test_artnet_poll_finds_all_nodes_and_their_ports(studio):
    studio.universes["one"] = (1, 2)
    artnet_twin(studio, ArtnetOptions(host="10.0.0.1"), "one")
    artnet_twin(studio, ArtnetOptions(host="10.0.0.2"), "two")
    begun = studio.now()
    found = poll(studio, 3.0)
    assert studio.now() - begun == pytest.approx(3.0)
    assert [(node.address, node.bind_index, node.outputs) for node in found] == [
        ("10.0.0.1", 1, (1,)),
        ("10.0.0.1", 2, (2,)),
        ("10.0.0.2", 1, (1,)),
    ]


def test_artnet_node_that_is_off_fails_its_check(studio):
    twin = artnet_twin(studio, ArtnetOptions(host="10.0.0.1"), "node")
    output = Artnet(ArtnetOptions(host="10.0.0.1"), studio)
    output.open()
    (nod_01,) = output.checks()
    assert nod_01.run().verdict is Verdict.PASS
    twin.fault(Fault.UNPLUG)
    assert nod_01.run().verdict is Verdict.FAIL


def test_artnet_overtaken_frame_is_dropped_by_the_node(studio):
    twin = artnet_twin(studio, ArtnetOptions(host="10.0.0.1"), "node")
    for sequence, level in ((5, 50), (6, 60), (5, 50)):
        twin.receive(Dmx(1, bytes((level, 0)), sequence).encode(), ("10.0.0.2", 1), ("10.0.0.1", 6454))
    assert twin.frames[1] == b"\x3c\0"


@pytest.mark.parametrize("wrong", [{"host": "a", "broadcast": "2.255.255.255"}, {"hosts": "a"}])
def test_artnet_goes_one_way(wrong):
    with pytest.raises(ValidationError):
        ArtnetOptions.model_validate(wrong)


# --- sACN ---


def test_sacn_sequences_are_each_universes_own(studio):
    ear = listening(studio, "10.0.0.9", sacn_codec.group(1), sacn_codec.group(300))
    output = Sacn(SacnOptions(priority=150, source_name="灯光"), studio)
    output.open()
    for _ in range(257):
        output.send(1, b"\1")
    output.send(300, b"\2")
    packets = ear.data()
    assert [each.sequence for each in packets if each.universe == 1] == [0, *((64 + i) % 256 for i in range(256))]
    assert [(each.sequence, each.slots) for each in packets if each.universe == 300] == [(0, b"\2")]
    assert {(each.priority, each.source_name, each.options) for each in packets} == {(150, "灯光", 0)}
    assert {to for _, to in ear.heard} == {("239.255.0.1", 5568), ("239.255.1.44", 5568)}


def test_sacn_component_identifier_survives_a_restart_and_is_its_own(studio):
    listening(studio)
    first = Sacn(SacnOptions(), studio).open().serial
    assert Sacn(SacnOptions(), studio).open().serial == first
    assert Sacn(SacnOptions(source_name="other"), studio).open().serial != first
    assert Sacn(SacnOptions(hosts=("10.0.0.9",)), studio).open().serial != first


def test_sacn_holds_by_default_and_terminates_when_told(studio):
    studio.universes["rx"] = (1, 2)
    twin = sacn_twin(studio, SacnOptions(), "rx")
    ear = listening(studio, "10.0.0.9", sacn_codec.group(1), sacn_codec.group(2))
    for on_close, expected in (("hold", 0), ("terminate", 3)):
        output = Sacn(SacnOptions(on_close=on_close, source_name=on_close), studio)
        output.open()
        output.send(1, b"\7")
        output.send(2, b"\x08")
        ear.heard.clear()
        output.close()
        output.close()
        assert [each.terminated for each in ear.data() if each.universe == 1] == [True] * expected
        assert [each.terminated for each in ear.data() if each.universe == 2] == [True] * expected
    assert twin.terminated == {1, 2}
    assert twin.frames == {1: b"\7", 2: b"\x08"}  # a terminated stream is held, too


def test_sacn_announces_its_universes_every_ten_seconds(studio):
    ear = listening(studio, "10.0.0.9", sacn_codec.group(sacn_codec.DISCOVERY_UNIVERSE))
    output = Sacn(SacnOptions(), studio)
    output.open()
    for second in range(25):
        for universe in (7, 3):
            output.send(universe, bytes((second,)))
        studio.clock.advance(1.0)
    heard = [sacn_codec.decode(data) for data, _ in ear.heard]
    assert [each.universes for each in heard if isinstance(each, Discovery)] == [(), (3, 7), (3, 7)]


@pytest.mark.parametrize("trouble", [LinkLost("no route"), ReplyTimeout("the send buffer stayed full")])
def test_sacn_one_host_that_cannot_be_reached_does_not_keep_it_from_the_others(studio, monkeypatch, trouble):
    ear = listening(studio, "10.0.0.9")
    output = Sacn(SacnOptions(hosts=("10.9.9.9", "10.0.0.9"), on_close="terminate"), studio)
    output.open()
    carry = studio.carry

    def no_route(data, sender, to):
        if to[0] == "10.9.9.9":
            raise trouble
        return carry(data, sender, to)

    monkeypatch.setattr(studio, "carry", no_route)
    output.send(1, b"\5")
    assert [each.slots for each in ear.data()] == [b"\5"]
    rows = np.array([0])
    for level in (6, 7, 8):  # the first still one by one
        output.send_rows((1,), np.full((1, 512), level, np.uint8), rows)
    assert [each.slots[0] for each in ear.data()] == [5, 6, 7, 8]
    output.close()
    assert [each.terminated for each in ear.data()[4:]] == [True] * 3


def test_sacn_one_stream_that_cannot_say_goodbye_does_not_keep_the_others_from_it(studio, monkeypatch):
    ear = listening(studio, "10.0.0.9", sacn_codec.group(1), sacn_codec.group(2))
    output = Sacn(SacnOptions(on_close="terminate"), studio)
    output.open()
    output.send(1, b"\1")
    output.send(2, b"\2")
    carry, waited = studio.carry, []

    def full(data, sender, to):
        if to[0] == sacn_codec.group(1):
            waited.append(studio.clock.advance(0.2))
            raise ReplyTimeout("the send buffer stayed full")
        return carry(data, sender, to)

    monkeypatch.setattr(studio, "carry", full)
    output.close()
    assert [each.terminated for each in ear.data() if each.universe == 2] == [False, True, True]
    assert len(waited) == 3  # and then it gives up: closing takes no longer than FAREWELL and one more try


def test_sacn_without_a_network_is_missing_and_lost(studio):
    listening(studio)
    output = Sacn(SacnOptions(), studio)
    output.open()
    (nod_02,) = output.checks()
    assert nod_02.run().verdict is Verdict.PASS
    studio.network_up = False
    with pytest.raises(LinkLost, match="unreachable"):
        output.send(1, b"\0")
    assert nod_02.run().verdict is Verdict.FAIL
    with pytest.raises(DeviceMissing):
        output.open()
    studio.network_up = True
    output.open()


def test_sacn_receiver_takes_levels_only(studio):
    twin = sacn_twin(studio, SacnOptions(), "rx")
    first = Data(sacn_codec.UUID(int=1), "s", 1, b"\x10", 0)
    to = (sacn_codec.group(1), 5568)

    def feed(sequence: int, slots: bytes, **changes: int) -> None:
        packet = Data(first.cid, "s", 1, slots, sequence, **changes)
        twin.receive(packet.encode(), ("10.0.0.2", 1), to)

    feed(0, b"\x10")
    feed(1, b"\xdd", start_code=0xDD)
    feed(2, b"\x99", options=sacn_codec.PREVIEW)
    feed(1, b"\x01")  # overtaken
    assert twin.frames == {1: b"\x10"}
    studio.clock.advance(2.6)
    feed(1, b"\x02")  # the old stream is lost: a new one begins where it likes
    assert twin.frames == {1: b"\x02"}
