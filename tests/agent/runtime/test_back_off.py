"""When a device is opened again. Pure."""

from agent.runtime.back_off import AT_ONCE, LASTED, BackOff, Reopening


def test_waits_double_up_to_the_most():
    again = Reopening(BackOff(first=1.0, most=8.0))
    for full in (1.0, 2.0, 4.0, 8.0, 8.0):
        assert 0.75 * full <= again.failed() <= full
    again.opened()
    assert again.failed() <= 1.0


def test_what_was_there_for_a_while_is_reopened_at_once_what_is_lost_again_and_again_is_not():
    again = Reopening(BackOff(first=1.0, most=8.0))
    assert [again.lost(0.2) for _ in range(AT_ONCE)] == [0.0] * AT_ONCE
    waits = []
    for _ in range(5):
        again.opened()
        waits.append(again.lost(0.2))
    assert 0.75 <= waits[0] <= 1.0 < 6.0 <= waits[4] <= 8.0, "that it opens is no reason to try at once"
    again.opened()
    assert again.lost(LASTED) == 0.0
    assert again.lost(0.2) == 0.0, "and the count begins anew"
