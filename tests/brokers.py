"""Real brokers for tests, and a plain paho client as control software would use it."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.waiting import PATIENCE, free_port, wait_for_port


class Mosquitto:
    """A Mosquitto of our own on loopback. ``lines`` are added to its configuration."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        assert self.binary, "no mosquitto on this machine: apt-get install mosquitto"
        self.folder = folder
        self.port = free_port()
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        own = [line for line in self._lines if line.split()[0] == "allow_anonymous"] or ["allow_anonymous true"]
        rest = [line for line in self._lines if line not in own]
        user = ["user root"] if os.geteuid() == 0 else []
        config = self.folder / "mosquitto.conf"
        text = [*user, "set_tcp_nodelay true", f"listener {self.port} 127.0.0.1", *own, *rest]
        config.write_text("\n".join(text) + "\n")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([self.binary, "-c", str(config)], stdout=log, stderr=log)
        wait_for_port(self.port, alive=lambda: self._process is not None and self._process.poll() is None)
        return self

    def stop(self, kill: bool = False) -> None:
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None


def said(message: MQTTMessage) -> dict[str, Any]:
    """Its payload."""
    return dict(json.loads(message.payload))


def saying(topic: str, wanted: Callable[[Any], Any] = lambda payload: True) -> Callable[[MQTTMessage], bool]:
    """For :meth:`Plain.wait`: a message on that topic whose payload is wanted; a cleared one says nothing."""
    return lambda m: m.topic == topic and bool(m.payload) and bool(wanted(json.loads(m.payload)))


class Plain:
    """Plain paho as control software uses it: keeps what it hears, and lets a test wait for it."""

    def __init__(
        self, port: int, version: str = "5", nodelay: bool = True, tls: tuple[Path, str] | None = None, **login: str
    ) -> None:
        """``tls``: a folder of certificates as config/mosquitto/certificates.sh makes them, and whose."""
        self.five = version == "5"
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5 if self.five else MQTTv311)
        if login:
            self.client.username_pw_set(login["username"], login.get("password"))
        if tls:
            folder, name = tls
            self.client.tls_set(*(str(folder / file) for file in ("ca.pem", f"{name}.pem", f"{name}.key")))
        self.refused: dict[int, str] = {}
        """What the broker said no to, by message number."""
        self.client.on_publish = self._on_publish
        self.heard: list[MQTTMessage] = []
        self.at: list[float] = []
        """When each was heard, monotonic seconds."""
        self._door = threading.Condition()
        self._subscribed = 0
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        if nodelay:
            self.client.on_socket_open = lambda c, u, s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        with self._door:
            self.heard.append(message)
            self.at.append(time.monotonic())
            self._door.notify_all()

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refused[mid] = str(reason)

    def _on_subscribe(self, *_: Any) -> None:
        with self._door:
            self._subscribed += 1
            self._door.notify_all()

    def subscribe(self, *filters: str, qos: int = 1) -> "Plain":
        wanted: Any = [(f, SubscribeOptions(qos=qos)) for f in filters] if self.five else [(f, qos) for f in filters]
        with self._door:
            before = self._subscribed
            until = time.monotonic() + PATIENCE
            while self.client.subscribe(wanted)[0] != 0:  # not connected yet
                assert self._door.wait(0.01) or time.monotonic() < until
            assert self._door.wait_for(lambda: self._subscribed > before, PATIENCE)
        return self

    def publish(self, topic: str, body: bytes | str, retain: bool = False, **properties: Any) -> None:
        self.publish_soon(topic, body, retain, **properties).wait_for_publish(PATIENCE)

    def publish_soon(self, topic: str, body: bytes | str, retain: bool = False, **properties: Any) -> MQTTMessageInfo:
        """The same without waiting for the broker."""
        packed = None
        if properties:
            packed = Properties(PacketTypes.PUBLISH)
            for name, value in properties.items():
                setattr(packed, name, value)
        return self.client.publish(topic, body, 1, retain, packed)

    def wait(self, wanted: Callable[[MQTTMessage], Any], within: float = PATIENCE) -> MQTTMessage:
        """The first message heard (ever) that is wanted. Raises AssertionError with what was heard instead."""
        with self._door:
            found = self._door.wait_for(lambda: next((m for m in self.heard if wanted(m)), None), within)
        assert found is not None, [(m.topic, m.payload[:200]) for m in self.heard[-20:]]
        return found

    def forget(self) -> None:
        with self._door:
            self.heard.clear()
            self.at.clear()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Amqtt:
    """The pure-Python broker of the demo (MQTT 3.1.1 only), in this process and loop."""

    def __init__(self, broker: Any, port: int) -> None:
        self.broker = broker
        self.port = port

    def hang_up(self) -> None:
        """End every connection; it goes on listening."""
        for writer in self.broker.served:
            writer.transport.abort()


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start a Mosquitto with extra configuration lines."""
    started: list[Mosquitto] = []

    def start(*lines: str) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{uuid4().hex[:6]}"
        folder.mkdir()
        started.append(Mosquitto(folder, *lines).start())
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running Mosquitto that lets everybody in."""
    return start_mosquitto()


@pytest.fixture
async def amqtt_broker() -> AsyncIterator[Amqtt]:
    """A running amqtt."""
    from amqtt.broker import Broker

    class ClosingBroker(Broker):
        """amqtt 0.12 gives up a connection that ends in the middle of a packet, or is reset while it is being closed,
        without closing its transport."""

        def __init__(self, config: dict[str, Any]) -> None:
            super().__init__(config)
            self.served: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

        def stream_connected(self, reader: Any, writer: asyncio.StreamWriter, listener_name: str) -> None:
            self.served[writer] = asyncio.create_task(super().stream_connected(reader, writer, listener_name))

        async def shutdown(self) -> None:
            for writer in self.served:
                writer.transport.abort()
            # its own shutdown waits for ever for a connection that has only just begun
            await asyncio.gather(*self.served.values(), return_exceptions=True)
            await asyncio.gather(*(writer.wait_closed() for writer in self.served), return_exceptions=True)
            await super().shutdown()

    port = free_port()
    broker = ClosingBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    yield Amqtt(broker, port)
    async with asyncio.timeout(PATIENCE):
        await broker.shutdown()


@pytest.fixture
def plain() -> Iterator[Callable[..., Plain]]:
    """Make a plain paho client: ``plain(port, version="5")``."""
    made: list[Plain] = []

    def make(port: int, version: str = "5", tls: tuple[Path, str] | None = None, **login: str) -> Plain:
        made.append(Plain(port, version, tls=tls, **login))
        return made[-1]

    yield make
    for client in made:
        client.close()
