"""Losses are seen by whoever listens."""

import json

from agent.cli.watch import missing
from agent.messaging.gaps import Gaps
from agent.messaging.message import Message


def test_a_hole_is_said_once_and_that_it_was_filled() -> None:
    gaps = Gaps()
    assert [gaps.see("t", "a", n) for n in (7, 8, 11)] == ["", "", "t: messages 9…10 have not come (yet)"]
    assert gaps.see("t", "a", 12) == "" and gaps.see("t", "a", 9) == "" and gaps.see("t", "a", 9) == ""
    assert gaps.see("t", "a", 10) == "t: all that were missing have come"


def test_each_topic_and_each_start_is_counted_by_itself() -> None:
    gaps = Gaps()
    assert not any((gaps.see("t", "a", 5), gaps.see("u", "a", 9), gaps.see("t", "b", 1), gaps.see("t", "b", 0)))
    assert gaps.see("t", "b", 3)


def test_watch_reads_the_header_and_nothing_else_disturbs_it() -> None:
    gaps = Gaps()

    def see(body: bytes) -> str:
        return missing(Message("t", body, 1, False), gaps)

    for body in (b"", b"{", b"[]", b"5", b'{"boot": "a"}', b'{"boot": "a", "nth": null}'):
        assert see(body) == ""
    assert see(json.dumps({"boot": "a", "nth": 1}).encode()) == ""
    assert "2…4" in see(json.dumps({"boot": "a", "nth": 5}).encode())
