"""Why a picture changed: seeded trials over relit photographs, and the corners."""

import numpy as np
import pytest

from drivers.camera.attribution import Cause, Lamps, View, attribute
from tests.drivers.camera.relit import Moment, Room, noise, shoot, view
from tests.drivers.camera.trials import KINDS, confusion

TRIALS = 25
MISSES = {"auto white balance": 2, "a lamp by itself": 2, "daylight": 1, "somebody": 1}
"""At most; of the others none. The benchmark has more trials."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_cause_is_named(kind: str) -> None:
    said = confusion(kind, TRIALS, seed=5)
    assert said["right"] >= TRIALS - MISSES.get(kind, 0), f"{kind}: {dict(said)}"


def test_a_commanded_lamp_that_nobody_commissioned_is_named_by_its_command() -> None:
    random = np.random.default_rng(1)
    room = Room.made(random, name="coffee")
    at = Moment(dict.fromkeys(room.fields, 0.4), gain=0.5)
    before = [shoot(room, at, random) for _ in range(6)]
    after = [shoot(room, at.but(levels={**at.levels, "lamp-1": 0.7}), random) for _ in range(3)]
    asked = Lamps(moved={"lamp-1": (0.4, 0.7)})
    found = attribute(view(before), view(after), asked, noise(before), 0.4)
    assert (found.cause, found.lamps, found.commanded) == (Cause.LAMP, ("lamp-1",), True)
    found = attribute(view(before), view(after), Lamps(), noise(before), 0.1)
    assert found.cause is Cause.OTHER_LIGHT


def test_evidence_has_the_numbers_a_person_would_check() -> None:
    random = np.random.default_rng(2)
    room = Room.made(random, name="astronaut")
    at = Moment(dict.fromkeys(room.fields, 0.4), gain=0.4)
    before = [shoot(room, at, random) for _ in range(6)]
    after = [shoot(room, at.but(gain=0.4 * 2**-0.07), random) for _ in range(3)]
    found = attribute(view(before), view(after), Lamps(), noise(before), 0.4)
    assert found.cause is Cause.AUTO_EXPOSURE
    assert found.stops == pytest.approx(-0.07, abs=0.005)
    assert found.evidence["quartiles"] < 0.02 and found.evidence["zones"] > 100


def test_a_picture_that_is_dark_or_clipped_says_nothing() -> None:
    zones, grey = np.full((3, 9, 16), np.nan, np.float32), np.zeros((36, 64), np.uint8)
    dark = View(zones, grey)
    assert attribute(dark, dark, Lamps(), np.full((3, 9, 16), 0.01, np.float32), 1.0).cause is Cause.UNKNOWN
