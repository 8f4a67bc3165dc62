"""Light transport from pictures, and its file."""

import json
import math

import numpy as np
import pytest

from agent.exposure.transport.file import BadTransport, read, write
from agent.exposure.transport.matrix import (
    ZONES,
    Change,
    Series,
    Shot,
    arrival,
    change_of,
    delay_of,
    noise_of,
    reach_of,
    repeats,
    series,
    zones_of,
)
from drivers.camera.metrics import COLUMNS, ROWS, measure
from tests.agent.exposure.optical import AMBIENT, BACK, FILL, KEY, NOISE, pictures, transport

LOOK = AMBIENT + 0.5 * (KEY + FILL + BACK)
SIGMA = np.full(ZONES, NOISE)


def stepped(random, light=KEY, step=0.075, drift=0.0):
    """A–B–A at 0, 5 and 10 s; the room's light grows by ``drift`` of itself a second."""

    def room(at):
        return LOOK + AMBIENT * drift * at

    times = (0.0, 5.0, 10.0)
    before, between, after = (
        pictures(random, room(at + 0.75) + (light * step if at == 5.0 else 0.0), at) for at in times
    )
    return change_of(before, between, after, step, SIGMA), repeats(before, between, after, SIGMA)


def test_a_column_is_what_the_lamp_gives_whatever_the_daylight_does_meanwhile():
    random = np.random.default_rng(1)
    for drift in (0.0, 0.1, -0.05):
        change, sure = stepped(random, drift=drift)
        error = (change.response - KEY) * change.level / change.sigma
        assert np.sqrt((error**2).mean()) < 1.2, "off by more than its own noise"
        assert drift or np.sqrt((error**2).mean()) > 0.8
        assert sure > 50


def test_a_lamp_that_does_nothing_does_not_repeat_itself_not_even_in_changing_daylight():
    random = np.random.default_rng(2)
    assert max(stepped(random, KEY * 0, drift=drift)[1] for drift in (0.0, 0.3, -0.3) for _ in range(20)) < 5
    weak = stepped(random, BACK * 0.05)[1]
    assert weak > 5, "a lamp of a twentieth, in a corner, is one all the same"


def test_one_flash_is_no_answer():
    random = np.random.default_rng(3)
    before, between, after = (pictures(random, LOOK, at) for at in (0.0, 5.0, 10.0))
    between.zones[3] += 0.2 * KEY
    assert repeats(before, between, after, SIGMA) < 8 < stepped(random)[1]


def test_noise_is_told_from_drift_and_a_restless_zone_is_noisy():
    random = np.random.default_rng(4)
    seen = pictures(random, LOOK, count=40)
    drifting = seen.zones + np.linspace(0, 0.05, 40)[:, None]
    drifting[:, 7] += np.where(np.arange(40) % 2, 0.02, -0.02)
    found = noise_of(Series(seen.times, drifting))
    assert np.delete(found, 7) == pytest.approx(np.full(ZONES - 1, NOISE), rel=0.5)
    assert np.median(found) == pytest.approx(NOISE, rel=0.1)
    assert found[7] > 0.02


def test_what_is_clipped_is_unknown_and_what_is_faulty_is_left_out():
    bright = LOOK.copy()
    bright[20] = 0.9
    found = series([Shot(0.0, bright), Shot(0.1, bright, fault="black"), Shot(0.2, bright)])
    assert len(found) == 2
    assert np.isnan(found.mean[20])
    assert np.isfinite(np.delete(found.mean, 20)).all()
    assert len(series([Shot(0.0, bright, fault="frozen")])) == 0


@pytest.mark.parametrize("size", [(1080, 1920), (90, 160), (200, 317)])
def test_a_zone_with_sparks_in_it_is_unknown_and_its_neighbours_are_not(size):
    height, width = size
    picture = np.full((height, width, 3), 90, np.uint8)
    top, left = height * 4 // ROWS, width * 10 // COLUMNS
    picture[top + 2 : top + height // ROWS - 2, left + 2 : left + width // COLUMNS // 2, 1] = 255
    zones = zones_of(measure(picture, 0.18))
    assert np.flatnonzero(np.isnan(zones)).tolist() == [4 * COLUMNS + 10]


@pytest.mark.parametrize("wait", [0.08, 0.31, 0.9])
@pytest.mark.parametrize("ramp", [0.0, 0.4])
def test_the_delay_is_that_of_the_ramp(wait, ramp):
    random = np.random.default_rng(5)
    found = []
    for phase in np.linspace(0, 0.12, 7):
        times = phase + 0.125 * np.arange(24)
        share = np.clip((times - 0.5 - wait) / max(ramp, 1e-6), 0, 1)
        zones = LOOK + share[:, None] * KEY * 0.075 + random.normal(0, NOISE, (24, ZONES))
        zones[int(random.integers(24))] *= 1.2  # a passing shadow, a lost picture
        change = Change(KEY * 0.075, SIGMA / 3, 0.075, np.zeros(ZONES))
        found.append(arrival(Series(times, zones), 0.5, 0.5 + ramp, LOOK, change))
    delay = delay_of([each for each in found if each], 0.125)
    assert delay.seconds == pytest.approx(wait, abs=0.02)
    assert delay.samples == math.ceil(wait / 0.125 - 0.1)


def test_zones_that_clip_only_on_the_way_do_not_hide_the_delay():
    random = np.random.default_rng(7)
    times = 0.125 * np.arange(24)
    share = np.clip((times - 0.5 - 0.3) / 0.4, 0, 1)
    zones = LOOK + share[:, None] * KEY * 0.075 + random.normal(0, NOISE, (24, ZONES))
    zones[9, KEY > 0.3] = np.nan
    found = arrival(Series(times, zones), 0.5, 0.9, LOOK, Change(KEY * 0.075, SIGMA / 3, 0.075, np.zeros(ZONES)))
    assert found is not None
    assert found[0] == pytest.approx(0.3, abs=0.03)


def test_no_delay_is_made_up_from_noise():
    random = np.random.default_rng(6)
    weak = Change(KEY * 1e-6, SIGMA / 3, 0.075, np.zeros(ZONES))
    assert arrival(pictures(random, LOOK, count=24), 0.5, 0.9, LOOK, weak) is None
    strong = Change(KEY * 0.075, SIGMA / 3, 0.075, np.zeros(ZONES))
    flat = pictures(random, LOOK + KEY * 0.04, count=24)
    assert arrival(flat, 0.5, 0.9, LOOK, strong) is None, "half way up and staying there is no ramp"
    assert delay_of([], 0.1) is None
    assert delay_of([(0.2, 0.01), (0.9, 0.01), (1.6, 0.01)], 0.1) is None, "they do not agree"


def test_reach_says_what_a_lamp_can_do_to_the_reference_zones():
    whole = transport()
    levels = np.full(3, 0.5)
    key, fill, _ = reach_of(whole.matrix, whole.ambient, whole.reference, levels, [(0.0, 1.0), (0.25, 1.0), (0.5, 0.5)])
    lit = whole.predict(levels)[whole.reference].mean()
    up = whole.predict(np.array([1.0, 0.5, 0.5]))[whole.reference].mean()
    assert key.up == pytest.approx(math.log2(up / lit))
    assert key.down < fill.down < 0 < fill.up < key.up
    assert key.share == pytest.approx(0.5 * KEY[whole.reference].mean() / lit)


def test_what_is_written_is_read():
    before = transport()
    before.matrix[17, 1] = math.nan
    after = read(write(before))
    assert after.fixtures == before.fixtures
    assert (after.camera, after.at, after.delay, after.reach) == (before.camera, before.at, before.delay, before.reach)
    assert after.controls == before.controls
    np.testing.assert_allclose(after.matrix, before.matrix, rtol=1e-5)
    np.testing.assert_allclose(after.ambient, before.ambient, rtol=1e-5)
    np.testing.assert_array_equal(after.reference, before.reference)
    assert after.known.sum() == ZONES - 1


def spoilt(key, value):
    content = json.loads(write(transport()))
    content[key] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe{}",
        b"[]",
        b'{"v": 1}',
        write(transport())[:-40],
        spoilt("v", 2),
        spoilt("kind", "baseline"),
        spoilt("ambient", [0.0] * 143),
        spoilt("fixtures", []),
        spoilt("fixtures", json.loads(write(transport()))["fixtures"][:1] * 2),
        spoilt("delay_seconds", -1),
        spoilt("noise", [1e999] + [0.0] * 143),
        spoilt("more", 1),
    ],
)
def test_another_file_is_one_clear_error(content):
    with pytest.raises(BadTransport, match=r"no light transport of version 1: .+") as refused:
        read(content)
    assert "\n" not in str(refused.value)
