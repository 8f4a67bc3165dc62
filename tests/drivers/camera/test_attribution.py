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


@pytest.mark.parametrize("gone", [False, True])
def test_somebody_who_steps_in_during_a_commanded_fade_changes_nothing_of_its_cause(gone: bool) -> None:
    """And a camera that takes the picture back meanwhile is not that lamp."""
    random = np.random.default_rng(3)
    room = Room.made(random, name="coffee")
    at = Moment(dict.fromkeys(room.fields, 0.4), gain=0.5)
    before = [shoot(room, at, random) for _ in range(6)]
    after = at.but(levels={**at.levels, "lamp-1": 0.55}, person=(60, 30), gain=0.25 if gone else 0.5)
    columns = {lamp: zone_light(room, at, lamp) for lamp in room.fields}
    asked = Lamps(columns, moved={"lamp-1": (0.4, 0.55)})
    seen = view([shoot(room, after, random) for _ in range(3)])
    assert (attribute(view(before), seen, asked, noise(before), 0.4).cause is Cause.LAMP) is not gone


def zone_light(room: Room, at: Moment, lamp: str) -> np.ndarray:
    """Luminance of every zone per unit of the lamp's level, at the moment's gain."""
    dark = dict.fromkeys(room.fields, 0.0)
    random = np.random.default_rng(9)
    lit, out = (
        np.exp2(view([shoot(room, at.but(levels={**dark, lamp: level}), random) for _ in range(4)]).zones[1])
        for level in (1.0, 0.0)
    )
    return np.nan_to_num(lit.astype(np.float64) - np.nan_to_num(out))


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


def test_somebody_who_walks_before_a_plain_wall_has_not_moved_the_camera() -> None:
    """Nearly all the structure is theirs; some faint marks on the wall stand still, and most zones have their light."""
    random = np.random.default_rng(7)
    wall = np.full((36, 64), 90.0)
    wall[:, ::9] += 6
    wall[::7] -= 6
    presenter = 90 + random.normal(0, 25, (30, 30))
    zones = random.normal(-3, 0.3, (3, 9, 16)).astype(np.float32)
    views = []
    for at in (14, 19):
        grey = wall.copy()
        grey[6:, at : at + 30] = presenter
        lit = zones.copy()
        lit[:, 4:, at // 4 : at // 4 + 2] += 0.4
        views.append(View(lit, np.clip(np.rint(grey), 0, 255).astype(np.uint8)))
    found = attribute(*views, Lamps(), np.full((3, 9, 16), 0.004, np.float32), 0.8)
    assert found.cause is Cause.SOMEBODY, found
