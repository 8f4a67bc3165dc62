"""The configuration over the broker: read without secrets, checked, tried, and back by itself when it does not do."""

import asyncio
import hashlib
import json
import re
from uuid import uuid4

from agent.app.config_versions import first
from agent.messaging.local import NAME, ask
from config.load import load
from drivers.virtual.furnish import furnish
from drivers.virtual.lan import Lan
from tests.waiting import until


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


async def proposed(house, text):
    answer = await at_the_machine(house, "config.propose", {"text": text}, issuer="chief")
    assert answer.state == "succeeded" and answer.result["sha256"] == digest(text), answer.message
    return answer.result["sha256"]


async def at_the_machine(house, verb, args, issuer="chief"):
    """Over the control socket: whoever may open it is admin, and over an open broker nobody is."""
    state = house.agent.config.agent.state_dir
    return [answer async for answer in ask(state / NAME, verb, args, issuer=issuer, id=uuid4().hex)][-1]


def text_of(house):
    return house.file.read_text(encoding="utf-8")


async def before_a_trial(house, agent):
    """Off air and online: the configuration's text, and the events from now on."""
    house.air(on_air=False)
    await until(agent.bus.online.is_set)
    events = []
    agent.bus.listeners.append(lambda topic, said: events.append(said) if topic.endswith("up/event") else None)
    return text_of(house), events


async def test_it_is_read_without_secrets(house):
    house.change("[probes.uplink]", "[looks.odd]\nlevels = { key = { intensity = 0.1 } }\n\n[probes.uplink]")
    house.file.write_text("# password = hunter2\n" + text_of(house))
    async with house.running():
        answer = await house.send("config.get", {})
        assert answer.state == "succeeded" and answer.result["version"] == digest(text_of(house))
        whole, parts = answer.result["json"], answer.result["parts"]
        for part in range(2, parts + 1):
            whole += (await house.send("config.get", {"part": part})).result["json"]
        assert json.loads(whole)["looks"]["odd"]["levels"] == {"key": {"intensity": 0.1}}
        assert "hunter2" not in whole


async def test_every_problem_is_told_and_nothing_is_changed(house):
    async with house.running():
        before = text_of(house)
        right = await house.send("config.validate", {"text": before})
        assert right.result == {"sha256": digest(before), "problems": []}
        bad = before.replace('driver = "stamp"', 'driver = "stomp"').replace("interval = 1.0", "interval = 0")
        told = (await house.send("config.validate", {"text": bad})).result["problems"]
        assert {"probes.uplink.driver", "probes.gateway.interval"} <= {problem["where"] for problem in told}
        assert all(problem["line"] for problem in told) and "stamp" in json.dumps(told)
        assert (await house.send("config.validate", {"text": "["})).result["problems"]
        assert text_of(house) == before and not (house.folder / "state/config").exists()


async def test_a_proposal_is_tried_put_in_force_and_taken_back(house):
    async with house.running() as agent:
        await until(agent.bus.online.is_set)
        before = text_of(house)
        after = before.replace("interval = 0.2", "interval = 0.25")
        sha = await proposed(house, after)
        house.air(on_air=True)
        assert (await house.send("config.apply", {"sha256": sha})).code == "forbidden"
        refused = await at_the_machine(house, "config.apply", {"sha256": sha})
        assert refused.code == "on-air" and text_of(house) == before
        house.air(on_air=False)
        assert (await at_the_machine(house, "config.apply", {"sha256": "0" * 64})).code == "unknown-target"
        house.file.chmod(0o640)
        done = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 1}, issuer="chief")
        assert done.state == "succeeded" and done.result == {"version": 2, "sha256": sha}, done.message
        assert text_of(house) == after and house.file.stat().st_mode & 0o777 == 0o640
        assert agent.config.probes["uplink"].interval == 0.25
        kept = (await house.send("config.versions", {})).result
        assert kept["version"] == sha and [(v["number"], v["by"]) for v in kept["versions"]] == [(2, "chief"), (1, "")]
        back = await at_the_machine(house, "config.rollback", {"version": 1, "seconds": 1})
        assert back.state == "succeeded" and text_of(house) == before
        assert agent.config.probes["uplink"].interval == 0.2
        assert (await at_the_machine(house, "config.rollback", {"version": 77, "seconds": 1})).code == "unknown-target"
        bad = await at_the_machine(house, "config.propose", {"text": before + "\n[nonsense]\n"})
        assert bad.code == "invalid" and "nonsense" in bad.message.en


async def test_what_does_not_do_goes_back_by_itself(house):
    async with house.running() as agent:
        before, events = await before_a_trial(house, agent)
        # right as far as anybody can tell, but no such widget is plugged in
        worse = (
            before + '\n[outputs.second]\ndriver = "enttec-pro"\nuniverses = [7]\noptions = { port = "/dev/ttyNONE" }\n'
        )
        sha = await proposed(house, worse)
        answer = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 5})
        assert (answer.state, answer.code) == ("failed", "rolled-back") and "second" in answer.message.en
        assert text_of(house) == before and list(agent.devices.outputs) == ["widget-1"]
        assert "config.rolled-back" in [event.name for event in events]
        assert not (house.folder / "state/config/before.toml").exists()


async def test_a_broker_lost_in_a_trial_brings_back_what_was_before(house, mosquitto):
    async with house.running() as agent:
        before, events = await before_a_trial(house, agent)
        sha = await proposed(house, before.replace("interval = 0.2", "interval = 0.25"))
        trial = asyncio.create_task(at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 5}))
        await until(lambda: agent.config.probes["uplink"].interval == 0.25)
        await asyncio.to_thread(mosquitto.stop)
        await until(lambda: not agent.bus.online.is_set())
        assert not trial.done(), "it is given until the end of the trial to come back"
        answer = await trial
        assert (answer.state, answer.code) == ("failed", "rolled-back"), answer
        assert "the broker is lost: " in answer.message.en and "消息服务器" in answer.message.zh
        assert text_of(house) == before and agent.config.probes["uplink"].interval == 0.2
        (event,) = [event for event in events if event.name.startswith("config.")]
        assert event.name == "config.rolled-back" and "broker" in event.fields["detail"]


async def test_without_a_broker_from_the_beginning_a_trial_is_not_its_loss(brokerless):
    async with brokerless.running() as agent:
        await until(agent.control.listening.is_set)
        after = text_of(brokerless).replace("interval = 0.2", "interval = 0.25")
        brokerless.air(on_air=False)
        sha = await proposed(brokerless, after)
        answer = await at_the_machine(brokerless, "config.apply", {"sha256": sha, "seconds": 1})
        assert answer.state == "succeeded" and text_of(brokerless) == after, answer
        assert agent.config.probes["uplink"].interval == 0.25


async def test_a_critical_alert_in_a_trial_brings_back_what_was_before(house):
    house.studio = furnish(load(house.file, house.environ), lan=Lan(delay=0.003))
    async with house.running() as agent:
        house.air(on_air=False)
        await until(agent.bus.online.is_set)
        await until(lambda: agent.devices.probes["uplink"].lane.health.state == "ok")
        before = text_of(house)
        sha = await proposed(house, before.replace("interval = 0.2", "interval = 0.25"))
        trial = asyncio.create_task(at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 120}))
        await until(lambda: agent.config.probes["uplink"].interval == 0.25)
        house.studio.lan.loss = 1.0
        answer = await trial
        assert (answer.state, answer.code) == ("failed", "rolled-back"), answer
        assert re.search(r"alert network\.\w+\.silent: nothing comes back from ", answer.message.en)
        assert "无任何响应" in answer.message.zh
        assert text_of(house) == before and agent.config.probes["uplink"].interval == 0.2
        # that it still fires is nothing the next configuration brought
        await until(lambda: "network.gateway.silent" in {alert.key for alert in agent.alerts.open})
        again = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 1})
        assert again.state == "succeeded", again


async def test_what_only_a_restart_could_give_is_refused_and_undone(house):
    async with house.running() as agent:
        house.air(on_air=False)
        before = text_of(house)
        sha = await proposed(house, before.replace('name = "studio"', 'name = "other"', 1))
        answer = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 1})
        assert (answer.state, answer.code) == ("failed", "invalid") and "restart" in answer.message.en
        assert text_of(house) == before and agent.config.agent.name == "studio"


async def test_cancelled_or_cut_off_the_configuration_before_comes_back(house):
    before = text_of(house)
    after = before.replace("interval = 0.2", "interval = 0.25")
    async with house.running() as agent:
        house.air(on_air=False)
        sha = await proposed(house, after)
        trial = asyncio.create_task(at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 60}))
        await until(lambda: agent.config.probes["uplink"].interval == 0.25)
        assert (await at_the_machine(house, "config.rollback", {"version": 1})).code == "busy"
        await house.send("command.cancel", {"id": agent.dispatcher.running[0]})
        assert (await trial).state == "cancelled" and text_of(house) == before
        assert agent.config.probes["uplink"].interval == 0.2
    # as a crash in the middle of a trial leaves it
    (house.folder / "state/config/before.toml").write_text(before)
    house.file.write_text(after)
    async with house.running() as agent:
        await until(lambda: text_of(house) == before and agent.config.probes["uplink"].interval == 0.2)
        assert not (house.folder / "state/config/before.toml").exists()


async def test_what_was_in_force_comes_back_though_the_file_was_being_edited(house):
    async with house.running() as agent:
        house.air(on_air=False)
        before = text_of(house)
        worse = (
            before + '\n[outputs.second]\ndriver = "enttec-pro"\nuniverses = [7]\noptions = { port = "/dev/ttyNONE" }\n'
        )
        sha = await proposed(house, worse)
        half_edited = before + "\n[nonsense\n"
        house.file.write_text(half_edited)
        answer = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 5})
        assert (answer.state, answer.code) == ("failed", "rolled-back"), answer
        assert list(agent.devices.outputs) == ["widget-1"] and text_of(house) == half_edited
        kept = (await at_the_machine(house, "config.versions", {})).result["versions"]
        assert [version["why"] for version in kept] == ["in the file before, not in force"]


async def test_what_only_a_restart_could_give_is_never_in_the_file(house):
    async with house.running():
        house.air(on_air=False)
        sha = await proposed(house, text_of(house).replace('host = "localhost"', 'host = "nowhere.invalid"'))
        stamp = house.file.stat()
        answer = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 1})
        assert answer.code == "invalid" and "mqtt" in answer.message.en
        assert house.file.stat().st_ino == stamp.st_ino and not (house.folder / "state/config/before.toml").exists()


async def test_no_selftest_begins_in_a_trial_and_a_disk_that_declines_is_named(house):
    async with house.running() as agent:
        house.air(on_air=False)
        sha = await proposed(house, text_of(house).replace("interval = 0.2", "interval = 0.25"))
        trial = asyncio.create_task(at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 60}))
        await until(lambda: agent.config.probes["uplink"].interval == 0.25)
        answer = await at_the_machine(house, "selftest.start", {})
        assert answer.code == "busy" and "tried" in answer.message.en
        await house.send("command.cancel", {"id": agent.dispatcher.running[0]})
        await trial
        house.file.rename(house.file.with_suffix(".away"))
        answer = await at_the_machine(house, "config.apply", {"sha256": sha, "seconds": 1})
        assert answer.code in {"device-refused", "unsupported"} and answer.message.zh != answer.message.en


def test_after_a_trial_that_was_cut_off_the_start_is_with_what_was_before(house):
    before = text_of(house)
    house.change("interval = 0.2", "interval = 0.25")
    folder = house.folder / "state/config"
    folder.mkdir(parents=True)
    (folder / "before.toml").write_text(before)
    tried = load(house.file, house.environ)
    assert first(house.file, tried, house.environ).probes["uplink"].interval == 0.2
    (folder / "before.toml").write_text("[half")
    assert first(house.file, tried, house.environ) is tried


async def test_a_file_that_may_not_be_written_is_no_place_for_a_proposal(house):
    async with house.running() as agent:
        agent.file = None
        answer = await house.send("config.get", {})
        assert answer.code == "unsupported" and "file" in answer.message.en
