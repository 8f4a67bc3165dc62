"""What people do in the middle of a hold in the shows of :mod:`tests.shows`: masters, a stop, black-outs, cues, faders
in mid-move, and a light that goes out while it is being moved. None of them may make a light jump or fight a hand."""

import math

import numpy as np

from agent.lighting.masters import GRAND
from tests.acts import DAY, Act, steady
from tests.closed import LIGHT
from tests.shows import Show

CUES = "cues:show"
BUMP = 0.03
"""Stops a light may move in the first third of a second after it is handed back."""


def moved(show: Show, dice: np.random.Generator) -> None:
    """Daylight changes, and the loop is in the middle of making it good."""
    show.world.daylight = DAY * float(dice.choice([1.7, 0.55]))
    show.run(float(dice.uniform(0.4, 2.5)))


def barred(show: Show, why: str, seconds: float, arrives: float) -> None:
    """For so long, once the lights have arrived, none may move; the room goes on changing."""
    show.judge.forgive(arrives + 0.6)
    show.run(arrives + 0.6)
    show.judge.barred = show.judge.excused = why
    show.world.daylight = DAY * 1.4
    show.run(seconds)
    show.judge.barred = ""
    if not show.loop.now_state.why or show.loop.now_state.why in ("resting", "acting"):
        show.judge.fail("not-told", f"{why}: {show.loop.now_state.why}")
    show.world.daylight = DAY


def goes_on(show: Show, arrives: float) -> None:
    show.judge.forgive(arrives + 2.5)
    show.run(arrives + 2.5)
    show.judge.excused = ""
    steady(show)


def grand(show: Show, dice: np.random.Generator) -> None:
    """A person moves the grand master, to and fro, and up again."""
    moved(show, dice)
    for _ in range(int(dice.integers(1, 4))):
        fade = float(dice.choice([0.0, 1.0, 4.0]))
        show.rig.dim(float(dice.uniform(0.2, 0.9)), now=show.now, fade=fade, group=GRAND)
        barred(show, "the grand master is down", float(dice.uniform(2, 10)), fade + 1.0)
    show.rig.dim(1.0, now=show.now, fade=2.0, group=GRAND)
    goes_on(show, 2.0)


def stop(show: Show, dice: np.random.Generator) -> None:
    """Somebody stops the lights, in the middle of a move, and ends the stop."""
    moved(show, dice)
    before = {name: show.level(name) for name in show.fixtures}
    show.rig.stop("somebody", show.now)
    barred(show, "stopped", float(dice.uniform(2, 15)), 0.0)
    for name, level in before.items():
        if abs(show.level(name) / level - 1) > 1e-6:
            show.judge.fail("barred", f"{name} moved in a stop")
    show.rig.reset(show.now)
    goes_on(show, 0.0)


def blackout(show: Show, dice: np.random.Generator) -> None:
    """All dark, by the master or by a cue, and back."""
    moved(show, dice)
    fade = float(dice.choice([0.0, 2.0]))
    looks = {name: {LIGHT: show.rig.look(name)[LIGHT]} for name in show.loop.fixtures}
    by_cue = bool(dice.random() < 0.5)
    if by_cue:
        show.rig.cue(CUES, {name: {LIGHT: 0.0} for name in looks}, now=show.now, up=fade, down=fade)
    else:
        show.rig.black_out("somebody", now=show.now, fade=fade)
    barred(show, "black-out", float(dice.uniform(2, 15)), fade + 1.5)
    dark = max(show.level(name) for name in looks)
    if dark > 1e-6:
        show.judge.fail("barred", f"{dark:.3f} of light in a black-out")
    if by_cue:
        show.rig.cue(CUES, looks, now=show.now, up=2.0, down=2.0)
    else:
        show.rig.restore(now=show.now, fade=2.0)
    goes_on(show, 3.0)
    show.rig.release(show.now, owner=CUES)


def cue(show: Show, dice: np.random.Generator) -> None:
    """The next cue is gone to in the middle of a move, and again before the first has arrived."""
    looks = {name: {LIGHT: show.rig.look(name)[LIGHT]} for name in show.loop.fixtures}
    moved(show, dice)
    for _ in range(int(dice.integers(1, 4))):
        levels = {name: {LIGHT: float(dice.uniform(0.2, 0.5))} for name in looks}
        up, down = float(dice.choice([0.5, 3.0])), float(dice.choice([0.5, 5.0]))
        show.judge.forgive(max(up, down) + 3)
        show.rig.cue(CUES, levels, now=show.now, up=up, down=down)
        show.run(float(dice.uniform(1, 10)))
    show.world.daylight = DAY
    show.run(6)
    steady(show)
    show.judge.forgive(5)
    show.rig.cue(CUES, looks, now=show.now, up=2.0, down=2.0)
    show.run(5)
    show.rig.release(show.now, owner=CUES)
    steady(show)


def fader(show: Show, dice: np.random.Generator) -> None:
    """A hand takes a light while it moves, and gives it back; it goes on from where it is, gently."""
    for _ in range(3):
        name = str(dice.choice(show.loop.fixtures))
        moved(show, dice)
        show.hand(name, float(dice.uniform(0.15, 0.55)), float(dice.choice([0.0, 0.5, 3.0])))
        show.run(float(dice.uniform(0.3, 8)))
        at = show.rig.scene.levels(name, show.now)[LIGHT]
        arrived = show.now >= show.rig.scene.settled
        show.hand_back(name)
        show.run(0.3)
        jumped = abs(math.log2(max(show.level(name), 0.01) / max(at, 0.01)))
        if arrived and jumped > BUMP:
            show.judge.fail("bump", f"{name} {jumped:.3f} stop when handed back")
        show.judge.forgive(4.0)
        show.run(float(dice.uniform(1, 6)))
    show.world.daylight = DAY
    show.look(dict.fromkeys(show.loop.fixtures, 0.33), 2.0)
    show.run(6)
    steady(show)


def goes_out(show: Show, dice: np.random.Generator) -> None:
    """A light dies while it is being moved, and is there again some time later."""
    name = str(dice.choice(show.loop.fixtures))
    lamp = show.world.lamps[name]
    moved(show, dice)
    lamp.gain = 0.0
    show.judge.excused = "a light is out"
    show.run(float(dice.uniform(3, 25)))
    state = show.loop.now_state
    if state.tripped not in ("", "no-effect"):
        show.judge.fail("wrong-cause", f"{name} is out: {state.tripped} {state.evidence}")
    lamp.gain, show.world.daylight = 1.0, DAY
    show.run(5)
    show.judge.excused = ""
    if show.loop.now_state.tripped:
        show.hold()
        show.run(6)
    steady(show)


INTERVENTIONS: tuple[Act, ...] = (grand, stop, blackout, blackout, cue, fader, goes_out)
