"""Reference zones of a drawn room: a wall, a window, a dark corner, and somebody who moves."""

import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.metrics import COLUMNS, ROWS, linear_to_srgb, measure
from drivers.camera.references import EVERY, FEWEST_ENTRIES, FEWEST_ZONES, KEPT, Record

SIDE = 20
"""Pixels of a zone."""
MOVER = np.s_[3:9, 5:11]
WINDOW = np.s_[0:2, 0:3]
CORNER = np.s_[7:9, 0:2]
PRESENTER = np.s_[2:4, 12:14]


def mask(*parts: tuple[slice, slice]) -> np.ndarray:
    found = np.zeros((ROWS, COLUMNS), np.bool_)
    for part in parts:
        found[part] = True
    return found


def picture(number: int, light: float = 1.0, moving: bool = True) -> Picture:
    random = np.random.default_rng(number)
    zones = np.full((ROWS, COLUMNS), 0.2) * np.linspace(1.3, 0.7, COLUMNS)
    if moving:
        zones[MOVER] *= 2 ** random.uniform(-0.5, 0.5, zones[MOVER].shape)
    zones[CORNER] = 0.0
    scene = np.kron(zones * light, np.ones((SIDE, SIDE)))
    scene[: 2 * SIDE, : 3 * SIDE : 4] = 5.0  # bars of a window: the zone's mean is not white
    codes = 255 * linear_to_srgb(np.clip(scene, 0, 1)) + 1.5 * random.standard_normal(scene.shape)
    return np.repeat(np.clip(np.round(codes), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def filled(entries: int = 40, light: list[float] | None = None, moving: bool = True) -> Record:
    record = Record()
    presenter = mask(PRESENTER)
    for number in range(entries):
        pixels = picture(number, light[number] if light else 1.0, moving)
        assert record.add(measure(pixels, 0.18), presenter, number * EVERY)
    return record


def test_what_stands_still_and_shows_the_light_is_chosen() -> None:
    found = filled().choose()
    assert found.refused is None
    assert found.mask is not None
    assert np.array_equal(found.mask, ~mask(MOVER, WINDOW, CORNER, PRESENTER))
    assert found.evidence["moving"] >= mask(MOVER).sum()
    assert found.evidence["clipped"] == mask(WINDOW).sum()
    assert found.evidence["crushed"] == mask(CORNER).sum()
    assert found.evidence["presenter"] == mask(PRESENTER).sum()
    assert found.evidence["chosen"] == found.mask.sum()
    assert found.evidence["spread"] < 0.005


def test_light_that_changes_for_all_zones_is_no_movement() -> None:
    daylight = [1 + 0.4 * number / 39 for number in range(40)]  # half a stop
    found = filled(light=daylight).choose()
    assert found.mask is not None
    assert np.array_equal(found.mask, ~mask(MOVER, WINDOW, CORNER, PRESENTER))
    assert found.evidence["common"] > 0.1
    assert found.evidence["spread"] < 0.01


def test_somebody_who_passes_once_does_not_cost_a_zone() -> None:
    record = Record()
    for number in range(60):
        pixels = picture(number).copy()
        if number in (20, 21):
            pixels[:, 11 * SIDE : 15 * SIDE] = 60
        record.add(measure(pixels, 0.18), mask(PRESENTER), number * EVERY)
    found = record.choose()
    assert found.mask is not None
    assert np.array_equal(found.mask, ~mask(MOVER, WINDOW, CORNER, PRESENTER))


def test_of_the_static_zones_those_the_key_light_lights() -> None:
    response = np.zeros((ROWS, COLUMNS))
    response[:, 9:] = np.linspace(0.2, 1.0, COLUMNS - 9)
    found = filled().choose(response)
    assert found.mask is not None
    assert not found.mask[:, :10].any()
    assert found.mask[:, 15].all()
    assert found.evidence["unlit"] > 10
    assert found.evidence["unlit"] + found.evidence["chosen"] == found.evidence["static"]
    for bad in (np.zeros((3, 3)), np.full((ROWS, COLUMNS), np.nan)):
        with pytest.raises(ValueError, match="9 x 16 finite"):
            filled().choose(bad)


def test_a_handful_is_needed() -> None:
    nothing = filled().choose(np.zeros((ROWS, COLUMNS)))
    assert nothing.mask is None
    assert nothing.refused is not None
    assert "key light" in nothing.refused.en
    assert "主光" in nothing.refused.zh
    few = np.zeros((ROWS, COLUMNS))
    few[0, 4 : 4 + FEWEST_ZONES - 1] = 1
    assert filled().choose(few).mask is None
    few[0, 4 : 4 + FEWEST_ZONES] = 1
    chosen = filled().choose(few)
    assert chosen.mask is not None
    assert chosen.mask.sum() == FEWEST_ZONES


def test_a_shaken_camera_a_white_and_a_black_picture_have_none() -> None:
    random = np.random.default_rng(1)
    texture = random.integers(30, 220, (9 * SIDE + 99, 16 * SIDE + 99, 3), dtype=np.uint8)
    shaken, white, black = Record(), Record(), Record()
    for number in range(30):
        x, y = random.integers(0, 90, 2)
        coarse = np.kron(texture[y : y + 18, x : x + 32], np.ones((10, 10, 1), np.uint8))
        shaken.add(measure(coarse, 0.18), None, number * EVERY)
        white.add(measure(np.full((180, 320, 3), 255, np.uint8), 0.18), None, number * EVERY)
        black.add(measure(np.zeros((180, 320, 3), np.uint8), 0.18), None, number * EVERY)
    for record, why in ((shaken, "moves"), (white, "clipped"), (black, "black")):
        found = record.choose()
        assert found.mask is None
        assert found.refused is not None
        assert why in found.refused.en


def test_a_few_seconds_say_nothing_and_a_minute_is_enough() -> None:
    short = filled(FEWEST_ENTRIES - 1).choose()
    assert short.mask is None
    assert short.refused is not None
    assert short.evidence == {"entries": FEWEST_ENTRIES - 1}
    assert filled(FEWEST_ENTRIES).choose().mask is not None
    record = Record()
    seen = measure(picture(0), 0.18)
    assert record.add(seen, None, 5.0)
    assert not record.add(seen, None, 5.0 + 0.9 * EVERY)
    for number in range(2 * KEPT):
        record.add(seen, None, 10 + number * EVERY)
    assert len(record) == KEPT
