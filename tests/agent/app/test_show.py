"""Saved looks, cue lists, submasters, leases and the blackout, over the broker and over a restart."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from agent.lighting.memory import LastLook, LookFile
from agent.messaging.client import Client
from config.load import load
from config.units import Attribute
from tests.waiting import until

LIGHT = Attribute.INTENSITY


def shown(agent, name="key"):
    return agent.rig.scene.levels(name, agent.now())[LIGHT]


async def done(house, verb, args, **more):
    answer = await house.send(verb, args, **more)
    assert answer.state == "succeeded", (verb, answer.message)
    return answer.result


async def refused(house, verb, args):
    answer = await house.send(verb, args)
    assert answer.state == "rejected", verb
    return answer.code, answer.message.en


async def test_looks_are_saved_on_air_shadow_the_files_and_go_back(house):
    house.change('mode = "hold"', 'mode = "watch"')
    async with house.running() as agent:
        await done(house, "lights.set", {"targets": ["key"], "levels": {"intensity": 0.5}})
        assert house.state("look", "soft")["origin"] == "config"
        saved = await done(house, "look.save", {"look": "soft", "targets": ["key"], "why": "too dark"}, issuer="desk")
        assert saved == {"look": "soft", "version": 1, "fixtures": ["back", "fill", "key"]}
        said = house.state("look", "soft")
        assert (said["origin"], said["shadows"], said["by"], said["why"]) == ("saved", True, "desk", "too dark")
        assert said["levels"]["key"]["intensity"] == 0.5 and said["levels"]["back"] == {"intensity": 0.2}
        await done(house, "look.save", {"look": "soft", "levels": {"back": {"intensity": 0.35}, "fill": {}}})
        await done(house, "look.save", {"look": "dusk", "targets": ["role:back"]})
        assert "dusk" in json.loads(agent.bus.board[agent.topics.inventory])["looks"]
        code, why = await refused(
            house, "look.save", {"look": "x", "levels": {"key": {"cct": 900}, "back": {"red": 1}}}
        )
        assert code == "out-of-range" and "args.levels.key.cct: 900 K" in why and "args.levels.back.red" in why
        assert (await refused(house, "look.save", {"look": "x", "levels": {"kee": {"intensity": 1}}}))[
            0
        ] == "unknown-target"
        assert "configuration file" in (await refused(house, "look.delete", {"look": "show"}))[1]
        assert (await refused(house, "look.rollback", {"look": "soft", "version": 9}))[0] == "unknown-target"
        assert (await refused(house, "look.apply", {"look": "soft", "targets": ["group:front-row"]}))[
            0
        ] == "unknown-target"
    house.change("intensity = 0.35, cct", "intensity = 0.15, cct")
    async with house.running() as agent:
        applied = await done(house, "look.apply", {"look": "soft", "fade": 0})
        assert applied["fixtures"] == ["back", "key"] and (shown(agent), shown(agent, "back")) == (0.5, 0.35)
        await done(house, "look.delete", {"look": "soft"})
        assert house.state("look", "soft")["levels"]["key"]["intensity"] == 0.15
        await done(house, "look.rollback", {"look": "soft", "version": 1})
        assert house.state("look", "soft")["levels"]["fill"]["intensity"] == 0.25
        history = (await done(house, "look.history", {"look": "soft"}))["versions"]
        assert [(v["version"], v["deleted"]) for v in history] == [(4, False), (3, True), (2, False), (1, False)]
        await done(house, "look.delete", {"look": "dusk"})
        assert agent.topics.state("look", "dusk") not in agent.bus.board


async def test_a_cue_list_plays_yields_to_a_hand_and_outlives_a_restart(house):
    house.change('mode = "hold"', 'mode = "watch"')
    async with house.running() as agent:
        house.air(on_air=False)
        for number, level in ((1, 0.6), (2, 0.5)):
            cue = {
                "list": "evening",
                "cue": number,
                "levels": {"key": {"intensity": level}},
                "up": 0,
                "label": f"n{number}",
            }
            await done(house, "cue.save", cue)
        await done(house, "cue.save", {"list": "evening", "cue": 3, "levels": {"key": {"intensity": 0.9}}, "up": 30})
        await done(house, "cue.save", {"list": "evening", "cue": 2, "follow": 600, "down": 0})
        assert "which list" in (await refused(house, "cue.go", {}))[1]
        assert (await refused(house, "cue.go", {"list": "evening", "cue": 7}))[0] == "unknown-target"
        assert (await refused(house, "cue.save", {"list": "evening", "cue": 8, "look": "sfot"}))[0] == "unknown-target"
        went = await done(house, "cue.go", {"list": "evening"})
        assert went == {"list": "evening", "cue": 1, "next": 2, "fixtures": ["key"]} and shown(agent) == 0.6
        slow = asyncio.create_task(house.send("cue.go", {"list": "evening", "cue": 3}))
        await until(lambda: house.state("cues", "evening")["current"] == 3)
        await done(house, "cue.go", {"list": "evening", "cue": 2})
        overtaken = await slow
        assert (overtaken.state, overtaken.code) == ("failed", "superseded") and shown(agent) == 0.5
        said = house.state("cues", "evening")
        assert (said["current"], said["label"], said["next"], said["holds"]) == (2, "n2", 3, ["key"])
        assert said["follow_at"] > said["since"] and [cue["number"] for cue in said["cues"]] == [1, 2, 3]
        await done(house, "lights.set", {"targets": ["group:front"], "levels": {"intensity": 0.55}})
        cue = await done(house, "cue.go", {"list": "evening", "cue": 1})
        assert cue["held_by"] == {"key": "hand"} and cue["fixtures"] == [] and shown(agent) == 0.55
        await done(house, "lights.release", {})
        await until(lambda: shown(agent) == 0.6)
        cancelled = asyncio.create_task(house.send("cue.go", {"list": "evening", "cue": 3}))
        await until(lambda: shown(agent) > 0.6)
        await house.send("command.cancel", {"id": next(iter(agent.dispatcher.running))})
        assert (await cancelled).state == "cancelled" and agent.rig.unmoved(agent.now()) and shown(agent) < 0.7
        left = shown(agent)
    async with house.running() as agent:
        assert house.state("cues", "evening")["current"] == 3 and shown(agent) == pytest.approx(left)
        assert agent.rig.holder("key").owner == "cues:evening"
        house.air(on_air=False)
        await done(house, "cue.delete", {"list": "evening", "cue": 2})
        await done(house, "cue.back", {"list": "evening"})
        assert shown(agent) == 0.6
        assert (await done(house, "cue.release", {"list": "evening"}))["released"] == ["key"]
        await until(lambda: house.state("cues", "evening")["current"] is None)
        assert shown(agent) == 0.6
        await done(house, "cue.delete", {"list": "evening"})
        assert agent.topics.state("cues", "evening") not in agent.bus.board
        versions = (await done(house, "cue.history", {"list": "evening"}))["versions"]
        await done(house, "cue.rollback", {"list": "evening", "version": versions[1]["version"]})
        assert [cue["number"] for cue in house.state("cues", "evening")["cues"]] == [1, 3]


async def test_submasters_leases_and_the_blackout_are_told_and_kept(house):
    house.change('mode = "hold"', 'mode = "watch"')
    async with house.running() as agent:
        house.air(on_air=False)
        await done(house, "lights.set", {"targets": ["key"], "levels": {"intensity": 0.6}, "hold": 300})
        until_ = house.state("fixture", "key")["held_by"]["until"]
        await done(house, "lights.set", {"targets": ["key"], "levels": {"intensity": 0.6}, "hold": 600})
        await until(lambda: house.state("fixture", "key")["held_by"]["until"] > until_)
        assert (await done(house, "submaster.set", {"group": "front", "level": 0.5}))["submaster"] == 0.5
        assert shown(agent) == pytest.approx(0.3)
        assert (await refused(house, "submaster.set", {"group": "frnt", "level": 0.5}))[0] == "unknown-target"
        assert (await refused(house, "lights.restore", {}))[0] == "unknown-target"
        assert (await done(house, "lights.blackout", {}, issuer="desk"))["blackout_by"] == "desk"
        assert {shown(agent, name) for name in agent.rig.fixtures} == {0.0}
        together = house.state("lights", "all")
        assert together["submasters"] == {"front": 0.5} and together["blackout_by"] == "desk"
        await done(house, "lights.set", {"targets": ["back"], "levels": {"intensity": 0.2}})
        assert shown(agent, "back") == 0.0
    async with house.running() as agent:
        assert {shown(agent, name) for name in agent.rig.fixtures} == {0.0}
        house.air(on_air=False)
        assert (await done(house, "lights.restore", {}))["blackout_by"] == "desk"
        assert shown(agent) == pytest.approx(0.3) and shown(agent, "back") == pytest.approx(0.2)


async def test_a_cue_or_look_says_which_colour_its_lights_cannot_mix_when_it_is_saved_and_when_it_goes(house):
    house.change('mode = "hold"', 'mode = "watch"')
    house.change(
        "[looks.show]",
        '[fixtures.wash]\nprofile = "generic/rgb"\npersonality = "3ch-xy"\nuniverse = 1\naddress = 20\n\n[looks.show]',
    )
    asked = {"intensity": 0.5, "cie_x": 0.1, "cie_y": 0.6}
    there = {"wash": {Attribute(attribute): level for attribute, level in asked.items()}}
    state = house.folder / "state"
    state.mkdir()
    LookFile(state / "look.json").write(LastLook(shown=there, going=there, look=there))
    async with house.running():
        saved = await done(house, "cue.save", {"list": "night", "cue": 1, "levels": {"wash": asked}, "up": 0})
        look = await done(house, "look.save", {"look": "deep", "targets": ["all"]})
        half = await done(house, "look.save", {"look": "half", "levels": {"wash": {"cie_x": 0.05}}})
        named = await done(house, "cue.save", {"list": "night", "cue": 2, "look": "deep"})
        for said in (saved, look, half, named):
            assert said["clipped"].keys() == {"wash"} and "超出" in said["clipped"]["wash"]["zh"]
        assert "(0.0500, 0.6000) is outside" in half["clipped"]["wash"]["en"]
        for levels in ({"intensity": 0.1}, {"cie_x": 0.35, "cie_y": 0.35}):
            assert "clipped" not in await done(house, "look.save", {"look": "dim", "levels": {"wash": levels}})
        went = await done(house, "cue.go", {"list": "night"})
        assert went["fixtures"] == ["wash"] and went["clipped"].keys() == {"wash"}
        assert "(0.1000, 0.6000) is outside" in went["clipped"]["wash"]["en"]
        assert "超出" in went["clipped"]["wash"]["zh"]


@asynccontextmanager
async def heard_events(house):
    """All events on the broker, of an agent that need not be there yet."""
    heard, begun = [], asyncio.Event()

    async def listen(client):
        async for message in client.watch("studio/v1/demo/studio/up/event", "begun"):
            heard.append(json.loads(message.payload)) if message.topic != "begun" else begun.set()

    async with Client(load(house.file, house.environ).mqtt) as client:
        listening = asyncio.create_task(listen(client))
        await until(lambda: begun.is_set() or not client.publish("begun", b"1"))
        yield heard
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_damaged_show_files_are_told_until_a_person_has_seen_to_them(house):
    house.change('mode = "hold"', 'mode = "watch"')
    async with house.running():
        for level in (0.3, 0.6):
            await done(house, "look.save", {"look": "dusk", "levels": {"key": {"intensity": level}}})
        await done(house, "look.save", {"look": "soft", "levels": {"key": {"intensity": 0.4}}})
        await done(house, "cue.save", {"list": "night", "cue": 1, "look": "dusk"})
    folder = house.folder / "state" / "show"
    dusk = folder / "look.dusk.json"
    dusk.write_bytes(broken := dusk.read_bytes().replace(b"0.6", b"\0\0\0"))
    (folder / "look.soft.json").write_bytes(b"")
    (folder / "cues.night.json").write_bytes(b"{")
    keys = {"look.dusk.damaged", "look.soft.damaged", "cues.night.damaged"}
    async with heard_events(house) as events, house.running() as agent:
        found = {("look.damaged", "dusk"), ("look.damaged", "soft"), ("cues.damaged", "night")}
        await until(lambda: found <= {(each["name"], each["fields"].get("name")) for each in events})
        await until(lambda: keys <= agent.alerts.keys)
        assert house.state("look", "dusk")["levels"]["key"]["intensity"] == 0.3
        told = json.loads(agent.bus.board[agent.topics.alert("look.dusk.damaged")])
        assert "version 1 is used" in told["text"]["en"] and "现用版本 1" in told["text"]["zh"]
        assert "look.dusk.json.damaged-1" in told["first"]["en"] and "alert.ack" in told["first"]["zh"]
        soft = json.loads(agent.bus.board[agent.topics.alert("look.soft.damaged")])
        assert "configuration file" in soft["text"]["en"]
        night = json.loads(agent.bus.board[agent.topics.alert("cues.night.damaged")])
        assert "there is none" in night["text"]["en"] and "cue.save" in night["first"]["en"]
        await done(house, "alert.ack", {"key": "look.soft.damaged"})
        await until(lambda: "look.soft.damaged" not in agent.alerts.keys)
    async with house.running() as agent:
        await until(lambda: "look.dusk.damaged" in agent.alerts.keys)
        assert "look.soft.damaged" not in agent.alerts.keys, "it was acknowledged"
        await done(house, "look.rollback", {"look": "dusk", "version": 1})
        await done(house, "cue.save", {"list": "night", "cue": 1, "look": "dusk"})
        await until(lambda: not keys & agent.alerts.keys)
    async with house.running() as agent:
        await until(lambda: agent.ready.is_set())
        assert not any(shelf.damaged for shelf in agent.stage.show.shelves)
    assert (folder / "look.dusk.json.damaged-1.seen").read_bytes() == broken
