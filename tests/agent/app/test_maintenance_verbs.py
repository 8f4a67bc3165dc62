"""The studio's upkeep by command: what a test saw is normal; measured anew; who said so, and why."""

import asyncio
import json

import pytest

from agent.lighting.claims import Priority
from agent.selftest import baseline
from agent.selftest.checks import bench
from agent.selftest.store import ReportStore
from tests.waiting import until

CHECKS = [f"LGT-0{number}" for number in (1, 2, 3, 4, 5, 7)]
"""All but how long a light takes: that is for the machine the tests happen to run on."""


@pytest.fixture(autouse=True)
def two_levels(monkeypatch):
    monkeypatch.setattr(bench, "LEVELS", (0.5, 1.0))


async def seeing(house, agent):
    await until(agent.bus.online.is_set)
    await until(lambda: agent.devices.cameras["cam-1"].watch.latest is not None)
    house.air(on_air=False)
    await house.send("exposure.set", {"mode": "watch"})


async def examined(house, *lights):
    answer = await house.send(
        "selftest.start", {"depth": "full", "only": [f"{check}:{light}" for check in CHECKS for light in lights]}
    )
    assert answer.state == "succeeded", answer.message
    return answer.result


def runs(house):
    return baseline.read(house.folder / "state", "cam-1").reference().runs


async def test_what_was_seen_joins_the_baseline_once_and_what_failed_is_measured_anew(house):
    async with house.running() as agent:
        await seeing(house, agent)
        first = await examined(house, "back", "fill")
        store, file = ReportStore(house.folder / "state"), house.folder / "state" / baseline.FILE
        report = store.latest()
        kept = store.folder / f"{report.number:06d}-{report.id}.json"
        text = kept.read_bytes()
        kept.unlink()
        store.append(report.model_copy(update={"started": "2020-01-01T00:00:00.000Z"}))
        old = await house.send("maintenance.accept", {"targets": ["back"], "reason": "all was well"})
        assert (old.state, old.code) == ("failed", "unknown-target") and "24 h" in old.message.en
        kept.write_bytes(text)
        file.mkdir()
        refused = await house.send("maintenance.accept", {"targets": ["back"], "reason": "all is well"})
        assert (refused.state, refused.code) == ("failed", "device-refused")
        file.rmdir()
        assert (await house.send("report.list", {})).result["notes"] == []
        moved = agent.rig.scene
        house.air(on_air=True)  # it moves nothing, so it may be said on air, too
        said = await house.send(
            "maintenance.accept", {"targets": ["back", "key"], "reason": "all is well"}, issuer="anna"
        )
        assert said.result == {"report": first["id"], "accepted": ["back"], "left_out": {"key": "not-tested"}}
        assert agent.rig.scene.targets("back") == moved.targets("back") and not agent.rig.claims(Priority.TEST)
        upkeep = json.loads(agent.bus.board[agent.topics.of("maintenance")])
        assert (upkeep["accepted_lights"], upkeep["accepted_runs"]) == (["back"], 1)
        again = await house.send("maintenance.accept", {"targets": ["back", "fill"], "reason": "and fill"})
        assert (again.result["accepted"], again.result["left_out"]) == (["fill"], {"back": "accepted-before"})
        assert runs(house) == {"back": 1, "fill": 1}
        twice = await house.send("maintenance.accept", {"targets": ["back"], "reason": "once more"})
        assert (twice.state, twice.code) == ("failed", "out-of-range") and "accepted-before" in twice.message.zh
        notes = (await house.send("report.list", {})).result["notes"]
        assert [(note["by"], note["about"], note["text"]) for note in notes] == [
            ("hand", "fill", "maintenance.accept fill: and fill"),
            ("anna", "back", "maintenance.accept back: all is well"),
        ]
        house.change("fade = 4.0", "fade = 4.5")
        assert (await house.send("reload", {})).state == "succeeded"
        other = await house.send("maintenance.accept", {"targets": ["back"], "reason": "of another configuration"})
        assert (other.state, other.code) == ("failed", "unknown-target") and "configuration" in other.message.en

        # what failed is accepted by nobody, but may be measured anew
        house.air(on_air=False)
        house.studio.world.fault("back", "dim")
        assert (await examined(house, "back"))["worst"] == ["LGT-02:back"]
        refused = await house.send("maintenance.accept", {"targets": ["back"], "reason": "it will do"})
        assert (refused.state, refused.code) == ("failed", "out-of-range") and "back (LGT-02)" in refused.message.en
        held = baseline.read(house.folder / "state", "cam-1").reference()
        house.air(on_air=True)
        on_air = await house.send("maintenance.rebaseline", {"targets": ["back"], "reason": "diffuser"})
        assert (on_air.state, on_air.code) == ("rejected", "on-air")
        house.air(on_air=False)
        look = agent.rig.scene.targets("back")
        anew = await house.send("maintenance.rebaseline", {"targets": ["back"], "reason": "diffuser"}, issuer="anna")
        assert anew.state == "succeeded", anew.message
        assert (anew.result["accepted"], anew.result["left_out"]) == (["back"], {})
        assert agent.rig.scene.targets("back") == look and agent.rig.unmoved(agent.now())
        fresh = baseline.read(house.folder / "state", "cam-1").reference()
        assert fresh.runs == {"back": 1, "fill": 1}
        assert fresh.signatures["back"].sum() < 0.9 * held.signatures["back"].sum()
        assert (fresh.signatures["fill"] == held.signatures["fill"]).all()
        note = (await house.send("report.list", {})).result["notes"][0]
        assert (note["text"], note["by"]) == ("maintenance.rebaseline back: diffuser", "anna")
        file.unlink()
        file.mkdir()
        refused = await house.send("maintenance.rebaseline", {"targets": ["back"], "reason": "once more"})
        assert (refused.state, refused.code) == ("failed", "device-refused")


async def test_a_measurement_that_is_broken_off_leaves_the_baseline_and_brings_the_look_back(house):
    async with house.running() as agent:
        await seeing(house, agent)
        await until(lambda: agent.rig.unmoved(agent.now()))
        look = agent.rig.scene.frame(1, 1e9)
        for how, ended in (("air", ("failed", "on-air")), ("cancel", ("cancelled", "cancelled"))):
            measuring = asyncio.create_task(
                house.send("maintenance.rebaseline", {"targets": ["back"], "reason": "cleaned"})
            )
            await until(lambda: agent.rig.claims(Priority.TEST), 20)
            busy = await house.send("maintenance.accept", {"targets": ["back"], "reason": "x"})
            assert (busy.state, busy.code) == ("rejected", "busy")
            if how == "air":
                house.air(on_air=True)
            else:
                assert (await house.send("selftest.cancel", {})).state == "succeeded"
            answer = await measuring
            assert (answer.state, answer.code) == ended, answer.message
            await until(lambda: agent.rig.unmoved(agent.now()), 20)
            assert agent.rig.scene.frame(1, 1e9) == look and not agent.rig.claims(Priority.TEST)
            house.air(on_air=False)
        assert baseline.kept(house.folder / "state") is None
        assert (await house.send("report.list", {})).result["notes"] == []
