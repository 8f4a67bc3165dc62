"""Arguments of the verbs of the automatic fill light and its cameras. Pure."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from agent.messaging.strict import TARGETS, Strict, Targets
from config.units import Luminance, Name


class ExposureSet(Strict):
    """Automatic fill light: watch (off), advise, or hold; the target as linear luminance. *hold* first makes sure that
    the picture follows the lights (a step of 0.3 stop, on air 0.1); lights nobody holds any more are handed back."""

    mode: Literal["watch", "advise", "hold"] = Field(description="watch: measure only; hold: moves lights.")
    target: Luminance | None = Field(None, description="Linear luminance; without: as it is.")


class ExposureRelease(Strict):
    """Take the automatic fill light's hands off: it lets go of its lights, which hold what they show."""

    mode: Literal["watch", "advise"] = Field("watch", description="What it does from now on.")


class ExposureHandback(Strict):
    """Give lights that a person or a console took out of the automatic fill light back to it. It goes on from what they
    show. A person's claim on a light that is named ends; without targets: all that nobody holds any more."""

    targets: Targets | None = Field(None, description=TARGETS)


class ExposureCommission(Strict):
    """Measure what each light of the automatic fill light does to the picture, and how late: under a minute for four.
    With people before the camera no light moves by more than 15 %. It says why when it cannot be done: auto exposure
    on, a scene that moves, a light that does nothing."""

    empty: bool = Field(False, description="Nobody is on the set: larger steps, better figures.")


class ExposureProve(Strict):
    """Step each light of the automatic fill light by a tenth of what it shows, and look in the picture who answers:
    dead, dim, swapped, two on one address. They must have been commissioned; people may stay. About 6 s a light."""


class CameraThumbnail(Strict):
    """A small picture of what a camera shows, as JPEG in base64, to the reply topic of who asks only. Only where the
    configuration lets it (`thumbnails`); who asked is in the audit. All else the agent says of pictures is numbers."""

    camera: Name = Field(description="Its name.")
    width: Annotated[int, Field(ge=16, le=240)] = Field(160, description="Pixels, at most.")


class CameraLock(Strict):
    """Switch a camera's automatics off, keep the exposure, gain and white balance they had found, and show by the
    picture that they hold. It is kept, and put back when the camera returns. The picture darkens once."""

    camera: Name = Field(description="Its name.")
    mains: Literal[0, 50, 60] = Field(0, description="Hertz of lamps that flicker with the mains; 0: none do.")


class CameraMeasure(Strict):
    """One picture in numbers: light by zone, histogram, percentiles, colour, focus, presenter, the reference
    zones (those the loop goes by; none before it was commissioned), and the statistics a waveform monitor shows.
    Numbers only."""

    camera: Name = Field(description="Its name.")


class CameraReference(Strict):
    """Take the picture as it is now as what it should be: a camera that is moved, out of focus, noisier or of another
    colour is told from then on. It stays on this machine."""

    camera: Name = Field(description="Its name.")


class CameraCalibrate(Strict):
    """Measure a camera's own curve by exposure steps of known size: stops become true for it. Its automatics must be
    off (`camera.lock`), and nothing may move."""

    camera: Name = Field(description="Its name.")


ARGS: Mapping[str, type[Strict]] = {
    "exposure.set": ExposureSet,
    "exposure.release": ExposureRelease,
    "exposure.handback": ExposureHandback,
    "exposure.commission": ExposureCommission,
    "exposure.prove": ExposureProve,
    "camera.thumbnail": CameraThumbnail,
    "camera.lock": CameraLock,
    "camera.measure": CameraMeasure,
    "camera.reference": CameraReference,
    "camera.calibrate": CameraCalibrate,
}
