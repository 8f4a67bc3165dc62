"""Reloads at the level of the wire: whatever becomes of the patch and of the outputs, no slot ever jumps."""

from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.app import keeper
from agent.lighting.claims import Priority
from agent.lighting.part import Part
from agent.lighting.pump import Pump
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from config.model import AgentSection, FixtureSection, OutputSection, StudioConfig
from config.units import Attribute
from drivers.base import Identity, Refresh
from firmware_profiles.patch import Patch, patch

RATE = 0.6
REFRESH = Refresh(max_hz=40, keepalive=0.9)
LEVEL = st.floats(0, 1)

PATCHES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 5), min_size=1, max_size=4).filter(
    lambda places: len(set(places.values())) == len(places)
)
"""Light → address of its only slot: few names and few places, so that lights change them often."""

STEPS = st.lists(
    st.tuples(
        st.floats(0.01, 3.0), PATCHES, st.booleans(), st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), LEVEL)
    ),
    min_size=1,
    max_size=5,
)
"""Seconds until the reload, the patch after it, whether the output is another one, and what a hand then asks for."""


def dimmers(places: Mapping[str, int]) -> Patch:
    return patch(
        StudioConfig(
            agent=AgentSection(site="test", name="room"),
            outputs={"out": OutputSection(driver="sacn", universes=(1,))},
            fixtures={
                name: FixtureSection(profile="generic/dimmer", personality="8bit", universe=1, address=address)
                for name, address in places.items()
            },
        )
    )


class Room:
    """One universe, driven by hand; keeps every frame that was sent."""

    def __init__(self, places: Mapping[str, int], levels: Mapping[str, float]) -> None:
        self.refresh = REFRESH
        self.now, self.due = 0.0, 0.0
        self.sent: list[tuple[float, bytes]] = []
        present = {name: {Attribute.INTENSITY: level} for name, level in levels.items() if name in places}
        self.rig = Rig(dimmers(places), rate=RATE, present=present, show=self.show)
        self._begin()
        self.pump.opened(Identity("wire"), 0.0)

    def _begin(self, before: Mapping[int, bytes] | None = None) -> None:
        self.score = Score(self.rig.scene, (1,))
        self.part = self.score.whole()
        self.pump = Pump(self, self.part, before or {})

    def show(self, scene) -> None:
        news = self.score.follow(scene)
        if news is not None:
            self.part = news if isinstance(news, Part) else self.part.changed(news, self.now)
            self.pump.play(self.part)
        self.due = self.now  # a lane is woken

    def send(self, universe: int, frame: bytes) -> None:
        self.sent.append((self.now, frame))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due <= until:
            self.now = max(self.now, self.due)
            self.due = self.pump.turn(self.now)
        self.now = until

    def reload(self, places: Mapping[str, int], another_output: bool) -> None:
        """What Agent._go_over and Devices.adopt do with lights and outputs."""
        fixtures = dimmers(places)
        rig = Rig(fixtures, rate=RATE, present=keeper.taken_over(self.rig, fixtures, self.now), show=self.show)
        keeper.carry(self.rig, rig, self.now)
        self.rig = rig
        if another_output:
            self._begin({1: self.pump.wire(1)})
            self.pump.opened(Identity("wire"), self.now)
        self.show(rig.scene)


@settings(max_examples=100, deadline=None)
@given(PATCHES, st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), LEVEL), STEPS)
def test_no_reload_makes_a_slot_jump_and_every_light_arrives(places, levels, steps):
    room = Room(places, levels)
    for seconds, then, another_output, wanted in steps:
        room.run(seconds)
        room.reload(then, another_output)
        asked = {name: {Attribute.INTENSITY: level} for name, level in wanted.items() if name in then}
        if asked:
            room.rig.claim("hand", Priority.MANUAL, asked, now=room.now)
    room.run(30.0)
    for (earlier, a), (later, b) in pairwise(room.sent):
        # a frame shows where the fades will be a beat later, and both ends are rounded to a slot's steps
        most = RATE * 255 * (later - earlier + 1 / REFRESH.max_hz) + 1
        assert max(abs(x - y) for x, y in zip(a, b, strict=True)) <= most, (earlier, later)
    assert room.sent[-1][1] == room.rig.scene.frame(1, room.now)
