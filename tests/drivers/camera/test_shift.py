"""A camera that was bumped, over photographs lit in many ways, with somebody who walks about in front."""

import numpy as np
import pytest

from drivers.camera.metrics import sample
from drivers.camera.shift import HEIGHT, WIDTH, compare, thumbnail
from tests.drivers.camera.relit import HEIGHT as TALL
from tests.drivers.camera.relit import WIDTH as WIDE
from tests.drivers.camera.relit import Moment, Room, shoot

TRIALS = 30
NAMES = ("astronaut", "chelsea", "coffee", "coins", "camera")


def pair(name: str, random: np.random.Generator, aim: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two thumbnails: other lamps, another exposure, somebody elsewhere; turned by ``aim`` pixels."""
    room = Room.made(random, name=name)
    shots = []
    for turned in ((0, 0), aim):
        levels = {lamp: random.uniform(0.1, 0.9) for lamp in room.fields}
        moment = Moment(levels, gain=random.uniform(0.35, 0.9), aim=turned, person=(int(random.integers(45, 75)), 35))
        shots.append(thumbnail(sample(shoot(room, moment, random))))
    return shots[0], shots[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_bump_is_measured_and_light_and_people_are_none(name: str) -> None:
    random = np.random.default_rng(3)
    wrong = []
    for trial in range(TRIALS):
        aim = (
            (0, 0) if trial % 2 else (int(random.choice([-1, 1]) * random.integers(6, 13)), int(random.integers(-3, 4)))
        )
        found = compare(*pair(name, random, aim), TALL / WIDE)
        truth = (-100 * aim[0] / WIDE, -100 * aim[1] / WIDE)
        off = float(np.hypot(found.right - truth[0], found.down - truth[1]))
        agreed = found.agree >= 0.5 if trial % 2 == 0 else found.far < 1.0
        if off > 0.8 or not agreed or found.match < 0.4:
            wrong.append((aim, found))
    assert len(wrong) <= 1, wrong


def test_what_shows_nothing_says_nothing() -> None:
    bare = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert compare(bare, bare).tiles == 0
    assert np.isnan(compare(bare, bare).right)


def test_another_scene_matches_nowhere() -> None:
    random = np.random.default_rng(5)
    one, other = (
        thumbnail(sample(shoot(room := Room.made(random, name=name), Moment(dict.fromkeys(room.fields, 0.5)), random)))
        for name in ("coffee", "astronaut")
    )
    assert compare(one, other).match < 0.4
    assert compare(one, one).match > 0.99 and compare(one, one).far < 0.05


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too small to be compared"):
        thumbnail(np.zeros((3, 9, 16), np.uint8))


def test_a_presenter_who_walks_before_a_plain_wall_is_no_bump_though_most_tiles_follow() -> None:
    """Some faint marks on the wall are all that stands still."""
    random = np.random.default_rng(7)
    wall = np.full((HEIGHT, WIDTH + 16), 90.0)
    wall[:, ::9] += 6
    wall[::7] -= 6
    presenter = 90 + random.normal(0, 25, (HEIGHT, 30))

    def seen(at: int, turned: int = 0) -> np.ndarray:
        whole = wall.copy()
        whole[6:, 8 + at : 38 + at] = presenter[6:]
        return np.clip(np.rint(whole[:, 8 + turned : 8 + turned + WIDTH]), 0, 255).astype(np.uint8)

    walked, bumped = compare(seen(16), seen(21)), compare(seen(16), seen(16, turned=-5))
    assert walked.far > 3 and walked.agree >= 0.5 and walked.match >= 0.4  # as a bump has it
    assert walked.kept > 0
    assert bumped.far > 3 and bumped.agree >= 0.5 and bumped.kept == 0


def test_a_scene_that_is_hidden_for_the_most_part_is_still_that_scene() -> None:
    """At no shift does the middle fit: what stands at the sides says that it is no other picture."""
    random = np.random.default_rng(9)
    one = random.integers(40, 200, (HEIGHT, WIDTH), dtype=np.uint8)
    hidden, other = one.copy(), random.integers(40, 200, (HEIGHT, WIDTH), dtype=np.uint8)
    hidden[:, 12:] = other[:, 12:]
    assert compare(one, hidden).match < 0.4 and compare(one, hidden).kept >= 3
    assert compare(one, other).kept == 0


def test_somebody_else_before_a_plain_sky_is_no_other_scene() -> None:
    """All tiles that have structure are of who stands there; two towers at the sides, a little noisy, stand still."""
    random = np.random.default_rng(4)

    def seen() -> np.ndarray:
        whole = np.full((HEIGHT, WIDTH), 60.0)
        whole[4:, 5:60:52] += 40
        whole[2:, 14:50] = random.integers(30, 200, (HEIGHT - 2, 36))
        return np.clip(np.rint(whole + random.normal(0, 2, whole.shape)), 0, 255).astype(np.uint8)

    found = compare(seen(), seen())
    assert found.match < 0.15 and found.kept == 0  # as another scene has it
    assert found.same >= 3
    assert compare(random.integers(30, 200, (HEIGHT, WIDTH), np.uint8), seen()).same == 0
