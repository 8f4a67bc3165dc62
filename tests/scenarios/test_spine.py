"""The main job on real input: the service as a process between a real Mosquitto, a widget on a pseudo-terminal, an sACN
receiver made by others, a video file streamed by ffmpeg and a UDP reflector; driven as control software would.

The same walk is the README's tutorial.
"""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.brokers import Mosquitto, Plain, said, saying
from tests.scenarios.floor import Playing, Receiver, Service, Widget, film, reflector
from tests.waiting import PATIENCE, free_port

BASE = "studio/v1/hangzhou/room-3"
KEY, FILL, BACK = 0, 10, 20
"""First slot of each light, counted from 0."""

CONFIG = """
[agent]
site = "hangzhou"
name = "room-3"
state_dir = "state"

[mqtt]
host = "127.0.0.1"
port = {broker}

[lighting]
start_look = "show"

[outputs.widget]
driver = "enttec-pro"
universes = [1]
options = {{ port = "{port}" }}

[outputs.network]
driver = "sacn"
universes = [1]
options = {{ hosts = ["127.0.0.1"] }}

[fixtures.key]
profile = "generic/bicolour-panel"
personality = "2ch"
universe = 1
address = 1
role = "key"

[fixtures.fill]
profile = "generic/bicolour-panel"
personality = "2ch"
universe = 1
address = 11
role = "fill"

[fixtures.back]
profile = "generic/dimmer"
personality = "16bit"
universe = 1
address = 21
role = "back"

[looks.show]
fade = 0.5
[looks.show.levels]
key = {{ intensity = 0.6, cct = 5600 }}
fill = {{ intensity = 0.4, cct = 5600 }}
back = {{ intensity = 0.5 }}

[looks.calm]
fade = 0.5
[looks.calm.levels]
key = {{ intensity = 0.2 }}
fill = {{ intensity = 0.2 }}

[cameras.front]
driver = "opencv"
options = {{ source = "http://127.0.0.1:{camera}/studio.mjpeg" }}

[exposure]
camera = "front"
fixtures = ["key", "fill"]
mode = "advise"

[probes.ingest]
driver = "stamp"
interval = 0.05
options = {{ host = "127.0.0.1", port = {reflector} }}
"""


@dataclass
class Floor:
    folder: Path
    control: Plain
    widget: Widget
    receiver: Receiver
    stream: Playing
    config: Path
    service: Service

    def start(self) -> None:
        self.service = Service(self.config, self.folder / "agent.log")

    def said(self, topic: str, wanted: Any = lambda payload: True, within: float = PATIENCE) -> Any:
        """The first payload on a topic that is wanted."""
        return said(self.control.wait(saying(f"{BASE}/up/{topic}", wanted), within))

    def send(self, verb: str, args: dict[str, Any], **more: Any) -> str:
        """Publish a command as control software would; its id."""
        command = more.pop("id", None) or uuid4().hex
        body = json.dumps({"args": args, "issuer": "control-room", **more})
        self.control.publish(
            f"{BASE}/down/cmd/{verb}/{command}", body, ResponseTopic="control/answers", CorrelationData=command.encode()
        )
        return command

    def answer(self, command: str, state: str, within: float = PATIENCE) -> dict[str, Any]:
        """The answer of that state on our response topic, with our correlation data."""

        def match(message: Any) -> bool:
            mine = message.topic == "control/answers" and message.properties.CorrelationData == command.encode()
            return mine and said(message)["state"] == state

        return said(self.control.wait(match, within))

    def off_air(self) -> None:
        from datetime import UTC, datetime

        body = {"on_air": False, "source": "control-room", "issued_at": datetime.now(UTC).isoformat()}
        self.control.publish(f"{BASE}/down/air", json.dumps(body))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film"))


@pytest.fixture
def floor(tmp_path: Path, mosquitto: Mosquitto, plain: Any, video: Path) -> Iterator[Floor]:
    camera, far_end = free_port(), free_port()
    widget = Widget(tmp_path / "widget")
    receiver = Receiver(1)
    stream = Playing(video, camera)
    far = reflector(far_end)
    config = tmp_path / "studio.toml"
    config.write_text(
        CONFIG.format(broker=mosquitto.port, port=widget.link, camera=camera, reflector=far_end), encoding="utf-8"
    )
    control = plain(mosquitto.port).subscribe(f"{BASE}/up/#", "control/answers")
    service = Service(config, tmp_path / "agent.log")
    floor = Floor(tmp_path, control, widget, receiver, stream, config, service)
    yield floor
    floor.service.kill()
    stream.stop()
    receiver.close()
    widget.end()
    far.end()


def test_the_spine(floor: Floor) -> None:
    # born: status, inventory, devices
    floor.said("status", lambda s: s["state"] == "online" and s["ready"])
    inventory = floor.said("inventory")
    assert {f["name"] for f in inventory["fixtures"]} == {"key", "fill", "back"}
    assert {"lights.set", "look.apply", "selftest.start"} <= set(inventory["verbs"])
    widget = floor.said("state/output/widget", lambda s: s["health"] == "ok")
    assert widget["firmware"] and widget["serial"]
    floor.said("state/camera/front", lambda s: s["health"] == "ok")

    # the first look is on both wires, nothing else ever was between dark and it
    look = floor.widget.wait_frame(lambda f: f[KEY] == 153 and f[FILL] == 102 and f[BACK] >= 127)
    assert tuple(look) == floor.receiver.wait_frame(lambda f: f == tuple(look))[: len(look)]

    # a command: accepted, executing, succeeded; then it is on both wires and in the state
    command = floor.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.25, "cct": 3200}, "fade": 0.2})
    floor.answer(command, "accepted")
    done = floor.answer(command, "succeeded")
    assert done["result"]["fixtures"] == ["key"]
    floor.widget.wait_frame(lambda f: f[KEY] == 64)
    floor.receiver.wait_frame(lambda f: f[KEY] == 64)
    held = floor.said("state/fixture/key", lambda s: s["target"]["intensity"] == 0.25)
    assert held["held_by"] == {"owner": "control-room", "priority": "manual", "until": None}

    # exposure and network, in numbers
    numbers = floor.said("tele/exposure/front")
    assert -6 < numbers["ev_stops"] < 6 and 0 < numbers["luminance"] < 1 and numbers["age_ms"] < 2000
    network = floor.said("tele/network/ingest", lambda n: n["probes"] >= 20)
    assert 0 < network["rtt_p50_ms"] < 50 and network["loss_percent"] < 50

    # a real fault: the stream stops; an alert is raised, and cleared when it runs again
    floor.stream.stop()
    alert = floor.said("alert/camera.front.offline", lambda a: a["state"] == "firing")
    assert alert["text"]["zh"] and alert["first"]["en"] and alert["level"] == "warning"
    floor.stream.start()
    floor.said("alert/camera.front.offline", lambda a: a["state"] == "resolved")
    floor.said("state/camera/front", lambda s: s["health"] == "ok")

    # bad commands are refused with a reason and end nothing
    for args, code in [
        ({"targets": ["kee"], "levels": {"intensity": 1}}, "unknown-target"),
        ({"targets": ["key"], "levels": {"intensity": 7}}, "out-of-range"),
        ({"targets": ["back"], "levels": {"cct": 3200}}, "out-of-range"),
        ({"targets": ["key"]}, "invalid"),
    ]:
        assert floor.answer(floor.send("lights.set", args), "rejected")["code"] == code
    late = floor.send("lights.set", {"targets": ["key"], "levels": {"intensity": 1}}, expires_at="2020-01-01T00:00:00Z")
    assert floor.answer(late, "rejected")["code"] == "expired"
    again = floor.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.25}}, id=command)
    assert floor.answer(again, "rejected")["code"] == "duplicate"

    # on air (nobody said off) what is visible is refused; off air it is done
    assert floor.answer(floor.send("identify", {"fixture": "back"}), "rejected")["code"] == "on-air"

    # self-test by command
    test = floor.send("selftest.start", {"depth": "quick"})
    result = floor.answer(test, "succeeded", within=90.0)["result"]
    report = floor.said("report")
    assert report["id"] == result["id"] and sum(report["counts"].values()) >= 12

    # killed: the broker says lost; started again: the last look is back, with no darker frame on the way
    last = floor.widget.frames[-1]
    floor.service.kill()
    floor.said("status", lambda s: s["state"] == "offline" and s["reason"] == "lost")
    floor.control.forget()
    on_the_wire, on_the_net = len(floor.widget.lines), len(floor.receiver.frames)
    floor.start()
    floor.said("status", lambda s: s["state"] == "online" and s["ready"])
    floor.widget.wait_frame(lambda f: f == last, since=on_the_wire)
    restored = floor.said("state/fixture/key", lambda s: s["target"]["intensity"] == 0.25)
    assert restored["held_by"] == {"owner": "control-room", "priority": "manual", "until": None}
    # this receiver calls back on changes only: a change is seen, and it began at the last look
    brighter = floor.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.4}})
    floor.answer(brighter, "succeeded")
    floor.receiver.wait_frame(lambda f: f[KEY] == 102, since=on_the_net)
    assert min(f[KEY] for f in floor.receiver.frames[on_the_net:]) >= 64
    assert min(f[KEY] for f in floor.widget.frames_since(on_the_wire)) == 64

    # a wrong file is refused and the old configuration goes on
    good = floor.config.read_text()
    floor.config.write_text(good.replace("address = 11", "address = 2"))
    refused = floor.answer(floor.send("reload", {}), "failed")
    assert "overlap" in refused["message"]["en"]
    floor.config.write_text(good.replace("address = 11", "address = 31"))
    floor.answer(floor.send("reload", {}), "succeeded")
    floor.widget.wait_frame(lambda f: f[30] == 102)

    # asked to end: says so, holds the look, leaves
    assert floor.service.end(signal.SIGTERM) == 0
    floor.said("status", lambda s: s["state"] == "offline" and s["reason"] == "stopped")
    assert floor.widget.frames[-1][KEY] == 102
