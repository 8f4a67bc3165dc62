"""What the verbs about cameras do. A picture leaves the machine by one of them only, where the file lets it."""

import base64
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.messaging.exposure_args import CameraThumbnail
from agent.messaging.header import iso
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.camera.thumbnail import small


class CameraVerbs:
    """camera.thumbnail: a question, answered from the points that were metered anyway. It is in the audit as every
    command is; the picture goes to who asked (the reply topic), is on no disk and retained by no broker."""

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
        return {shot.name: shot}

    def _missing(self) -> str:
        cameras = self._house.config.cameras
        allowed = any(camera.thumbnails for camera in cameras.values())
        return "" if allowed else "no camera of the configuration has thumbnails = true: pictures stay on this machine"

    def _can(self, args: CameraThumbnail) -> None:
        cameras = self._house.config.cameras
        if args.camera not in cameras:
            meant = hint(args.camera, list(cameras))
            said = Text(f"camera {args.camera}; {meant.en}", f"摄像机 {args.camera}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
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
            raise Refusal(ReasonCode.OFFLINE, f"{args.camera}: {camera.lane.health.reason or 'no picture yet'}")
        picture, jpeg = small(sight.metrics.points, args.width)
        age = house.now() - sight.captured
        return {
            "camera": args.camera,
            "taken_at": iso(house.host.wall() - age),
            "width": picture.shape[1],
            "height": picture.shape[0],
            "jpeg": base64.b64encode(jpeg).decode(),
        }
