"""What the agent tries after a loss: only numbers and names, no broker."""

import pytest

from agent.messaging.dial import NoConnection
from agent.messaging.reconnect import ASK_AGAIN, RIVAL, SETTLED, BackOff, Reconnect

SILENT = NoConnection("silent", "hung up")
TOO_NEW = NoConnection("version", "Unsupported protocol version")
NOBODY = NoConnection("unreachable", "refused")


def test_silent_to_both_protocols_it_is_asked_for_the_newer_one_again() -> None:
    again = Reconnect("auto", BackOff())
    assert again.version == "5"
    assert again.failed(SILENT) and again.version == "3.1.1"
    assert not again.failed(SILENT) and again.version == "5"


@pytest.mark.parametrize("refusal", [SILENT, TOO_NEW])
def test_an_older_broker_is_remembered_and_asked_again_after_an_hour_with_it(refusal: NoConnection) -> None:
    again = Reconnect("auto", BackOff())
    for _ in range(2):
        assert again.failed(refusal) and again.version == "3.1.1"
        assert again.ended("lost", SETTLED) == "lost" and again.version == "3.1.1"
        assert not again.failed(NOBODY) and again.version == "3.1.1"
        assert again.ended("lost", ASK_AGAIN - SETTLED) == "lost" and again.version == "5"


def test_a_connection_of_the_newer_protocol_changes_nothing() -> None:
    again = Reconnect("auto", BackOff())
    assert again.ended("lost", ASK_AGAIN) == "lost" and again.version == "5"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_protocol_that_was_chosen_stays(protocol: str) -> None:
    again = Reconnect(protocol, BackOff())  # type: ignore[arg-type]
    assert not again.failed(SILENT) and not again.failed(TOO_NEW) and again.version == protocol


def test_waits_grow_with_failures_and_begin_anew_after_a_good_connection() -> None:
    again = Reconnect("auto", BackOff(first=1.0, most=64.0))

    def longest() -> float:
        return max(again.wait() for _ in range(300))

    assert 0.5 < longest() <= 1.0
    for _ in range(10):
        assert not again.failed(NOBODY)
    assert 32.0 < longest() <= 64.0
    again.ended("lost", SETTLED)
    assert 0.5 < longest() <= 1.0


def test_short_connections_in_a_row_name_a_rival() -> None:
    again = Reconnect("auto", BackOff())
    said = [again.ended("lost", 0.1) for _ in range(RIVAL)]
    assert said[:-1] == ["lost"] * (RIVAL - 1)
    assert said[-1] == "lost, 3 times in a row: does another agent use this site and name?"
    assert again.ended("lost", SETTLED) == "lost"
