"""The probe: does the picture follow the lights, or does the camera correct them away? Pure.

    lights + 0.3 stop (on air 0.1)     honest camera: lit zones rise, others stay
                                       auto exposure: the picture as a whole comes back, so zones that these lights
                                                      hardly light *fall*, though nobody took light from them
                                       no effect:     nothing rises

Only zones that stood still before are believed: a person who moves is no evidence. Figures behind the limits: a real
auto exposure moved 40 static zones by −0.07 stop with 0.004 between their quartiles; a static zone rests within 0.0013
stop from picture to picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from agent.exposure.camera.glance import ZoneLight

STEP_OFF_AIR = 0.3
STEP_ON_AIR = 0.1
"""Stops. On air below what people notice (0.10 stop, Hu and Davis 2016)."""
PICTURES = 4
"""So many before and after."""
STILL = 0.03
"""Stops (standard deviation) a zone may wander between the pictures before it counts as moving."""
ENOUGH = 12
"""Static zones needed for a verdict."""
DARK, BRIGHT = 0.004, 0.85
"""Linear light below which a zone says nothing, and above which it may be clipped."""
EFFECT = 0.15
"""Share of the step that the best lit tenth of the zones must show."""
FALLEN, SIGMAS, PART = 0.010, 4.0, 0.2
"""The least lit tenth has fallen when it did so by this many stops, this many standard errors, and this part of the
spread between the best and the least lit."""

ABSENT = 0.3
"""Share of what commissioning predicts below which the light did not do it."""
TAKEN = 0.3
"""Share of the predicted change that the whole picture lost again: more than lamps age or curtains move in 2 s."""
CLEAR = 0.55
"""Share of it that an automatic exposure surely takes back within the second."""
MORE = 2.5
"""Times the predicted change beyond which it was a cloud: no camera takes back much more than it was given."""
ALIKE = 0.35
"""Part of what was taken back by which the zones' quartiles may differ for it to be the camera's doing."""
DRIFT = 0.5
"""Share of the effect that a drift may be: a line through the last second says little of what comes seconds later, and
an auto exposure that still comes back from the move before looks like one."""

WHOLE = 0.8
"""Share of the lamp's own pattern that must have come for what is missing to be the camera's: else the lamp is old."""
PARTLY, SURER = 0.12, 6.0
"""Share of the predicted change, and standard errors, that lights *and* room must have lost for a camera that takes
back only a part of it: a locked one shows 0.03, one that goes half the way 0.23 after the second that a probe takes."""
CLOUD, SURE = 3.0, 0.1
"""So many times what the lights lost must the room have changed by to be a cloud; share of the predicted change to
which the lights' part must be known under it."""

Verdict = Literal["follows", "camera-auto-exposure", "no-effect", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Judged:
    """``evidence``: stops by which the best and the least lit tenth of the static zones changed in the direction of
    the step, the standard error of a zone, and how many zones were static."""

    verdict: Verdict
    evidence: Mapping[str, float]


def judge(
    before: Sequence[ZoneLight],
    after: Sequence[ZoneLight],
    step: float,
    predicted: ZoneLight | None = None,
    drift: float = 0.0,
    room: ZoneLight | None = None,
) -> Judged:
    """Zones of pictures before and after one light was moved by ``step`` stops (its sign counts). ``predicted``: stops
    by which each zone should have changed, where that has been measured; ``drift``: stops the picture as a whole would
    have changed meanwhile, had it gone on as before (a cloud); ``room``: share of each zone that is the room's light,
    where that is known: then a camera and a cloud are told apart whatever part the camera takes back."""
    was, became = np.log2(np.maximum(before, 1e-5)), np.log2(np.maximum(after, 1e-5))
    level = np.exp2(np.minimum(was.mean(axis=0), became.mean(axis=0)))
    high = np.exp2(np.maximum(was.mean(axis=0), became.mean(axis=0)))
    wander = np.maximum(was.std(axis=0), became.std(axis=0))
    with np.errstate(invalid="ignore"):
        static = (wander < STILL) & (level > DARK) & (high < BRIGHT)  # never one that is NaN: clipped
    if predicted is not None:
        static &= np.isfinite(predicted)
    if room is not None:
        static &= np.isfinite(room)
    count = int(static.sum())
    if count < ENOUGH:
        return Judged("inconclusive", {"step": step, "static_zones": float(count)})
    change = ((became.mean(axis=0) - was.mean(axis=0))[static] - drift) * (1 if step > 0 else -1)
    error = float(np.median(wander[static])) * (1 / len(before) + 1 / len(after)) ** 0.5
    whole = abs(float(np.median(predicted[static]))) if predicted is not None else EFFECT * abs(step)
    taken = None
    if predicted is not None and room is not None:
        missing = predicted[static] - (became.mean(axis=0) - was.mean(axis=0))[static]
        taken = _taken(missing * (1 if step > 0 else -1), np.asarray(room)[static], error)
        said = {"step": step, "lights_lost": round(taken.lights, 4), "room_lost": round(taken.room, 4)}
        if taken.cloud:
            # what the lights gave is known all the same, whatever came from the room besides
            fine = taken.lights < TAKEN * whole and taken.lights_error < SURE * whole
            return Judged("follows" if fine else "inconclusive", said | {"static_zones": float(count)})
    if abs(drift) > max(DRIFT * whole, FALLEN):
        return Judged("inconclusive", {"step": step, "drift": round(drift, 4), "static_zones": float(count)})
    if predicted is not None:
        return _against(predicted[static] * (1 if step > 0 else -1), change, error, step, drift, taken)
    least, best = np.percentile(change, [10, 90]).tolist()
    evidence = {
        "step": step,
        "best_lit": round(best, 4),
        "least_lit": round(least, 4),
        "error": round(error, 4),
        "drift": round(drift, 4),
        "static_zones": float(count),
    }
    if best - least >= EFFECT * abs(step) and least < -max(FALLEN, SIGMAS * error, PART * (best - least), abs(drift)):
        return Judged("camera-auto-exposure", evidence)
    if best < max(EFFECT * abs(step), SIGMAS * error):
        return Judged("no-effect", evidence)
    return Judged("follows", evidence)


def _against(
    predicted: ZoneLight, change: ZoneLight, error: float, step: float, drift: float, taken: "Taken | None"
) -> Judged:
    """Where it is known what should have come: the whole picture is darker than that by a common amount when the camera
    takes it back; what is left of the light's own pattern says whether it came at all."""
    pattern = predicted - predicted.mean()
    power = float(pattern @ pattern)
    low, took, high = np.percentile(predicted - change, [25, 50, 75]).tolist()
    whole = float(np.median(predicted))
    # a light that lights all zones alike has no pattern of its own: then only its whole tells
    share = (
        float(pattern @ change) / power if power > len(predicted) * (3 * error) ** 2 else 1 - took / max(whole, 1e-6)
    )
    evidence = {
        "step": step,
        "predicted": round(whole, 4),
        "taken_back": round(took, 4),
        "spread": round(high - low, 4),
        "share": round(share, 3),
        "error": round(error, 4),
        "drift": round(drift, 4),
        "static_zones": float(len(predicted)),
    }
    if taken is not None:
        evidence |= {"lights_lost": round(taken.lights, 4), "room_lost": round(taken.room, 4)}
        if share >= WHOLE and taken.camera(PARTLY * whole):
            return Judged("camera-auto-exposure", evidence)
    if took > MORE * max(whole, FALLEN):
        return Judged("inconclusive", evidence)
    if share < ABSENT:
        # all of it is missing, or it came in another pattern, for somebody moved: that is looked at again
        return Judged("no-effect" if took >= (1 - ABSENT) * whole else "inconclusive", evidence)
    if took > max(FALLEN, SIGMAS * error, TAKEN * whole, abs(drift)):
        # a camera takes the same from every zone and most of it; a cloud takes more from where daylight is, and what
        # it likes: that is looked at again
        alike = high - low <= max(ALIKE * took, SIGMAS * error) and took >= CLEAR * whole
        return Judged("camera-auto-exposure" if alike else "inconclusive", evidence)
    return Judged("follows", evidence)


class Taken(NamedTuple):
    """Stops that the lights' part of the picture and the room's part have lost, and the standard error of each. A
    camera takes the same from both, a cloud from the room alone, an old lamp gives less of its own pattern."""

    lights: float
    room: float
    lights_error: float
    room_error: float

    @property
    def cloud(self) -> bool:
        lights = max(abs(self.lights), SURER * self.lights_error)
        return abs(self.room) > CLOUD * lights and abs(self.room) > max(FALLEN, SURER * self.room_error)

    def camera(self, least: float) -> bool:
        """Whether it is the camera's doing; ``least``: stops that count at all."""
        return self.lights > max(least, SURER * self.lights_error) and 0.5 <= self.room / self.lights <= 2.0


def _taken(missing: ZoneLight, room: ZoneLight, error: float) -> Taken:
    """What is missing in each zone, as lights that lost so many stops and a room that lost so many. Least absolute
    deviations by reweighting: somebody who moves is no evidence."""
    rows = np.column_stack([1 - room, room])
    weight = np.ones(len(missing))
    for _ in range(6):
        found, *_ = np.linalg.lstsq(rows * weight[:, None], missing * weight, rcond=None)
        weight = 1 / np.sqrt(np.maximum(np.abs(missing - rows @ found), max(error, 1e-4)))
    off = float(np.median(np.abs(missing - rows @ found))) * 1.5
    spread = np.sqrt(np.diag(np.linalg.pinv(rows.T @ rows))) * max(error, off)
    return Taken(float(found[0]), float(found[1]), float(spread[0]), float(spread[1]))
