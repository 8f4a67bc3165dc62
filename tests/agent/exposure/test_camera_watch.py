"""The lane's work: what is wrong with the pictures is told, and above all that there are none."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agent.exposure.camera.files import CameraFiles
from agent.exposure.camera.insight import Columns, Insights
from agent.exposure.camera.watch import CameraWatch, Sight
from agent.exposure.camera.work import Work
from drivers.base import Identity, Image
from drivers.camera.attribution import Cause
from drivers.camera.baseline import seen, take
from drivers.camera.cadence import Packet
from drivers.camera.faults import PictureFault
from drivers.camera.metrics import sample
from drivers.camera.reduction import Price
from drivers.errors import LinkLost, ReplyTimeout
from tests.drivers.camera.relit import Moment, Room, column, shoot

LOCAL, NETWORK = "/dev/video0", "http://camera/stream"


class Camera:
    """Gives pictures of a clock of its own; may fall silent or be gone."""

    def __init__(self) -> None:
        self.now = 10.0
        self.silent = 0.0
        self.lost = False
        self.number = 0
        self.packets: list[Packet] = []
        self.codes = (90, 110)

    def open(self) -> Identity:
        return Identity("camera")

    def grab(self) -> Image:
        if self.lost:
            raise LinkLost("the far end ended the stream")
        if self.silent:
            self.now += self.silent
            raise ReplyTimeout("no picture")
        self.number += 1
        pixels = np.random.default_rng(self.number).integers(*self.codes, (90, 160, 3), dtype=np.uint8)
        return Image(pixels, self.now, self.number)

    def stamps(self) -> Sequence[Packet]:
        packets, self.packets = self.packets, []
        return packets

    def close(self) -> None: ...

    def checks(self) -> tuple[()]:
        return ()


class Watched:
    def __init__(self, source: str = LOCAL, fps: str = "25") -> None:
        self.camera = Camera()
        self.told: list[Sight] = []
        self.levels: dict[str, float] = {}
        self.watch = CameraWatch(
            "front",
            self.camera,
            8.0,
            lambda _, s: self.told.append(s),
            lambda: self.camera.now,
            Insights(False, lambda: self.levels),
        )
        self.watch.opened(Identity("camera", details={"source": source, "fps": fps}), self.camera.now)

    def run(self, seconds: float) -> "Watched":
        until = self.camera.now + seconds
        while self.camera.now < until:
            self.camera.now += 0.125
            self.watch.turn(self.camera.now)
        return self


@pytest.mark.parametrize(("source", "within"), [(LOCAL, 0.8), (NETWORK, 1.6)])
def test_silence_is_known_at_once_to_who_asks_though_the_lane_hangs(source: str, within: float) -> None:
    watched = Watched(source).run(3)
    last = watched.camera.now
    assert watched.watch.faults_at(last + within / 2).fault is None
    assert watched.watch.faults_at(last + within).fault is PictureFault.STALE
    assert watched.told[-1].untrusted == ""


def test_what_decoding_at_a_reduced_size_costs_is_taken_back() -> None:
    watched = Watched().run(1)
    before = watched.told[-1].metrics
    watched.camera.price = Price(-0.5, -2.0, 0.0)  # type: ignore[attr-defined]
    after = watched.run(0.2).told[-1].metrics
    assert after.ev == pytest.approx(before.ev + 0.5, abs=0.01)
    assert after.clipped == pytest.approx(2.0)
    assert np.allclose(after.zones, before.zones, atol=0.01)  # changes are looked for in these


def test_a_camera_is_told_once_that_its_picture_was_cut() -> None:
    watched, cuts, shown = Watched(), [], "coffee"
    random = np.random.default_rng(1)
    rooms = {name: Room.made(random, name=name) for name in ("coffee", "astronaut")}

    def grab() -> Image:
        room = rooms[shown]
        return Image(shoot(room, Moment(dict.fromkeys(room.fields, 0.4), gain=0.5), random), watched.camera.now, 1)

    watched.camera.grab = grab  # type: ignore[method-assign]
    watched.camera.cut = lambda: cuts.append(shown)  # type: ignore[attr-defined]
    watched.run(6)
    assert cuts == []
    shown = "astronaut"
    watched.run(4)
    assert cuts == ["astronaut"]


def test_pictures_that_somebody_else_takes_on_the_lane_are_no_silence() -> None:
    watched = Watched().run(3)
    last = watched.camera.now
    watched.camera.came = last + 4.0  # type: ignore[attr-defined]
    assert watched.watch.faults_at(last + 4.1).fault is None
    assert watched.watch.faults_at(last + 6.0).fault is PictureFault.STALE


def test_silence_is_told_by_the_lane_when_its_read_ends() -> None:
    watched = Watched().run(3)
    watched.camera.silent = 0.9
    with pytest.raises(ReplyTimeout):
        watched.watch.turn(watched.camera.now)
    assert watched.told[-1].untrusted == "stale"
    assert watched.told[-1].evidence["age"] >= 0.9
    watched.camera.silent = 0.0
    assert watched.run(0.5).told[-1].untrusted == ""


def test_a_lost_source_is_told_before_the_lane_goes_to_open_it_again() -> None:
    watched = Watched().run(1)
    watched.camera.lost = True
    with pytest.raises(LinkLost):
        watched.watch.turn(watched.camera.now)
    assert watched.told[-1].fault is PictureFault.GONE
    assert watched.watch.faults_at(watched.camera.now + 9).fault is PictureFault.GONE
    watched.watch.opened(Identity("camera"), watched.camera.now)
    assert watched.watch.faults_at(watched.camera.now).fault is None


def test_a_camera_that_has_never_given_a_picture_has_nothing_to_tell() -> None:
    watched = Watched()
    watched.camera.silent = 2.0
    with pytest.raises(ReplyTimeout):
        watched.watch.turn(watched.camera.now)
    assert watched.told == []
    assert watched.watch.faults_at(watched.camera.now).fault is PictureFault.STALE


def test_drops_are_named_beside_a_sound_picture_and_do_not_stop_the_loop() -> None:
    watched = Watched()
    for beat in range(60):
        at = watched.camera.now
        sent = [number for number in range(3) if beat < 30 or number != 1]
        watched.camera.packets = [Packet(at + 0.04 * n, 1000 * beat + n + 1) for n in sent]
        watched.camera.now = at + 0.12
        watched.watch.turn(watched.camera.now)
        if beat == 29:
            assert watched.told[-1].faults == ()
    assert watched.told[-1].fault is PictureFault.DROPPED
    assert watched.told[-1].evidence["lost_percent"] == pytest.approx(33, abs=8)
    assert watched.told[-1].untrusted == ""


def test_the_pictures_of_a_reference_are_as_far_apart_as_those_it_is_compared_with(tmp_path: Path) -> None:
    watched, times = Watched(), []
    camera, grab = watched.camera, watched.camera.grab
    camera.watch = lambda until: setattr(camera, "now", until)  # type: ignore[attr-defined]
    camera.grab = lambda: times.append(camera.now) or grab()  # type: ignore[method-assign, func-returns-value]
    unit = SimpleNamespace(name="front", driver=camera, watch=watched.watch, refer_to=lambda reference: None)
    Work(unit, CameraFiles(tmp_path, "front"), lambda: camera.now, lambda: False).reference("2026-01-01T00:00:00Z")
    assert np.diff(times) == pytest.approx(1 / 8) and len(times) == 8


def test_a_picture_is_judged_by_the_reference_it_is_given() -> None:
    watched = Watched()
    random = np.random.default_rng(1)
    room = Room.made(random, name="coffee")
    moment = Moment(dict.fromkeys(room.fields, 0.4), gain=0.5)
    points = [sample(pixels := shoot(room, moment, random)) for _ in range(2)]
    watched.watch.reference = take([seen(pixels, points[1], points[0])], "")

    def grab() -> Image:
        return Image(shoot(room, moment, random), watched.camera.now, 1)

    watched.camera.grab = grab  # type: ignore[method-assign]
    assert watched.run(2).told[-1].faults == ()
    moment = moment.but(aim=(10, 0))
    bumped = watched.camera.now
    watched.run(1)
    first = next(sight for sight in watched.told if sight.fault is PictureFault.MOVED)
    assert first.captured - bumped <= 1.0
    assert first.untrusted == "moved"


def test_a_picture_that_is_black_because_the_lights_are_out_is_no_fault_and_nothing_to_act_on() -> None:
    watched = Watched()
    watched.levels = {"key": 0.8, "fill": 0.3, "key.cct": 0.5}
    watched.run(2)
    watched.levels, watched.camera.codes = {"key": 0.0, "fill": 0.0, "key.cct": 0.5}, (2, 6)
    watched.run(5)
    assert watched.told[-1].faults == () and watched.told[-1].untrusted == "the lights are out"
    for level in np.linspace(0.0, 0.8, 30):  # up again, the picture four late and for long too dark
        watched.levels = {"key": float(level), "fill": 0.0}
        watched.camera.codes = (4, 8) if level < 0.3 else (20, 60) if level < 0.6 else (90, 110)
        watched.run(0.2)
        assert watched.told[-1].faults == (), level
    watched.run(3)
    assert watched.told[-1].untrusted == ""
    watched.camera.codes = (2, 6)
    assert watched.run(1).told[-1].fault is PictureFault.BLACK


@pytest.mark.parametrize("unknown", [0, 3])
def test_a_lamps_step_is_told_from_others_though_commissioning_left_zones_unknown(unknown: int) -> None:
    watched, random = Watched(), np.random.default_rng(3)
    room = Room.made(random, name="coffee")
    moment = Moment(dict.fromkeys(room.fields, 0.4), gain=0.5)
    columns = {name: column(room, name, moment) for name in room.fields}
    columns["lamp-0"][2, 4 : 4 + unknown] = np.nan
    watched.watch.insights.know(Columns(columns, column(room, "", moment), np.ones((9, 16), bool)))
    watched.levels = dict(moment.levels)

    def grab() -> Image:
        return Image(shoot(room, moment, random), watched.camera.now, 1)

    watched.camera.grab = grab  # type: ignore[method-assign]
    watched.run(6)
    moment = moment.but(levels={**moment.levels, "lamp-0": 0.6})
    watched.levels = dict(moment.levels)
    watched.run(3)
    changes = [sight.insight.change for sight in watched.told if sight.insight.change is not None]
    assert (changes[-1].cause, changes[-1].lamps) == (Cause.LAMP, ("lamp-0",))


def test_where_no_light_is_known_a_black_picture_is_a_fault() -> None:
    watched = Watched().run(2)
    watched.camera.codes = (2, 6)
    assert watched.run(1).told[-1].fault is PictureFault.BLACK
