"""Alerts that are looked after, silenced, told again."""

import json

from tests.waiting import until

KEY = "lights.stopped"


def alert(agent):
    topic = agent.topics.alert(KEY)
    return json.loads(agent.bus.board[topic]) if topic in agent.bus.board else None


def listen(agent):
    events = []
    agent.bus.listeners.append(
        lambda topic, event: (
            events.append((event.name, event.fields.get("key"))) if topic.endswith("up/event") else None
        )
    )
    return events


async def test_an_acknowledged_alert_stays_so_over_a_restart_until_it_resolves(house):
    async with house.running() as agent:
        assert (await house.send("alert.ack", {"key": KEY})).code == "unknown-target"
        await house.send("lights.stop", {})
        await until(lambda: alert(agent))
        answer = await house.send("alert.ack", {"key": KEY}, issuer="anna")
        assert answer.result == {"key": KEY, "acknowledged_by": "anna"}
        assert (alert(agent)["state"], alert(agent)["acknowledged_by"]) == ("acknowledged", "anna")
    async with house.running() as agent:
        await until(lambda: alert(agent))
        assert (alert(agent)["state"], alert(agent)["acknowledged_by"]) == ("acknowledged", "anna")
        await house.local("lights.stop.reset", {})
        await until(lambda: alert(agent) is None)
        await house.send("lights.stop", {})
        await until(lambda: alert(agent))
        assert (alert(agent)["state"], alert(agent)["acknowledged_by"]) == ("firing", "")


async def test_a_silenced_alert_is_shown_but_no_event_and_told_when_the_silence_ends(house):
    async with house.running() as agent:
        wish = {"pattern": "lights.*", "reason": "rehearsal", "hours": 2}
        answer = await house.send("alert.silence", wish, issuer="anna")
        assert answer.state == "succeeded" and answer.result["pattern"] == "lights.*"
    async with house.running() as agent:  # it outlives a restart
        events = listen(agent)
        await house.send("lights.stop", {})
        await until(lambda: alert(agent))
        assert alert(agent)["state"] == "firing" and alert(agent)["silenced_by"] == "anna"
        assert alert(agent)["silenced_because"] == "rehearsal"
        assert alert(agent)["silenced_until"] == answer.result["until"]
        assert ("alert.firing", KEY) not in events
        assert (await house.send("alert.unsilence", {"pattern": "light"})).code == "unknown-target"
        assert (await house.send("alert.unsilence", {"pattern": "lights.*"})).state == "succeeded"
        assert events.count(("alert.firing", KEY)) == 1 and alert(agent)["silenced_until"] is None


async def test_a_silence_ends_by_itself(house):
    async with house.running() as agent:
        await house.send("lights.stop", {})
        await until(lambda: alert(agent))
        events = listen(agent)
        await house.send("alert.silence", {"pattern": KEY, "reason": "x", "hours": 1e-5})
        await until(lambda: ("alert.firing", KEY) in events)
        assert alert(agent)["silenced_until"] is None
        too_long = {"pattern": KEY, "reason": "x", "hours": 12.5}
        assert (await house.send("alert.silence", too_long)).code == "out-of-range"
        for silent in ({"pattern": KEY}, {"pattern": KEY, "reason": " "}):
            assert (await house.send("alert.silence", silent)).code == "invalid"


async def test_a_damaged_book_of_alerts_is_no_reason_not_to_start(house):
    (house.folder / "state").mkdir()
    (house.folder / "state/alerts.json").write_text("{ half")
    async with house.running() as agent:
        await house.send("lights.stop", {})
        await until(lambda: alert(agent))
        assert (await house.send("alert.ack", {"key": KEY})).state == "succeeded"
