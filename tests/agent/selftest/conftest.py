"""Two levels: what is tested is what is made of the pictures, not how many there are."""

import pytest

from agent.selftest.checks import bench


@pytest.fixture(autouse=True)
def _brisk(monkeypatch):
    monkeypatch.setattr(bench, "LEVELS", (0.5, 1.0))
