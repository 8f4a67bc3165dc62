"""``studio-agent fleet``: many agents at one broker."""

import json
import os

import pytest
import structlog

from agent.__main__ import main
from agent.messaging import fleet
from tests.brokers import Mosquitto
from tests.waiting import free_port


@pytest.fixture(autouse=True)
def logs_as_before():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_small_fleet_connects_answers_and_comes_back_after_the_brokers_death(capsys):
    assert main(["fleet", "--agents", "30", "--seconds", "5", "--interval", "1", "--json"]) == os.EX_OK
    figures = json.loads(capsys.readouterr().out)
    assert figures["agents"] == figures["back"] == 30
    assert figures["messages_per_s"] > 10
    assert figures["waiting"] <= 30
    assert 0 < figures["command_p50_ms"] <= figures["command_p99_ms"]
    assert 100 / 30 <= figures["knocks_crowded_percent"] <= 100


def test_at_a_broker_that_runs_already_nothing_is_restarted(capsys, mosquitto: Mosquitto):
    words = ["fleet", "--agents", "3", "--seconds", "5", "--host", "127.0.0.1", "--port", str(mosquitto.port)]
    assert main(words) == os.EX_OK
    said = capsys.readouterr().out
    assert "command round trip p50, ms" in said and "restart" not in said


def test_without_a_broker_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr("agent.cli.fleet.BACK_WITHIN", 0.0)
    assert main(["fleet", "--agents", "2", "--host", "127.0.0.1", "--port", str(free_port())]) == os.EX_UNAVAILABLE
    assert "2 of 2 agents do not come online" in capsys.readouterr().err
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert main(["fleet", "--agents", "2"]) == os.EX_UNAVAILABLE
    assert "apt-get install mosquitto" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--agents", "0"], ["--agents", "1e9"], ["--seconds", "-1"], ["--port", "70000"]])
def test_what_cannot_be_is_a_usage_error(words, capsys):
    assert main(["fleet", *words]) == os.EX_USAGE
    assert "a whole number" in capsys.readouterr().err


def test_more_agents_than_this_machine_allows_are_refused_before_any_is_started():
    with pytest.raises(fleet.TooMany, match="ulimit"):
        fleet.allow(2**40)


def test_crowded_is_the_fullest_tenth_of_a_second():
    arrivals = [0.01, 0.02, 0.11, 0.25, 0.26, 0.27]
    assert fleet.crowded(arrivals) == 3 / 6
    assert fleet.crowded([]) == 0.0
