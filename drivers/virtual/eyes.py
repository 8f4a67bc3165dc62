"""The virtual studio's video sources: what is placed, who opens it, its controls."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from drivers.errors import DeviceMissing, NotSupported
from drivers.host import Controls, FrameSource, VideoDevice


class Eye(NamedTuple):
    """A placed video source."""

    open: Callable[[], FrameSource]
    device: VideoDevice | None
    knobs: Controls | None


class Eyes:
    """The part of a :class:`drivers.host.Host` that has cameras."""

    def __init__(self) -> None:
        self._eyes: dict[str, Eye] = {}
        self._placing = threading.Lock()

    def place_camera(
        self,
        source: str,
        open: Callable[[], FrameSource],  # noqa: A002
        device: VideoDevice | None = None,
        knobs: Controls | None = None,
    ) -> None:
        """A video source. ``open`` makes a fresh reader, or raises DeviceMissing while it is unplugged."""
        with self._placing:
            self._eyes[source] = Eye(open, device, knobs)

    def camera(self, source: str, login: object = None) -> FrameSource:  # a twin asks nobody who he is
        return self._eye(source).open()

    def controls(self, source: str) -> Controls:
        knobs = self._eye(source).knobs
        if knobs is None:
            raise NotSupported(f"{source} has no controls", "set it at the camera")
        return knobs

    def video_devices(self) -> Sequence[VideoDevice]:
        with self._placing:
            return [eye.device for eye in self._eyes.values() if eye.device is not None]

    def _eye(self, source: str) -> Eye:
        with self._placing:
            if source not in self._eyes:
                raise DeviceMissing(f"{source}: no such video source", "plug the camera in, or correct the source")
            return self._eyes[source]
