"""What was done for the studio's upkeep is told, after a restart, too."""

import json

from agent.selftest.report import Report
from tests.agent.app.conftest import House
from tests.waiting import until


async def test_the_latest_self_test_is_told_after_a_restart_too(house: House) -> None:
    async with house.running() as agent:
        assert agent.topics.report not in agent.bus.board
        await until(lambda: agent.topics.of("maintenance") in agent.bus.board)
        upkeep = json.loads(agent.bus.board[agent.topics.of("maintenance")])
        assert (upkeep["full_selftest"], upkeep["accepted"], upkeep["accepted_lights"]) == (None, None, [])
        answer = await house.send("selftest.start", {"depth": "quick", "only": ["AGT-*", "SYS-*"]})
        assert answer.state == "succeeded"
        first = json.loads(agent.bus.board[agent.topics.report])
        assert first["id"] == answer.result["id"]
    async with house.running() as agent:
        await until(lambda: agent.topics.report in agent.bus.board)
        again = json.loads(agent.bus.board[agent.topics.report])
        assert again["id"] == first["id"] and again["boot"] != first["boot"]


async def test_the_latest_full_self_test_and_what_was_accepted(house: House) -> None:
    async with house.running() as agent:
        await until(lambda: "cam-1" in agent.devices.cameras and agent.devices.cameras["cam-1"].watch.latest)
        house.air(False)
        tested = await house.send("selftest.start", {"depth": "full", "only": []})
        assert tested.state == "succeeded", tested
        answer = await house.send("maintenance.accept", {"targets": ["all"], "reason": "all is well"})
        accepted = answer.result["accepted"] if answer.result else []
        reports = sorted((agent.config.agent.state_dir / "reports").glob("*.json"))
        report = Report.model_validate_json(reports[-1].read_bytes())
        upkeep = json.loads(agent.bus.board[agent.topics.of("maintenance")])
        assert upkeep["full_selftest"] == (report.started if report.whole else None)
        assert (upkeep["full_verdict"] is None) == (not report.whole)
        assert upkeep["accepted_lights"] == sorted(accepted)
        assert bool(upkeep["accepted"]) == bool(accepted) and upkeep["accepted_runs"] <= 1


async def test_home_assistant_is_switched_on_by_the_configuration_and_only_at_the_start(house: House) -> None:
    topic = "homeassistant/device/demo/studio/config"
    async with house.running() as agent:
        assert topic not in agent.bus.board and not agent.dialects
        house.change("[alerts]", "[homeassistant]\nenabled = true\n\n[alerts]")
        answer = await house.send("reload", {})
        assert answer.state == "failed" and "homeassistant" in answer.message.en
    async with house.running() as agent:
        await until(lambda: topic in agent.bus.board)
        entities = json.loads(agent.bus.board[topic])["components"]
        assert (entities["light:key"]["min_kelvin"], entities["light:key"]["max_kelvin"]) == (2700, 6500)
        assert json.loads(agent.bus.board[agent.topics.of("ha-light", name="back")])["color_mode"] == "brightness"
    house.change("enabled = true", "enabled = false")
    async with house.running() as agent:
        assert topic not in agent.bus.board
        assert (agent.config.agent.state_dir / "homeassistant.json").exists()  # until it is taken back
