"""What happens in the shows of :mod:`tests.shows`: each act changes something, lets the show go on and puts it back."""

import math
from collections.abc import Callable

import numpy as np

from drivers.virtual.daylight import clouds, ramp
from tests.shows import SIZE, Show

DAY = 0.16
Act = Callable[[Show, np.random.Generator], None]
CAMERA = "camera-auto-exposure"


def steady(show: Show, seconds: float = 30.0) -> None:
    """All is well again: so the loop must be, by itself, and hold."""
    judge = show.judge
    show.run(seconds * (2.5 if show.on_air else 1.0), until=lambda: abs(judge.error) < 0.12)
    state = show.loop.now_state
    if state.tripped:
        judge.fail("false-trip", state.tripped)
        show.hold()
        show.run(8)
    elif show.loop.mode == "hold" and abs(judge.error) >= 0.13:
        judge.fail("not-recovered", f"{judge.error:+.2f} stop, {state.why}")


def cloudy(show: Show, dice: np.random.Generator) -> None:
    seconds = float(dice.choice([40.0, 10.0, 3.0]))
    show.judge.excused = "clouds"
    show.world.daylight = clouds(DAY * float(dice.uniform(1, 2.5)), int(dice.integers(1000)), 0.7, seconds)
    show.run(60)
    show.world.daylight = DAY
    show.judge.excused = ""
    steady(show)


def sunset(show: Show, dice: np.random.Generator) -> None:
    show.world.daylight = ramp(DAY, 0.02, show.now, 120)
    show.run(140)
    show.world.daylight = ramp(0.02, DAY, show.now, 30)
    show.run(31)
    steady(show)


def step(show: Show, dice: np.random.Generator) -> None:
    steady(show)
    judge = show.judge
    rest, factor = judge.error, float(dice.choice([2.0, 0.5]))
    show.world.daylight *= factor
    begun = show.now
    steady(show)
    show.run(10)
    went = max((-math.copysign(1, factor - 1) * e for at, e in judge.errors if at > begun + 0.5), default=0.0)
    if went > 0.05 + max(0.0, abs(rest) - 0.02) + max(judge.coarse(n, show.level(n)) for n in show.loop.fixtures):
        judge.fail("overshoot", f"{went:.3f} stop past the target, rested at {rest:+.3f}")
    show.world.daylight = DAY
    steady(show)


def still(show: Show, dice: np.random.Generator) -> None:
    steady(show)
    show.run(5)
    show.judge.still_since = show.now
    show.run(61)
    show.judge.still_since = None


def people(show: Show, dice: np.random.Generator) -> None:
    """Somebody walks through, in white or in black, and stands a while before the set."""
    colour, wide = float(dice.choice([0.85, 0.03])), int(dice.integers(16, 36))
    for left in range(0, SIZE[0] - wide, 8):
        away = show.paint((slice(20, 90), slice(left, left + wide)), colour)
        show.run(float(dice.choice([0.4, 0.4, 8.0])))
        away()
        if abs(show.judge.error) > 0.25:
            show.judge.fail("led-astray", f"{show.judge.error:+.2f} stop by somebody in the picture")
    steady(show)


def sheet(show: Show, dice: np.random.Generator) -> None:
    """The presenter holds up a white sheet, or has put on a dark coat."""
    colour = float(dice.choice([0.9, 0.03]))
    away = show.paint((slice(45, 90), slice(55, 105)), colour)
    for _ in range(20):
        show.run(1)
        if abs(show.judge.error) > 0.25:
            show.judge.fail("led-astray", f"{show.judge.error:+.2f} stop by what the presenter wears ({colour})")
    away()
    steady(show)


def hand(show: Show, dice: np.random.Generator) -> None:
    """A light is dropped, moved, and handed back."""
    name = str(dice.choice(show.loop.fixtures))
    for _ in range(int(dice.integers(1, 4))):
        show.hand(name, float(dice.uniform(0.1, 0.6)), float(dice.choice([0.0, 0.5, 4.0])))
        show.run(float(dice.uniform(0.2, 12)))
    show.run(float(dice.uniform(1, 15)))
    show.hand_back(name)
    show.judge.forgive(0.3)
    show.run(5)
    show.look({"key": 0.35, "fill": 0.3}, 2.0)
    show.run(6)
    steady(show)


def looks(show: Show, dice: np.random.Generator) -> None:
    """A look in the middle of a hold, often another before it is done."""
    for _ in range(int(dice.integers(1, 4))):
        show.look({"key": float(dice.uniform(0.2, 0.5)), "fill": float(dice.uniform(0.15, 0.5))}, 3.0)
        show.run(float(dice.uniform(1, 12)))
    show.run(4)
    steady(show)
    show.look({"key": 0.35, "fill": 0.3}, 1.0)
    show.run(5)
    steady(show)


def warms(show: Show, dice: np.random.Generator) -> None:
    """Its light falls by a twentieth in five minutes (four times as fast as a real one's)."""
    lamp = show.world.lamps["key"]
    for second in range(300):
        lamp.gain = 1 - 0.05 * second / 300
        show.run(1)
    steady(show)
    lamp.gain = 1.0
    steady(show)


def highlights(show: Show, dice: np.random.Generator) -> None:
    """A window, a screen: a tenth of the picture is burnt out, wherever the lights stand."""
    away = show.paint((slice(0, 40), slice(0, 40)), 12.0)
    show.run(25)
    away()
    steady(show)


def beyond(show: Show, dice: np.random.Generator) -> None:
    """More daylight, or less light of others, than these lights can make good; and back."""
    show.world.daylight = float(dice.choice([1.2, 2.0]))
    show.judge.excused = "out of reach"
    show.run(40 * (2 if show.on_air else 1))
    state = show.loop.now_state
    if not state.tripped and not state.why.startswith(("at-limit", "frozen")) and state.unreachable is None:
        show.judge.fail("not-told", f"out of reach: {state.why}")
    if state.tripped:
        if state.tripped != "clipped":
            show.judge.fail("false-trip", f"out of reach: {state.tripped}")
        show.hold()
    show.world.daylight = DAY
    show.run(5)
    show.judge.excused = ""
    steady(show, 40)


def air(show: Show, dice: np.random.Generator) -> None:
    for _ in range(3):
        show.on_air = not show.on_air
        show.judge.air_changed = show.now
        show.world.daylight = DAY * float(dice.uniform(0.6, 1.6))
        show.run(float(dice.uniform(2, 15)))
    show.on_air = bool(dice.random() < 0.4)
    show.judge.air_changed = show.now
    show.world.daylight = DAY
    steady(show)


def modes(show: Show, dice: np.random.Generator) -> None:
    for _ in range(5):
        mode = ("watch", "advise", "hold")[int(dice.integers(3))]
        show.hold(mode)  # type: ignore[arg-type]
        show.world.daylight = DAY * float(dice.uniform(0.6, 1.6))
        show.run(float(dice.uniform(0.3, 8)))
    show.world.daylight = DAY
    show.hold()
    show.run(6)
    steady(show)


ACTS: tuple[Act, ...] = (
    cloudy,
    sunset,
    step,
    still,
    people,
    sheet,
    hand,
    looks,
    warms,
    highlights,
    beyond,
    air,
    modes,
)
