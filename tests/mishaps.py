"""What goes wrong in the shows of :mod:`tests.shows`: cameras, lamps and outputs that fail, or do what they want."""

import math

import numpy as np

from drivers.virtual.automatic import Automatic
from drivers.virtual.scene import Scene
from drivers.virtual.sensor import Sensor
from drivers.virtual.twin import Fault
from tests.acts import DAY, Act, steady, step, still
from tests.closed import ClosedStudio
from tests.shows import SIZE, WAY_BACK, Show

CAMERA = "camera-auto-exposure"


class Other(Scene):
    """Another scene: the same room from elsewhere."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        picture = self.albedo.reshape(height, width, 3)
        self.albedo = np.ascontiguousarray(picture[:, ::-1] ** 0.7).reshape(-1, 3)


def cut(show: Show, dice: np.random.Generator) -> None:
    """The programme shows something else for a while; the room's light is as it was."""
    own = show.camera.sensor
    show.camera.sensor = Sensor(show.world, *SIZE, scene=Other)
    for _ in range(int(dice.integers(3, 30))):
        show.run(1)
        if abs(show.judge.error) > 0.25:
            show.judge.fail("led-astray", f"{show.judge.error:+.2f} stop by a cut")
    show.camera.sensor = own
    show.run(3)
    steady(show)


def bump(show: Show, dice: np.random.Generator) -> None:
    show.camera.fault(Fault.BUMP, int(dice.choice([50, 100, 200])))
    for _ in range(15):
        show.run(1)
        if abs(show.judge.error) > 0.25:
            show.judge.fail("led-astray", f"{show.judge.error:+.2f} stop by a bump")
    show.camera.heal()
    show.run(3)
    steady(show)


def dies(show: Show, dice: np.random.Generator) -> None:
    """A lamp goes out, or half of it: made good, said to be at the limit, or told; the other lights stay in bounds."""
    name = str(dice.choice(show.loop.fixtures))
    lamp = show.world.lamps[name]
    lamp.gain = float(dice.choice([0.0, 0.5, 0.8]))
    show.run(40 * (2.5 if show.on_air else 1))
    state = show.loop.now_state
    if state.tripped and state.tripped != "no-effect":
        show.judge.fail("wrong-cause", f"{name} gives {lamp.gain}: {state.tripped} {state.evidence}")
    if state.tripped and lamp.gain >= 0.5:
        show.judge.fail("false-trip", f"{name} gives {lamp.gain}: {state.tripped} {state.evidence}")
    lamp.gain = 1.0
    if state.tripped:
        show.run(5)
        show.hold()
        show.run(6)
    show.run(5)
    steady(show)


def stale(show: Show, dice: np.random.Generator) -> None:
    """The output to the lights is gone: nothing that is sent arrives."""
    show.gone = dict.fromkeys(show.loop.fixtures, "output out is offline")
    show.judge.forgive(3)
    show.run(float(dice.uniform(3, 20)))
    if "offline" not in show.loop.now_state.why:
        show.judge.fail("not-told", f"an output that is gone: {show.loop.now_state.why}")
    show.gone = {}
    show.judge.forgive(3)
    show.run(4)
    steady(show)


def camera(show: Show, dice: np.random.Generator) -> None:
    """It freezes, goes black, shows bars, is restarted, or hiccups; a cloud passes meanwhile."""
    fault = [Fault.FREEZE, Fault.BLACK, Fault.BARS, Fault.SILENCE, Fault.UNPLUG, Fault.NOISE][int(dice.integers(6))]
    lasts = float(dice.choice([1.0, 2.0, 3.0, 15.0]))
    if dice.random() < 0.5:
        show.world.daylight *= float(dice.choice([1.6, 0.6]))
    show.run(float(dice.uniform(0.0, 1.5)))
    before = show.level()
    show.judge.excused = "blind"
    show.camera.fault(fault)
    show.run(1.0)
    at = show.level()
    show.run(lasts - 1.0)
    if abs(math.log2(show.level() / at)) > 0.02:
        show.judge.fail("moved-blind", f"{fault}: {math.log2(show.level() / at):+.3f}")
    if abs(math.log2(at / before)) > 0.5:
        show.judge.fail("moved-blind", f"{fault}: {math.log2(at / before):+.3f} in its first second")
    why = show.loop.now_state.why
    if lasts > 5 and not why.startswith(("frozen", "camera")):
        show.judge.fail("not-told", f"{fault} for {lasts} s: {why}")
    show.camera.heal()
    show.run(5)
    show.judge.excused = ""
    steady(show)
    show.world.daylight = DAY
    steady(show)


def later(show: Show, dice: np.random.Generator) -> None:
    """The pictures come later than they did when commissioned, or at another rate."""
    latency, fps = show.camera.latency, show.camera.fps
    if dice.random() < 0.5:
        show.camera.latency = int(dice.choice([1, 4, 6]))
        changed = f"latency {show.camera.latency}"
    else:
        show.camera.fps = float(dice.choice([5.0, 2.5]))
        changed = f"{show.camera.fps} pictures/s"
    show.judge.excused = "a moment"
    show.run(3)
    show.judge.excused = ""
    show.act += f" ({changed})"
    step(show, dice)
    still(show, dice)
    show.camera.latency, show.camera.fps = latency, fps
    show.run(3)
    steady(show)


class Weak(Automatic):
    """An auto exposure that goes ``part`` of the way it wants, ``speed`` of what is left in each picture, and nothing
    within ``dead`` (a relative error)."""

    part, speed, dead = 1.0, 0.2, 0.02
    _home = 0.0

    def _filtered(self, old: float, wanted: float) -> float:
        self._home = self._home or old
        aim = self._home * (wanted / self._home) ** self.part
        if abs(aim / old - 1) < self.dead:
            return old
        return float(old * (aim / old) ** self.speed)


def fights(show: Show, dice: np.random.Generator) -> None:
    """The camera's auto exposure is switched on: full, in part, slow with a dead band. Then daylight changes."""
    own, weak = show.camera.automatic, Weak()
    weak.part, weak.speed, weak.dead = [(1.0, 0.2, 0.02), (0.5, 0.2, 0.02), (1.0, 0.03, 0.12)][int(dice.integers(3))]
    show.act += f" (part {weak.part}, speed {weak.speed}, dead {weak.dead})"
    show.camera.automatic = weak
    show.judge.excused = "auto exposure"
    before = show.level()
    weak.target = float(measure_target(show))
    show.camera.controls.write("auto_exposure", 3)
    show.run(3)
    show.world.daylight *= float(dice.choice([2.2, 0.4]))
    show.run(40 * (2.5 if show.on_air else 1), until=lambda: bool(show.loop.now_state.tripped))
    if show.loop.now_state.tripped not in ("", CAMERA, "no-effect"):
        show.judge.fail("wrong-cause", show.loop.now_state.tripped)
    probed = math.log2(show.level() / before)  # as far as the last probe went, too
    show.run(WAY_BACK)
    moved = math.log2(show.level() / before)
    if abs(moved) > (0.8 if weak.part == 1.0 else 1.2) or abs(probed) > 1.4:
        show.judge.fail("ran-away", f"{moved:+.2f} stop against auto exposure, {probed:+.2f} in a probe")
    show.camera.controls.write("auto_exposure", 1)
    show.world.daylight = DAY
    show.run(3)
    show.camera.automatic = own
    show.judge.excused = ""
    if show.loop.now_state.tripped:
        show.hold()
        show.run(6)
    steady(show)


def measure_target(show: ClosedStudio) -> float:
    """What the camera's automatics see now, so that switching them on changes nothing."""
    from drivers.virtual.automatic import LUMA, _weights

    seen = show.camera.sensor.points(show.now) * show.camera.sensor.setting.total
    return float(np.minimum(seen, 1.0).reshape(-1, 3).T @ _weights(*seen.shape[:2]) @ LUMA)


def whites(show: Show, dice: np.random.Generator) -> None:
    """Auto white balance is switched on for a while."""
    show.camera.controls.write("white_balance_automatic", 1)
    for _ in range(30):
        show.run(1)
        if abs(show.judge.error) > 0.25:
            show.judge.fail("led-astray", f"{show.judge.error:+.2f} stop by auto white balance")
    show.camera.controls.write("white_balance_automatic", 0)
    show.run(5)
    steady(show)


MISHAPS: tuple[Act, ...] = (cut, bump, dies, stale, camera, camera, later, fights, fights, whites)
