"""Durable messages end to end, and a command's round trip while they flow; paho with its defaults beside it."""

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.benchmarks.row import Row, p50, p99
from tests.brokers import Mosquitto, Plain

MESSAGES = 30_000
TRIPS = 1000
PREFIX = "studio/v1/hall/one"
ROOT = Path(__file__).parents[2]


def run(folder: Path) -> list[Row]:
    here = folder / "outbox"
    here.mkdir()
    broker = Mosquitto(here, "max_inflight_messages 100", "max_queued_messages 0").start()
    try:
        return [*flow(broker, here), *groups(here), *trips(broker, here)]
    finally:
        broker.stop()


def agent(broker: Mosquitto, folder: Path, rate: int) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.benchmarks.outbox", str(broker.port), str(folder), str(rate)]
    return subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def flow(broker: Mosquitto, folder: Path) -> list[Row]:
    """As fast as the broker takes them, each one on the disk first."""
    process = agent(broker, folder / "flow", 0)
    out, _ = process.communicate(timeout=180)
    found = json.loads(out.splitlines()[-1])
    began = time.monotonic()
    client = Plain(broker.port).client
    last = None
    for number in range(MESSAGES):
        last = client.publish("bare", str(number).rjust(200), 1)
    assert last is not None
    last.wait_for_publish(180)
    bare = MESSAGES / (time.monotonic() - began)
    client.disconnect()
    return [
        Row(
            "durable messages end to end (disk, QoS 1, PUBACK, off the disk)",
            f"{found['rate']:,.0f} msg/s, RSS {found['rss_before']:.0f} → {found['rss_after']:.0f} MiB",
            "≥ 10,000 msg/s, RSS flat",
            found["rate"] >= 10_000 and found["rss_after"] - found["rss_before"] < 10,
            f"{MESSAGES} events of 200 B, groups of {found['group']:.0f}, synchronous = full",
        ),
        Row("… paho with its defaults, nothing kept", f"{bare:,.0f} msg/s", "", None, "the same broker, same run"),
        Row(
            "… aiomqtt with its defaults, nothing kept",
            f"{asyncio.run(aiomqtt_flow(broker.port)):,.0f} msg/s",
            "",
            None,
            f"the same; {MESSAGES // 3} messages, ten at a time",
        ),
    ]


async def aiomqtt_flow(port: int) -> float:
    """Messages a second."""
    numbers = iter(range(MESSAGES // 3))
    async with aiomqtt.Client("127.0.0.1", port) as client:

        async def some() -> None:
            for number in numbers:
                await client.publish("bare", str(number).rjust(200), qos=1)

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(10):  # more, and it warns
                group.create_task(some())
        return MESSAGES / 3 / (time.monotonic() - began)


def groups(folder: Path) -> list[Row]:
    """200 messages in and 200 out while the interpreter is never idle: the outbox's way, and a statement a row."""
    from agent.messaging.outbox_file import Group, OutboxFile, budgets
    from agent.messaging.outbox_file import Row as Message
    from agent.messaging.topics import Keep
    from config.broker import OutboxSection

    ours = OutboxFile(folder / "groups.sqlite", budgets(OutboxSection()))
    ours.open()
    plain = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    plain.executescript(
        "pragma journal_mode = wal; pragma synchronous = full;"
        "create table message (id integer primary key, keep text, topic text, body blob, at real, size integer)"
    )

    def by_group(rows: list[Message], done: list[int]) -> None:
        ours.commit(Group(rows, done), time.time(), time.monotonic())

    def by_row(rows: list[Message], done: list[int]) -> None:
        plain.execute("begin immediate")
        plain.executemany("insert into message values (?, ?, ?, ?, ?, ?)", [(*row, row.size) for row in rows])
        plain.executemany("delete from message where id = ?", [(number,) for number in done])
        plain.execute("commit")

    took: dict[str, list[float]] = {}
    idle = threading.Event()

    def restless() -> None:
        while not idle.is_set():
            sum(range(200))

    busy = threading.Thread(target=restless)
    busy.start()
    try:
        for name, way, times in (("group", by_group, 40), ("row", by_row, 5)):
            for turn in range(times):
                rows = [Message(turn * 200 + n + 1, Keep.EVENT, "up/event", b"x" * 200, 0.0) for n in range(200)]
                began = time.monotonic()
                way(rows, [row.id - 200 for row in rows] if turn else [])
                took.setdefault(name, []).append((time.monotonic() - began) * 1e3)
    finally:
        idle.set()
        busy.join()
        ours.close()
        plain.close()
    return [
        Row("a group of 200 onto the disk beside a busy interpreter", said(took["group"]), "", None, "one statement"),
        Row("… a statement a row", said(took["row"]), "", None, "the same rows by executemany"),
    ]


def trips(broker: Mosquitto, folder: Path) -> list[Row]:
    """Request and response topic, QoS 1, while 1,000 durable messages a second flow."""
    process = agent(broker, folder / "trips", 1000)
    rows: list[Row] = []
    beside = "beside 1,000 durable msg/s"
    try:
        assert process.stdout is not None
        process.stdout.readline()
        _, asked = round_trips(broker.port, "ping", TRIPS)
        met = p50(asked) <= 1 and p99(asked) <= 5
        how = f"{len(asked)} × ping: a question, without effect, so the disk is not waited for; {beside}"
        rows.append(Row("command round trip", said(asked), "p50 ≤ 1, p99 ≤ 5 ms", met, how))
        accepted, done = round_trips(broker.port, "lights.set", TRIPS)
        how = f"{len(done)} × lights.set, on the disk (synchronous = full) before and after its effect; {beside}"
        rows.append(Row("… with an effect, until *succeeded*", said(done), "", None, how))
        rows.append(Row("… until *accepted*", said(accepted), "", None, "on the disk once"))
        _, slow = round_trips(broker.port, "ping", TRIPS // 10, nodelay=False)
        rows.append(Row("command round trip, requester: paho with its defaults", said(slow), "", None, "ping"))
        slow = asyncio.run(aiomqtt_trips(broker.port))
        rows.append(Row("command round trip, requester: aiomqtt with its defaults", said(slow), "", None, "ping"))
    finally:
        process.communicate(timeout=60)
    return [*rows, *floor(broker, folder)]


def said(delays: list[float]) -> str:
    return f"p50 {p50(delays):.2f} ms, p99 {p99(delays):.2f} ms"


def floor(broker: Mosquitto, folder: Path) -> list[Row]:
    """What this machine lets nobody go below: a bare paho that only answers, and one row onto the disk."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare", str(broker.port), f"{PREFIX}/down/cmd/#", "answer"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        process.stdout.readline()
        _, bare = round_trips(broker.port, "ping", TRIPS)
    finally:
        process.communicate(timeout=60)
    db = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table command (id integer primary key, answer text)")
    written = []
    for number in range(TRIPS):
        began = time.monotonic()
        db.execute("insert into command values (?, ?)", (number, "x" * 200))
        written.append((time.monotonic() - began) * 1e3)
    db.close()
    return [
        Row("… floor: a bare paho, tuned, answers and does nothing else", said(bare), "", None, "nothing beside it"),
        Row("… floor: one row onto the disk (synchronous = full)", said(written), "", None, "nothing beside it"),
    ]


async def aiomqtt_trips(port: int) -> list[float]:
    delays = []
    wishes = Properties(PacketTypes.PUBLISH)
    wishes.ResponseTopic = "studio/reply/aio"
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("studio/reply/aio", qos=1)
        for _ in range(TRIPS // 10):
            began = time.monotonic()
            topic = f"{PREFIX}/down/cmd/ping/{os.urandom(8).hex()}"
            await client.publish(topic, "", qos=1, properties=wishes)
            async for message in client.messages:
                if json.loads(message.payload)["state"] == "succeeded":
                    break
            delays.append((time.monotonic() - began) * 1e3)
    return delays


def round_trips(port: int, verb: str, count: int, nodelay: bool = True) -> tuple[list[float], list[float]]:
    """Milliseconds until *accepted*, and until *succeeded*."""
    desk = Plain(port, nodelay=nodelay)
    answered = threading.Event()
    first: list[float] = []

    def heard(_client: object, _userdata: object, message: object) -> None:
        state = json.loads(message.payload)["state"]  # type: ignore[attr-defined]
        if state == "accepted":
            first.append((time.monotonic() - began) * 1e3)
        if state == "succeeded":
            answered.set()

    desk.client.on_message = heard
    desk.subscribe("studio/reply/bench")
    body = json.dumps({"args": {"targets": ["all"], "levels": {"intensity": 0.5}}}) if verb == "lights.set" else ""
    delays = []
    for _ in range(count):
        answered.clear()
        began = time.monotonic()
        topic = f"{PREFIX}/down/cmd/{verb}/{os.urandom(8).hex()}"
        desk.publish_soon(topic, body, ResponseTopic="studio/reply/bench")
        assert answered.wait(30)
        delays.append((time.monotonic() - began) * 1e3)
    desk.close()
    return first, delays


async def main(port: int, folder: Path, rate: int) -> None:
    """The agent's side: says what it measured, or talks at a rate until its input ends."""
    from agent.messaging.payloads import Event
    from agent.runtime import logs
    from agent.runtime.lane import Idle, Lane, NoDevice
    from tests.agent.messaging.conftest import SmallAgent

    def bug(lane: str, error: BaseException) -> None:
        raise error

    logs.set_up("warning")
    folder.mkdir()  # noqa: ASYNC240 - before anything runs
    # the disk's work is done as in the service
    lane = Lane("disk", NoDevice("disk"), Idle(), now=time.monotonic, tell=lambda *_: None, bug=bug)
    lane.start()
    here = await SmallAgent(port, folder, disk=lane.call).start()
    box, file = here.bus.outbox, here.bus.outbox.file
    if rate:
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        print("ready", flush=True)
        due = time.monotonic()
        while not ended.done():
            for _ in range(rate // 100):
                here.bus.publish(here.topics.event, Event(name="bench.filler", fields={"x": "x" * 40}))
            due += 0.01
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await here.stop()
        lane.request_stop()
        return
    groups: list[int] = []
    commit = file.commit

    def counted(group: object, now: float, mono: float) -> None:
        groups.append(len(group.fresh))  # type: ignore[attr-defined]
        commit(group, now, mono)  # type: ignore[arg-type]

    file.commit = counted  # type: ignore[method-assign]
    rss = [0.0, 0.0]
    began = time.monotonic()
    for number in range(MESSAGES):
        here.bus.publish(here.topics.event, Event(name="bench.filler", fields={"x": "x" * 40}))
        if number == MESSAGES // 4:
            rss[0] = resident()
        if number % 100 == 99:
            while box.waiting > 1000:  # whoever makes them waits for the disk and the broker, not for memory
                await asyncio.sleep(0.001)
    while box.waiting:
        await asyncio.sleep(0.001)
    took = time.monotonic() - began
    rss[1] = resident()
    filled = [size for size in groups if size]
    print(json.dumps({"rate": MESSAGES / took, "group": p50([float(size) for size in filled]),
                      "rss_before": rss[0], "rss_after": rss[1]}), flush=True)  # fmt: skip
    await here.stop()
    lane.request_stop()


def resident() -> float:
    """MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
