import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.network.jitter import Window, percentile, surely

rtts = st.one_of(st.none(), st.floats(0, 1e5))


def window(*values, step=1.0, **options):
    made = Window(**options)
    for number, value in enumerate(values):
        made.add(number * step, value)
    return made.statistics()


def test_nothing_measured_is_nan_not_zero():
    seen = Window().statistics()
    assert seen.count == seen.lost == 0
    assert all(math.isnan(value) for value in (seen.loss, seen.p50, seen.p95, seen.p99, seen.max, seen.jitter))
    assert math.isnan(seen.outage)


def test_one_value_has_no_jitter_yet():
    seen = window(7.0)
    assert (seen.p50, seen.p99, seen.max, seen.loss) == (7.0, 7.0, 7.0, 0.0)
    assert math.isnan(seen.jitter)


def test_jitter_is_the_running_estimate_of_rfc_3550():
    expected = 0.0
    for moved in (10, 0, 5):
        expected += (moved - expected) / 16
    assert window(20.0, 30.0, 30.0, 25.0).jitter == pytest.approx(expected)


def test_jitter_of_a_steady_swing_converges_to_it():
    assert window(*[10.0, 14.0] * 100).jitter == pytest.approx(4.0, rel=0.01)


def test_a_lost_probe_neither_moves_the_jitter_nor_breaks_it():
    assert window(10.0, None, 14.0).jitter == window(10.0, 14.0).jitter


def test_loss_and_outage_of_a_burst():
    seen = window(1.0, 1.0, None, None, None, 1.0, 1.0, None, 1.0, 1.0)
    assert (seen.count, seen.lost, seen.loss) == (10, 4, 40.0)
    assert seen.outage == 4.0  # from the reply at 1 s to the one at 5 s
    assert seen.outage_now == 0.0


def test_an_outage_that_lasts_is_told():
    seen = window(1.0, 1.0, None, None)
    assert (seen.outage, seen.outage_now) == (2.0, 2.0)


def test_everything_lost_from_the_start():
    seen = window(None, None, None)
    assert (seen.loss, seen.outage_now) == (100.0, 2.0)
    assert math.isnan(seen.p95)
    assert math.isnan(seen.spread)


def test_slow_probing_alone_is_no_outage():
    assert window(1.0, 1.0, 1.0, step=10).outage == 0.0


def test_nan_is_a_loss_as_a_missing_reading_has_it():
    assert window(1.0, math.nan).lost == 1


def test_what_is_older_than_the_window_is_forgotten():
    seen = window(*[100.0] * 60, *[1.0] * 60)
    assert (seen.count, seen.max) == (60, 1.0)


def test_capacity_bounds_the_memory():
    assert window(*[1.0] * 500, step=0.001, capacity=50).count == 50


@given(st.lists(rtts, min_size=1, max_size=80))
def test_statistics_are_consistent_for_any_values(values):
    seen = window(*values, step=0.5, seconds=1e9)
    kept = [value for value in values if value is not None]
    assert (seen.count, seen.lost) == (len(values), values.count(None))
    if kept:
        assert min(kept) <= seen.p50 <= seen.p95 <= seen.p99 <= seen.max == max(kept)
        assert [seen.p50, seen.p95, seen.p99] == pytest.approx(list(np.percentile(kept, [50, 95, 99])), abs=1e-6)
    if len(kept) > 1:
        assert 0 <= seen.jitter <= max(kept) - min(kept)
    assert 0 <= seen.outage_now <= seen.outage <= 0.5 * len(values)


def test_percentile_between_ranks():
    assert percentile([0.0, 10.0], 0.5) == 5.0
    assert math.isnan(percentile([], 0.5))


@pytest.mark.parametrize(("lost", "sent", "share"), [(0, 20, 0.0), (1, 20, 0.00256), (2, 20, 0.0181), (20, 20, 0.861)])
def test_what_few_losses_prove(lost, sent, share):
    assert surely(lost, sent) == pytest.approx(share, rel=0.01)


def test_the_bound_holds_nineteen_times_in_twenty():
    dice = random.Random(7)
    real = 0.05
    over = sum(surely(sum(dice.random() < real for _ in range(40)), 40) > real for _ in range(1000))
    assert over <= 70
