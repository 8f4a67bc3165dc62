"""Numbers by exception: rates, dead bands, the longest silence; set by configuration and from afar."""

import asyncio
import json

import pytest

from agent.app.reporting import Reporter, check
from agent.messaging.commands import RateArgs
from agent.messaging.header import HEADER
from agent.messaging.numbers import NUMBERS
from config.model import StudioConfig, TelemetrySection

SECTION = TelemetrySection.model_validate(
    {"interval": 1.0, "max_interval": 10.0, "network": {"interval": 0.5, "dead_bands": {"rtt_ms": 5.0}}}
)


def test_a_number_is_said_when_it_has_left_its_band_since_it_was_last_said():
    reporter = Reporter(SECTION)
    values = [20.0, 24.0, 25.0, 25.1, 21.0, 20.0, None, None, 20.0]
    said = [reporter.worth("network", "a", {"rtt_ms": value}, float(at)) for at, value in enumerate(values)]
    assert said == [True, False, False, True, False, True, True, False, True]


def test_slow_creeping_is_not_missed_and_silence_has_an_end():
    reporter = Reporter(SECTION)
    told = [at for at in range(40) if reporter.worth("network", "a", {"rtt_ms": 0.1 * at}, float(at))]
    assert told == [0, 10, 20, 30], "each 10 s; never 5 ms away from what was said last"
    told = [at for at in range(100, 110) if reporter.worth("network", "a", {"rtt_ms": 2.0 * at}, float(at))]
    assert told == [100, 103, 106, 109]


def test_each_name_of_a_group_is_told_by_itself_and_each_group_has_its_pace():
    reporter = Reporter(SECTION)
    assert reporter.worth("network", "a", {"rtt_ms": 1.0}, 0.0) and reporter.worth("network", "b", {"rtt_ms": 1.0}, 0.0)
    assert reporter.pause == 0.5
    looks = [(reporter.due("network", at / 2), reporter.due("host", at / 2)) for at in range(4)]
    assert looks == [(True, True), (True, False), (True, True), (True, False)]


def test_a_counter_that_only_counts_on_says_nothing_by_itself():
    reporter = Reporter(SECTION)
    told = [at for at in range(21) if reporter.worth("lighting", "", {"frames": 40 * at, "outputs_offline": 0}, at)]
    assert told == [0, 10, 20]
    assert reporter.worth("lighting", "", {"frames": 900, "outputs_offline": 1}, 21.0)


def test_from_afar_until_reset_or_reload():
    reporter = Reporter(SECTION)
    reporter.set({"host": RateArgs(interval=20.0, dead_bands={"cpu_percent": 1.0})}, False)
    host = reporter.rates["host"]
    assert (host.interval, host.max_interval, host.dead_bands["cpu_percent"]) == (20.0, 20.0, 1.0)
    assert reporter.rates["network"].dead_bands["rtt_ms"] == 5.0
    reporter.use(SECTION)
    assert reporter.rates["host"].interval == 20.0
    reporter.set({}, True)
    assert reporter.rates["host"].interval == 1.0
    reporter.set({"host": RateArgs(interval=20.0)}, False)
    reporter.use(SECTION.model_copy())
    assert reporter.rates["host"].interval == 1.0


def test_a_dead_band_of_no_number_is_a_fault_of_the_file():
    config = StudioConfig.model_validate(
        {"agent": {"site": "a", "name": "b"}, "telemetry": {"network": {"dead_bands": {"rtt_m": 1.0, "rtt_ms": 1.0}}}}
    )
    (problem,) = check(config)
    assert problem.where == "telemetry.network.dead_bands.rtt_m" and "rtt_ms" in problem.right


def test_every_number_has_a_band_that_makes_sense():
    for group, numbers in NUMBERS.items():
        assert any(number.dead is not None for number in numbers.values()), group
        assert all(number.dead is None or number.dead >= 0 for number in numbers.values())


async def test_set_from_afar_changes_what_comes_and_the_inventory_says_so(house, plain):
    heard = plain(house.port).subscribe("studio/v1/demo/studio/up/#")
    async with house.running() as agent:
        groups = {"host": {"interval": 0.1, "dead_bands": {"cpu_percent": 0, "loop_lag_ms": 0}}}
        answer = await house.send("telemetry.set", {"groups": groups})
        assert answer.state == "succeeded" and answer.result["telemetry"]["host"]["interval"] == 0.1
        assert answer.result["telemetry"]["lighting"]["dead_bands"]["frames"] is None
        inventory = json.loads(agent.bus.board[agent.topics.inventory])
        assert inventory["telemetry"]["host"]["interval"] == 0.1 and "telemetry.set" in inventory["verbs"]
        heard.forget()
        last = await asyncio.to_thread(heard.wait, lambda m: m.topic.endswith("tele/host/agent") and tenth(m) >= 15)
        found = json.loads(last.payload)
        assert found.keys() - HEADER == NUMBERS["host"].keys(), "always all of them"
        refused = await house.send("telemetry.set", {"groups": {"host": {"dead_bands": {"cpu": 1}}}})
        assert refused.code == "unknown-target" and "cpu_percent" in refused.message.en


def tenth(message) -> int:
    return json.loads(message.payload)["nth"]


@pytest.mark.parametrize("bands", [{"rtt_ms": -1}, {"rtt_ms": "1"}])
def test_bands_are_numbers_from_zero_on(bands):
    with pytest.raises(ValueError, match="rtt_ms"):
        RateArgs.model_validate({"dead_bands": bands}, strict=True)
