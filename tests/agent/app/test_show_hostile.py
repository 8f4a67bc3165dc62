"""Shows under bad luck and bad will: kills in the middle, full disks, edits of what plays."""

import asyncio
import itertools
import json
import shutil
from contextlib import asynccontextmanager

import pytest

from config.units import Attribute
from tests.agent.app.conftest import House
from tests.waiting import until

LIGHT = Attribute.INTENSITY
CUES = [
    {"cue": 1, "levels": {"back": {"intensity": 0.2}}, "up": 0.0},
    {"cue": 2, "levels": {"back": {"intensity": 0.6}}, "up": 30.0, "delay": 0.2},
    {"cue": 3, "levels": {"back": {"intensity": 0.4}}, "up": 0.0, "down": 0.0},
]


@asynccontextmanager
async def killed(house, tmp_path):
    """The agent that finds on the disk what a kill -9 at this moment would have left."""
    folder = tmp_path / "heir"
    folder.mkdir()
    shutil.copytree(house.folder / "state", folder / "state", ignore=shutil.ignore_patterns("*.sock", "*.sqlite*"))
    heir = House(folder, house.port)
    heir.file.write_text(house.file.read_text(encoding="utf-8").replace('name = "studio"', 'name = "heir"'))
    async with heir.running() as agent:
        yield agent


async def hand(house, level):
    done = await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": level}})
    assert done.state == "succeeded"


def lights(agent, now):
    return {name: agent.rig.scene.levels(name, now)[LIGHT] for name in agent.rig.fixtures}


async def play(house):
    for row in CUES:
        assert (await house.send("cue.save", {"list": "mine", **row})).state == "succeeded"


@pytest.mark.parametrize("verb", ["lights.stop", "lights.blackout"])
async def test_what_was_answered_outlives_a_kill(house, tmp_path, verb):
    async with house.running() as agent:
        await hand(house, 0.5)
        assert (await house.send(verb, {})).state == "succeeded"
        dark = lights(agent, agent.now())
        async with killed(house, tmp_path) as heir:
            assert (heir.rig.stopped or heir.rig.masters.blackout) == "hand"
            assert lights(heir, heir.now()) == pytest.approx(dark, abs=1e-6)


async def test_a_kill_in_the_middle_of_a_blackout_and_a_cue_ends_dark(house, tmp_path):
    async with house.running():
        await play(house)
        file = house.folder / "state/look.json"
        await until(file.exists)
        going = asyncio.create_task(house.send("cue.go", {"list": "mine", "cue": 2}))
        await until(lambda: '"mine"' in file.read_text(encoding="utf-8"))  # two clients: either may be first
        blackout = asyncio.create_task(house.send("lights.blackout", {"fade": 20.0}))
        await until(lambda: '"blackout":"hand"' in file.read_text(encoding="utf-8"))
        async with killed(house, tmp_path) as heir:
            assert heir.rig.masters.blackout == "hand"
            assert heir.stage.playback.playing["mine"].cue.number == 2
            assert all(heir.rig.scene.targets(name)[LIGHT] == 0.0 for name in heir.rig.fixtures)
        going.cancel()
        blackout.cancel()


async def test_edits_of_what_plays_touch_no_light_until_the_next_go(house):
    async with house.running() as agent:
        await play(house)
        assert (await house.send("cue.go", {"list": "mine"})).state == "succeeded"
        level = agent.rig.scene.levels("back", agent.now())[LIGHT]
        assert (await house.send("cue.save", {"list": "mine", "cue": 1, "levels": {"back": {"intensity": 1.0}}})).state
        assert (await house.send("cue.delete", {"list": "mine", "cue": 1})).state == "succeeded"
        assert (await house.send("cue.delete", {"list": "mine", "cue": 2})).state == "succeeded"
        assert agent.rig.scene.targets("back")[LIGHT] == level == pytest.approx(0.2)
        done = await house.send("cue.go", {"list": "mine"})
        assert done.result["cue"] == 3 and agent.rig.scene.targets("back")[LIGHT] == pytest.approx(0.4)
        back = await house.send("cue.rollback", {"list": "mine", "version": 3})
        assert back.state == "succeeded" and len(agent.stage.playback.cues("mine")) == 3
        assert (await house.send("cue.delete", {"list": "mine"})).state == "succeeded"
        assert "mine" not in agent.stage.playback.playing
        assert agent.rig.holder("back") is None


async def test_a_disk_that_takes_nothing_loses_nothing(house):
    async with house.running() as agent:
        await play(house)
        folder = house.folder / "state/show"
        kept = folder / "cues.mine.json"
        before = kept.read_bytes()
        folder.rename(house.folder / "state/elsewhere")
        folder.write_text("no folder any more", encoding="utf-8")
        refused = await house.send("cue.save", {"list": "mine", "cue": 4, "levels": {"back": {"intensity": 1.0}}})
        assert (refused.state, refused.code) == ("failed", "device-refused")
        assert len(agent.stage.playback.cues("mine")) == 3
        folder.unlink()
        (house.folder / "state/elsewhere").rename(folder)
        assert kept.read_bytes() == before
        assert (await house.send("cue.go", {"list": "mine"})).state == "succeeded"
        assert (await house.send("cue.save", {"list": "mine", "cue": 4, "levels": {"back": {"intensity": 1.0}}})).state
        assert json.loads(kept.read_bytes())["versions"][-1]["number"] == 4


async def test_a_hand_given_back_while_submasters_move_makes_no_bump(house):
    async with house.running() as agent:
        await play(house)
        assert (await house.send("cue.go", {"list": "mine"})).state == "succeeded"
        await hand(house, 0.9)
        before = agent.rig.scene.levels("back", agent.now())[LIGHT]
        moves = asyncio.create_task(house.send("lights.master", {"level": 0.5, "fade": 1.0}))
        given = asyncio.create_task(house.send("lights.release", {"targets": ["back"], "fade": 1.0}))
        seen = [(agent.now(), before)]

        def watch():
            now = agent.now()
            seen.append((now, agent.rig.scene.levels("back", now)[LIGHT]))
            return moves.done() and given.done()

        await until(watch)
        assert moves.result().state == given.result().state == "succeeded"
        rate = agent.rig.rate
        assert all(abs(b - a) <= rate * (t - s) + 1e-6 for (s, a), (t, b) in itertools.pairwise(seen))
        await until(lambda: agent.rig.unmoved(agent.now()))
        assert agent.rig.scene.levels("back", agent.now())[LIGHT] == pytest.approx(0.1)
