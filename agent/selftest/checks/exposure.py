"""CAM-06: does the picture have the light it should?"""

from statistics import median

from agent.exposure.camera.watch import CameraUnit
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.desk import Desk
from agent.selftest.step import Group, Step, offline
from config.units import SILENT, Text
from drivers.base import Limits, Result
from drivers.camera.metrics import measure

STOPS = Limits(warn=0.3, fail=0.7)
PICTURES = 5


def steps(desk: Desk) -> list[Step]:
    """For the camera of ``[exposure]``, if there is one."""
    loop = desk.around.config.exposure
    if loop is None or loop.camera not in desk.around.devices.cameras:
        return []
    camera = desk.around.devices.cameras[loop.camera]
    target = loop.target

    async def run() -> Result:
        return await camera.lane.call(lambda: on_target(camera, target), timeout=8.0)

    def blocked() -> Text | None:
        return offline(camera.lane)

    title, group = CATALOGUE["CAM-06"].title, Group("camera", camera.name)
    return [Step("CAM-06", camera.name, title, group, run, deadline=9.0, blocked=blocked)]


def on_target(camera: CameraUnit, target: float) -> Result:
    """The median of a few pictures, in stops from the target; on the camera's lane."""
    ev = median(measure(camera.driver.grab().pixels, target).ev for _ in range(PICTURES))
    verdict = STOPS.judge(abs(ev))
    side = ("too bright", "偏亮") if ev > 0 else ("too dark", "偏暗")
    said = Text(f"{abs(ev):.2f} stop {side[0]} ({ev:+.2f} EV).", f"{side[1]} {abs(ev):.2f} 档（{ev:+.2f} EV）。")
    remedy = CATALOGUE["CAM-06"].remedy if STOPS.judge(abs(ev)).value != "pass" else SILENT
    return Result(verdict, said, remedy, abs(ev), "stop", STOPS, {"ev": ev, "target": target})
