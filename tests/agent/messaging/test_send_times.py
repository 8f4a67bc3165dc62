"""``studio-agent send`` with a time: what it puts on the wire, and what the agent makes of it."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.moments import Moment, Times
from tests.agent.cli.shell import studio
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Mosquitto, Plain, said

SET = ("lights.set", "key", "intensity=0.5")
DOWN = "studio/v1/hall/one/down/cmd/lights.set"


@pytest.fixture
def send(tmp_path: Path, mosquitto: Mosquitto) -> Callable[..., Any]:
    """Run ``studio-agent send lights.set …`` beside the agent: its exit code, and its answers."""
    file = tmp_path / "studio.toml"
    file.write_text(f'[agent]\nsite = "hall"\nname = "one"\n[mqtt]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n')

    async def send(*words: str) -> tuple[int, list[dict[str, Any]]]:
        ran = await asyncio.to_thread(studio, "send", *SET, "-c", file, "--json", *words)
        assert ran.stderr == ""
        return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]

    return send


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_at_a_moment_ahead_it_is_scheduled_and_begun_then(
    mosquitto: Mosquitto, small_agent: Callable[..., SmallAgent], plain: Callable[..., Plain], send: Callable[..., Any]
) -> None:
    agent = await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe(f"{DOWN}/+")
    code, answers = await send("--id", "at", "--execute-at", "+1")
    states = [answer["state"] for answer in answers]
    assert (code, states) == (0, ["accepted", "scheduled", "executing", "executing", "succeeded"]), answers
    sent = said(desk.wait(lambda m: m.topic == f"{DOWN}/at"))
    assert sent.keys() == {"args", "issuer", "execute_at"} and answers[1]["due"] == sent["execute_at"]
    begun = next(answer for answer in answers if answer["state"] == "executing")
    assert seconds(sent["execute_at"]) <= seconds(begun["ts"]) + 0.002 and 0 <= begun["late_ms"] <= 250
    assert [effect[0] for effect in agent.lights.effects] == ["at"]


async def test_not_before_waits_and_an_end_is_said_to_the_agent_too(
    mosquitto: Mosquitto, small_agent: Callable[..., SmallAgent], plain: Callable[..., Plain], send: Callable[..., Any]
) -> None:
    await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe(f"{DOWN}/+")
    code, answers = await send("--id", "after", "--not-before", "+1", "--expires-in", "40")
    assert code == 0 and "scheduled" in [answer["state"] for answer in answers]
    sent = said(desk.wait(lambda m: m.topic == f"{DOWN}/after"))
    assert seconds(sent["expires_at"]) - seconds(sent["not_before"]) == pytest.approx(39.0, abs=0.01)
    (message,) = (m for m in desk.heard if m.topic == f"{DOWN}/after")
    assert 30 < message.properties.MessageExpiryInterval <= 40


async def test_a_moment_that_is_over_is_refused_by_the_agent(
    mosquitto: Mosquitto, small_agent: Callable[..., SmallAgent], send: Callable[..., Any]
) -> None:
    agent = await small_agent(mosquitto.port).start()
    past = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    code, answers = await send("--execute-at", past)
    assert (code, answers[-1]["state"], answers[-1]["code"]) == (2, "rejected", "expired")
    assert agent.lights.effects == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--execute-at", "noon"), "--execute-at: 'noon' is no time: +SECONDS from now, such as +0.5, or ISO 8601"),
        (("--execute-at", "+soon"), "'+soon' is no time"),
        (("--execute-at=-3",), "'-3' is no time"),
        (("--not-before", "2030-01-01T12:00:00"), "does not say its zone: 2030-01-01T12:00:00Z is UTC"),
        (("--not-before", "+99999999"), "'+99999999' is more than a year ahead"),
        (("--expires-in", "0"), "--expires-in/--expires: '0': whole seconds, at least 1 and at most a year"),
        (("--expires-in", "99999999"), "'99999999': whole seconds, at least 1 and at most a year"),
        (("--not-before", "+9", "--execute-at", "+5"), "execute_at is before not_before: leave not_before out"),
        (("--execute-at", "+9", "--expires-in", "5"), "it expires in 5 s, before it is due in 9.000 s"),
    ],
)
def test_what_is_no_time_or_cannot_be_is_a_usage_error_and_never_sent(words: tuple[str, ...], said: str) -> None:
    ran = studio("send", *SET, *words)
    assert (ran.returncode, ran.stdout) == (64, "")
    assert said in ran.stderr.splitlines()[-1]


def test_what_is_ahead_counts_from_the_sending() -> None:
    times = Times(60, Moment.parse("+.5"), Moment.parse("2030-01-01T12:00:00+08:00"))
    now = seconds("2030-01-01T03:59:58Z")
    assert times.fields(now) == {
        "not_before": "2030-01-01T03:59:58.500Z",
        "execute_at": "2030-01-01T04:00:00.000Z",
        "expires_at": "2030-01-01T04:00:58.000Z",
    }
    assert times.ahead(now) == 2.0 and times.ahead(now + 5) == 0.0 and Times().fields(now) == {}
