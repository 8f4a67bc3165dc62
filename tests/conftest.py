"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.brokers import amqtt_broker, mosquitto, plain, start_mosquitto
from tests.certificates import ours, strange
from tests.processes import end_engines

__all__ = ["amqtt_broker", "mosquitto", "ours", "plain", "start_mosquitto", "strange"]

# The machine may be slow, and a run must say the same twice: what random search finds becomes an example of its own.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(autouse=True, scope="module")
def _no_engine_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An output engine outlives an agent that a test has killed; it is not to outlive the tests of one file."""
    yield
    end_engines(tmp_path_factory.getbasetemp())
