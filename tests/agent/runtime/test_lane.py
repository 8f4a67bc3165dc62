"""A lane owns its device: opens, reopens, answers calls, ends. Real threads, no sleeping: events with a deadline."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from agent.app import rules
from agent.runtime.back_off import AT_ONCE, BackOff
from agent.runtime.lane import Health, Idle, Lane
from drivers.base import Identity
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout, Why
from drivers.registry import Kind
from tests.waiting import PATIENCE


class Box:
    """A device that does what the test sets."""

    def __init__(self):
        self.here = True
        self.opened = 0
        self.closed = threading.Event()
        self.thread = None

    def open(self):
        self.thread = threading.get_ident()
        if not self.here:
            raise DeviceMissing("nothing there", "plug it in")
        self.opened += 1
        return Identity("box")

    def close(self):
        self.closed.set()

    def checks(self):
        return ()


class Told:
    """What the lane told, with a way to wait for it."""

    def __init__(self):
        self.states = []
        self._news = threading.Condition()

    def __call__(self, name, health):
        with self._news:
            self.states.append(health)
            self._news.notify_all()

    def wait(self, match, seconds=PATIENCE):
        with self._news:
            assert self._news.wait_for(lambda: any(match(state) for state in self.states), seconds), self.states


@pytest.fixture
def make():
    lanes = []
    bugs = []

    def build(work=None, box=None, back_off=None):
        box, told = box or Box(), Told()
        lane = Lane(
            "box",
            box,
            work or Idle(),
            now=time.monotonic,
            tell=told,
            bug=lambda name, error: bugs.append((name, error)),
            back_off=back_off or BackOff(0.01, 0.02),
        )
        lanes.append(lane)
        lane.start()
        return lane, box, told

    build.bugs = bugs
    yield build
    for lane in lanes:
        lane.request_stop()
        assert lane.join(), "the lane's thread did not end"


async def test_a_call_runs_on_the_lanes_own_thread(make):
    lane, box, told = make()
    told.wait(lambda h: h.state == "ok")
    thread = await lane.call(threading.get_ident)
    assert thread == box.thread != threading.get_ident()


async def test_a_device_that_opens_and_is_lost_again_and_again_is_left_alone_for_a_while(make):
    class Losing(Idle):
        def turn(self, now):
            raise LinkLost("hung up")

    lane, box, told = make(Losing(), back_off=BackOff(3600.0, 3600.0))
    told.wait(lambda h: h.losses == AT_ONCE + 1)
    with pytest.raises(DeviceMissing, match="offline: hung up"):
        await lane.call(lambda: 1)
    assert box.opened == AT_ONCE + 1


async def test_what_a_call_raises_comes_back_and_the_lane_lives_on(make):
    lane, _, told = make()
    told.wait(lambda h: h.state == "ok")

    def broken():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await lane.call(broken)
    assert await lane.call(lambda: 7) == 7


async def test_why_a_device_is_offline_is_said_in_both_languages(make):
    class Wrong(Box):
        def open(self):
            raise DeviceMissing("box is in use by another (process 7)", "stop it", why=Why.IN_USE)

    lane, _, told = make(box=Wrong())
    assert Health().says() == ("starting", "正在启动")
    told.wait(lambda h: h.state == "offline" and h.says() == ("box is in use by another (process 7)", Why.IN_USE.value))
    found = SimpleNamespace(all=lambda: [(Kind.CAMERA, SimpleNamespace(name="cam-1", lane=lane))])
    (condition,) = rules.devices(found)
    assert condition.said.zh == "摄像机 cam-1 无画面：设备被其他程序占用"
    assert condition.remedy == ("stop it", Why.IN_USE.remedy)
    with pytest.raises(DeviceMissing) as refused:
        await lane.call(lambda: 1)
    assert refused.value.says.zh == Why.IN_USE.value


async def test_a_missing_device_is_news_and_comes_on_line_when_it_appears(make):
    box = Box()
    box.here = False
    lane, box, told = make(box=box)
    told.wait(lambda h: h.state == "offline" and h.reason == "nothing there" and h.remedy == "plug it in")
    with pytest.raises(DeviceMissing, match="offline: nothing there"):
        await lane.call(lambda: 1)
    box.here = True
    told.wait(lambda h: h.state == "ok" and h.outage > 0)


def test_a_lost_link_is_closed_and_opened_again(make):
    class Losing:
        turns = 0

        def opened(self, identity, now):
            pass

        def turn(self, now):
            self.turns += 1
            if self.turns == 1:
                raise LinkLost("unplugged")
            return now + 60

    _, box, told = make(Losing())
    told.wait(lambda h: h.state == "offline" and h.reason == "unplugged")
    told.wait(lambda h: h.state == "ok" and h.losses == 1)
    assert box.opened == 2


@pytest.mark.parametrize("error", [ReplyTimeout, BadReply])
def test_three_bad_answers_in_a_row_are_a_lost_link_and_two_are_not(make, error):
    script = [error("x"), error("x"), None, error("late"), error("late"), error("late"), None]

    class Shaky:
        def opened(self, identity, now):
            pass

        def turn(self, now):
            says = script.pop(0) if script else None
            if says is not None:
                raise says
            return now if script else now + 60

    _, _, told = make(Shaky())
    told.wait(lambda h: h.state == "offline")
    assert [h.reason for h in told.states if h.state == "offline"] == ["late (3 times in a row)"]


def test_a_bug_ends_the_lane_and_is_told(make):
    class Wrong:
        def opened(self, identity, now):
            pass

        def turn(self, now):
            raise ZeroDivisionError

    _, box, _ = make(Wrong())
    assert box.closed.wait(PATIENCE)
    assert [(name, type(error)) for name, error in make.bugs] == [("box", ZeroDivisionError)]


async def test_wake_gives_a_turn_before_its_time(make):
    turns = asyncio.Queue()
    loop = asyncio.get_running_loop()

    class Sleepy:
        def opened(self, identity, now):
            pass

        def turn(self, now):
            loop.call_soon_threadsafe(turns.put_nowait, now)
            return now + 3600

    lane, _, _ = make(Sleepy())
    await asyncio.wait_for(turns.get(), PATIENCE)
    lane.wake()
    await asyncio.wait_for(turns.get(), PATIENCE)


async def test_a_call_that_takes_too_long_is_a_reply_timeout(make):
    lane, _, told = make()
    told.wait(lambda h: h.state == "ok")
    release = threading.Event()
    with pytest.raises(ReplyTimeout, match="did not answer within"):
        await lane.call(lambda: release.wait(PATIENCE), timeout=0.05)
    release.set()
