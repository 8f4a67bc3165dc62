"""What is on the disk when somebody asks for it to be there."""

import pytest

from agent.app import keeper
from agent.app.keeper import LookKeeper
from agent.lighting.claims import Priority
from agent.lighting.memory import HeldClaim, LastLook, LookFile
from agent.lighting.rig import Rig
from config.units import Attribute
from firmware_profiles.render import render
from tests.agent.lighting.rooms import fixtures, room

LIGHT = Attribute.INTENSITY


async def test_a_look_written_on_its_way_is_written_again_where_it_arrived(tmp_path):
    async def disk(work):
        return work()

    now = [100.0]
    rig = Rig(fixtures(), rate=0.6, present={"key": {LIGHT: 0.3}}, show=lambda scene: looks.changed())
    looks = LookKeeper(LookFile(tmp_path / "look.json"), lambda: rig, disk, lambda: now[0], dict, lambda: 0.0)
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.9}}, now=now[0], fade=4.0)
    shown = []
    for now[0] in (101.0, 103.9, 104.0):
        await looks.remembered()
        shown.append(round((await looks.read()).shown["key"][LIGHT], 3))
    assert shown == [0.45, 0.885, 0.9]


def test_a_look_with_impossible_levels_harms_no_light():
    lights = fixtures()
    wild = {"key": {LIGHT: 1e300, Attribute.CCT: -5.0}, "gone": {LIGHT: 0.5}}
    held = HeldClaim(owner="hand", fixture="fill", levels={LIGHT: -7.0})
    last = LastLook(shown=wild, going=wild, look=wild, held=(held,))
    config = room()
    made = keeper.rig(config, lights, lambda scene: None, last)
    keeper.begin(made, last, None, 0.0, 0.0)
    assert made.scene.levels("key", 0.0)[LIGHT] == 1.0 == made.look("key")[LIGHT]
    assert made.scene.targets("fill")[LIGHT] == 0.0
    made.apply_look({"key": {LIGHT: 0.0}}, now=0.0, fade=0.0)
    assert made.scene.levels("key", 5.0)[LIGHT] == 0.0, "and none fades for ages"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("text", ['{"shown":{"key":{"intensity":%s}}}', '{"cues":{"a":{"cue":{"number":1},"at":%s}}}'])
def test_what_is_no_number_is_a_damaged_file(tmp_path, text, number):
    file = LookFile(tmp_path / "look.json")
    file.path.write_text(text % number)
    assert file.read() is None and file.path.with_name("look.json.damaged-1").exists()


def test_what_was_sent_counts_more_than_where_the_scene_is():
    """A light that is led, a console's, a lamp that lags: a restart begins where they are."""
    lights = fixtures()
    made = Rig(lights, rate=0.6, present={name: {LIGHT: 0.9} for name in lights}, show=lambda scene: None)
    light = next(each for each in lights.values() if each.universe)
    frame = bytearray(512)
    frame[light.address - 1 : light.last] = render(light.personality, {**light.personality.defaults(), LIGHT: 0.2})
    found = keeper.present(made, 0.0, 0.0, {}, ({light.universe: bytes(frame)}, {"nobody": {LIGHT: 1.0}}))
    assert abs(found.shown[light.name][LIGHT] - 0.2) < 0.01
    assert found.going[light.name][LIGHT] == 0.9
