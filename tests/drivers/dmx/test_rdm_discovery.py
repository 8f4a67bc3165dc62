"""Discovery by binary search, over lines of fixtures that keep the rules and such that do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx.rdm_codec import LAST, Uid, decode_branch, encode_branch
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import Discovery, Oddity, discover
from drivers.errors import Refused
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Collision
from drivers.virtual.twins.rdm_parts import Defect
from tests.drivers.dmx.rdm_bench import LinePort, bench

ONE, TWO, THREE = Uid(0x454E, 1), Uid(0x454E, 2), Uid(0x1111, 0x80000000)


def line(*uids: Uid) -> list[FakeResponder]:
    return [FakeResponder(uid) for uid in uids]


def found(port: LinePort, known: tuple[Uid, ...] = (), full: bool = True) -> Discovery:
    return port.run(discover(Controller(port.uid), False, known, full))


def test_an_empty_line_takes_three_transactions():
    port, _ = bench()
    assert found(port) == Discovery((), transactions=3)


@pytest.mark.parametrize("collision", Collision)
def test_neighbours_strangers_and_the_ends_of_the_range(collision):
    uids = (Uid(0, 0), ONE, TWO, THREE, LAST)
    port, _ = bench(*line(*uids))
    port.line.collision = collision
    result = found(port)
    assert result.uids == tuple(sorted(uids))
    assert set(result.muted) == set(uids)
    assert result.complete and not result.odd
    assert result.new == result.uids
    assert all(each.muted for each in port.line.responders)


def test_two_answers_that_look_like_a_third():
    one, other, phantom = Uid(0x1234, 1), Uid(0x1234, 2), Uid(0x1234, 3)
    both = bytes(a | b for a, b in zip(encode_branch(one), encode_branch(other), strict=True))
    assert decode_branch(both) == phantom
    port, _ = bench(*line(one, other))
    result = found(port)
    assert result.uids == (one, other) and not result.odd


def test_two_answers_that_look_like_one_that_was_muted():
    uids = (Uid(0x454E, 23), Uid(0x454E, 27), Uid(0x454E, 31))  # 23 and 27 at once look like 31
    port, _ = bench(*line(*reversed(uids)))
    result = found(port)
    assert result.uids == uids and not result.odd


def test_two_hundred_neighbours_within_bounds():
    uids = [Uid(0x4D50, 0x1000 + number) for number in range(200)]
    port, _ = bench(*line(*uids))
    result = found(port)
    assert list(result.uids) == uids
    assert result.transactions == port.transactions
    assert result.transactions <= 900, f"{result.transactions} transactions for 200 devices"


@settings(deadline=None, max_examples=30)
@given(
    st.sets(st.builds(Uid, st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFE)), max_size=12), st.sampled_from(Collision)
)
def test_whoever_is_there_is_found(uids, collision):
    port, _ = bench(*line(*uids))
    port.line.collision = collision
    assert found(port).uids == tuple(sorted(uids))


@pytest.mark.parametrize(
    ("defect", "odd"),
    [
        (Defect.NEVER_MUTES, Oddity.NEVER_MUTES),
        (Defect.NO_MUTE_ANSWER, Oddity.NO_MUTE_ANSWER),
        (Defect.BAD_CHECKSUM, Oddity.NO_MUTE_ANSWER),
        (Defect.BAD_NUMBER, Oddity.NO_MUTE_ANSWER),
        (Defect.SLOW, None),
        (Defect.CUT, Oddity.NO_MUTE_ANSWER),
        (Defect.BAD_BRANCH, Oddity.CONTESTED),
        (Defect.SHORT_PREAMBLE, None),
        (Defect.ANSWERS_BROADCASTS, None),
    ],
)
@pytest.mark.parametrize("collision", [Collision.ONES_WIN, Collision.STRONGEST])
def test_one_that_breaks_the_rules_hides_nobody(defect, odd, collision):
    bad = FakeResponder(TWO, defects={defect})
    port, _ = bench(bad, *line(ONE, Uid(0x454E, 3), THREE))
    port.line.collision = collision
    result = found(port)
    assert {ONE, Uid(0x454E, 3), THREE} <= set(result.uids)
    assert (TWO in result.uids) == (defect is not Defect.SLOW)
    assert result.odd == ({TWO: odd} if odd else {})
    assert result.complete
    assert result.transactions < 500


near = st.builds(Uid, st.sampled_from([0x454E, 0x454F]), st.integers(0, 40))
spoilers = st.dictionaries(near, st.sets(st.sampled_from(Defect), max_size=2), max_size=3)


@settings(deadline=None, max_examples=60)
@given(st.sets(near, max_size=8), spoilers, st.sampled_from(Collision), st.randoms())
def test_who_keeps_the_rules_is_found_among_any_that_do_not(good, bad, collision, order):
    good -= set(bad)
    there = [*line(*good), *(FakeResponder(uid, defects=defects) for uid, defects in bad.items())]
    order.shuffle(there)
    port, _ = bench(*there)
    port.line.collision = collision
    result = found(port)
    assert good <= set(result.uids) <= good | set(bad)
    assert set(result.odd) <= set(bad)
    assert result.complete and result.transactions < 1500


def test_two_devices_with_one_uid_are_told():
    port, _ = bench(*line(ONE, TWO), FakeResponder(TWO, proxied=True))
    port.line.collision = Collision.NOISE
    result = found(port)
    assert result.uids == (ONE, TWO)
    assert result.odd == {TWO: Oddity.CONTESTED}


def test_a_line_that_is_never_silent_ends_and_says_so():
    port, _ = bench(*line(ONE))
    port.line.noise = True
    port.line.collision = Collision.NOISE
    result = found(port)
    assert not result.complete
    assert result.transactions < 2500
    assert Oddity.CONTESTED not in result.odd.values()


def test_a_proxy_and_sub_devices_say_so_when_muted():
    port, _ = bench(FakeResponder(ONE, proxied=True, sub_devices={1: FakeResponder(ONE)}))
    muted = found(port).muted[ONE]
    assert muted.proxied and muted.sub_devices and not muted.managed_proxy


def test_looking_again_costs_little_and_leaves_the_muted_alone():
    port, _ = bench(*line(ONE, TWO, THREE))
    first = found(port)
    port.line.responders.append(FakeResponder(Uid(0x454E, 9)))
    del port.line.responders[0]
    again = found(port, first.uids, full=False)
    assert (again.new, again.gone) == ((Uid(0x454E, 9),), (ONE,))
    assert again.uids == (THREE, TWO, Uid(0x454E, 9))
    assert again.transactions < 12
    assert not any(request.pid == 0x0003 for request in port.line.requests[-again.transactions :])


def test_nothing_of_it_is_done_on_air():
    port, controller = bench(*line(ONE), passive=True)
    for full in (True, False):
        with pytest.raises(Refused, match="not done on air"):
            port.run(discover(controller, False, (ONE,), full))
    assert port.transactions == 0
