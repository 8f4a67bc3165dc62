"""RDM where the widget is open: in the engine's process, between frames, over a pseudo-terminal."""

import asyncio
import time

import pytest

from agent.lighting.claims import Priority
from config.model import OutputSection
from drivers.dmx.rdm_jobs import Turn
from drivers.errors import WorkLost
from tests.agent.engine.rooms import LIGHT, dimmers, kill, side
from tests.scenarios.floor import Widget
from tests.waiting import until

FEW = dimmers(4)


async def survey(lane):
    """Look who is there; the survey and how many steps it took."""
    await lane.ask("rdm_begin", 1, "survey", (), False, timeout=3.0)
    steps = 0
    while True:
        turn: Turn = await lane.ask("rdm_step", 1, False, timeout=3.0)
        steps += 1
        if turn.done:
            return turn.result, steps
        await asyncio.sleep(turn.rest)


async def test_a_survey_goes_on_between_frames_and_outlives_the_engines_fall_by_being_asked_again(tmp_path):
    link = tmp_path / "widget"
    widget = Widget(link, "--firmware", "2.4", "--rdm", "3")
    section = OutputSection(driver="enttec-pro", universes=(1,), options={"port": str(link)})
    try:
        async with side(tmp_path, {"widget": section}, FEW, {"d1": {LIGHT: 0.0}}) as daemon:
            await daemon.ready()
            lane = daemon.units["widget"].lane
            now = time.monotonic()
            daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 1.0}}, now=now, fade=2.0)
            before = len(widget.frames)
            found, steps = await survey(lane)
            assert len(found.discovery.uids) == len(found.responders) == 3
            assert steps > 10
            shown = [frame[0] for frame in widget.frames[before:]]
            assert len(set(shown)) > 5, "the fade went on meanwhile"
            assert shown == sorted(shown)

            await lane.ask("rdm_begin", 1, "survey", (), False, timeout=3.0)
            assert not (await lane.ask("rdm_step", 1, False, timeout=3.0)).done
            fallen = daemon.client.pid
            kill(fallen)
            await until(lambda: daemon.client.pid not in (0, fallen))
            await daemon.ready()
            with pytest.raises(WorkLost, match="lost with the output's process"):
                await lane.ask("rdm_step", 1, False, timeout=3.0)
            assert lane.health.state == "ok", "the widget is well"
            again, _ = await survey(lane)
            assert again.discovery.uids == found.discovery.uids
    finally:
        widget.end()
