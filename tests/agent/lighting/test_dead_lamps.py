"""Lamps that do not answer, or are busy, on a wire with others that do."""

from itertools import pairwise

import pytest

from tests.agent.lighting.lamp_bench import Bench, flat_out


def dead(bench, units):
    """These units fall silent; returns how to bring them back."""
    answer = bench.twin.device._answer
    bench.twin.device._answer = lambda unit, *more: b"" if unit in units else answer(unit, *more)

    def back():
        bench.twin.device._answer = answer

    return back


@pytest.mark.parametrize("count", [1, 8, 30])
def test_dead_lamps_never_hold_up_the_others_beyond_a_bound_however_many(count):
    bench = Bench(count + 1, look_every=None).run(2.0)
    dead(bench, range(1, count + 1))
    alive = f"l{count}"
    bench.set(0.9)
    bench.run(5.0 + 0.5 * count)  # what each one's first silence costs
    begun = bench.clock.now()
    bench.set(0.1, fade=10.0)
    bench.run(10.5)
    assert bench.shown(alive) == pytest.approx(0.1)
    told = [when for when, _ in bench.of(alive) if when > begun]
    waits = sorted(b - a for a, b in pairwise(told))
    assert waits[-1] < 0.25 + 0.1, "one try of a silent lamp is all that may come between"
    assert sum(wait for wait in waits if wait > 0.1) < 0.3 * 10.0, "they take no more than a quarter of the wire"
    assert bench.losses == 0


def test_a_lamp_that_comes_back_on_a_busy_line_is_found_all_the_same():
    bench = Bench(30, look_every=None).run(3.0)
    back = dead(bench, (7,))
    bench.set(0.5)
    bench.run(6.0)
    bench.set(0.9, fade=60.0)
    back()
    bench.run(16.0)
    assert bench.shown("l6") > 0.4
    flat_out(bench)


def test_a_lamp_that_is_busy_gets_a_moment_and_is_not_called_dead():
    bench = Bench(2).run(0.5)
    answer, refuse = bench.twin.device._answer, bench.twin.device._refuse
    until = bench.clock.now() + 0.35
    bench.twin.device._answer = lambda unit, function, body: (
        refuse(unit, function, 6) if bench.clock.now() < until else answer(unit, function, body)
    )
    bench.set(0.2)
    bench.run(2.0)
    assert [bench.shown(name) for name in ("l0", "l1")] == [0.2, 0.2]
    assert not bench.changes and bench.losses == 0
