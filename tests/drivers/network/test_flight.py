from hypothesis import given
from hypothesis import strategies as st

from drivers.network.flight import REMEMBERED, Fate, Flight


def test_every_reply_has_one_fate():
    flight = Flight(1 << 32)
    first, second, third = (flight.launch() for _ in range(3))
    assert flight.land(second) is Fate.FRESH
    assert flight.land(second) is Fate.DUPLICATE
    assert flight.land(first) is Fate.FRESH
    flight.give_up(third)
    assert flight.land(third) is Fate.LATE
    assert flight.land(third) is Fate.DUPLICATE
    assert flight.land(999) is Fate.FOREIGN
    assert flight.counts() == {
        "sent": 3,
        "lost": 1,
        "late": 1,
        "duplicates": 2,
        "reordered": 1,
        "foreign": 1,
    }


def test_giving_up_an_answered_probe_does_not_lose_it():
    flight = Flight(1 << 32)
    flight.land(flight.launch())
    flight.give_up(0)
    assert flight.lost == 0


def test_sixteen_bit_sequences_wrap_without_mixing_up_laps():
    flight = Flight(1 << 16)
    for expected in [*range(1 << 16), 0, 1]:
        assert flight.launch() == expected
        assert flight.land(expected) is Fate.FRESH
    assert flight.duplicates == flight.reordered == 0


def test_what_is_too_long_ago_is_foreign_and_memory_stays_bounded():
    flight = Flight(1 << 32)
    for _ in range(REMEMBERED * 3):
        flight.launch()
    assert flight.land(0) is Fate.FOREIGN
    assert flight.land(REMEMBERED * 3 - 1) is Fate.FRESH
    assert len(flight._probes) == REMEMBERED


@given(st.lists(st.tuples(st.sampled_from(["pass", "drop", "late"]), st.integers(0, 3)), max_size=60))
def test_counts_are_exact_under_any_mix_of_loss_lateness_and_copies(fates):
    flight = Flight(1 << 32)
    for fate, copies in fates:
        sequence = flight.launch()
        if fate != "pass":
            flight.give_up(sequence)
        if fate != "drop":
            for _ in range(1 + copies):
                flight.land(sequence)
    assert flight.lost == sum(fate != "pass" for fate, _ in fates)
    assert flight.late == sum(fate == "late" for fate, _ in fates)
    assert flight.duplicates == sum(copies for fate, copies in fates if fate != "drop")
    assert flight.foreign == flight.reordered == 0
