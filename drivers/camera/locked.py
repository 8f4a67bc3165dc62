"""What a camera was locked to: as a small file, and put back when the camera returns. Pure but for the controls."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.errors import BadReply, NotSupported, Refused
from drivers.host import Controls

MANUAL = "auto_exposure"
"""The switch everything hangs on: V4L2 menu 0 automatic, 1 manual, 2 shutter priority, 3 aperture priority. Webcams
have 1 and 3."""

ORDER = (
    MANUAL,
    "gain_automatic",
    "brightness_automatic",
    "exposure_dynamic_framerate",
    "exposure_time_absolute",
    "gain",
    "white_balance_automatic",
    "white_balance_temperature",
    "red_balance",
    "blue_balance",
    "hue_automatic",
    "power_line_frequency",
    "focus_automatic_continuous",
    "focus_absolute",
    "backlight_compensation",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "gamma",
    "sharpness",
    "zoom_absolute",
    "pan_absolute",
    "tilt_absolute",
)
"""What makes a picture, in the order it is written: a switch before what it frees."""
SWITCHES = (
    "gain_automatic",
    "brightness_automatic",
    "exposure_dynamic_framerate",
    "white_balance_automatic",
    "hue_automatic",
    "focus_automatic_continuous",
)
"""What changes the picture by itself while it is 1."""


@dataclass(frozen=True, slots=True)
class Locked:
    """``camera``: its stable name. ``values``: by control, of those in ``ORDER`` it has. ``notes``: what could not be
    locked, or not be shown to be, for people."""

    camera: str
    values: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())


def to_json(locked: Locked) -> bytes:
    said = {"version": 1, "camera": locked.camera, "values": dict(locked.values), "notes": list(locked.notes)}
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def from_json(content: bytes) -> Locked:
    """ValueError: it is none, or of a later version."""
    try:
        said = json.loads(content)
        version, camera, values, notes = said["version"], said["camera"], said["values"], said["notes"]
        sound = isinstance(camera, str) and all(type(value) is int for value in values.values())
        sound = sound and all(isinstance(note, str) for note in notes)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no locked set: {error}") from None
    if version != 1 or not sound or not values:
        raise ValueError("this is no locked set of version 1")
    return Locked(camera, values, tuple(notes))


def file_name(camera: str) -> str:
    """For a camera's stable name: readable, and of its own."""
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', camera).strip('-.')[-80:]}-{zlib.crc32(camera.encode()):08x}.json"


def restore(controls: Controls, locked: Locked) -> tuple[str, ...]:
    """Put a camera back to what it was locked to; what did not come out as it was, for people. Everything is written,
    whatever the camera says it is: what it says may be old. LinkLost, DeviceMissing."""
    there = {control.name for control in controls.list()}
    wrong = [f"{name}: the camera has it no more" for name in locked.values if name not in there]
    for name in ORDER:
        if name not in locked.values or name not in there:
            continue
        try:
            controls.write(name, locked.values[name])
            said = controls.read(name)
        except (Refused, BadReply, NotSupported) as error:
            wrong.append(f"{name}: {error.reason}")
            continue
        if said != locked.values[name]:
            wrong.append(f"{name}: set to {locked.values[name]}, it says {said}")
    return tuple(wrong)
