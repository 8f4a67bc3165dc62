"""The camera driver ``opencv``: a device, a file, an HTTP MJPEG or RTSP address, whatever the host can open.

The host's :class:`~drivers.host.FrameSource` always gives the newest picture, so the caller sets the pace: a lane that
calls ``grab()`` eight times a second gets eight fresh pictures and pays for the decoding of eight (where the codec
allows), with no thread in between. Who wants to know about the packets in between, too, spends the time between two
pictures in ``watch()`` and asks for the ``stamps()``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from config.section import FilePath
from drivers.base import Check, Identity, Image, Stamp
from drivers.camera import checks
from drivers.camera.baseline import Baseline
from drivers.camera.metrics import COLUMNS, ROWS
from drivers.camera.reduction import Price, Reduction
from drivers.camera.source import SAID, checked, device, wants_login
from drivers.errors import BadReply, DriverError, LinkLost, ReplyTimeout, StillOpening, Why
from drivers.host import LONGEST_OPENING, Controls, FrameSource, Host, Login, is_network, shown_url
from drivers.registry import DriverSpec, Kind, Options

FIRST = 1.4
"""Seconds the first picture may take: webcams begin with their exposure."""
TURN = 0.9
"""Seconds a network source is waited for at once. A read that began within them may last a second more (OpenCV)."""
GONE = 1.5
"""Seconds without any picture, after which the source is opened anew."""
WHOLE = 0.05
"""Seconds to wait for a whole picture between two that are measured."""


class OpenCVOptions(Options):
    """``[cameras.NAME.options]`` of driver ``opencv``."""

    source: str = Field(
        min_length=1,
        description="/dev/video0, a stable name under /dev/v4l/by-id, a file, http://…, rtsp://… without a password: "
        "a camera that wants it in the address gets `{username}` and `{password}` there.",
    )
    username: str | None = Field(None, min_length=1, description="User name at a network camera.")
    password_file: FilePath | None = Field(
        None, description="File with the camera's password, mode 0600; never the password."
    )
    timeout: float = Field(1.0, ge=0.1, le=10, description="Seconds to wait for a picture; 1.5 at most.")
    detail: bool = Field(
        False,
        description="Decode every picture at its full size. Else JPEG pictures from 1080p on are measured at half of "
        "it or less, which spares a third to a half of the decoding; what that costs in exposure and clipping is "
        "measured on a whole picture every 10 s and taken back.",
    )
    size: tuple[int, int] | None = Field(
        None, description="Width and height it must have, for the self-test; absent: any."
    )
    fps: float | None = Field(
        None, gt=0, le=240, description="Pictures per second it should send, for the self-test; absent: as it says."
    )

    @field_validator("source")
    @classmethod
    def _source(cls, source: str) -> str:
        return checked(source)

    @field_validator("username")
    @classmethod
    def _username(cls, name: str | None) -> str | None:
        # RFC 7617: no colon. Not shown: it may be "name:password".
        if name is not None and (":" in name or not name.isprintable()):
            raise ValueError("a user name has no colon and no control character: the password has a file of its own")
        return name

    @model_validator(mode="after")
    def _login(self) -> "OpenCVOptions":
        given = self.username is not None or self.password_file is not None
        if given and not wants_login(self.source):
            raise ValueError(
                "username and password_file are for http, https, rtsp, rtsps and addresses with {password}: "
                "leave them out, or give such an address"
            )
        if self.password_file is not None and self.username is None and SAID[1] not in self.source:
            raise ValueError("password_file without username: give the user name too")
        if (SAID[1] in self.source and self.password_file is None) or (SAID[0] in self.source and not self.username):
            raise ValueError(
                "the address says {username} or {password} and nothing gives it: add username and password_file"
            )
        return self

    @property
    def login(self) -> Login:
        """Who asks for the pictures."""
        return Login(self.username or "", self.password_file)

    def secrets(self) -> Mapping[str, Path]:
        return {} if self.password_file is None else {"password_file": self.password_file}

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        path = device(self.source)
        return [("options.source", path)] if path else []


class OpenCVCamera:
    """One camera. ``close()`` may come from another thread; everything else from one at a time."""

    def __init__(self, options: OpenCVOptions, host: Host) -> None:
        self._options = options
        self._host = host
        self._source: FrameSource | None = None
        self._closed = 0
        """How often."""
        self._given_up: float | None = None
        """When, while it is being opened."""
        self._number = 0
        self._last = float("-inf")
        self._reduction: Reduction | None = None
        self.reference: Baseline | None = None
        """The show's reference picture, for the self-test; ``None``: none was taken."""
        self.came = 0.0
        """When there was a picture last."""

    def open(self) -> Identity:
        """Opens the source and waits for its first picture: an address that answers is not a camera yet. StillOpening:
        a network source has none yet; it has ``LONGEST_OPENING`` in all."""
        network = is_network(self._options.source)
        if self._source is None or self._given_up is None:
            self.close()
            closed = self._closed
            self._source = source = self._host.camera(self._options.source, self._options.login)
            self.came = self._host.now()
            self._given_up = self.came + (LONGEST_OPENING if network else 0.0)
            if closed != self._closed:  # by another thread meanwhile
                source.close()
        source, until = self._opened(), self._given_up
        try:
            first = self._next(TURN if network else min(max(self._options.timeout, FIRST), GONE), detail=True)
        except DriverError as error:
            if isinstance(error, ReplyTimeout) and self._source is source and self._host.now() < until:
                raise StillOpening(error.reason, error.remedy, why=error.why) from None
            self.close()
            raise
        self._given_up = None
        facts = dict(source.describe())
        height, width = first.pixels.shape[:2]
        self._reduction = None if self._options.detail else Reduction((width, height))
        for counted in ("frames", "keys"):
            facts.pop(counted, None)
        facts["size"] = f"{width}x{height}"
        return Identity(
            model=facts.pop("name", "camera"),
            firmware=facts.pop("firmware", ""),
            serial=facts.pop("serial", ""),
            details={"source": shown_url(self._options.source), **facts},
        )

    def grab(self, detail: bool | None = None) -> Image:
        """The newest picture, never one that was given before. After ``GONE`` seconds without any, ReplyTimeout has
        become LinkLost: a network camera that hangs is better opened anew than waited for."""
        wanted = self._options.detail if detail is None else detail
        patience = min(self._options.timeout, max(0.1, self.came + GONE - self._host.now()))
        try:
            return self._next(patience, detail=wanted)
        except ReplyTimeout as error:
            if self._host.now() - self.came >= GONE - 0.01:
                raise LinkLost(f"{error.reason}; none for {GONE:g} s", error.remedy, why=Why.SILENT) from None
            raise

    def _next(self, timeout: float, *, detail: bool) -> Image:
        source = self._opened()
        deadline = self._host.now() + timeout
        left = timeout
        while left > 0:
            pixels, captured = source.read(left, detail)
            if captured > self._last:
                self._last, self.came = captured, self._host.now()
                self._number += 1
                if pixels.shape[0] < ROWS or pixels.shape[1] < COLUMNS:
                    raise BadReply(
                        f"a picture of {pixels.shape[1]}x{pixels.shape[0]} is too small to be measured "
                        f"({COLUMNS}x{ROWS} at least)",
                        "set a larger size at the camera",
                    )
                if self._reduction is not None and not detail:
                    self._reduction.saw((pixels.shape[1], pixels.shape[0]))
                return Image(pixels, captured, self._number)
            left = deadline - self._host.now()
        raise ReplyTimeout(f"no new picture within {timeout:.1f} s: the source repeats itself", "restart the camera")

    def _opened(self) -> FrameSource:
        if self._source is None:
            raise LinkLost("the camera is not open")
        return self._source

    def watch(self, until: float) -> None:
        """Take in, undecoded, what comes until then: half a second at most, so that nobody waits long for the lane."""
        source = self._opened()
        source.watch(min(until, self._host.now() + 0.5))
        if self._reduction is not None and self._reduction.wants(self._host.now()):
            self._learn(source, self._reduction)

    @property
    def price(self) -> Price | None:
        """What is to be taken back from the metrics of pictures of ``grab()``; ``None``: nothing."""
        return None if self._reduction is None else self._reduction.price

    def cut(self) -> None:
        """The picture has become another one: what is known of the one before holds no longer."""
        if self._reduction is not None:
            self._reduction.renew()

    def _learn(self, source: FrameSource, reduction: Reduction) -> None:
        """From a picture between two that are measured, so that nobody gets one of another size."""
        try:
            pixels, captured = source.read(WHOLE, True)
        except ReplyTimeout:  # none came: the next time, then
            return
        except BadReply:  # grab() says so, if it goes on
            reduction.learn(None, self._host.now())
            return
        if captured > self._last:
            self._last, self.came = captured, self._host.now()
            reduction.learn(pixels, self.came)

    def stamps(self) -> Sequence[Stamp]:
        """Every packet since the last call."""
        return self._source.stamps() if self._source is not None else ()

    def describe(self) -> dict[str, str]:
        """What the source knows of itself, how many ``frames`` came in so far (shown or skipped), how many of them were
        coded by themselves (``keys``, where it tells), and what decoding them at a reduced size costs."""
        if self._source is None:
            return {}
        return {**self._source.describe(), **({} if self.price is None else {"reduced_by": str(self.price)})}

    @property
    def stable(self) -> str:
        """The camera's name that survives replugging, or its address as people may see it."""
        path = device(self._options.source)
        same = (each.stable for each in self._host.video_devices() if path and path in (each.device, each.stable))
        return next(same, shown_url(self._options.source))

    def controls(self) -> Controls:
        """Its knobs. NotSupported: it has none that can be reached from here."""
        return self._host.controls(self._options.source)

    def close(self) -> None:
        self._closed += 1
        source, self._source, self._given_up = self._source, None, None
        if source is not None:
            source.close()

    def checks(self) -> Sequence[Check]:
        """CAM-01…05, CAM-12, and CAM-07…10 where there is a reference picture; at full size."""
        watch = checks.Watch(lambda: self.grab(detail=True), self.describe, self._host.now, self.reference)
        return checks.all_of(watch, shown_url(self._options.source), self._options.size, self._options.fps)


def _make(options: OpenCVOptions, host: Host) -> OpenCVCamera:
    return OpenCVCamera(options, host)


SPEC = DriverSpec(
    name="opencv",
    kind=Kind.CAMERA,
    options=OpenCVOptions,
    make=_make,
    twin="drivers.virtual.camera:camera_twin",
    example={"source": "/dev/video0"},
)
