"""What the verbs about cameras do. A picture leaves the machine by one of them only, where the file lets it."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.exposure.camera.files import CameraFiles
from agent.exposure.camera.watch import CameraUnit
from agent.exposure.camera.work import Work
from agent.messaging.exposure_args import CameraCalibrate, CameraLock, CameraMeasure, CameraReference, CameraThumbnail
from agent.messaging.header import iso
from agent.messaging.hints import hint, lacks
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.base import Impact
from drivers.camera.response import Refused as CurveRefused
from drivers.camera.response import find
from drivers.camera.thumbnail import small

LONGEST = 60.0
"""Seconds; locking takes 10 to 15."""
KEPT_WITHIN = 5.0
"""Seconds the disk may take."""


class CameraVerbs:
    """camera.lock, camera.measure, camera.reference, camera.calibrate; and camera.thumbnail, a question answered from
    the points that were metered anyway. It is in the audit as every command is; the picture goes to who asked (the
    reply topic), is on no disk and retained by no broker."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        shot = Verb(
            "camera.thumbnail",
            CameraThumbnail,
            self._later,
            check=self._can,
            missing=self._missing,
            read=self._shot,
            private=True,
        )
        verbs: list[Verb[Any]] = [
            shot,
            Verb(
                "camera.lock",
                CameraLock,
                self._lock,
                check=self._there,
                impact=Impact.VISIBLE,
                deadline=LONGEST,
                missing=self._none,
            ),
            Verb("camera.measure", CameraMeasure, self._measure, check=self._there, missing=self._none),
            Verb("camera.reference", CameraReference, self._reference, check=self._there, missing=self._none),
            Verb(
                "camera.calibrate",
                CameraCalibrate,
                self._calibrate,
                check=self._there,
                impact=Impact.VISIBLE,
                deadline=LONGEST,
                missing=self._none,
            ),
        ]
        return {verb.name: verb for verb in verbs}

    def _none(self) -> Text | None:
        return None if self._house.config.cameras else lacks("cameras")

    def _missing(self) -> Text | None:
        cameras = self._house.config.cameras
        allowed = any(camera.thumbnails for camera in cameras.values())
        en = "no camera of the configuration has thumbnails = true: pictures stay on this machine"
        return None if allowed else Text(en, "配置中没有摄像机设置 thumbnails = true：画面不离开本机")

    def _known(self, name: str) -> None:
        cameras = self._house.config.cameras
        if name not in cameras:
            meant = hint(name, list(cameras))
            said = Text(f"camera {name}; {meant.en}", f"摄像机 {name}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)

    def _there(self, args: CameraLock | CameraMeasure | CameraReference | CameraCalibrate) -> None:
        self._known(args.camera)
        health = self._house.devices.cameras[args.camera].lane.health
        if health.state != "ok":
            said = health.says()
            raise Refusal(ReasonCode.OFFLINE, Text(f"{args.camera}: {said.en}", f"{args.camera}：{said.zh}"))

    def _can(self, args: CameraThumbnail) -> None:
        cameras = self._house.config.cameras
        self._known(args.camera)
        if not cameras[args.camera].thumbnails:
            en = f"cameras.{args.camera}.thumbnails is off: its pictures stay on this machine"
            zh = f"cameras.{args.camera}.thumbnails 未开启：画面不离开本机"
            raise Refusal(ReasonCode.FORBIDDEN, Text(en, zh))

    async def _later(self, args: CameraThumbnail, job: Job) -> Mapping[str, Any]:
        said = Text("a picture is shown at once or not at all: without a time", "画面只能立即查看，不能定时")
        raise Refusal(ReasonCode.UNSUPPORTED, said)

    def _shot(self, args: CameraThumbnail) -> Mapping[str, Any]:
        self._can(args)
        house = self._house
        camera = house.devices.cameras[args.camera]
        sight = camera.watch.latest
        if sight is None or camera.lane.health.state != "ok":
            said = camera.lane.health.says(Text("no picture yet", "尚无画面"))
            raise Refusal(ReasonCode.OFFLINE, Text(f"{args.camera}: {said.en}", f"{args.camera}：{said.zh}"))
        picture, jpeg = small(sight.metrics.points, args.width, sight.metrics.aspect)
        age = house.now() - sight.captured
        return {
            "camera": args.camera,
            "taken_at": iso(house.host.wall() - age),
            "width": picture.shape[1],
            "height": picture.shape[0],
            "jpeg": base64.b64encode(jpeg).decode(),
        }

    # --- on the camera's lane --------------------------------------------------------------------------------

    def _work(self, name: str) -> tuple[CameraUnit, Work]:
        house = self._house
        unit = house.devices.cameras[name]
        return unit, Work(unit, CameraFiles(house.config.agent.state_dir, name), house.now, house.on_air)

    async def _lock(self, args: CameraLock, job: Job) -> Mapping[str, Any]:
        unit, work = self._work(args.camera)
        found = await unit.lane.call(lambda: work.lock(args.mains), timeout=LONGEST)
        return {"camera": args.camera, "values": dict(found.values), "notes": list(found.notes)}

    async def _measure(self, args: CameraMeasure, job: Job) -> Mapping[str, Any]:
        unit, work = self._work(args.camera)
        try:
            found: Mapping[str, Any] = await unit.lane.call(work.measured, timeout=5.0)
        except ValueError as error:
            raise Refusal(ReasonCode.OUT_OF_RANGE, str(error)) from None
        return {"camera": args.camera, **found}

    async def _reference(self, args: CameraReference, job: Job) -> Mapping[str, Any]:
        unit, work = self._work(args.camera)
        at = iso(self._house.host.wall())
        try:
            taken = await unit.lane.call(lambda: work.reference(at), timeout=LONGEST)
        except ValueError as error:
            raise Refusal(ReasonCode.OUT_OF_RANGE, str(error)) from None
        return {"camera": args.camera, "at": taken.at, "sharpness": round(taken.sharpness, 2), "noise": taken.noise}

    async def _calibrate(self, args: CameraCalibrate, job: Job) -> Mapping[str, Any]:
        unit, work = self._work(args.camera)
        try:
            pictures, stops = await unit.lane.call(work.exposed, timeout=LONGEST)
            found = await asyncio.to_thread(find, pictures, stops)
            await unit.lane.call(lambda: work.curved(found), timeout=KEPT_WITHIN)
        except CurveRefused as refused:
            raise Refusal(ReasonCode.DEVICE_REFUSED, refused.says) from None
        except ValueError as wrong:
            raise Refusal(ReasonCode.OUT_OF_RANGE, str(wrong)) from None
        error, assumed = round(found.error, 4), round(found.assumed_error, 4)
        return {"camera": args.camera, "pictures": found.pictures, "error": error, "error_assumed": assumed}
