"""What the socket has is read in one go, what is due is sent in one go: whatever pieces the wire makes of it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from agent.messaging.message import Last, Message
from agent.messaging.wire import Wire
from config.broker import MqttSection
from tests.brokers import Mosquitto, Plain
from tests.waiting import until

ECHO = "studio/echo"


class Chopper:
    """Between a client and its broker: passes on pieces of at most ``most`` bytes, while :attr:`flows` is set."""

    def __init__(self, port: int, seed: int, most: int) -> None:
        self.flows = asyncio.Event()
        self.flows.set()
        self.port = 0
        self._broker = port
        self._random = random.Random(seed)
        self._most = most
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self._broker)
        self._writers += [writer, there[1]]
        ways = ((reader, there[1]), (there[0], writer))
        self._tasks += [asyncio.create_task(self._pass_on(*way)) for way in ways]

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                await self.flows.wait()
                piece = await reader.read(self._random.randint(1, self._most))
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def chopper(port: int, seed: int, most: int) -> AsyncIterator[Chopper]:
    made = Chopper(port, seed, most)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=2**16)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()


@asynccontextmanager
async def wire(port: int, heard: list[Message], version: Any = "5") -> AsyncIterator[Wire]:
    def take(message: Message) -> None:
        heard.append(message)
        message.ack()

    config = MqttSection(host="127.0.0.1", port=port)
    made = Wire(config, client_id="chopped", version=version, message=take, will=Last("studio/will", b"gone"))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("most", [1, 3, 100, 100_000])
async def test_packets_survive_whatever_the_wire_makes_of_them(mosquitto: Mosquitto, most: int, version: str) -> None:
    chance = random.Random(most)
    bodies = [
        chance.randbytes(chance.choice([0, 1, 2, 120, 130, 300, 20_000 if most > 3 else 400])) for _ in range(150)
    ]
    heard: list[Message] = []
    async with chopper(mosquitto.port, most, most) as between, wire(between.port, heard, version) as here:
        await here.subscribe((ECHO,))
        acked: list[int] = []
        for number, body in enumerate(bodies):
            assert here.publish(ECHO, body, qos=1, acked=lambda code, said, n=number: acked.append(n))
        await until(lambda: len(heard) == len(bodies) and here.waiting == 0)
        assert [message.payload for message in heard] == bodies
        assert sorted(acked) == list(range(len(bodies))) and here.strays == 0


async def test_what_comes_at_once_is_heard_at_once(mosquitto: Mosquitto, plain: Callable[..., Plain]) -> None:
    desk = plain(mosquitto.port)
    heard: list[Message] = []
    async with chopper(mosquitto.port, 1, 2**16) as between, wire(between.port, heard) as here:
        await here.subscribe((ECHO,))
        between.flows.clear()
        for number in range(15):  # as many as the broker sends unacknowledged
            await asyncio.to_thread(desk.publish, ECHO, str(number))
        between.flows.set()
        await until(lambda: len(heard) == 15, within=5)
    assert [int(message.payload) for message in heard] == list(range(15))


async def test_what_the_socket_does_not_take_goes_when_it_does(
    mosquitto: Mosquitto, plain: Callable[..., Plain]
) -> None:
    desk = plain(mosquitto.port).subscribe(ECHO)
    chance = random.Random(1)
    bodies = [chance.randbytes(200_000) for _ in range(60)]
    async with chopper(mosquitto.port, 1, 2**16) as between, wire(between.port, []) as here:
        between.flows.clear()
        for body in bodies:
            assert here.publish(ECHO, body, qos=1)
        await until(lambda: here._client.left)
        between.flows.set()
        await until(lambda: here.waiting == 0)
    await asyncio.to_thread(desk.wait, lambda message: message.payload == bodies[-1])
    assert [message.payload for message in desk.heard] == bodies


async def test_a_goodbye_comes_behind_what_was_said_before(mosquitto: Mosquitto, plain: Callable[..., Plain]) -> None:
    desk = plain(mosquitto.port).subscribe("studio/#")
    async with wire(mosquitto.port, []) as here:
        for number in range(20):
            here.publish("studio/last", str(number).encode())
    await asyncio.to_thread(desk.publish, "studio/end", b"")
    await asyncio.to_thread(desk.wait, lambda message: message.topic == "studio/end")
    assert [int(message.payload) for message in desk.heard if message.topic == "studio/last"] == list(range(20))
    assert not [message for message in desk.heard if message.topic == "studio/will"]


async def test_a_connection_cut_while_sending_ends_with_its_reason(mosquitto: Mosquitto) -> None:
    async with wire(mosquitto.port, []) as here:
        mosquitto.stop(kill=True)
        for _ in range(60):
            here.publish(ECHO, b"x" * 50_000, qos=1)
        assert await asyncio.wait_for(here.ended(), 5)
        assert not here.alive and here.waiting == 0
