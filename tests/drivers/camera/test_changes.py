"""The running step: pictures at 8/s in, causes out, once each and in time."""

from collections.abc import Callable

import numpy as np
import pytest

from drivers.camera.attribution import Cause, Change
from drivers.camera.changes import Changes, Sample, quartiles
from drivers.camera.faults import PictureFault
from drivers.camera.metrics import sample
from drivers.camera.shift import thumbnail
from tests.drivers.camera.relit import Moment, Room, column, light, shoot
from tests.scenes import scene

RATE = 8.0
LEVELS = {"lamp-0": 0.4, "lamp-1": 0.3, "lamp-2": 0.5, "lamp-3": 0.3}
LATE = 3
"""Pictures from a command to its effect."""


class Film:
    """A room, film at 8 pictures/s, and who watches it."""

    def __init__(self, name: str = "astronaut", seed: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.room = Room.made(self.random, name=name)
        self.moment = Moment(LEVELS, day=0.4, gain=0.35)
        columns = {lamp: column(self.room, lamp, self.moment) for lamp in LEVELS}
        self.changes = Changes(columns, column(self.room, "", self.moment).astype(np.float32))
        self.extra: dict[str, float] = {}
        self.time = 0.0
        self.told: list[tuple[float, Change]] = []

    def run(self, seconds: float, at: Callable[[float], Moment] | None = None) -> "Film":
        began = self.time
        while self.time < began + seconds:
            self.time += 1 / RATE
            asked = at(self.time - began) if at else self.moment
            shown = at(max(0.0, self.time - began - LATE / RATE)) if at else self.moment
            pixels = shoot(self.room, shown, self.random)
            points = sample(pixels)
            change = self.changes.step(
                Sample(self.time, light(pixels), thumbnail(points), {**asked.levels, **self.extra})
            )
            if change is not None:
                self.told.append((self.time, change))
        if at:
            self.moment = at(seconds)
        return self

    @property
    def causes(self) -> list[Cause]:
        return [change.cause for _, change in self.told]


def after(then: Moment, begun: float = 0.5, takes: float = 0.0) -> Callable[[float], Moment]:
    """``Film.moment`` until ``begun``, then on the way to ``then``."""

    def at(seconds: float, start: Moment = Moment(LEVELS, day=0.4, gain=0.35)) -> Moment:  # noqa: B008
        share = min(1.0, max(0.0, (seconds - begun) / takes)) if takes else float(seconds >= begun)
        mix = {name: start.levels[name] + share * (then.levels[name] - start.levels[name]) for name in LEVELS}
        gain, day = start.gain * (then.gain / start.gain) ** share, start.day + share * (then.day - start.day)
        return then.but(levels=mix, gain=gain, day=day)

    return at


def test_nothing_is_said_of_a_picture_that_stands() -> None:
    assert Film().run(20).causes == []


def test_a_lamp_that_was_told_to_move() -> None:
    film = Film().run(4)
    film.run(4, after(film.moment.but(levels={**LEVELS, "lamp-1": 0.5}), takes=0.3))
    assert film.causes == [Cause.LAMP]
    time, change = film.told[0]
    assert change.lamps == ("lamp-1",) and change.commanded
    assert time - 4.5 < 2.0


def test_auto_exposure_is_a_fault_when_it_has_moved_the_picture_twice() -> None:
    film = Film().run(4)
    film.run(3, after(film.moment.but(gain=0.35 * 2**-0.2), takes=0.5))
    assert film.causes == [Cause.AUTO_EXPOSURE]
    assert not film.changes.judged(film.time)[PictureFault.AUTO_EXPOSURE].holds
    film.moment = film.moment.but(gain=0.35)
    film.run(3)
    assert film.causes == [Cause.AUTO_EXPOSURE] * 2
    says = film.changes.judged(film.time)[PictureFault.AUTO_EXPOSURE]
    assert says.holds and says.evidence["stops"] == pytest.approx(0.2, abs=0.03)
    assert not film.changes.judged(film.time + 60)[PictureFault.AUTO_EXPOSURE].holds


def test_daylight_that_comes_slowly() -> None:
    film = Film().run(4)
    film.run(12, after(film.moment.but(day=1.3), takes=10))
    assert film.causes and set(film.causes) == {Cause.DAYLIGHT}


def test_a_cut_and_a_turned_camera() -> None:
    film = Film("coffee").run(4)
    film.run(3, lambda seconds: film_moment.but(aim=(8, 2) if seconds > 1 else (0, 0)))
    assert film.causes == [Cause.CAMERA_MOVED]
    film.room = Room.made(film.random, name="astronaut")
    film.run(3)
    assert film.causes == [Cause.CAMERA_MOVED, Cause.CUT]


film_moment = Moment(LEVELS, day=0.4, gain=0.35)


@pytest.mark.parametrize("hertz", [1.7, 2.9, 3.6])
def test_flicker_is_told_once_and_is_a_fault_while_it_lasts(hertz: float) -> None:
    film = Film().run(4)
    film.run(6, lambda t: film_moment.but(levels={**LEVELS, "lamp-2": 0.5 + 0.1 * np.sin(2 * np.pi * hertz * t)}))
    assert film.causes.count(Cause.FLICKER) == 1
    assert film.changes.judged(film.time)[PictureFault.FLICKER].holds
    film.moment = film_moment
    film.run(5)
    assert not film.changes.judged(film.time)[PictureFault.FLICKER].holds


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_a_light_that_fades_after_a_rest_does_not_flicker(seconds: float) -> None:
    film = Film().run(4)
    brighter = film.moment.but(levels={**LEVELS, "lamp-0": 0.9, "lamp-2": 0.9})
    film.run(3, after(brighter, takes=seconds))
    assert Cause.FLICKER not in film.causes
    assert not film.changes.judged(film.time)[PictureFault.FLICKER].holds


@pytest.mark.parametrize("told", [False, True])
def test_a_lamp_nobody_has_measured_may_do_what_the_camera_s_automatics_do(told: bool) -> None:
    film = Film()
    film.changes = Changes()
    film.extra = {"lamp-0.cct": 5600.0}
    film.run(5)
    film.told.clear()
    film.extra = {"lamp-0.cct": 3200.0 if told else 5600.0}
    film.run(3, after(film.moment.but(gain=film.moment.gain * 0.8), begun=0.2))  # all zones alike
    causes = [(change.cause, change.commanded, change.lamps) for _, change in film.told]
    assert causes == [(Cause.LAMP, True, ("lamp-0",)) if told else (Cause.AUTO_EXPOSURE, False, ())]


def test_quartiles_are_those_of_what_is_known() -> None:
    random = np.random.default_rng(2)
    values = random.normal(0, 1, (16, 9, 16)).astype(np.float32)
    values[random.random(values.shape) < 0.3] = np.nan
    values[3, 4] = np.nan
    values[5, 6, 1:] = np.nan
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        truth = np.nanpercentile(values, (25, 50, 75), axis=2)
    assert np.allclose(quartiles(values), truth, atol=1e-5, equal_nan=True)


def walking(moment: Moment, seconds: float) -> Moment:
    """The same with somebody before it who never stands still."""
    return moment.but(person=(62 + int(24 * np.sin(2.1 * seconds)), 30 + int(4 * np.sin(3.7 * seconds))))


def test_the_sun_sets_behind_somebody_who_moves() -> None:
    film = Film()
    film.run(5, lambda seconds: walking(film_moment, seconds))
    film.told.clear()
    film.run(40, lambda seconds: walking(film_moment.but(day=0.4 - 0.009 * seconds), 5 + seconds))
    assert set(film.causes) <= {Cause.DAYLIGHT, Cause.SOMEBODY}
    assert film.causes.count(Cause.DAYLIGHT) >= 3
    assert not film.changes.judged(film.time)[PictureFault.AUTO_EXPOSURE].holds


@pytest.mark.parametrize(
    ("takes", "factors"), [(0.4, dict.fromkeys(LEVELS, 0.8)), (4.0, {"lamp-1": 0.5, "lamp-2": 1.6})]
)
def test_lamps_told_to_move_behind_somebody_who_moves_are_the_cause(takes: float, factors: dict[str, float]) -> None:
    film = Film()
    film.run(5.2, lambda seconds: walking(film_moment, seconds))
    film.told.clear()
    other = {lamp: level * factors.get(lamp, 1.0) for lamp, level in LEVELS.items()}
    for start, then in [(LEVELS, other), (other, LEVELS)] * 5:

        def at(seconds: float, start: dict[str, float] = start, then: dict[str, float] = then) -> Moment:
            share = min(1.0, max(0.0, seconds - 0.5) / takes)
            between = {lamp: level + share * (then[lamp] - level) for lamp, level in start.items()}
            return walking(film_moment.but(levels=between), 5 + film.time)

        film.run(takes + 2.9, at)
    assert set(film.causes) <= {Cause.LAMP, Cause.SOMEBODY}
    assert film.causes.count(Cause.LAMP) >= 10


@pytest.mark.filterwarnings("error")
def test_in_the_dark_nothing_is_learned_and_nothing_said() -> None:
    dark = np.full((3, 9, 16), np.nan, np.float32)
    changes, grey = Changes(), thumbnail(sample(np.zeros((90, 160, 3), np.uint8)))
    for number in range(40):
        assert changes.step(Sample(number / RATE, dark, grey, {})) is None
    assert (changes.noise == 1.0).all()


def test_a_photographer_s_flash_is_no_change_of_the_camera_s() -> None:
    film = Film().run(4)
    for pause in (2.1, 0.5, 3.2, 0.25, 2.6):
        film.run(pause)
        film.moment = film_moment.but(gain=film_moment.gain * 3)
        film.run(0.01)  # one picture
        film.moment = film_moment
    film.run(4)
    assert film.causes == []


@pytest.mark.parametrize(("kind", "seed"), [("close", 1), ("paper", 0)])
def test_what_stands_beside_it_tells_that_a_large_thing_before_the_lens_is_no_cut(kind: str, seed: int) -> None:
    shown = scene(kind, seed)
    changes, causes = Changes(*shown.stage.columns()), []
    for now in np.arange(4, 20, 1 / RATE).tolist():
        pixels = shown.stage.picture(now)
        grey = thumbnail(sample(pixels))
        change = changes.step(Sample(now, light(pixels), grey, shown.stage.levels(now)))
        causes += [] if change is None else [change.cause]
    assert set(causes) == {Cause.SOMEBODY}
