"""The sACN input in the virtual studio: what the driver adds to its receiver."""

from uuid import UUID

import pytest

from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data, Discovery, Sync
from drivers.dmx.sacn_in import BURST, MOST_JOINED, SacnIn, SacnInOptions
from drivers.errors import DeviceMissing
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.sacn_console import SacnConsole, sacn_console

FROM = ("10.77.0.41", codec.PORT)
OTHER = UUID(int=5)


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


def opened(studio: VirtualStudio, **options) -> tuple[SacnIn, SacnConsole]:
    made = SacnInOptions.model_validate({"universes": [1, 2], "sampling": 0, "patience": 0} | options)
    console = sacn_console(studio, made, "console")
    device = SacnIn(made, studio)
    device.open()
    return device, console


def send(studio: VirtualStudio, packet: codec.Packet, universe: int, at: float | None = None) -> None:
    studio.inject(packet.encode(), FROM, (codec.group(universe), codec.PORT), at)


def test_a_console_is_heard_at_once_and_its_end_too(studio):
    device, console = opened(studio)
    begun = studio.now()
    console.say(1, b"\1\2", priority=150)
    (heard,) = device.listen(5)
    assert (heard.slots, heard.priority, heard.sources, studio.now()) == (b"\1\2", 150, ("Console",), begun)
    console.leave()
    (heard,) = device.listen(5)
    assert (heard.slots, heard.ended, studio.now()) == (b"", "terminated", begun)


def test_loss_is_told_when_it_is_due_and_silence_when_the_time_is_up(studio):
    device, console = opened(studio)
    console.say(1, b"\1")
    device.listen(0)
    begun = studio.now()
    assert device.listen(1.0) == ()
    assert studio.now() == begun + 1.0
    assert [heard.ended for heard in device.listen(5.0)] == ["lost"]
    assert studio.now() == begun + 2.5


def test_who_was_not_listened_to_for_long_is_not_lost_for_that(studio):
    device, console = opened(studio)
    console.say(1, b"\1")
    device.listen(0)
    for _ in range(8):
        studio.clock.advance(0.9)
        console.say(1, b"\1")
    assert device.listen(0.1) == ()


def test_a_flood_does_not_keep_the_news_back_nor_lets_the_waiting_be_lost(studio):
    device, console = opened(studio)
    console.say(1, b"\1")
    device.listen(0)
    begun = studio.now()
    for _ in range(2 * BURST):
        send(studio, Data(OTHER, "flood", 999, b"\1", 0), 1)
    studio.clock.advance(3)
    send(studio, Data(OTHER, "desk", 2, b"\7", 0), 2, begun + 2)
    console.say(1, b"\2")
    told = {}
    for _ in range(5):
        told |= {heard.universe: heard for heard in device.listen(0)}
    assert {number: heard.slots for number, heard in told.items()} == {1: b"\2", 2: b"\7"}


@pytest.mark.parametrize("multicast", ["ipv4", "ipv6", "both"])
def test_groups_of_either_protocol(studio, multicast):
    device, console = opened(studio, multicast=multicast)
    console.say(2, b"\5")
    assert [heard.slots for heard in device.listen(1)] == [b"\5"]
    send(studio, Data(OTHER, "x", 1, b"\6", 0), 1)
    assert [heard.slots for heard in device.listen(1)] == ([] if multicast == "ipv6" else [b"\6"])


def test_a_synchronisation_group_is_joined_when_a_source_wants_it(studio):
    device, _ = opened(studio)
    send(studio, Data(OTHER, "x", 1, b"\1", 0, sync_universe=40), 1)
    assert [heard.slots for heard in device.listen(0)] == [b"\1"]
    send(studio, Sync(OTHER, 40, 0), 40)
    send(studio, Data(OTHER, "x", 1, b"\2", 1, sync_universe=40), 1)
    assert device.listen(0) == ()
    send(studio, Sync(OTHER, 40, 1), 40)
    assert [heard.slots for heard in device.listen(0)] == [b"\2"]


def test_only_so_many_groups_are_joined_for_sources(studio):
    device, _ = opened(studio)
    for address in range(40, 140):
        send(studio, Data(OTHER, "x", 1, bytes((address,)), address - 40, sync_universe=address), 1)
    device.listen(0)
    assert len(device._joined) == 3 + MOST_JOINED


def test_what_is_announced_and_counted(studio):
    device, _ = opened(studio, most_sources=1)
    send(studio, Discovery(OTHER, "desk", (1, 7)), codec.DISCOVERY_UNIVERSE)
    send(studio, Data(OTHER, "desk", 1, b"\1", 0), 1)
    send(studio, Data(UUID(int=6), "second", 1, b"\1", 0), 1)
    studio.inject(b"noise", FROM, (codec.group(1), codec.PORT))
    device.listen(0)
    assert [(each.name, each.universes) for each in device.announced()] == [("desk", (1, 7))]
    assert {reading.name: reading.value for reading in device.readings()} == {
        "sacn_sources": 1,
        "sacn_announced": 1,
        "sacn_malformed": 1,
        "sacn_late": 0,
        "sacn_crowded": 1,
    }
    device.close()
    assert not studio.in_use()


def test_without_a_network_or_its_card_it_is_missing(studio):
    device, _ = opened(studio, interface="studio0")
    device.close()
    for options in ({"interface": "eth7"}, {"interface": "10.0.0.7"}):
        with pytest.raises(DeviceMissing, match="no network interface"):
            SacnIn(SacnInOptions.model_validate({"universes": [1]} | options), studio).open()
    studio.network_up = False
    with pytest.raises(DeviceMissing):
        device.open()
