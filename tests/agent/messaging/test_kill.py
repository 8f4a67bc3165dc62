"""SIGKILL: the last will speaks, and no command has two effects."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, Plain

ROOT = Path(__file__).parents[3]
PREFIX = "studio/v1/hall/one"
STATUS = f"{PREFIX}/up/status"
SET = '{"args": {"targets": ["key"], "levels": {"intensity": 0.5}}}'
Start = Callable[[], subprocess.Popen[bytes]]


def said(message: Any) -> dict[str, Any]:
    return dict(json.loads(message.payload))


@pytest.fixture
def start(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.agent.messaging.agent_process", str(mosquitto.port), str(tmp_path)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(30)


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
    again = said(desk.wait(lambda m: m.topic.endswith("/s1")))
    assert again["state"] == "succeeded" and again["repeated"]
    desk.publish(f"{PREFIX}/down/cmd/look.apply/l1", '{"args": {"look": "show"}}')
    again = said(desk.wait(lambda m: m.topic.endswith("/l1")))
    assert (again["state"], again["code"]) == ("failed", "interrupted")
    assert (tmp_path / "effects").read_text().split() == ["s1", "l1"]
