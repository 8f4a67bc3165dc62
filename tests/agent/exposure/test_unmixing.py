"""Which fixture answered: verdicts on sums of known lights."""

import math

import numpy as np
import pytest

from agent.exposure.transport.matrix import ZONES, Change
from agent.exposure.transport.unmixing import changed_columns, judge, permutation, unmix
from tests.agent.exposure.optical import AMBIENT, BACK, COLUMNS_OF_LIGHT, FILL, KEY, NOISE, spot, transport

STEP = 0.05
SIGMA = NOISE * math.sqrt(2 / 16)


def change(light, seed=1, step=STEP):
    random = np.random.default_rng(seed)
    return Change(light * step + random.normal(0, SIGMA, ZONES), np.full(ZONES, SIGMA), step, np.zeros(ZONES))


def kind(name, light, **more):
    return judge(name, change(light), transport(), **more).kind


@pytest.mark.parametrize("name", COLUMNS_OF_LIGHT)
@pytest.mark.parametrize("step", [STEP, -STEP])
def test_a_lamp_is_named_with_its_strength_up_or_down(name, step):
    found = unmix(change(COLUMNS_OF_LIGHT[name], step=step), transport())
    assert found.name == name
    assert found.level == pytest.approx(step, abs=4 * found.sigma)
    assert found.sigma < 0.02 * abs(step)
    assert math.copysign(found.cosine, step) == found.cosine
    assert abs(found.cosine) > 0.98
    assert found.misfit == pytest.approx(1.0, abs=0.4)


def test_clipped_zones_take_no_part():
    seen = change(KEY)
    seen.light[KEY > 0.3] = math.nan
    found = unmix(seen, transport())
    assert found.name == "key"
    assert found.level == pytest.approx(STEP, rel=0.05)
    seen.light[:] = math.nan
    with pytest.raises(ValueError, match="no zone"):
        unmix(seen, transport())


def test_a_restless_zone_hardly_counts():
    seen = change(FILL)
    moving = np.arange(40, 60)
    seen.light[moving] += 0.05
    believed = unmix(seen, transport())
    seen.sigma[moving] = 0.05
    found = unmix(seen, transport())
    assert found.name == "fill"
    assert found.level == pytest.approx(STEP, rel=0.03)
    assert believed.level != pytest.approx(STEP, rel=0.03), "the weight is what does it"


@pytest.mark.parametrize(
    ("expected", "light"),
    [
        ("ok", FILL),
        ("dead", FILL * 0),
        ("dim", FILL * 0.6),
        ("bright", FILL * 1.5),
        ("wrong-address", KEY),
        ("two-on-one", FILL + BACK),
        ("wrong-address", KEY + BACK),
        ("unknown", spot(1, 8, 4, 0.5)),
    ],
)
def test_verdicts(expected, light):
    for seed in range(30):
        answer = judge("fill", change(light, seed), transport())
        assert answer.kind == expected, (seed, answer)
    assert answer.said.en
    assert answer.said.zh


def test_the_verdict_names_who_answers_instead():
    swapped = judge("fill", change(KEY), transport())
    assert swapped.others == {"key": pytest.approx(1.0, abs=0.03)}
    assert "key" in swapped.said.en
    both = judge("fill", change(FILL + BACK), transport())
    assert both.own == pytest.approx(1.0, abs=0.05)
    assert both.others == {"back": pytest.approx(1.0, abs=0.1)}


def test_stuck_and_slow():
    assert kind("fill", FILL, stays=change(FILL * 0.9, 2)) == "stuck"
    assert kind("fill", FILL, stays=change(FILL * 0.02, 2)) == "ok"
    assert kind("fill", FILL, late=1.4) == "slow"
    assert kind("fill", FILL, late=0.3) == "ok"


def test_swapped_addresses_are_said_as_rings():
    answers = {
        "key": judge("key", change(FILL), transport()),
        "fill": judge("fill", change(BACK), transport()),
        "back": judge("back", change(KEY), transport()),
    }
    assert permutation(answers) == (("key", "fill", "back"),)
    answers["back"] = judge("back", change(BACK), transport())
    assert permutation(answers) == ()


def faulty(steps, ambient, given):
    """What is said when the columns are ``given`` now, under this room light."""
    whole = transport()
    levels = dict.fromkeys(whole.fixtures, 0.5)
    zones = ambient + sum(light * 0.5 for light in given.values())
    return changed_columns(whole, {name: change(given[name]) for name in steps}, zones, levels)


def test_daylight_changes_the_ambient_and_no_column():
    found = faulty(COLUMNS_OF_LIGHT, AMBIENT * 1.4, COLUMNS_OF_LIGHT)
    assert found.ambient_changed
    assert found.ambient == pytest.approx(math.log2(1.4), abs=0.02)
    assert not found.columns


def test_a_fault_changes_one_column_and_not_the_ambient():
    found = faulty(COLUMNS_OF_LIGHT, AMBIENT, COLUMNS_OF_LIGHT | {"fill": FILL * 0.7})
    assert {name: answer.kind for name, answer in found.columns.items()} == {"fill": "dim"}
    assert found.columns["fill"].own == pytest.approx(0.7, abs=0.02)
    assert not found.ambient_changed
    aged = faulty(COLUMNS_OF_LIGHT, AMBIENT, COLUMNS_OF_LIGHT | {"key": KEY * 0.9})
    assert set(aged.columns) == {"key"}, "a tenth is no fault, but another column"
