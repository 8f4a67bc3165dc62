"""The two ways a person's command reaches the agent: through the broker and through the control socket."""

import asyncio
import json
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agent.messaging.client import Client
from agent.messaging.dial import NoConnection
from agent.messaging.local import ControlSocket, ask
from config.broker import MqttSection
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Amqtt, Mosquitto
from tests.waiting import until

Make = Callable[..., SmallAgent]
LEVELS = {"targets": ["key"], "levels": {"intensity": 0.5}}


def section(port: int, **more: object) -> MqttSection:
    return MqttSection.model_validate({"host": "127.0.0.1", "port": port, **more})


async def test_send_and_watch(mosquitto: Mosquitto, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    async with Client(section(mosquitto.port), issuer="test") as client:
        answers = [answer async for answer in client.send("hall", "one", "lights.set", LEVELS)]
        assert [a.state for a in answers] == ["accepted", "executing", "executing", "succeeded"]
        async for message in client.watch("studio/v1/+/+/up/status"):
            assert json.loads(message.payload)["state"] == "online" and message.retain
            break
        with pytest.raises(TimeoutError, match="no answer in time"):
            [_ async for _ in client.send("hall", "nobody", "ping", timeout=0.2)]
        watching = asyncio.ensure_future(anext(client.watch("nothing/here")))
        mosquitto.stop()
        with pytest.raises(NoConnection):
            await watching
    await until(lambda: agent.bus.health.state == "offline")


async def test_send_falls_back_to_the_older_protocol(amqtt_broker: Amqtt, small_agent: Make) -> None:
    agent = await small_agent(amqtt_broker.port, protocol="3.1.1").start()
    async with Client(section(amqtt_broker.port)) as client:
        assert client.protocol == "3.1.1"
        answers = [answer async for answer in client.send("hall", "one", "lights.set", LEVELS, id="mine")]
    assert answers[-1].state == "succeeded" and agent.lights.effects == [("mine", {"intensity": 0.5})]


async def test_no_broker_is_one_clear_error() -> None:
    with pytest.raises(NoConnection, match=r"127\.0\.0\.1:1.*refused"):
        async with Client(section(1)):
            pass


async def test_the_control_socket_works_without_a_broker(small_agent: Make, tmp_path: Path) -> None:
    agent = await small_agent(1).start(online=False)
    path = tmp_path / "control.sock"
    path.touch()
    path.unlink()
    control = ControlSocket(path, agent.dispatcher, agent.stamp)
    task = asyncio.create_task(control.run())
    await control.listening.wait()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    answers = [answer async for answer in ask(path, "lights.set", LEVELS, id="l1")]
    assert [a.state for a in answers] == ["accepted", "executing", "executing", "succeeded"]
    again = [answer async for answer in ask(path, "lights.set", LEVELS, id="l1")]
    assert again[-1].repeated and len(agent.lights.effects) == 1
    assert [a.code async for a in ask(path, "lights.sett", {})] == ["unknown-verb"]
    assert [a.code async for a in ask(path, "ping", {}, typo=1)] == ["malformed"]

    rival = ControlSocket(path, agent.dispatcher, agent.stamp)
    second = asyncio.create_task(rival.run())
    await until(lambda: rival.health)
    assert "another agent" in rival.health
    for running in (second, task):
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        [_ async for _ in ask(path, "ping")]


async def test_the_control_socket_survives_nonsense_and_a_stale_file(small_agent: Make, tmp_path: Path) -> None:
    agent = await small_agent(1).start(online=False)
    path = tmp_path / "control.sock"
    for _ in range(2):  # the second finds what the first, cut off, left behind
        control = ControlSocket(path, agent.dispatcher, agent.stamp)
        left = control._bound()
        left.close()
    control = ControlSocket(path, agent.dispatcher, agent.stamp)
    task = asyncio.create_task(control.run())
    await control.listening.wait()
    reader, writer = await asyncio.open_unix_connection(str(path))
    for line in (b"\n", b"[]\n", b'{"id": 5}\n', b"\xff\xfe\n"):
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert answer["state"] == "rejected"
        assert answer["message"]["en"].count("the message is not a command") <= 1, "said once, not in itself"
    writer.write(b"x" * 40_000)
    assert json.loads(await reader.readline())["code"] == "malformed"
    assert await reader.read() == b""
    writer.close()
    assert [a.state async for a in ask(path, "ping")][-1] == "succeeded"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_socket_path_that_is_too_long_is_said(small_agent: Make, tmp_path: Path) -> None:
    agent = small_agent(1)
    control = ControlSocket(tmp_path / ("x" * 120), agent.dispatcher, agent.stamp)
    task = asyncio.create_task(control.run())
    await until(lambda: control.health)
    assert "shorter agent.state_dir" in control.health
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
