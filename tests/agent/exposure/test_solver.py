"""The bounded solver against scipy, and what it says when a goal is out of reach."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from agent.exposure.loop.resolution import coarse, dead_band, local_step, smooth_above
from agent.exposure.transport import colour
from agent.exposure.transport.solver import Goal, Limits, Missing, bounded, solve, together
from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.render import resolution
from tests.agent.exposure.optical import AMBIENT, BACK, FILL, KEY, spot, transport

LOOK = {"key": 0.5, "fill": 0.4, "back": 0.3}
WIDE = Limits(authority=20.0)
TWELVE = {f"lamp-{n}": spot(1.3 * n, 4 + 3 * math.cos(n), 4 + n % 3, 0.1 + 0.01 * n) for n in range(12)}


def at(levels, room=AMBIENT):
    """The picture at these levels."""
    return room + levels["key"] * KEY + levels["fill"] * FILL + levels["back"] * BACK


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 14))
def test_it_finds_what_scipy_finds(seed, count):
    random = np.random.default_rng(seed)
    rows = random.random((40, count)) ** 2
    wanted = rows @ random.uniform(-0.6, 1.6, count) + random.normal(0, 0.1, 40)
    low = random.uniform(0, 0.5, count)
    high = low + random.uniform(0, 0.6, count) * (random.random(count) > 0.2)
    tall = np.concatenate([rows, 1e-3 * np.eye(count)])
    found = bounded(tall.T @ tall, rows.T @ wanted, low, high, random.uniform(-0.5, 1.5, count))
    assert ((low <= found) & (found <= high)).all()
    right = lsq_linear(tall, np.concatenate([wanted, np.zeros(count)]), (low, high + 1e-12), tol=1e-14).x
    cost = [float(((tall @ u - np.concatenate([wanted, np.zeros(count)])) ** 2).sum()) for u in (found, right)]
    assert cost[0] <= cost[1] + 1e-9


def test_a_reachable_look_is_hit_through_the_ratio_pull():
    wanted = {"key": 0.8, "fill": 0.3, "back": 0.5}
    found = solve(transport(), LOOK, Goal(zones=at(wanted)), WIDE)
    assert found.levels == pytest.approx(wanted, abs=0.01)
    assert np.nanmax(np.abs(found.residual)) < 0.01
    assert not found.unreachable
    assert found.said.en == "Reachable."


def test_twelve_lamps_at_their_bounds_end_where_scipy_does():
    whole = transport(TWELVE)
    look = dict.fromkeys(TWELVE, 0.5)
    wanted = whole.predict(np.linspace(0.1, 1.3, 12))
    found = solve(whole, look, Goal(zones=wanted, ratio=0.0, pull=1e-9), WIDE)
    assert "full" in found.bound.values()
    right = lsq_linear(whole.matrix / wanted[:, None], (wanted - whole.ambient) / wanted, (0, 1), tol=1e-14).x
    assert list(found.levels.values()) == pytest.approx(right, abs=1e-3)


@pytest.mark.parametrize("stops", [0.4, -0.4])
def test_daylight_is_made_up_for_with_the_old_columns(stops):
    whole = transport()
    room = AMBIENT * 2**stops
    aim = whole.predict(whole.levels(LOOK))[whole.reference].mean()
    found = solve(whole, LOOK, Goal(exposure=aim), ambient=room)
    assert found.exposure == pytest.approx(aim, rel=0.002)
    away = [math.log2(found.levels[name] / LOOK[name]) for name in LOOK]
    assert max(away) - min(away) < 0.01, "all alike: the look's ratios are kept"
    assert np.sign(away[0]) == -np.sign(stops)
    one = together(whole, LOOK, aim, ambient=room)
    assert one.levels == pytest.approx(found.levels, rel=0.01)


def test_the_ratio_of_a_pair_is_kept_and_the_rest_is_free():
    wanted = at(LOOK) * 1.2
    goal = Goal(zones=wanted, pairs=(("key", "fill"),), ratio=10.0)
    kept = solve(transport(), LOOK, goal, WIDE).levels
    assert kept["key"] / kept["fill"] == pytest.approx(0.5 / 0.4, rel=0.003)
    free = solve(transport(), LOOK, Goal(zones=wanted, ratio=0.0), WIDE).levels
    assert free["key"] / free["fill"] != pytest.approx(0.5 / 0.4, rel=0.003)


def test_what_a_hand_holds_is_worked_round():
    whole = transport()
    aim = whole.predict(whole.levels(LOOK))[whole.reference].mean()
    found = solve(whole, LOOK, Goal(exposure=aim), Limits(held={"fill": 0.1}))
    assert found.levels["fill"] == 0.1
    assert found.bound["fill"] == "held"
    assert found.levels["key"] > LOOK["key"]
    assert found.exposure == pytest.approx(aim, rel=0.005)


def test_what_is_dark_by_choice_stays_dark():
    look = LOOK | {"back": 0.0}
    found = solve(transport(), look, Goal(exposure=0.5), Limits(authority=3.0))
    assert found.levels["back"] == 0.0
    assert found.bound["back"] == "off"
    assert together(transport(), look, 0.5).levels["back"] == 0.0


@pytest.mark.parametrize(("authority", "why"), [(1.0, "authority"), (3.0, "full")])
@pytest.mark.parametrize("way", [solve, together])
def test_an_unreachable_exposure_is_said_with_its_stops(way, authority, why):
    whole = transport()
    limits = Limits(authority=authority)
    look = {"key": 0.3, "fill": 0.3, "back": 0.3}
    goal = Goal(exposure=0.9) if way is solve else 0.9
    found = way(whole, look, goal, limits)
    assert found.bound == dict.fromkeys(look, why)
    assert found.levels == pytest.approx(dict.fromkeys(look, min(1.0, 0.3 * 2**authority)))
    (missing,) = found.unreachable
    assert missing == Missing(None, pytest.approx(math.log2(found.exposure / 0.9)))
    assert missing.stops < -0.1
    assert f"{-missing.stops:.2f} stop too dark" in found.said.en
    assert f"偏暗 {-missing.stops:.2f} 档" in found.said.zh
    assert "key" in found.said.en


def test_an_unreachable_zone_is_named():
    wanted = at(LOOK)
    wanted[8 * 16 + 15] *= 4
    found = solve(transport(), LOOK, Goal(zones=wanted))
    assert found.unreachable[0].zone == (8, 15)
    assert found.unreachable[0].stops == pytest.approx(-2, abs=0.2)
    assert "row 9, column 16" in found.said.en
    assert "too dark" in found.said.en


def test_zones_that_do_not_matter_are_not_asked_for():
    wanted = np.full(144, np.nan)
    wanted[4 * 16 + 5] = at({"key": 0.7, "fill": 0.4, "back": 0.3})[4 * 16 + 5]
    found = solve(transport(), LOOK, Goal(zones=wanted))
    assert not found.unreachable
    assert np.isfinite(found.residual).sum() == 1
    whole = transport()
    whole.matrix[4 * 16 + 5, 0] = math.nan
    with pytest.raises(ValueError, match=r"known zones"):
        solve(whole, LOOK, Goal(zones=wanted))


@pytest.mark.parametrize("goal", [Goal(), Goal(exposure=0.0), Goal(zones=np.zeros(144))])
def test_a_goal_must_ask_for_light(goal):
    with pytest.raises(ValueError, match=r"light|exposure"):
        solve(transport(), LOOK, goal)


# --- colour ----------------------------------------------------------------------------------------------------------


def whites(now=5000.0):
    return {name: colour.White(5000.0, now, 2700.0, 6500.0) for name in ("key", "fill")}


def test_colour_is_moved_by_one_offset_in_mired():
    found = colour.solve({"key": 0.6, "fill": 0.3}, whites(), picture=205.0, target=214.0)
    offsets = [1e6 / each - 200.0 for each in found.kelvin.values()]
    assert offsets == pytest.approx([10.0, 10.0], abs=0.01)
    assert found.mired == pytest.approx(214.0)
    assert found.said.en == "Reachable."


def test_colour_out_of_reach_is_said_in_mired():
    found = colour.solve({"key": 0.6, "fill": 0.3}, whites(), picture=205.0, target=100.0)
    assert found.kelvin == pytest.approx(dict.fromkeys(("key", "fill"), 6500.0))
    assert found.missing == pytest.approx(205 - 0.9 * (200 - 1e6 / 6500) - 100)
    assert "too warm" in found.said.en
    bounded_by_look = colour.solve({"key": 0.9}, {"key": whites()["key"]}, 205.0, 400.0, authority=30.0)
    assert bounded_by_look.kelvin["key"] == pytest.approx(1e6 / 230)
    assert "too cold" in bounded_by_look.said.en


def test_lights_that_do_not_rule_the_colour_are_left_alone():
    found = colour.solve({}, whites(now=4800.0), picture=205.0, target=150.0)
    assert found.kelvin == {"key": 4800.0, "fill": 4800.0}
    assert "do not rule" in found.said.en


def test_the_factor_is_shared_by_share_of_the_light():
    whole = transport()
    assert colour.gains(whole, ("key",)) == {}, "not measured"
    object.__setattr__(whole, "mired_gain", 0.8)
    assert colour.gains(whole, ("key", "fill")) == pytest.approx({"key": 0.4, "fill": 0.4})


# --- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("power", "count"), [(1.0, 72), (2.0, 144), (2.8, 202)])
def test_where_eight_bits_are_smooth(power, count):
    def step(level):
        slot = 255 * level ** (1 / power)
        return ((slot + 1) / 255) ** power - level

    above = smooth_above(step)
    assert 255 * above ** (1 / power) == pytest.approx(count, abs=1)
    assert local_step(step(above / 2), above / 2) > 0.02


def test_a_fine_channel_is_smooth_where_a_coarse_one_is_not():
    modes = library.find("generic/dimmer").personalities
    steps = {name: local_step(resolution(modes[name], Attribute.INTENSITY, 0.1), 0.1) for name in ("8bit", "16bit")}
    assert steps["8bit"] > 0.05 > 0.001 > steps["16bit"]
    assert dead_band(steps["8bit"], 0.03) == steps["8bit"]
    assert dead_band(steps["16bit"], 0.03) == 0.03
    assert coarse("key", steps["16bit"], 0.01) is None
    said = coarse("key", steps["8bit"], 0.28)
    assert "only above 28 %" in said.en
    assert "28 %" in said.zh
    assert "nowhere" in coarse("key", 0.5, smooth_above(lambda level: 0.1)).en
