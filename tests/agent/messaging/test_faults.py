"""One fault of every kind; ``./studio bench faults`` does a hundred and more."""

from pathlib import Path

import pytest

from tests.agent.messaging.faults import Campaign


@pytest.mark.parametrize("sync", [0.0, 0.02])
def test_no_fault_costs_a_message_or_doubles_an_effect(tmp_path: Path, sync: float) -> None:
    found = Campaign(tmp_path, seed=1, sync=sync).run(6)
    assert found.messages > 100 and found.commands > 10 and found.faults.total() == 6
    assert (found.lost, found.gaps, found.twice, found.late, found.endless) == (0, 0, 0, 0, 0), found
