"""Fixtures of all tests."""

from hypothesis import settings

from tests.brokers import amqtt_broker, mosquitto, plain, start_mosquitto
from tests.certificates import ours, strange

__all__ = ["amqtt_broker", "mosquitto", "ours", "plain", "start_mosquitto", "strange"]

# The machine may be slow, and a run must say the same twice: what random search finds becomes an example of its own.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")
