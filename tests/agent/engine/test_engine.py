"""The output engine, as a process: it outlives its daemon, it is brought back, and no output waits for another."""

import asyncio
import os
import pty
import signal
import time
from itertools import pairwise

import pytest
import structlog

from agent.engine.messages import CRASH, SOCKET
from agent.lighting.claims import Priority
from config.model import OutputSection
from drivers.errors import DeviceMissing, LinkLost, NotSupported, ReplyTimeout, Why
from tests.agent.engine.rooms import LIGHT, Side, dimmers, engines, kill, listener, sacn, side
from tests.scenarios.floor import Widget
from tests.waiting import until

PERIOD = 1 / 44
FEW = dimmers(4)


async def test_what_is_claimed_here_is_sent_there_and_told_back(tmp_path):
    with listener("127.0.71.1") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.1")}, FEW, {"d1": {LIGHT: 0.5}}) as daemon:
            await daemon.ready()
            assert heard.packets[0].slots[:4] == bytes((128, 0, 0, 0)), "the first frame is the present look"
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=time.monotonic())
            await daemon.shown()
            assert daemon.units["net"].lane.wire(1)[:4] == bytes((128, 51, 0, 0)) == heard.last()[:4]
            steps = [b.slots[1] - a.slots[1] for a, b in pairwise(heard.packets)]
            assert 0 < max(steps) < 20, "it was a fade, and no jump"
            await until(lambda: daemon.units["net"].lane.figures(0.0).frames > 5)
            assert daemon.client.pid in engines(tmp_path) and daemon.client.pid != os.getpid()
            assert daemon.told[0][1].identity.model == "sACN E1.31 source"
            assert daemon.client.realtime == "" or "SCHED_FIFO" in daemon.client.realtime


async def test_a_daemon_that_dies_is_not_missed_and_its_successor_changes_nothing_by_coming(tmp_path):
    with listener("127.0.71.2") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.2")}, FEW) as first:
            await first.ready()
            first.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 0.3}}, now=time.monotonic())
            await until(lambda: heard.last()[0] > 10)
            await first.vanish()
            await until(lambda: heard.last()[0] == 77, 10.0)  # the fade goes on without a daemon
            process = first.client.pid
            async with side(tmp_path, {"net": sacn("127.0.71.2")}, FEW, {"d1": {LIGHT: 0.3}}) as second:
                assert second.found["net"].wires[1][:4] == bytes((77, 0, 0, 0))
                assert second.client.pid == process
                await second.ready()
                count = len(heard.packets)
                await until(lambda: len(heard.packets) > count + 1)
                second.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.1}}, now=time.monotonic())
                await second.shown()
                assert heard.last()[:4] == bytes((77, 26, 0, 0))
    arrived = next(n for n, packet in enumerate(heard.packets) if packet.slots[0] == 77)
    assert {packet.slots[0] for packet in heard.packets[arrived:]} == {77}, "no dark frame, no jump"
    gaps = [(b.sequence - a.sequence) % 256 for a, b in pairwise(heard.packets[2:])]
    assert set(gaps) == {1}, "no frame was doubled or left out"
    assert max(b.when - a.when for a, b in pairwise(heard.packets)) < 2.0


async def test_an_engine_that_falls_is_followed_at_once_by_its_heir_with_the_same_look(tmp_path):
    with listener("127.0.71.3") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.3")}, FEW, {"d1": {LIGHT: 1.0}}) as daemon:
            await daemon.ready()
            for _ in range(2):  # the heir has an heir
                await until(lambda: len(engines(tmp_path)) == 2)
                fallen = daemon.client.pid
                kill(fallen)
                await until(lambda before=fallen: daemon.client.pid not in (0, before))
                await daemon.ready()
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=time.monotonic())
            await daemon.shown()
            assert daemon.client.falls == 2
            assert [health.state for _, health in daemon.told].count("offline") == 2
    assert {packet.slots[0] for packet in heard.packets} == {255}
    assert heard.last()[:2] == bytes((255, 51))


async def test_an_engine_whose_heir_is_gone_too_is_started_anew(tmp_path):
    with listener("127.0.71.4") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.4")}, FEW, {"d1": {LIGHT: 1.0}}) as daemon:
            await daemon.ready()
            both = await until(lambda: len(found := engines(tmp_path)) == 2 and found)
            for pid in reversed(both):
                kill(pid)
            await until(lambda: daemon.client.pid not in (0, *both))
            await daemon.ready()
            assert heard.last()[0] == 255


async def test_a_fade_is_a_function_of_time_also_over_an_engines_fall(tmp_path):
    """The next engine goes on where the lights were, and arrives when they would have."""
    with listener("127.0.71.5") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.5")}, FEW) as daemon:
            await daemon.ready()
            began = time.monotonic()
            daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 1.0}}, now=began, fade=4.0)
            await until(lambda: heard.last()[0] > 60)
            kill(daemon.client.pid)
            await until(lambda: heard.last()[0] == 255, 30.0)
    for packet in heard.packets:
        due = 255 * min(1.0, max(0.0, packet.when - began) / 4.0)
        assert packet.slots[0] <= due + 255 * PERIOD / 4 + 1, "never ahead of the fade"
    steps = [b.slots[0] - a.slots[0] for a, b in pairwise(heard.packets)]
    assert min(steps) >= 0, "and never back"


async def test_leaving_holds_the_look_for_a_while_and_then_nobody_is_left(tmp_path):
    with listener("127.0.71.6") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.6")}, FEW, {"d1": {LIGHT: 1.0}}) as daemon:
            await daemon.ready()
            await daemon.client.close(1.5)
            left = time.monotonic()
            await until(lambda: not engines(tmp_path))
    assert heard.packets[-1].when > left + 0.3, "the look was held"
    assert not (tmp_path / SOCKET).exists() and not (tmp_path / CRASH).read_text()


async def test_an_output_that_blocks_or_cannot_be_reached_delays_no_other(tmp_path):
    """A pseudo-terminal that nobody reads fills up and blocks; a node that is not there costs its whole time limit."""
    ours, theirs = pty.openpty()
    port = os.ttyname(theirs)
    widget = OutputSection(driver="enttec-pro", universes=(2,), options={"port": port})
    node = OutputSection(driver="artnet", universes=(3,), options={"host": "127.0.71.99", "timeout": 2.0})
    sections = {"widget": widget, "node": node, "net": sacn("127.0.71.7")}
    try:
        with listener("127.0.71.7") as heard:
            async with side(tmp_path, sections, FEW) as daemon:
                await until(lambda: heard.packets)
                now = time.monotonic()
                daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 1.0}}, now=now, fade=3.0)
                await until(lambda: heard.last()[0] == 255)
                assert daemon.units["widget"].lane.health.state == "offline"
        fading = [packet.when for packet in heard.packets if now + 0.1 < packet.when < now + 2.9]
        rate = (len(fading) - 1) / (fading[-1] - fading[0])
        assert rate == pytest.approx(44, rel=0.05)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_a_widget_that_stops_taking_delays_no_other_and_comes_back_with_the_look(tmp_path):
    link = tmp_path / "widget"
    widget = Widget(link)
    sections = {
        "widget": OutputSection(driver="enttec-pro", universes=(2,), options={"port": str(link)}),
        "net": sacn("127.0.71.31"),
    }
    lights = dimmers(4, universes=2)
    try:
        with listener("127.0.71.31") as heard:
            async with side(tmp_path, sections, lights) as daemon:
                await daemon.ready()
                os.kill(widget.process.pid, signal.SIGSTOP)  # its pseudo-terminal fills up, and then writing blocks
                now = time.monotonic()
                all_up = {name: {LIGHT: 1.0} for name in lights}
                daemon.rig.claim("hand", Priority.MANUAL, all_up, now=now, fade=3.0)
                await until(lambda: heard.last()[0] == 255)
                await until(lambda: daemon.units["widget"].lane.health.state == "offline")
                os.kill(widget.process.pid, signal.SIGCONT)
                assert await asyncio.to_thread(widget.wait_frame, lambda frame: frame[:4] == bytes((255,) * 4))
        fading = [packet.when for packet in heard.packets if now + 0.1 < packet.when < now + 2.9]
        assert (len(fading) - 1) / (fading[-1] - fading[0]) == pytest.approx(44, rel=0.05)
    finally:
        widget.end()


async def test_an_engine_of_another_version_is_exchanged_and_the_look_goes_along(tmp_path):
    with listener("127.0.71.8") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.8")}, FEW, {"d1": {LIGHT: 1.0}}) as old:
            await old.ready()
            await old.vanish()
            new = Side(tmp_path, {"net": sacn("127.0.71.8")}, FEW, {"d1": {LIGHT: 1.0}})
            new.client.mark = "another program text"
            await new.open()
            await new.ready()
            assert new.client.pid != old.client.pid
            await new.client.close(0.0)
    assert {packet.slots[0] for packet in heard.packets} == {255}


async def test_what_an_output_no_longer_has_is_let_go_and_a_changed_one_begins_where_it_was(tmp_path):
    with listener("127.0.71.9") as heard, listener("127.0.71.10") as other:
        async with side(tmp_path, {"net": sacn("127.0.71.9")}, FEW, {"d1": {LIGHT: 1.0}}) as first:
            await first.ready()
            await first.vanish()
            async with side(tmp_path, {"net": sacn("127.0.71.10")}, FEW, {"d1": {LIGHT: 1.0}}) as second:
                await second.ready()
                count = len(heard.packets)
                await until(lambda: len(other.packets) > 3)
                assert other.last()[0] == 255 and len(heard.packets) == count


async def test_questions_to_a_driver_are_answered_from_there_and_its_errors_come_back(tmp_path):
    section = OutputSection(driver="enttec-pro", universes=(2,), options={"port": str(tmp_path / "none")})
    async with side(tmp_path, {"net": sacn("127.0.71.11"), "widget": section}, FEW) as daemon:
        await daemon.ready()
        unit = daemon.units["net"]
        (check,) = unit.driver.checks()
        assert (await unit.run(check, 0, 5.0)).verdict == "pass"
        with pytest.raises(NotSupported):
            await unit.lane.ask("check", 7, "ABC-01", timeout=5.0)
        with pytest.raises(DeviceMissing) as missing:
            await daemon.units["widget"].lane.ask("check", 0, "WID-01", timeout=5.0)
        assert missing.value.says.zh == Why.NOT_THERE.value, "in the reader's language, too"
        with pytest.raises(RuntimeError, match="no_such"):
            await unit.lane.ask("no_such", timeout=5.0)
        with pytest.raises(ReplyTimeout):
            await unit.lane.ask("check", 0, "NOD-02", timeout=0.0)
        kill(daemon.client.pid)
        await until(lambda: not daemon.client.pid)
        with pytest.raises(LinkLost):
            await unit.lane.ask("check", 0, "NOD-02", timeout=5.0)


async def test_what_the_engine_logs_the_daemon_says(tmp_path):
    section = OutputSection(driver="enttec-pro", universes=(2,), options={"port": str(tmp_path / "none")})
    with structlog.testing.capture_logs() as lines:
        async with side(tmp_path, {"widget": section}, FEW) as daemon:
            await until(lambda: daemon.told)
            await until(lambda: any(line["event"] == "device.offline" for line in lines))


async def test_a_widget_that_is_replugged_has_the_same_look_and_its_outage_is_told(tmp_path):
    link = tmp_path / "widget"
    section = OutputSection(driver="enttec-pro", universes=(1,), options={"port": str(link)})
    widget = Widget(link)
    try:
        async with side(tmp_path, {"widget": section}, FEW, {"d1": {LIGHT: 1.0}}) as daemon:
            await daemon.ready()
            await asyncio.to_thread(widget.end)
            await until(lambda: daemon.units["widget"].lane.health.state == "offline")
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.5}}, now=time.monotonic())
            widget = await asyncio.to_thread(Widget, link)
            await until(lambda: daemon.units["widget"].lane.health.state == "ok")
            assert daemon.units["widget"].lane.health.outage > 0
            assert await asyncio.to_thread(widget.wait_frame, lambda frame: frame[:2] == bytes((255, 128)))
            assert widget.frames[0][:2] == bytes((255, 0)), "first what it had, and then led to where the lights are"
    finally:
        widget.end()
