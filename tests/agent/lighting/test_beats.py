"""The beat that each protocol wants, on its wire: the pump drives the real drivers, the far end looks at its clock."""

from itertools import pairwise
from typing import Any

import pytest

from agent.lighting.claims import Priority
from agent.lighting.pump import Pump
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from config.units import Attribute
from drivers.dmx import artnet_codec, sacn_codec
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import Dmx
from drivers.dmx.sacn import Sacn, SacnOptions
from drivers.dmx.sacn_codec import Data
from drivers.host import Endpoint
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY


class Ear:
    """Notes when levels came."""

    def __init__(self, clock: ManualClock, decode: Any) -> None:
        self.clock = clock
        self.decode = decode
        self.heard: list[tuple[float, bytes]] = []

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        packet = self.decode(data)
        if isinstance(packet, Data | Dmx):
            self.heard.append((self.clock.now(), packet.slots))
        return []


def stage(kind: str) -> tuple[ManualClock, Any, Ear]:
    clock = ManualClock()
    studio = VirtualStudio(clock)
    ear = Ear(clock, sacn_codec.decode if kind == "sacn" else artnet_codec.decode)
    if kind == "sacn":
        studio.place_node("10.78.0.1", ear, (sacn_codec.group(1),))
        return clock, Sacn(SacnOptions(), studio), ear
    studio.place_node("10.78.0.1", ear)
    return clock, Artnet(ArtnetOptions(host="10.78.0.1"), studio), ear


@pytest.mark.parametrize(("kind", "repeats"), [("sacn", 3), ("artnet", 1)])
def test_a_change_is_said_as_often_as_the_protocol_wants_and_then_kept_alive(kind, repeats):
    """E1.31 6.6.2: three times, then every 800 to 1000 ms. Art-Net 4, section ArtDmx: within 4 s, advised 800 to
    1000 ms as well. Neither more than 44 times a second (E1.31 6.6.1)."""
    clock, output, ear = stage(kind)
    rig = Rig(fixtures(), rate=0.6, present={}, show=lambda scene: score.follow(scene))
    score = Score(rig.scene, (1,))
    pump = Pump(output, score.whole())
    pump.opened(output.open(), clock.now())
    ear.heard.clear()

    def run(seconds: float) -> None:
        end = clock.now() + seconds
        while (due := pump.turn(clock.now())) <= end:
            clock.advance(max(due - clock.now(), 1e-6))
        clock.advance(max(end - clock.now(), 0.0))

    run(5.0)
    times = [when for when, _ in ear.heard]
    early, still = times[:repeats], times[repeats - 1 :]
    assert early[-1] - early[0] <= repeats / 40
    assert len(still) >= 5
    assert all(0.8 <= later - before <= 1.0 for before, later in pairwise(still))

    rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 0.3}}, now=clock.now(), fade=1.0)
    pump.play(score.whole())
    ear.heard.clear()
    run(5.0)
    last = ear.heard[-1][1]
    arrived = [when for when, slots in ear.heard if slots == last]
    assert all(later - before <= 1 / 40 for before, later in pairwise(arrived[:repeats]))
    assert all(0.8 <= later - before <= 1.0 for before, later in pairwise(arrived[repeats - 1 :]))
    fading = [when for when, _ in ear.heard if when <= arrived[0]]
    assert len(fading) / (fading[-1] - fading[0]) <= 45.5
