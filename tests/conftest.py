"""Fixtures of all tests."""

from tests.brokers import amqtt_broker, mosquitto, plain, start_mosquitto

__all__ = ["amqtt_broker", "mosquitto", "plain", "start_mosquitto"]
