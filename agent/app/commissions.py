"""Commissioning the automatic fill light: by command or from the shell, one at a time; what was found is kept."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from agent.app.house import House
from agent.exposure.camera.files import CameraFiles
from agent.exposure.camera.insight import Columns
from agent.exposure.camera.watch import CameraUnit, Sight
from agent.exposure.camera.work import Work
from agent.exposure.commissioning.archive import Archive, Found
from agent.exposure.commissioning.commission import Commission
from agent.exposure.commissioning.instructions import Commissioned, Terms
from agent.exposure.commissioning.picture import page
from agent.exposure.commissioning.plan import Plan
from agent.exposure.commissioning.proof import Proof, Proven
from agent.exposure.commissioning.refusals import Refused
from agent.exposure.commissioning.run import Run, lights_of
from agent.exposure.loop.law import SLEW_OFF_AIR
from agent.exposure.transport.matrix import Shot, Transport, zones_of
from agent.messaging.header import iso
from agent.messaging.lifecycle import ReasonCode, Refusal
from config.units import Text
from drivers.camera.metrics import COLUMNS, ROWS
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

R = TypeVar("R")

SLEW_EMPTY = 3.0
"""Stops per second while nobody is there to see it; the rig's own limit still holds."""
ASKED_WITHIN = 2.0
"""Seconds a camera may take to say what its controls are."""
LONGEST = 240.0
"""Seconds one may take in all; of four lights it takes about 45."""


class Commissions:
    """See the module."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._run: Run | None = None
        self._latest: Transport | None = None
        self._damaged: Text | None = None

    @property
    def running(self) -> bool:
        return self._run is not None

    def hear(self, sight: Sight) -> None:
        """A picture of the loop's camera was measured."""
        if self._run is not None:
            fault = sight.untrusted
            self._run.hear(Shot(sight.captured, zones_of(sight.metrics), fault, sight.metrics.mired))

    def ready(self) -> None:
        """Raises Refusal while none may begin."""
        house = self._house
        loop = house.exposure
        assert loop is not None
        camera = house.devices.cameras[loop.section.camera]
        if self.running:
            raise Refusal(ReasonCode.BUSY, Text("a commissioning is running already", "标定已在进行"))
        if house.tests.running:
            raise Refusal(ReasonCode.BUSY, Text("a self-test is running", "自检正在进行"))
        if camera.lane.health.state != "ok":
            said = camera.lane.health.says()
            raise Refusal(ReasonCode.OFFLINE, Text(f"{camera.name}: {said.en}", f"{camera.name}：{said.zh}"))
        undisturbed(camera)
        lights = [house.rig.fixtures[name] for name in loop.fixtures]
        for name, why in house.devices.unreachable(lights).items():
            raise Refusal(ReasonCode.OFFLINE, Text(f"{name}: {why}", f"{name}：{why}"))
        for light in lights:
            if console := house.devices.console(light):
                said = Text(f"the console {console} holds {light.name}", f"控台 {console} 占用 {light.name}")
                raise Refusal(ReasonCode.BUSY, said)
        masters = house.rig.masters
        if any(masters.scale(name) < 1.0 for name in loop.fixtures):
            said = Text("a master dims the lights: set it to 1 first", "主控或子控压低了灯光：请先设为 1")
            raise Refusal(ReasonCode.BUSY, said)

    async def run(
        self, empty: bool, tell: Callable[[float], None], off_air: bool = False
    ) -> tuple[Commissioned | Refused, str]:
        """One commissioning; what was found and the file it is in ("" where the disk refuses, or nothing was).
        ``off_air``: a person in the studio says so, which counts as long as nobody says *on air*. Raises Refusal, see
        :meth:`ready`."""
        self.ready()
        house = self._house
        loop = house.exposure
        assert loop is not None
        rate = house.devices.cameras[loop.section.camera].section.rate
        slew = SLEW_EMPTY if empty else SLEW_OFF_AIR
        name, on = loop.section.camera, await automatics(house, loop.section.camera)
        terms = Terms(name, iso(house.host.wall()), rate=rate, slew=slew, empty=empty, automatic=on)
        try:
            plan = Commission(lights_of(house.rig, loop.fixtures), terms)
        except ValueError as error:
            said = Text(str(error), "补光灯没有可调节的余地：请先调整场景亮度")
            raise Refusal(ReasonCode.OUT_OF_RANGE, said) from None
        found = await self._carried_out(plan, tell, off_air)
        if isinstance(found, Refused):
            log.warning("commissioning.refused", code=found.code, said=found.said.en, **found.evidence)
            return found, ""
        archive = Archive(house.config.agent.state_dir, terms.camera)
        try:
            file = str(
                await house.on_disk(
                    lambda: archive.save(found.transport, page(found, language=house.config.agent.language))
                )
            )
        except (OSError, DriverError) as error:
            log.error("commissioning.not-stored", folder=str(archive.folder), reason=str(error), next="free space")
            file = ""
        self._latest, self._damaged = found.transport, None
        self.teach()
        await self._portrait(terms)
        house.herald.exposure()
        return found, file

    async def prove(self, tell: Callable[[float], None]) -> Proven | Refused:
        """Step every light a little and look who answers. Raises Refusal, see :meth:`ready`, and where nothing was
        commissioned."""
        self.ready()
        house = self._house
        loop = house.exposure
        assert loop is not None
        if loop.transport is None:
            said = Text(
                "these lights were never commissioned: exposure.commission first", "尚未标定：请先 exposure.commission"
            )
            raise Refusal(ReasonCode.UNSUPPORTED, said)
        rate = house.devices.cameras[loop.section.camera].section.rate
        plan = Proof(lights_of(house.rig, loop.fixtures), loop.transport, rate, SLEW_OFF_AIR)
        return await self._carried_out(plan, tell, off_air=False)

    async def _carried_out(self, plan: Plan[R], tell: Callable[[float], None], off_air: bool) -> R | Refused:
        house = self._house
        self._run = Run(house.rig, house.now, self._told_on_air if off_air else house.on_air)
        barred, house.tests.barred = house.tests.barred, Text("a commissioning is running", "标定正在进行")
        house.tests.cut_off = True
        try:
            found = await self._run.of(plan, tell)
        finally:
            self._run, house.tests.barred = None, barred
        house.tests.cut_off = False
        return found

    async def _portrait(self, terms: Terms) -> None:
        """What was measured holds for the camera as it stands: its reference picture tells when it is moved."""
        house, unit = self._house, self._house.devices.cameras[terms.camera]
        work = Work(unit, CameraFiles(house.config.agent.state_dir, terms.camera), house.now, house.on_air)
        try:
            await unit.lane.call(lambda: work.reference(terms.at), timeout=ASKED_WITHIN + 2.0)
        except (DriverError, OSError, ValueError) as error:
            log.warning("commissioning.no-reference", camera=terms.camera, why=str(error))

    def _told_on_air(self) -> bool:
        house, now = self._house, self._house.now()
        return house.interlock.known(now) and house.interlock.on_air(now)

    async def recall(self) -> None:
        """Go by what the last commissioning of this camera found, if there was one."""
        house = self._house
        loop = house.exposure
        if loop is None:
            return
        archive = Archive(house.config.agent.state_dir, loop.section.camera)
        try:
            found = await house.on_disk(archive.newest)
        except (OSError, DriverError) as error:
            log.warning("commissioning.not-read", folder=str(archive.folder), reason=str(error))
            return
        for name, why in found.damaged.items():
            log.error("commissioning.damaged", file=name, folder=str(archive.folder), reason=why)
        self._latest, self._damaged = found.transport, _damage(found)
        self.teach()

    def teach(self) -> None:
        """Let loop and camera go by what is known of the lights (new ones after a reload, too)."""
        house, latest = self._house, self._latest
        loop = house.exposure
        if loop is None:
            return
        new = loop.transport is not latest or loop.damaged != self._damaged
        if new and (why := loop.commission(latest, house.now(), self._damaged)):
            log.warning("commissioning.not-used", reason=why.en, next="exposure.commission")
            return
        if latest is None:
            return
        camera = house.devices.cameras.get(latest.camera)
        if camera is not None:
            shape = (ROWS, COLUMNS)
            lights = {name: latest.matrix[:, at].reshape(shape) for at, name in enumerate(latest.fixtures)}
            columns = Columns(lights, latest.ambient.reshape(shape), latest.reference.reshape(shape))
            camera.watch.insights.know(columns)


def _damage(found: Found) -> Text | None:
    """What is wrong with later files than the one that is used."""
    if not found.damaged:
        return None
    names = ", ".join(found.damaged)
    if found.transport is None:
        en = f"what was commissioned is damaged ({names}), and there is no other"
        return Text(en, f"标定文件损坏（{names}），且没有其他可用")
    at = found.transport.at
    en = f"what was commissioned last is damaged ({names}); that of {at} is used"
    return Text(en, f"最近的标定文件损坏（{names}），现用 {at} 的标定")


def undisturbed(camera: CameraUnit) -> None:
    """Raises Refusal while something is done to this camera that makes its picture another one."""
    if camera.watch.busy:
        en = f"{camera.name}: {camera.watch.busy}; ask again when that is done"
        raise Refusal(ReasonCode.BUSY, Text(en, f"{camera.name} 正在锁定或测量曲线，请稍后再试"))


async def automatics(house: House, name: str) -> tuple[str, ...]:
    """What of this camera says of itself that it is automatic; ``()``: nothing, or it has no controls to be asked (the
    probe decides). Raises Refusal where it has some and does not say: whoever acts then may act against it."""
    unit = house.devices.cameras[name]
    work = Work(unit, CameraFiles(house.config.agent.state_dir, name), house.now, house.on_air)
    try:
        found: tuple[str, ...] = await unit.lane.call(work.automatics, timeout=ASKED_WITHIN)
    except DriverError as error:
        log.warning("camera.controls-unread", camera=name, why=str(error))
        en = f"{name} does not say whether its automatic exposure is on ({error.reason}): ask again, or replug it"
        zh = f"{name} 未说明自动曝光是否开启：请重试，或重新插拔摄像机"
        raise Refusal(ReasonCode.DEVICE_REFUSED, Text(en, zh)) from None
    return found


def told(found: Commissioned, file: str) -> Mapping[str, Any]:
    """The answer to who asked."""
    transport = found.transport
    return {
        "camera": transport.camera,
        "at": transport.at,
        "file": file,
        "delay_ms": round(transport.delay.seconds * 1e3, 1),
        "delay_samples": transport.delay.samples,
        "reference_zones": int(transport.reference.sum()),
        "mired_gain": None if transport.mired_gain is None else round(transport.mired_gain, 3),
        "lights": {
            name: {"share": round(reach.share, 3), "down_stops": round(reach.down, 2), "up_stops": round(reach.up, 2)}
            for name, reach in zip(transport.fixtures, transport.reach, strict=True)
        },
    }
