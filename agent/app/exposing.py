"""What a measured picture means to the automatic fill light, and what is told of why a picture changed."""

from agent.app.commissions import Commissions
from agent.app.house import House
from agent.exposure.camera.watch import Sight
from config.units import Text
from drivers.camera.attribution import Cause, Change

PAUSE = 10.0
"""Seconds between two events of one camera, at least: a restless picture does not flood anybody."""
LEAST = 0.05
"""Stops of change nobody needs to hear of."""

_CAUSES = {
    Cause.LAMP: Text("a light changed though nobody told it to: {lights}", "灯具未收到指令却发生变化：{lights}"),
    Cause.AUTO_EXPOSURE: Text("the camera's auto exposure moved the picture", "摄像机自动曝光改变了画面"),
    Cause.AUTO_WHITE_BALANCE: Text("the camera's auto white balance moved the picture", "摄像机自动白平衡改变了画面"),
    Cause.DAYLIGHT: Text("daylight changed", "自然光变化"),
    Cause.OTHER_LIGHT: Text("a light that is not the agent's changed", "非本系统的灯光发生变化"),
    Cause.CUT: Text("the picture was cut to another one", "画面切换"),
    Cause.CAMERA_MOVED: Text("the camera was moved", "摄像机被移动"),
    Cause.FLICKER: Text("light began to flicker", "灯光开始频闪"),
}
"""Those worth an event; people walk by all the time, and lights that were told to move are no news."""


class Exposing:
    """See the module. On the loop's thread."""

    def __init__(self, house: House, commissions: Commissions) -> None:
        self._house = house
        self._commissions = commissions
        self._told: dict[str, float] = {}

    def looked(self, camera: str, sight: Sight) -> None:
        """A picture of this camera was measured."""
        house = self._house
        if sight.insight.change is not None:
            self._tell(camera, sight.insight.change)
        loop = house.exposure
        if loop is None or not house.looks_through(camera):
            return
        self._commissions.hear(sight)
        glance = sight.glance(loop.target, house.devices.cameras[camera].section.rate)
        lights = [house.rig.fixtures[name] for name in loop.fixtures]
        consoles = [light.name for light in lights if house.devices.console(light)]
        before = loop.now_state.out
        loop.turn(glance, house.now(), house.on_air(), consoles=consoles, gone=house.devices.unreachable(lights))
        if loop.now_state.out != before:
            house.looks.changed()

    def _tell(self, camera: str, change: Change) -> None:
        said, now = _CAUSES.get(change.cause), self._house.now()
        small = change.cause in (Cause.DAYLIGHT, Cause.OTHER_LIGHT, Cause.LAMP) and abs(change.stops) < LEAST
        if said is None or change.commanded or small or now - self._told.get(camera, -PAUSE) < PAUSE:
            return
        self._told[camera] = now
        lights = ", ".join(change.lamps)
        text = Text(f"{camera}: {said.en.format(lights=lights)}", f"{camera}：{said.zh.format(lights=lights)}")
        evidence = {name: round(float(value), 4) for name, value in change.evidence.items() if value == value}
        self._house.herald.event(
            "camera.changed",
            text,
            camera=camera,
            cause=str(change.cause),
            stops=round(change.stops, 3),
            lights=list(change.lamps),
            seconds=round(change.seconds, 2),
            evidence=evidence,
        )
