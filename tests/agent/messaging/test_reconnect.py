"""What the agent tries after a loss: only numbers and names, no broker."""

import random
from collections import Counter
from typing import Any

import pytest

from agent.messaging.dial import NoConnection
from agent.messaging.failover import Order
from agent.messaging.reconnect import ASK_AGAIN, RIVAL, SETTLED, BackOff, Reconnect
from config.broker import MqttSection

SILENT = NoConnection("silent", "hung up")
TOO_NEW = NoConnection("version", "Unsupported protocol version")
NOBODY = NoConnection("unreachable", "refused")


def test_silent_to_both_protocols_it_is_asked_for_the_newer_one_again() -> None:
    again = Reconnect("auto")
    assert again.version == "5"
    assert again.failed(SILENT) and again.version == "3.1.1"
    assert not again.failed(SILENT) and again.version == "5"


@pytest.mark.parametrize("refusal", [SILENT, TOO_NEW])
def test_an_older_broker_is_remembered_and_asked_again_after_an_hour_with_it(refusal: NoConnection) -> None:
    again = Reconnect("auto")
    for _ in range(2):
        assert again.failed(refusal) and again.version == "3.1.1"
        assert again.ended("lost", SETTLED) == "lost" and again.version == "3.1.1"
        assert not again.failed(NOBODY) and again.version == "3.1.1"
        assert again.ended("lost", ASK_AGAIN - SETTLED) == "lost" and again.version == "5"


def test_a_connection_of_the_newer_protocol_changes_nothing() -> None:
    again = Reconnect("auto")
    assert again.ended("lost", ASK_AGAIN) == "lost" and again.version == "5"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_protocol_that_was_chosen_stays(protocol: str) -> None:
    again = Reconnect(protocol)  # type: ignore[arg-type]
    assert not again.failed(SILENT) and not again.failed(TOO_NEW) and again.version == protocol


def test_waits_grow_with_failures_and_begin_anew_after_a_good_connection() -> None:
    order = Order(MqttSection(protocol="5").in_order(), BackOff(first=1.0, most=64.0))
    for most in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0):
        assert 0.0 < order.failed(NOBODY) <= most
    order.have(0)
    longest = max(order.ended("lost", SETTLED)[1] for _ in range(300))
    assert 0.5 < longest <= 1.0


def brokers(many: int, **more: Any) -> tuple[MqttSection, ...]:
    others = [{"host": f"broker-{number}", "protocol": "5"} for number in range(1, many)]
    return MqttSection.model_validate({"protocol": "5", "brokers": others, **more}).in_order()


def test_brokers_are_tried_in_their_order_before_there_is_a_pause() -> None:
    order = Order(brokers(3), BackOff(first=1.0, most=64.0))
    assert order.failed(NOBODY) == 0.0 and order.broker.host == "broker-1"
    assert order.failed(NOBODY) == 0.0 and order.broker.host == "broker-2"
    assert order.failed(NOBODY) > 0.0 and order.broker.host == "localhost"


def test_after_a_good_connection_the_preferred_broker_comes_first_after_a_short_one_the_next() -> None:
    order = Order(brokers(3), BackOff())
    order.failed(NOBODY)
    order.have(1)
    assert order.complaint == "refused"
    order.ended("lost", SETTLED)
    assert order.at == 0 and not order.complaint
    order.have(0)
    order.ended("lost", 0.1)
    assert order.at == 1


def test_a_better_broker_that_does_not_last_is_looked_at_more_seldom() -> None:
    order = Order(brokers(2, go_back=10.0), BackOff())
    for doubled in (1, 2, 4, 8, 16, 32, 32):
        order.failed(NOBODY)
        order.have(1)
        assert 7.5 * doubled <= order.look_after() <= 12.5 * doubled
        order.have(0)
        order.ended("lost", 0.1)
        order.at = 0
    order.have(0)
    order.ended("lost", SETTLED)
    assert order.look_after() <= 12.5


@pytest.mark.parametrize("away", [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 20.0, 60.0])
def test_five_thousand_agents_do_not_come_back_at_once(away: float) -> None:
    """Of a broker that is away for so many seconds; each agent by its own Order, as the bus drives it."""
    chance = random.getstate()
    random.seed(1)
    back: Counter[int] = Counter()
    last = 0.0
    for _ in range(5000):
        order = Order(brokers(1), BackOff(MqttSection().spread))
        order.have(0)
        at = order.ended("lost", SETTLED)[1]
        while at < away:
            at += order.failed(NOBODY)
        back[int((at - away) * 10)] += 1
        last = max(last, at - away)
    random.setstate(chance)
    assert max(back.values()) <= 0.04 * 5000 and last <= 20.0


def test_short_connections_in_a_row_name_a_rival() -> None:
    again = Reconnect("auto")
    said = [again.ended("lost", 0.1) for _ in range(RIVAL)]
    assert said[:-1] == ["lost"] * (RIVAL - 1)
    assert said[-1] == "lost, 3 times in a row: does another agent use this site and name?"
    assert again.ended("lost", SETTLED) == "lost"
