"""RDM by command: who is there, one that shows itself, one that is set; on air only reading."""

import asyncio
import pickle

import pytest

from agent.lighting.player import asked
from config.load import load
from drivers.dmx.enttec_codec import Parameters
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.dmx.rdm_codec import Uid
from drivers.errors import Refused, WorkLost
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import furnish
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.enttec import enttec_twin
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line
from tests.waiting import until

LAMP, OTHER = Uid(0x1234, 0x56789ABC), Uid(0x1234, 0x56789ABD)
ON = {"output": "widget-1", "uid": str(LAMP)}


def equip(house, *responders):
    """The house's widget can do RDM, and these are on its line."""
    house.studio = furnish(load(house.file, house.environ))
    device = house.studio.twins["widget-1"].device
    device.parameters = Parameters(4, 2, 9, 1, 40)
    device.line = Line(responders, now=house.studio.now)


async def opened(house, agent):
    house.air(on_air=False)
    await until(lambda: agent.devices.outputs["widget-1"].lane.health.state == "ok")


async def test_survey_set_and_survey_again_tell_what_changed(house):
    lamp = FakeResponder(LAMP, address=101)
    equip(house, lamp, FakeResponder(OTHER, address=120))
    async with house.running() as agent:
        await opened(house, agent)
        found = await house.send("rdm.survey", {"output": "widget-1"})
        assert found.state == "succeeded", found.message
        assert [each["uid"] for each in found.result["devices"]] == [str(LAMP), str(OTHER)]
        assert found.result["searched"] and found.result["complete"] and found.result["changes"] == []
        done = await house.send("rdm.set", {**ON, "address": 201, "label": "Key left"})
        assert done.state == "succeeded", done.message
        assert (lamp.address, lamp.label) == (201, "Key left")
        (news,) = (await house.send("rdm.survey", {"output": "widget-1"})).result["changes"]
        assert (news["what"], news["uid"]) == ("address", str(LAMP))
        assert news["next"]["en"] and news["next"]["zh"]


async def test_while_a_device_shows_itself_no_other_work_keeps_it_from_ending(house):
    lamp = FakeResponder(LAMP, address=101)
    equip(house, lamp)
    async with house.running() as agent:
        await opened(house, agent)
        showing = asyncio.create_task(house.send("rdm.identify", {**ON, "seconds": 1}))
        await until(lambda: lamp.identifying)
        assert (await house.send("rdm.survey", {"output": "widget-1"})).code == "busy"
        assert (await showing).state == "succeeded"
        assert not lamp.identifying
        assert (await house.send("rdm.survey", {"output": "widget-1"})).state == "succeeded"


async def test_what_changed_while_the_agent_was_not_there_is_told(house):
    lamp = FakeResponder(LAMP, address=101)
    equip(house, lamp)
    kept = house.folder / "state" / "rdm.json"
    async with house.running() as agent:
        await opened(house, agent)
        assert (await house.send("rdm.survey", {"output": "widget-1"})).result["changes"] == []
    lamp.address = 201
    async with house.running() as agent:
        await opened(house, agent)
        (news,) = (await house.send("rdm.survey", {"output": "widget-1"})).result["changes"]
        assert (news["what"], news["uid"]) == ("address", str(LAMP))
    kept.write_text(kept.read_text()[:-9])
    async with house.running() as agent:
        await opened(house, agent)
        found = await house.send("rdm.survey", {"output": "widget-1"})
        assert (found.state, found.result["changes"]) == ("succeeded", [])
    assert kept.exists() and kept.with_name(f"{kept.name}.damaged-1").exists()


async def test_the_light_of_the_rig_and_the_profile_that_holds_are_told(house):
    key = load(house.file, house.environ).fixtures["key"]
    known = Uid(0x20B9, 1)  # SkyPanel S30-C, as its shipped profile has it
    equip(
        house, FakeResponder(known, address=key.address, model=514, firmware="4.4"), FakeResponder(OTHER, address=300)
    )
    async with house.running() as agent:
        await opened(house, agent)
        sky, stranger = (await house.send("rdm.survey", {"output": "widget-1"})).result["devices"]
        if sky["fixture"] is None:
            sky, stranger = stranger, sky
    assert (sky["fixture"], sky["profile"]) == ("key", "arri/skypanel-s30-c")
    assert "is set up as" in sky["said"]["en"] and "arri/skypanel-s30-c" in sky["next"]["zh"]
    assert (stranger["fixture"], stranger["profile"]) == (None, None)
    assert "No profile names the RDM model" in stranger["said"]["en"]


async def test_who_is_on_the_line_is_a_state_that_outlives_a_restart_and_what_is_wrong_an_alert(house):
    key = load(house.file, house.environ).fixtures["key"]
    lamp = FakeResponder(Uid(0x20B9, 1), address=key.address, model=514, firmware="4.4")
    equip(house, lamp, FakeResponder(OTHER, address=300))
    async with house.running() as agent:
        await opened(house, agent)
        assert house.state("rdm", "widget-1")["lines"] == []
        await house.send("rdm.survey", {"output": "widget-1"})
        (line,) = house.state("rdm", "widget-1")["lines"]
        assert line["searched"] and line["complete"] and (line["universe"], line["count"]) == (1, 2)
        assert [each["fixture"] for each in line["devices"]] == [None, "key"] and line["gone"] == []
        await until(lambda: "light.key.profile" in agent.alerts.keys)
        assert "light.key.gone" not in agent.alerts.keys, "it is there"
        house.studio.twins["widget-1"].device.line = Line([], now=house.studio.now)
        await house.send("rdm.survey", {"output": "widget-1"})
        await until(lambda: "light.key.gone" in agent.alerts.keys)
    async with house.running() as agent:
        await opened(house, agent)
        await until(lambda: "light.key.gone" in agent.alerts.keys)
        (line,) = house.state("rdm", "widget-1")["lines"]
        assert (line["count"], [each["uid"] for each in line["gone"]]) == (0, [str(OTHER), str(lamp.uid)])
        lamp.model, lamp.firmware, lamp.personality = (
            0x7001,
            "1.0",
            2,
        )  # another light was put there, of which no profile knows
        house.studio.twins["widget-1"].device.line = Line([lamp], now=house.studio.now)
        await house.send("rdm.survey", {"output": "widget-1"})
        await until(lambda: not {"light.key.gone", "light.key.profile"} & agent.alerts.keys)


async def test_lines_are_searched_by_themselves_where_that_is_wanted_off_air_and_when_the_widget_is_back(house):
    lamp = FakeResponder(LAMP, address=101)
    house.change("[air]", '[rdm]\nsurvey = ["widget-1"]\n\n[air]')
    equip(house, lamp)

    def found():
        lines = house.state("rdm", "widget-1")["lines"]
        return [each["address"] for line in lines for each in line["devices"]]

    async with house.running() as agent:
        agent.rdm.calm = 0.0
        house.air(on_air=True)
        await until(lambda: agent.devices.outputs["widget-1"].lane.health.state == "ok")
        for _ in range(5):
            await agent.rdm.turn()
        assert house.state("rdm", "widget-1")["lines"] == [], "on air nobody searches"
        await opened(house, agent)
        await until(lambda: found() == [101])
        lamp.address = 201
        house.studio.fault("widget-1", "unplug")
        await until(lambda: agent.devices.outputs["widget-1"].lane.health.state == "offline")
        house.studio.heal("widget-1")
        await until(lambda: found() == [201])


async def test_while_a_self_test_runs_nobody_searches(house):
    equip(house, FakeResponder(LAMP, address=101))
    async with house.running() as agent:
        await opened(house, agent)
        agent.tests.running = True
        answer = await house.send("rdm.survey", {"output": "widget-1"})
        assert (answer.state, answer.code) == ("rejected", "busy")
        agent.tests.running = False


async def test_on_air_the_known_are_read_and_nothing_else_is_done(house):
    lamp = FakeResponder(LAMP, address=101)
    equip(house, lamp)
    async with house.running() as agent:
        await opened(house, agent)
        assert (await house.send("rdm.survey", {"output": "widget-1"})).result["count"] == 1
        house.air(on_air=True)
        lamp.address = 7
        read = (await house.send("rdm.survey", {"output": "widget-1"})).result
        assert not read["searched"] and read["devices"][0]["address"] == 7
        for verb, more in (("rdm.set", {"address": 9}), ("rdm.identify", {})):
            answer = await house.send(verb, {**ON, **more})
            assert (answer.state, answer.code) == ("rejected", "on-air")
        assert lamp.address == 7 and not lamp.identifying


async def test_identify_ends_by_itself_and_when_on_air_begins(house):
    lamp = FakeResponder(LAMP)
    equip(house, lamp)
    async with house.running() as agent:
        await opened(house, agent)
        task = asyncio.create_task(house.send("rdm.identify", {**ON, "seconds": 1}))
        await until(lambda: lamp.identifying)
        assert (await task).state == "succeeded" and not lamp.identifying
        task = asyncio.create_task(house.send("rdm.identify", {**ON, "seconds": 60}))
        await until(lambda: lamp.identifying)
        busy = await house.send("rdm.identify", {**ON, "output": "widget-2"})
        assert busy.code == "unknown-target" and "widget-1" in busy.message.en
        house.air(on_air=True)
        answer = await task
        assert (answer.state, answer.code) == ("failed", "on-air") and not lamp.identifying


async def test_a_change_is_one_event_with_the_next_step_on_air_too(house):
    lamp = FakeResponder(LAMP, address=101)
    equip(house, lamp)
    async with house.running() as agent:
        await opened(house, agent)
        await house.send("rdm.survey", {"output": "widget-1"})
        told = []
        publish = agent.bus.publish
        agent.bus.publish = lambda topic, message, *more: (told.append(message), publish(topic, message, *more))
        lamp.address = 7
        house.air(on_air=True)
        await house.send("rdm.survey", {"output": "widget-1"})
        await house.send("rdm.survey", {"output": "widget-1"})
        house.air(on_air=False)
        await house.send("rdm.survey", {"output": "widget-1"})
        (event,) = (each for each in told if getattr(each, "name", "") == "rdm.changed")
        assert event.fields["uid"] == str(LAMP) and event.fields["what"] == "address"
        assert "became 7" in event.text.en and "configuration" in event.text.en


async def test_a_widget_without_rdm_says_so(house):
    async with house.running() as agent:
        await opened(house, agent)
        answer = await house.send("rdm.survey", {"output": "widget-1"})
        assert (answer.state, answer.code) == ("failed", "unsupported")


def test_step_by_step_the_levels_have_their_turn_and_on_air_ends_it():
    studio = VirtualStudio(ManualClock())
    options = EnttecProOptions(port="usb:EN1")
    twin = enttec_twin(studio, options, "widget")
    twin.device.parameters = Parameters(4, 2, 9, 1, 40)
    lamp = FakeResponder(LAMP)
    twin.device.line = Line([lamp], now=studio.now)
    driver = EnttecPro(options, studio)
    driver.open()
    driver.send(1, bytes(512))
    asked(driver, "rdm_begin", (1, "survey", (), False))
    turn = asked(driver, "rdm_step", (1, False))
    assert not turn.done and turn.rest > 0.01
    with pytest.raises(Refused):
        asked(driver, "rdm_step", (1, True))
    with pytest.raises(WorkLost):
        asked(driver, "rdm_step", (1, False))
    with pytest.raises(Refused):
        asked(driver, "rdm_begin", (1, "set", (str(LAMP), 9, None, None), True))
    asked(driver, "rdm_begin", (1, "survey", (), False))
    turn, level = asked(driver, "rdm_step", (1, False)), 0
    while not turn.done:
        level = (level + 1) % 256
        driver.send(1, bytes([level]) * 512)
        studio.clock.advance(turn.rest)
        turn = asked(driver, "rdm_step", (1, False))
    assert pickle.loads(pickle.dumps(turn)) == turn
    assert turn.result.discovery.uids == (LAMP,) and lamp.address == 1
    asked(driver, "rdm_begin", (1, "survey", (), False))
    assert not asked(driver, "rdm_step", (1, False)).done
    next(check for check in driver.checks() if check.id == "RDM-01").run()
    with pytest.raises(WorkLost):  # the self-test's search has muted and unmuted everybody meanwhile
        asked(driver, "rdm_step", (1, False))
    driver.close()
