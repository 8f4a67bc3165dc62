"""Universes that change together: what a sACN output with synchronisation puts on a real wire, from its own lane."""

import os

from agent.lighting.claims import Priority
from agent.lighting.pump import Pump
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from agent.runtime.lane import Lane
from config.units import Attribute
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn import Sacn, SacnOptions
from drivers.dmx.sacn_stream import PAUSE
from drivers.real.host import RealHost
from tests.agent.lighting.rooms import fixtures
from tests.waiting import PATIENCE

ADDRESS = f"127.{1 + os.getpid() % 200}.{1 + os.getpid() // 200 % 200}.51"
LIGHT = Attribute.INTENSITY
UNIVERSES = tuple(range(1, 13))  # so many that they leave in one call


def test_each_beat_is_followed_by_one_synchronisation_packet_that_leaves_receivers_time():
    host = RealHost()
    ear = host.udp((ADDRESS, codec.PORT))
    shown = []
    rig = Rig(fixtures(), rate=0.6, present={"key": {LIGHT: 0.5}}, show=shown.append)
    score = Score(rig.scene, UNIVERSES)
    output = Sacn(SacnOptions(hosts=(ADDRESS,), synchronization=999), host)
    pump = Pump(output, score.whole())
    bugs = []
    lane = Lane("sacn", output, pump, now=host.now, tell=lambda *_: None, bug=lambda *bug: bugs.append(bug))
    lane.start()
    heard = []
    try:
        rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=host.now(), fade=5.0)
        score.follow(shown[-1])
        pump.play(score.whole())
        lane.wake()
        while sum(isinstance(packet, codec.Sync) for packet, _ in heard) < 20:
            datagram = ear.receive(PATIENCE)
            assert datagram is not None
            heard.append((codec.decode(datagram.data), datagram.received))
    finally:
        lane.request_stop()
        assert lane.join(PATIENCE)
        ear.close()
    assert not bugs
    beats: list[list[float]] = [[]]
    for packet, at in heard:
        if isinstance(packet, codec.Sync):
            assert at - beats[-1][-1] >= PAUSE
            beats.append([])
        elif isinstance(packet, codec.Data):
            beats[-1].append(at)
    assert not beats.pop()
    assert len(beats) == 20
    assert max(map(len, beats)) >= len(UNIVERSES)
