"""SIGKILL: the last will speaks, and no command has two effects."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, Plain, said, saying
from tests.processes import Child

PREFIX = "studio/v1/hall/one"
STATUS = f"{PREFIX}/up/status"
SET = '{"args": {"targets": ["key"], "levels": {"intensity": 0.5}}}'
Start = Callable[[], Child]


@pytest.fixture
def start(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Start]:
    started: list[Child] = []

    def begin() -> Child:
        command = (sys.executable, "-m", "tests.agent.messaging.agent_process", str(mosquitto.port), tmp_path)
        started.append(Child(*command))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def test_killed_and_back(mosquitto: Mosquitto, plain: Callable[..., Plain], start: Start, tmp_path: Path) -> None:
    desk = plain(mosquitto.port).subscribe(f"{PREFIX}/up/#")
    first = start()
    birth = said(desk.wait(lambda m: m.topic == STATUS and said(m)["ready"], 30))
    desk.publish(f"{PREFIX}/down/cmd/lights.set/s1", SET)
    desk.wait(lambda m: m.topic.endswith("/s1") and said(m)["state"] == "succeeded")
    desk.publish(f"{PREFIX}/down/cmd/look.apply/l1", '{"args": {"look": "show"}}')
    desk.wait(lambda m: m.topic.endswith("/l1") and said(m)["state"] == "executing")

    first.kill()
    will = said(desk.wait(lambda m: m.topic == STATUS and said(m)["state"] == "offline"))
    assert will["reason"] == "lost" and will["session"] == birth["session"] and will["ready"] is False

    desk.forget()
    start()
    back = said(desk.wait(lambda m: m.topic == STATUS and said(m)["ready"], 30))
    assert back["session"] != birth["session"] and back["boot"] != birth["boot"]
    desk.publish(f"{PREFIX}/down/cmd/lights.set/s1", SET)
    # its end is told anew at the start (the kill may have come before it was told), and as the answer to the repetition
    again = said(desk.wait(lambda m: m.topic.endswith("/s1") and said(m)["repeated"]))
    assert again["state"] == "succeeded"
    desk.publish(f"{PREFIX}/down/cmd/look.apply/l1", '{"args": {"look": "show"}}')
    again = said(desk.wait(lambda m: m.topic.endswith("/l1")))
    assert (again["state"], again["code"]) == ("failed", "interrupted")
    assert (tmp_path / "effects").read_text().split() == ["s1", "l1"]


def test_killed_with_commands_that_wait_for_their_time(
    mosquitto: Mosquitto, plain: Callable[..., Plain], start: Start, tmp_path: Path
) -> None:
    desk = plain(mosquitto.port).subscribe(f"{PREFIX}/up/#")
    first = start()
    desk.wait(lambda m: m.topic == STATUS and said(m)["ready"], 30)

    def order(name: str, ahead: float, **properties: Any) -> None:
        at = datetime.fromtimestamp(time.time() + ahead, UTC).isoformat()
        body = json.dumps({**json.loads(SET), "execute_at": at})
        desk.publish(f"{PREFIX}/down/cmd/lights.set/{name}", body, **properties)
        desk.wait(saying(f"{PREFIX}/up/cmd/lights.set/{name}", lambda body: body["state"] == "scheduled"))

    order("missed", 1.5)
    order("later", 8.0, ResponseTopic="test/reply", CorrelationData=b"7")
    desk.subscribe("test/reply")
    first.kill()
    desk.wait(lambda m: m.topic == STATUS and said(m)["state"] == "offline")
    threading.Event().wait(2.0)  # the time of the first must pass
    start()
    missed = desk.wait(saying(f"{PREFIX}/up/cmd/lights.set/missed", lambda body: body["state"] == "failed"), 30)
    assert said(missed)["code"] in ("expired", "interrupted")
    later = desk.wait(lambda m: m.topic == "test/reply" and said(m)["state"] == "succeeded", 30)
    assert later.properties is not None and later.properties.CorrelationData == b"7"
    begun = desk.wait(saying(f"{PREFIX}/up/cmd/lights.set/later", lambda body: body["state"] == "executing"))
    assert 0 <= said(begun)["late_ms"] < 250
    assert (tmp_path / "effects").read_text().split() == ["later"]
