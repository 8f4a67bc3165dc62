"""Pictures on one half of the cores, everything else on the other."""

import os
import threading

import pytest

from agent.runtime.cores import allowed, keep_to, split
from agent.runtime.lane import Idle, Lane
from drivers.base import Identity


@pytest.mark.parametrize(
    ("cores", "wires", "pictures"),
    [({0, 1}, {0}, {1}), ({4, 2, 9}, {2, 4}, {9}), (range(8), {0, 1, 2, 3}, {4, 5, 6, 7})],
)
def test_cores_are_shared_out_by_halves(cores, wires, pictures):
    assert split(cores) == (wires, pictures)


@pytest.mark.parametrize("cores", [set(), {3}])
def test_a_single_core_is_not_shared_out(cores):
    assert split(cores) is None


def test_a_thread_keeps_to_its_cores_and_no_other_thread_does():
    before = allowed()
    one = frozenset({min(before)})
    kept = []

    def work():
        keep_to(one)
        kept.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert kept == [one]
    assert allowed() == before


def test_cores_that_are_not_there_change_nothing():
    before = allowed()
    keep_to(frozenset({4095}))
    assert allowed() == before


def test_a_lane_keeps_to_the_cores_it_is_given():
    opened = threading.Event()
    kept = []

    class Box:
        def open(self):
            kept.append(os.sched_getaffinity(0))
            opened.set()
            return Identity("box")

        def close(self): ...

        def checks(self):
            return ()

    one = frozenset({max(allowed())})
    lane = Lane("box", Box(), Idle(), now=lambda: 0.0, tell=lambda *_: None, bug=lambda *_: None, cores=one)
    lane.start()
    try:
        assert opened.wait(10)
    finally:
        lane.request_stop()
        lane.join()
    assert kept == [one]
