"""Identity, profiles, the log's level, the bundle without secrets."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import structlog

from agent import __version__
from agent.runtime import logs
from tests.waiting import until

CANARY = "c4n4ry-hunter2"


def unpacked(path, sha256):
    assert path.stat().st_mode & 0o077 == 0
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    with tarfile.open(path) as tar:
        return {entry.name.rpartition("/")[2]: tar.extractfile(entry).read().decode() for entry in tar}


async def test_it_says_what_it_is_and_knows(house):
    async with house.running() as agent:
        await until(lambda: agent.devices.outputs["widget-1"].lane.health.state == "ok")
        who = (await house.send("identity", {})).result
        assert who["version"] == __version__ and who["boot"] == agent.bus.stamp.boot
        assert who["devices"]["widget-1"] == {
            "kind": "output",
            "driver": "enttec-pro",
            "health": "ok",
            "model": "DMX USB Pro",
            "firmware": "1.44",
            "serial": agent.devices.outputs["widget-1"].lane.health.identity.serial,
        }
        answer = (await house.send("profiles.list", {})).result
        text = answer["json"]
        for part in range(2, answer["parts"] + 1):
            text += (await house.send("profiles.list", {"part": part})).result["json"]
        profiles = json.loads(text)
        assert len(profiles) == answer["count"] and {f.profile.name for f in agent.rig.fixtures.values()} <= set(
            profiles
        )
        assert {"01", "40"} <= set(profiles["fiilex/p3-color"]), "modes of every firmware"


async def test_the_log_is_louder_for_a_while(house):
    out = io.StringIO()
    structlog.reset_defaults()
    logs.set_up("info", out, people=False)
    try:
        log = structlog.get_logger("x")
        log.debug("zebra.before")
        async with house.running():
            assert (await house.send("log.level", {"level": "debug", "seconds": 60})).state == "succeeded"
            log.debug("zebra.louder")
            assert (await house.send("log.level", {"level": "error", "seconds": 60})).state == "succeeded"
            log.warning("zebra.quieter")
            assert (await house.send("log.level", {"level": "error", "seconds": 0.2})).state == "succeeded"

            def back():
                log.info("zebra.again")
                return "zebra.again" in out.getvalue()

            await until(back)
            log.debug("zebra.after")
        said = out.getvalue()
        assert "zebra.louder" in said and not any(f"zebra.{word}" in said for word in ("before", "quieter", "after"))
        assert json.loads(logs.LATEST[-1])["event"]
    finally:
        logs.loud(None)
        structlog.reset_defaults()


async def test_the_bundle_holds_what_helps_and_no_secret(house):
    secret = house.folder / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    house.change('driver = "icmp"', f'driver = "icmp"\n# {CANARY}')
    house.change("[mqtt]", f'[mqtt]\nusername = "studio"\npassword_file = "{secret}"')
    async with house.running():
        await house.send("selftest.start", {"depth": "quick"})
        logs.LATEST.append(f"rtsp://name:{CANARY}@10.0.0.9/stream")
        answer = await house.send("support.bundle", {})
        assert answer.state == "succeeded", answer.message
        held = unpacked(Path(answer.result["path"]), answer.result["sha256"])
        assert sorted(held) == answer.result["holds"]
        names = {"configuration", "identity", "report", "states", "commands"}
        assert set(held) == {f"{name}.json" for name in names} | {"log.txt"}
        assert not [name for name, text in held.items() if CANARY in text]
        assert json.loads(held["configuration.json"])["mqtt"]["password_file"] == str(secret)
        assert "selftest.start" in {command["verb"] for command in json.loads(held["commands.json"])}


async def test_what_is_turned_down_is_said_in_chinese_too(house):
    """Names and numbers are the same in both; a sentence is not."""
    asked = [
        ("lights.stop.reset", {}),
        ("alert.ack", {"key": "nothing"}),
        ("alert.unsilence", {"pattern": "nothing"}),
        ("probe.now", {"probe": "nothing"}),
        ("report.get", {}),
        ("config.propose", {"text": "x"}),
        ("config.get", {"part": 99}),
        ("config.validate", {"text": "#" * 12001}),
        ("maintenance.note", {"text": "x", "about": "nothing"}),
        ("maintenance.accept", {"targets": ["nothing"], "reason": "x"}),
        ("maintenance.accept", {"targets": ["key"], "reason": "never tested"}),
        ("maintenance.rebaseline", {"targets": ["nothing"], "reason": "x"}),
        ("telemetry.set", {"groups": {"host": {"dead_bands": {"nothing": 1}}}}),
    ]
    async with house.running():
        for verb, args in asked:
            answer = await house.send(verb, args)
            general, _, exact = answer.message.zh.partition("：")
            assert general != answer.message.en
            assert any("一" <= letter <= "鿿" for letter in exact), f"{verb}: {answer.message.zh}"
