"""The walk of ``demo --plain``: when a stop of it has been seen."""

from agent.cli.tour import held
from agent.cli.view.seen import Seen
from agent.messaging.payloads import FixtureState
from agent.messaging.topics import Topics

T = Topics("hall", "a")


def test_a_hand_is_let_do_what_it_wanted_before_it_is_taken_off() -> None:
    """Released under way its command would fail, and the walk would show a failure as if it were meant."""
    seen = Seen()

    def tell(intensity: float, owner: str, priority: str) -> None:
        state = FixtureState.model_validate(
            {
                "levels": {"intensity": intensity},
                "target": {"intensity": 0.25},
                "held_by": {"owner": owner, "priority": priority},
            }
        )
        seen.take(T.state("fixture", "key"), state.encode(), 1.0, "12:00:00")

    tell(0.25, "exposure-loop", "loop")
    assert (held(seen), held(seen, there=True)) == (False, False)
    tell(0.8, "demo", "manual")
    assert (held(seen), held(seen, there=True)) == (True, False)
    tell(0.25, "demo", "manual")
    assert (held(seen), held(seen, there=True)) == (True, True)
