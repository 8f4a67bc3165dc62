"""RDM checks are listed where the widget is open, and run there by their number."""

import pickle

import pytest

from agent.lighting.player import checks_of
from agent.selftest.engine import listed, plan, run, unmatched
from drivers.base import Verdict
from drivers.dmx.enttec_codec import Parameters
from drivers.dmx.rdm_codec import Uid
from drivers.errors import NotSupported
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line
from tests.agent.selftest.rooms import room, verdicts
from tests.waiting import until

LAMP = Uid(0x1234, 0x56789ABC)


@pytest.fixture
async def studio(tmp_path):
    async with room(tmp_path) as made:
        yield made


async def has_rdm(studio, *responders):
    """The widget is exchanged against one with RDM firmware, and these are on its line."""
    output, twin = studio.devices.outputs["widget"], studio.studio.twins["widget"]
    twin.device.parameters = Parameters(4, 2, 9, 1, 40)
    twin.device.line = Line(responders, now=studio.studio.now)
    studio.studio.fault("widget", "unplug")
    await until(lambda: output.lane.health.state == "offline")
    studio.studio.heal("widget")
    await until(lambda: output.lane.health.state == "ok" and output.lane.has_sent)


async def test_a_widget_with_rdm_brings_its_checks_once_it_is_asked(studio):
    await has_rdm(studio, FakeResponder(LAMP, address=101))
    assert not any(step.id.startswith("RDM") for step in plan(studio.around, "full"))
    assert unmatched(studio.around, "full", ["RDM-*"]) is None
    report = await run(studio.around, "full", ["RDM-01", "RDM-02:widget"])
    assert verdicts(report) == {"RDM-01:widget": Verdict.PASS, "RDM-02:widget": Verdict.SKIPPED}
    again = await run(studio.around, "quick", ["RDM-02"])
    assert verdicts(again) == {"RDM-02:widget": Verdict.PASS}
    assert [step.id for step in plan(studio.around, "full") if step.id.startswith("RDM")] == [
        f"RDM-0{number}" for number in range(1, 9)
    ]


async def test_a_widget_without_rdm_has_none_and_says_so_once_asked(studio):
    assert unmatched(studio.around, "full", ["RDM-01"]) is None
    await listed(studio.around)
    assert "RDM-01" in unmatched(studio.around, "full", ["RDM-01"], asked=True).en
    assert unmatched(studio.around, "full", ["RDX-01"]) is not None


async def test_on_air_nobody_is_searched_for(studio):
    await has_rdm(studio, FakeResponder(LAMP))
    studio.on_air = True
    report = await run(studio.around, "full", ["RDM-01", "RDM-07"])
    assert set(verdicts(report).values()) == {Verdict.SKIPPED}


async def test_offline_the_list_stays_and_its_checks_are_skipped(studio):
    await has_rdm(studio, FakeResponder(LAMP))
    await listed(studio.around)
    studio.studio.fault("widget", "unplug")
    await until(lambda: studio.devices.outputs["widget"].lane.health.state == "offline")
    report = await run(studio.around, "quick", ["RDM-02"])
    assert verdicts(report) == {"RDM-02:widget": Verdict.SKIPPED}
    assert "offline" in report.checks[0].said.en


def test_a_list_goes_to_another_process_and_cannot_be_run_there(studio):
    driver = studio.devices.outputs["widget"].driver
    sent = pickle.loads(pickle.dumps(checks_of(driver)))
    assert [each.id for each in sent] == [each.id for each in driver.checks()]
    with pytest.raises(NotSupported):
        sent[0].run()
