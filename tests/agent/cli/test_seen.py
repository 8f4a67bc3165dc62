"""What the view keeps of what it is told."""

from agent.cli.view.seen import Seen
from agent.messaging.lifecycle import State
from agent.messaging.payloads import Answer
from agent.messaging.topics import Topics

T = Topics("hall", "a")


def test_what_ended_before_anybody_looked_is_no_news() -> None:
    """The last answer of a command is retained: shown with the time of looking, the log would tell what is not so."""
    seen = Seen()
    answer = Answer(id="x", verb="lights.set", state=State.SUCCEEDED).encode()
    seen.take(T.answer("lights.set", "x"), answer, 1.0, "12:00:00", kept=True)
    assert not seen.log
    seen.take(T.answer("lights.set", "x"), answer, 2.0, "12:00:01")
    assert [(line.at, line.text.en) for line in seen.log] == [("12:00:01", "lights.set  succeeded (0.0 s)")]
