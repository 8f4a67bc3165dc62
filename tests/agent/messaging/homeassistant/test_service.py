"""The agent at Home Assistant's broker: a real Mosquitto, and what Home Assistant would send and see."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.header import HEADER, Say
from agent.messaging.homeassistant.payloads import LightShown
from agent.messaging.homeassistant.service import HomeAssistant
from agent.messaging.homeassistant.withdrawal import Withdrawal
from agent.messaging.payloads import Alert, FixtureEntry, FixtureState, Inventory
from config.model import HomeAssistantSection
from config.units import Attribute
from tests.agent.messaging.conftest import SmallAgent, small_agent
from tests.brokers import Mosquitto, Plain, said, saying
from tests.waiting import until

__all__ = ["small_agent"]

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
CONFIG = "homeassistant/device/hall/one/config"
UP, DOWN = "studio/v1/hall/one/up/ha", "studio/v1/hall/one/down/ha"
KEY = FixtureEntry(name="key", attributes=("intensity", "cct"), ranges={"intensity": (0, 1), "cct": (2700.5, 6500)})
BACK = FixtureEntry(name="back", attributes=("intensity",))


def speak(agent: SmallAgent, folder: Path, **more: Any) -> HomeAssistant:
    """Home Assistant's dialect, and a studio with two lights that speak for themselves."""
    home = HomeAssistant(
        HomeAssistantSection(enabled=True),
        agent.bus,
        agent.dispatcher.receive,
        language=more.get("language", "en"),
        version="1.2.3",
        memory=folder / "homeassistant.json",
        spread=0.01,
        settle=0.05,
    )
    board, topics = agent.bus.board, agent.topics
    board.put(
        topics.inventory, Inventory(fixtures=more.get("fixtures", (KEY, BACK)), looks=("soft",), exposure="cam-1")
    )
    levels = {Attribute.INTENSITY: 0.5, Attribute.CCT: 5600.0}
    board.put(topics.state("fixture", "key"), FixtureState(levels={}, target=levels))
    board.put(topics.state("exposure", "cam-1"), ExposureState(mode="advise", target=0.18))
    return home


async def heard(watcher: Plain, topic: str, wanted: Callable[[Any], Any] = lambda _: True) -> Any:
    return said(await asyncio.to_thread(watcher.wait, saying(topic, wanted)))


async def test_one_retained_message_makes_the_device(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    speak(agent, tmp_path)
    await agent.start()
    config = await heard(plain(mosquitto.port).subscribe(CONFIG), CONFIG)
    assert config["device"] == {
        "identifiers": ["studio:hall:one"],
        "name": "one",
        "manufacturer": "Studio Edge Agent",
        "model": "studio-edge-agent",
        "sw_version": "1.2.3",
    }
    key = config["components"]["light:key"]
    assert (key["min_kelvin"], key["max_kelvin"], key["name"]) == (2701, 6500, "key")
    assert key["state_topic"] == f"{UP}/light/key" and key["command_topic"] == f"{DOWN}/light/key"
    assert [each["topic"] for each in key["availability"]] == [
        "studio/v1/hall/one/up/status",
        "studio/v1/hall/one/up/state/fixture/key",
    ]
    ids = [component["unique_id"] for component in config["components"].values()]
    assert len({*ids}) == len(ids) > 15
    assert len({each["default_entity_id"] for each in config["components"].values()}) == len(ids)
    shown = await heard(plain(mosquitto.port).subscribe(f"{UP}/#"), f"{UP}/light/key")
    assert (shown["state"], shown["brightness"], shown["color_mode"], shown["color_temp"]) == (
        "ON",
        128,
        "color_temp",
        5600,
    )


async def test_what_home_assistant_asks_is_a_command_like_any_other(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    speak(agent, tmp_path)
    await agent.start()
    desk = plain(mosquitto.port).subscribe("studio/v1/hall/one/up/#")
    body = json.dumps({"state": "ON", "brightness": 51, "color_temp": 4300, "transition": 2.0})
    desk.publish(f"{DOWN}/light/key", body)
    result = await heard(desk, f"{UP}/result/latest")
    assert (result["state"], result["asked"], result["code"]) == ("succeeded", "light/key", "")
    ((name, levels),) = agent.lights.effects
    assert levels == {"intensity": 0.2, "cct": 4300.0}
    assert name.startswith("ha-") and agent.journal.find(name) is not None
    desk.publish(f"{DOWN}/light/key", body)
    await until(lambda: len(agent.lights.effects) == 2)  # it makes no ids: each message is asked anew


@pytest.mark.parametrize(
    ("topic", "body", "retain", "code"),
    [
        ("identify/key", "{}", False, "on-air"),
        ("light/ghost", '{"state": "ON"}', False, "unknown-target"),
        ("light/key", "ON", False, "malformed"),
        ("light/key", '{"state": "ON", "brightness": 9}', True, "retained"),
        ("selftest/quick", "{}", False, "unknown-verb"),
    ],
)
async def test_a_refusal_is_shown_and_the_light_goes_back_to_what_it_is(
    mosquitto: Mosquitto,
    plain: Join,
    small_agent: Make,
    tmp_path: Path,
    topic: str,
    body: str,
    retain: bool,
    code: str,
) -> None:
    agent = small_agent(mosquitto.port)
    agent.air = True
    speak(agent, tmp_path)
    await agent.start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    await heard(desk, f"{UP}/light/key")
    desk.forget()
    desk.publish(f"{DOWN}/{topic}", body, retain=retain)
    result = await heard(desk, f"{UP}/result/latest")
    assert (result["state"], result["asked"], result["code"]) == ("rejected", topic, code)
    assert result["message"]["en"] and result["message"]["zh"]
    assert not agent.lights.effects
    if topic == "light/key":
        assert (await heard(desk, f"{UP}/light/key"))["brightness"] == 128


async def test_home_assistant_starts_and_is_told_again(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    task = asyncio.create_task(speak(agent, tmp_path).run())
    await agent.start()
    desk = plain(mosquitto.port).subscribe(CONFIG, f"{UP}/#")
    await heard(desk, CONFIG)
    await heard(desk, f"{UP}/light/key")
    desk.forget()
    desk.publish("homeassistant/status", "offline")
    desk.publish("homeassistant/status", "online")
    await heard(desk, CONFIG)
    await heard(desk, f"{UP}/light/key")
    await heard(desk, f"{UP}/alerts/all")
    assert agent.bus.counters["stray"] == 0
    task.cancel()


async def test_alerts_are_one_list_worst_first(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    speak(agent, tmp_path)
    await agent.start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    text = Say(en="dark", zh="暗")
    for key, level in (("network", "warning"), ("widget", "critical")):
        alert = Alert(key=key, level=level, state="firing", since="2030-01-01T00:00:00Z", text=text, first=text)  # type: ignore[arg-type]
        agent.bus.board.put(agent.topics.alert(key), alert)
    both = await heard(desk, f"{UP}/alerts/all", lambda p: p["count"] == 2)
    assert both["worst"] == "critical" and [each["key"] for each in both["alerts"]] == ["widget", "network"]
    agent.bus.board.clear(agent.topics.alert("widget"))
    assert (await heard(desk, f"{UP}/alerts/all", lambda p: p["count"] == 1))["worst"] == "warning"
    agent.bus.board.clear(agent.topics.alert("network"))
    assert (await heard(desk, f"{UP}/alerts/all", lambda p: p["count"] == 0 and p["seq"] > both["seq"]))[
        "worst"
    ] == "none"


async def test_a_light_that_is_no_more_is_taken_back_by_name_also_after_a_restart(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    speak(agent, tmp_path)
    await agent.start()
    desk = plain(mosquitto.port).subscribe(CONFIG, f"{UP}/light/key")
    await heard(desk, f"{UP}/light/key")
    await agent.stop()
    again = small_agent(mosquitto.port)
    task = asyncio.create_task(speak(again, tmp_path, fixtures=(BACK,)).run())
    await again.start()
    again.bus.board.sweep()
    assert not [m for m in desk.heard if m.topic == f"{UP}/light/key" and not m.payload]  # not before its entity
    config = await heard(desk, CONFIG, lambda p: "min_kelvin" not in p["components"]["light:key"])
    assert config["components"]["light:key"] == {"platform": "light"}
    assert config["components"]["identify:key"] == {"platform": "button"}
    assert config["components"]["light:back"]["name"] == "back"
    await asyncio.to_thread(desk.wait, lambda m: m.topic == f"{UP}/light/key" and not m.payload)
    task.cancel()


async def test_a_light_taken_out_by_a_reload_is_emptied_after_its_entity(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    task = asyncio.create_task(speak(agent, tmp_path).run())
    await agent.start()
    desk = plain(mosquitto.port).subscribe(CONFIG, f"{UP}/light/key")
    await heard(desk, f"{UP}/light/key")
    agent.bus.board.put(agent.topics.inventory, Inventory(fixtures=(BACK,)))
    agent.bus.board.clear(agent.topics.state("fixture", "key"))
    await asyncio.to_thread(desk.wait, lambda m: m.topic == f"{UP}/light/key" and not m.payload)
    topics = [m.topic for m in desk.heard]
    gone = next(
        i
        for i, m in enumerate(desk.heard)
        if m.topic == CONFIG and "min_kelvin" not in said(m)["components"]["light:key"]
    )
    assert gone < len(topics) - 1 - topics[::-1].index(f"{UP}/light/key")
    task.cancel()


async def test_switched_off_it_takes_everything_back(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    agent = small_agent(mosquitto.port)
    speak(agent, tmp_path)
    await agent.start()
    desk = plain(mosquitto.port).subscribe(CONFIG, f"{UP}/#")
    await heard(desk, f"{UP}/light/key")
    await agent.stop()
    without = small_agent(mosquitto.port)
    memory = tmp_path / "homeassistant.json"
    task = asyncio.create_task(Withdrawal(without.bus, CONFIG, memory, 0.05).run())
    await without.start()
    without.bus.board.sweep()
    await asyncio.to_thread(desk.wait, lambda m: m.topic == CONFIG and not m.payload)
    await asyncio.to_thread(desk.wait, lambda m: m.topic == f"{UP}/light/key" and not m.payload)
    await task
    assert not memory.exists()
    late = plain(mosquitto.port).subscribe(CONFIG, f"{UP}/#", "studio/v1/hall/one/up/status")
    await asyncio.to_thread(late.wait, lambda m: m.topic.endswith("up/status"))
    assert [m.topic for m in late.heard] == ["studio/v1/hall/one/up/status"]


async def test_an_agent_may_announce_itself_and_nobody_else(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    shipped = (Path(__file__).parents[4] / "config/mosquitto/acl").read_text()
    acl.write_text(shipped)
    passwords = tmp_path / "passwords"
    passwords.touch()
    for name in ("one", "homeassistant"):
        made = await asyncio.create_subprocess_exec("mosquitto_passwd", "-b", str(passwords), name, "secret")
        assert await made.wait() == 0
    broker = start_mosquitto("allow_anonymous false", f"password_file {passwords}", f"acl_file {acl}")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    agent = small_agent(broker.port, username="one", password_file=str(secret))
    task = asyncio.create_task(speak(agent, tmp_path).run())
    await agent.start()
    home = plain(broker.port, username="homeassistant", password="secret").subscribe("#")
    await heard(home, CONFIG)
    await heard(home, f"{UP}/light/key")
    home.publish(f"{DOWN}/light/key", '{"state": "OFF"}')
    assert (await heard(home, f"{UP}/result/latest"))["state"] == "succeeded"
    home.forget()
    home.publish("homeassistant/status", "online")
    await heard(home, CONFIG)
    assert agent.bus.counters["denied"] == 0
    agent.bus.publish("homeassistant/device/hall/two/config", b"{}", qos=1, retain=True)
    await until(lambda: agent.bus.counters["denied"] == 1)
    task.cancel()


def test_a_light_shown_leaves_out_what_is_not_there() -> None:
    assert json.loads(LightShown(state="OFF", color_mode="brightness").encode()).keys() == HEADER | {
        "state",
        "color_mode",
    }
