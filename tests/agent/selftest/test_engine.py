"""What the engine promises: the look comes back, what breaks is an ERROR, what is offline is named once."""

import asyncio
import threading

import pytest

from agent.lighting.claims import Priority
from agent.selftest import step
from agent.selftest.engine import plan, run
from agent.selftest.report import EXIT
from config.units import Text
from drivers.base import Check, Impact, Limits, Result, Verdict
from tests.agent.selftest.rooms import LIGHT, LOOK, failed, room, verdicts
from tests.waiting import until

TITLE = Text("a title", "标题")
FINE = Result(Verdict.PASS, Text("fine", "正常"))


@pytest.fixture
async def studio(tmp_path):
    async with room(tmp_path) as made:
        yield made


def brings(studio, *checks):
    """The camera's driver brings these checks instead of its own."""
    studio.devices.cameras["front"].driver.checks = lambda: checks


async def moving(studio, task):
    """Until the test has moved lights."""
    await until(lambda: studio.test_claims or task.done())
    assert not task.done(), task.result()


def test_what_to_do_about_a_device_that_is_gone_is_said_in_both_languages():
    usual = step.gone(Text("busy", "忙"), Text("stop it", "请关闭占用它的程序"))
    assert usual.remedy == ("stop it", "请关闭占用它的程序")
    assert step.gone(Text("odd", "异常"), Text("hit it", "")).remedy.zh == "请检查设备连接（hit it）"


async def test_on_air_nothing_visible_is_done_and_nothing_moves(studio):
    studio.on_air = True
    report = await run(studio.around, "full", ["CAM-01", "LGT-*"])
    lights = {check.verdict for check in report.checks if check.kind == "light"}
    assert lights == {Verdict.SKIPPED}
    assert "on air" in report.checks[-1].said.en
    assert studio.scenes == []
    assert report.on_air
    assert (report.verdict, report.exit_code) == (Verdict.SKIPPED, 1)
    assert not report.whole


async def test_an_air_state_that_cannot_be_asked_counts_as_on_air(studio):
    def broken():
        raise OSError("no tally")

    object.__setattr__(studio.around, "on_air", broken)
    report = await run(studio.around, "full", ["LGT-01:key"])
    assert verdicts(report) == {"LGT-01:key": Verdict.SKIPPED}
    assert studio.scenes == []


async def test_going_on_air_in_the_middle_restores_the_look_at_once(studio):
    task = asyncio.create_task(run(studio.around, "full", ["LGT-*"]))
    await moving(studio, task)
    studio.on_air = True
    await until(lambda: not studio.test_claims)
    report = await task
    assert studio.targets == LOOK
    assert studio.test_claims == []
    assert set(verdicts(report).values()) == {Verdict.SKIPPED}  # not one light was measured to its end
    assert "went on air" in report.stopped.en
    assert report.exit_code == 1


async def test_cancelling_in_the_middle_restores_the_look(studio):
    task = asyncio.create_task(run(studio.around, "full", ["LGT-*"]))
    await moving(studio, task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert studio.targets == LOOK
    assert studio.test_claims == []


async def test_a_test_goes_over_the_loop_and_gives_its_light_back(studio):
    studio.rig.claim("exposure-loop", Priority.LOOP, {"key": {LIGHT: 0.6}}, now=studio.around.now())
    report = await run(studio.around, "full", ["LGT-01:key"])
    assert verdicts(report) == {"LGT-01:key": Verdict.PASS}
    assert studio.rig.holder("key").owner == "exposure-loop"
    assert studio.targets["key"][LIGHT] == 0.6


async def test_a_stronger_hold_makes_it_an_error_not_a_dead_light(studio):
    studio.rig.claim("stop", Priority.STOP, {"key": {LIGHT: 0.0}}, now=studio.around.now())
    report = await run(studio.around, "full", ["LGT-0[15]:key"])
    assert verdicts(report) == {"LGT-01:key": Verdict.ERROR, "LGT-05:key": Verdict.SKIPPED}
    assert "held by stop" in report.checks[0].said.en
    assert report.exit_code == EXIT[Verdict.ERROR] == 3


async def test_a_pulled_widget_fails_once_and_the_rest_says_why_it_was_not_done(studio):
    studio.studio.fault("widget", "unplug")
    await until(lambda: studio.devices.outputs["widget"].lane.health.state == "offline")
    report = await run(studio.around, "full", ["SER-*", "WID-*", "DMX-*", "LGT-0[15]:key"])
    assert failed(report) == {"SER-01:widget"}
    others = [check for check in report.checks if check.id != "SER-01"]
    assert {check.verdict for check in others} == {Verdict.SKIPPED}
    assert all("offline" in check.said.en and check.asked for check in others)
    assert studio.scenes == []


@pytest.mark.parametrize(("fault", "named"), [("freeze", "CAM-03"), ("black", "CAM-04")])
async def test_a_camera_that_lies_is_named_and_the_lights_are_left_alone(studio, fault, named):
    studio.studio.fault("front", fault)
    report = await run(studio.around, "full", [named, "LGT-01:key"])
    assert verdicts(report) == {f"{named}:front": Verdict.FAIL, "LGT-01:key": Verdict.SKIPPED}
    assert named in report.checks[-1].said.en
    assert studio.scenes == []


async def test_a_check_that_breaks_is_an_error_and_the_rest_runs(studio):
    def boom() -> Result:
        raise ZeroDivisionError("in the check")

    brings(studio, Check("CAM-01", "x", TITLE, lambda: FINE), Check("CAM-02", "x", TITLE, boom))
    report = await run(studio.around, "quick", ["CAM-*", "AGT-03"])
    assert verdicts(report) == {
        "CAM-01:front": Verdict.PASS,
        "CAM-02:front": Verdict.ERROR,
        "AGT-03:agent": Verdict.PASS,
    }
    assert "ZeroDivisionError: in the check" in report.checks[1].said.en


async def test_a_check_past_its_deadline_is_an_error(studio, monkeypatch):
    monkeypatch.setattr(step, "ON_THE_LANE", 0.0)
    held = threading.Event()

    def hangs() -> Result:
        held.wait(60)
        return FINE

    brings(studio, Check("CAM-01", "x", TITLE, hangs, deadline=0.2), Check("CAM-02", "x", TITLE, lambda: FINE))
    try:
        report = await run(studio.around, "quick", ["CAM-01"])
    finally:
        held.set()
    assert verdicts(report) == {"CAM-01:front": Verdict.ERROR}
    assert report.checks[0].seconds < 30


async def test_a_visible_check_of_a_stranger_is_under_the_same_interlock(studio):
    ran = []
    brings(
        studio,
        Check("CAM-01", "x", TITLE, lambda: FINE),
        Check("ACME-1", "x", TITLE, lambda: ran.append("visible") or FINE, impact=Impact.VISIBLE),
        Check("ACME-2", "x", TITLE, lambda: ran.append("disruptive") or FINE, impact=Impact.DISRUPTIVE),
    )
    studio.on_air = True
    assert verdicts(await run(studio.around, "full", ["ACME-*"])) == {"ACME-1:front": Verdict.SKIPPED}
    studio.on_air = False
    assert verdicts(await run(studio.around, "full", ["ACME-*"])) == {"ACME-1:front": Verdict.PASS}
    assert ran == ["visible"]


async def test_a_value_that_is_no_number_is_null_and_an_error(studio):
    limits = Limits(warn=1, fail=2)
    nan = float("nan")
    result = Result(limits.judge(nan), TITLE, value=nan, limits=limits, evidence={"seen": nan})
    brings(studio, Check("CAM-01", "x", TITLE, lambda: result))
    report = await run(studio.around, "quick", ["CAM-*"])
    assert (report.checks[0].verdict, report.checks[0].value) == (Verdict.ERROR, None)
    assert report.checks[0].evidence == {"seen": None}


async def test_the_plan_is_a_preview_and_its_patterns_are_ids_and_names(studio):
    full = [each.name for each in plan(studio.around, "full")]
    quick = {each.name for each in plan(studio.around, "quick")}
    assert len(full) == len(set(full))
    assert quick - set(full) == {"AGT-05:agent"}
    assert {name for name in set(full) - quick if not name.startswith("LGT-")} == set()
    assert len({name.partition(":")[0] for name in full}) >= 30
    assert [each.name for each in plan(studio.around, "full", ["*:key"])] == [n for n in full if n.endswith(":key")]
    assert studio.scenes == []
