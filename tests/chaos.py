"""A studio of real processes to which everything happens at once: they are killed, stopped and go on, wires are pulled.

Agent, output engine, its heir, broker and widget are processes; who hears sACN and Art-Net sits on loopback addresses
of its own, with the kernel's receive times. The same seed does the same in the same order. The wire is judged by
tests/chaos_judge.py.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.brokers import Mosquitto, Plain, said
from tests.chaos_judge import Ear, Verdict, judge, told
from tests.processes import engines
from tests.scenarios.floor import Service, Widget

BASE = "studio/v1/chaos/room"
SACN, ARTNET = "127.0.73.1", "127.0.73.2"
LIGHTS = {"one": (1, 1), "two": (1, 2), "three": (2, 1), "four": (3, 1), "five": (4, 1)}
"""Universe and slot (from 1) of each; universe 3 goes by Art-Net, 4 by the widget."""
DIMMEST = 0.3
"""What any light is told at least: whatever is darker was an accident."""
RATE = 0.35
"""Share of full per second: the slew limit, on air."""

CONFIG = """
[agent]
site = "chaos"
name = "room"
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
[safety]
slew_on_air = {rate}
[lighting]
start_look = "show"
[outputs.net]
driver = "sacn"
universes = [1, 2]
options = {{ hosts = ["{sacn}"] }}
[outputs.node]
driver = "artnet"
universes = [3]
options = {{ host = "{artnet}", timeout = 0.05 }}
[outputs.widget]
driver = "enttec-pro"
universes = [4]
options = {{ port = "{widget}" }}
[looks.show]
fade = 0.1
levels = {{ {show} }}
"""


class Chaos:
    """See the module. ``run`` for a while, then ``settle``; ``verdict`` says what was seen."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.chance = random.Random(seed)
        self.acts: Counter[str] = Counter()
        self.log: list[tuple[float, str]] = []
        self.falls: list[float] = []
        """When an engine was killed while an heir waited."""
        self.ear = Ear(SACN, ARTNET)
        self.broker = Mosquitto(folder).start()
        self.widget: Widget | None = Widget(folder / "widget", "--universe", "4")
        self.widgets = [self.widget]
        self.extra = False
        self.ended = 0
        """How often the daemon ended unasked."""
        self._write()
        self.service = self._start()
        self.frozen: list[tuple[float, int]] = []
        """Processes that are stopped, and until when."""
        self.back: list[tuple[float, Callable[[], Any]]] = []
        """What comes back, and when."""
        self.desk = self._desk()

    # --- what is done to it ------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """So long, something happens again and again."""
        acts: dict[str, tuple[int, Callable[[], None]]] = {
            "commands": (12, self.command),
            "daemon killed": (2, self.kill_daemon),
            "daemon stopped": (2, lambda: self.stop(self.service.process.pid, 1.5)),
            "engine killed": (2, self.kill_engine),
            "engine stopped": (2, lambda: self.stop(self.engine, 0.6)),
            "heir killed": (2, self.kill_heir),
            "heir stopped": (1, lambda: self.stop(self.heir, 1.0)),
            "all three killed": (1, self.kill_all),
            "broker killed": (1, self.kill_broker),
            "widget unplugged": (1, self.unplug),
            "widget stopped": (1, lambda: self.stop(self.widget.process.pid if self.widget else 0, 0.5)),
            "reloads": (2, self.reload),
            "strangers at the socket": (1, self.knock),
        }
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            (name,) = self.chance.choices([*acts], [weight for weight, _ in acts.values()])
            self.log.append((time.time(), name))
            acts[name][1]()
            self.acts[name] += 1
            self._rest(self.chance.uniform(0.02, 0.35))

    def command(self) -> None:
        """Some lights go somewhere, by a fade or as quickly as they may."""
        lights = self.chance.sample([*LIGHTS], self.chance.randint(1, len(LIGHTS)))
        level = self.chance.choice((DIMMEST, 1.0, self.chance.uniform(DIMMEST, 1.0)))
        self._send(
            "lights.set", {"targets": lights, "levels": {"intensity": level}, "fade": self.chance.choice((0, 1, 3))}
        )

    def kill_daemon(self) -> None:
        """The service manager starts the next one."""
        if not self.up:
            return
        self.service.kill()
        self.back.append((time.monotonic() + self.chance.uniform(0.1, 1.0), self._again))

    def kill_engine(self) -> None:
        engine, heir = self.engine, self.heir
        if engine:
            if heir and not self.frozen and not self.back:
                self.falls.append(time.time())
            _signal(engine, signal.SIGKILL)

    def kill_heir(self) -> None:
        _signal(self.heir, signal.SIGKILL)

    def kill_all(self) -> None:
        """Nothing of ours is left but what is on the disk."""
        if not self.up:
            return
        for pid in reversed(engines(self.state)):
            _signal(pid, signal.SIGKILL)
        self.kill_daemon()

    def kill_broker(self) -> None:
        if self.broker._process is not None:
            self.broker.stop(kill=True)
            self.back.append((time.monotonic() + self.chance.uniform(0.2, 2.0), self.broker.start))

    def unplug(self) -> None:
        if self.widget is not None:
            widget, self.widget = self.widget, None
            self.frozen = [each for each in self.frozen if each[1] != widget.process.pid]
            widget.kill()
            (self.folder / "widget").unlink(missing_ok=True)
            self.back.append((time.monotonic() + self.chance.uniform(0.2, 1.5), self.plug))

    def plug(self) -> None:
        self.widget = Widget(self.folder / "widget", "--universe", "4")
        self.widgets.append(self.widget)

    def stop(self, pid: int, most: float) -> None:
        """Not scheduled for a while."""
        if pid and all(pid != each for _, each in self.frozen):
            _signal(pid, signal.SIGSTOP)
            self.frozen.append((time.monotonic() + self.chance.uniform(0.05, most), pid))

    def reload(self) -> None:
        """A light more, or one less."""
        self.extra = not self.extra
        self._write()
        _signal(self.service.process.pid, signal.SIGHUP)

    def knock(self) -> None:
        """Somebody else is at the engine's socket."""
        code = (
            "import socket, sys, time\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\n"
            f"s.send({self.chance.randbytes(20)!r}) if {self.chance.random() < 0.5} else time.sleep(3)\n"
        )
        words = [sys.executable, "-S", "-c", code, str(self.state / "engine.sock")]
        stranger = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        self.back.append((time.monotonic() + 5.0, stranger.wait))

    # --- who is there ------------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether the daemon there is has come to be ready: one that is killed before it is would never be."""
        with (self.folder / "agent.log").open() as log:
            log.seek(self.began)
            return "agent.ready" in log.read() and self.service.process.poll() is None

    @property
    def engine(self) -> int:
        """The engine's process, 0 while there is none."""
        waiting = _waiting()
        return next((pid for pid in engines(self.state) if pid not in waiting), 0)

    @property
    def heir(self) -> int:
        """A process that waits to be the next one, or 0."""
        waiting = _waiting()
        return next((pid for pid in engines(self.state) if pid in waiting), 0)

    # --- its life ----------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Everything shows the first look."""
        self.wait(lambda: self.shows(dict.fromkeys(LIGHTS, 0.6)))
        self.ear.forget()
        for widget in self.widgets:
            widget.lines.clear()

    def settle(self) -> None:
        """Nothing happens any more, and everything comes to be where it is told to be."""
        while self.frozen or self.back:
            self._rest(0.1)
        levels = {name: round(DIMMEST + 0.1 * number, 1) for number, name in enumerate(LIGHTS)}
        answer: dict[str, Any] = {}
        until = time.monotonic() + 60.0
        while answer.get("state") != "succeeded" and time.monotonic() < until:
            for name, level in levels.items():
                last = self._send("lights.set", {"targets": [name], "levels": {"intensity": level}})
            with suppress(AssertionError):
                answer = said(
                    self.desk.wait(
                        lambda m, last=last: (
                            m.topic == "chaos/answers"  # type: ignore[misc]
                            and m.properties.CorrelationData == last.encode()
                            and said(m)["state"] not in ("accepted", "executing")
                        ),
                        10.0,
                    )
                )
        self.wait(lambda: self.shows(levels))

    def shows(self, levels: dict[str, float]) -> bool:
        """Whether these levels are what was heard last."""
        last = self.ear.last()
        if self.widget is not None:
            frames = self.widget.frames_since(max(0, len(self.widget.lines) - 3))
            last[4] = frames[-1] if frames else b""
        return all(
            len(last.get(universe, b"")) >= slot and abs(last[universe][slot - 1] - 255 * levels[name]) <= 1
            for name, (universe, slot) in LIGHTS.items()
        )

    def wait(self, condition: Callable[[], bool], within: float = 60.0) -> None:
        until = time.monotonic() + within
        while not condition():
            assert time.monotonic() < until, ("not in time", self.ear.last_levels(), (self.folder / "agent.log"))
            time.sleep(0.02)

    def verdict(self) -> Verdict:
        """What was to be seen on the wires."""
        wires = self.ear.wires()
        wires[4] = [frame for number, widget in enumerate(self.widgets) for frame in told(widget.lines, number)]
        slots = {universe: [s - 1 for u, s in LIGHTS.values() if u == universe] for universe in (1, 2, 3, 4)}
        self.log.append((time.time(), f"{self.ended} ends unasked"))
        return judge(wires, slots, RATE, 255 * DIMMEST, self.falls, self.log)

    def close(self) -> None:
        for _, pid in self.frozen:
            _signal(pid, signal.SIGCONT)
        self.service.end(within=20.0)
        for pid in reversed(engines(self.state)):
            _signal(pid, signal.SIGKILL)
        for widget in self.widgets:
            widget.kill()
        for _, what in self.back:
            if what not in (self._again, self.plug, self.broker.start):
                what()
        self.desk.close()
        self.broker.stop()
        self.ear.close()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _again(self) -> None:
        self.service = self._start()

    def _start(self) -> Service:
        log = self.folder / "agent.log"
        self.began = log.stat().st_size if log.exists() else 0
        return Service(self.folder / "studio.toml", self.folder / "agent.log")

    def _desk(self) -> Plain:
        return Plain(self.broker.port).subscribe("chaos/answers")

    def _send(self, verb: str, args: dict[str, Any]) -> str:
        command = uuid4().hex
        body = json.dumps({"args": args, "issuer": "chaos"})
        self.desk.publish_soon(
            f"{BASE}/down/cmd/{verb}/{command}", body, ResponseTopic="chaos/answers", CorrelationData=command.encode()
        )
        return command

    def _write(self) -> None:
        show = ", ".join(f"{name} = {{ intensity = 0.6 }}" for name in LIGHTS)
        text = CONFIG.format(
            broker=self.broker.port, rate=RATE, sacn=SACN, artnet=ARTNET, widget=self.folder / "widget", show=show
        )
        lights = {**LIGHTS, "extra": (1, 100)} if self.extra else LIGHTS
        for name, (universe, slot) in lights.items():
            text += (
                f'[fixtures.{name}]\nprofile = "generic/dimmer"\npersonality = "8bit"\n'
                f"universe = {universe}\naddress = {slot}\n"
            )
        new = self.folder / "studio.new"
        new.write_text(text, encoding="utf-8")
        shutil.move(new, self.folder / "studio.toml")

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for each in [each for each in self.frozen if each[0] <= now]:
                self.frozen.remove(each)
                _signal(each[1], signal.SIGCONT)
            if self.service.process.poll() is not None and all(what != self._again for _, what in self.back):
                self.ended += 1  # by itself
                self._again()
            for each_back in [each for each in self.back if each[0] <= now]:
                self.back.remove(each_back)
                each_back[1]()
            if now >= until:
                return
            time.sleep(min(0.01, until - now))


def _signal(pid: int, number: int) -> None:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _waiting() -> set[int]:
    """Processes that wait for a lock of a file."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(words[5]) for words in lines if words[1] == "->" and words[2] == "FLOCK"}
