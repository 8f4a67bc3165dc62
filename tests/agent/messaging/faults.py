"""A campaign of faults against an agent, its broker, the way between them and its disk; and what must hold after it."""

import json
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.messaging.header import iso
from tests.brokers import Mosquitto, Plain
from tests.proxy import Door

ROOT = Path(__file__).parents[3]
PREFIX = "studio/v1/hall/one"
ENDS = {"succeeded", "failed", "cancelled", "rejected"}


@dataclass
class Outcome:
    """Counts of what happened; the last five must be 0."""

    faults: Counter[str]
    messages: int
    repeated: int
    commands: int
    lost: int
    """Messages that were on the agent's disk and never arrived."""
    gaps: int
    """Holes in the numbering of one start, as a receiver sees them."""
    twice: int
    """Commands with more than one effect."""
    late: int
    """Commands that had an effect after their time."""
    endless: int
    """Accepted commands without an end, or with two that differ."""


class Campaign:
    """See the module. ``sync`` seconds more for everything the agent writes."""

    def __init__(self, folder: Path, seed: int, sync: float = 0.0) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.sync = sync
        self.broker = Mosquitto(folder).start()
        self.door = Door(self.broker.port)
        self.promised: set[tuple[str, int]] = set()
        self.owed: set[tuple[str, int]] = set()
        """Of the promises, those that were made when the faults were over."""
        self.effects: Counter[str] = Counter()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.listener = self._listen()
        self.desk = Plain(self.broker.port)
        self.sent: dict[str, float] = {}
        self.faults: Counter[str] = Counter()
        self._readers: list[threading.Thread] = []
        self._agent = self._start()
        self._stop = threading.Event()
        self._desk = threading.Thread(target=self._commands, daemon=True)

    def run(self, count: int) -> Outcome:
        """Faults one after another, the agent at its broker between them."""
        kinds: dict[str, Callable[[], None]] = {
            "agent killed": self.kill_agent,
            "broker killed": self.kill_broker,
            "broker stalled": self.stall_broker,
            "way cut": self.door.cut,
            "broker refuses": self.refuse,
            "disk full": self.fill_disk,
        }
        try:
            self.until_heard()
            self._desk.start()
            for number in range(count):
                kind = list(kinds)[number % len(kinds)]
                self._rest(self.chance.uniform(0.0, 0.3))
                kinds[kind]()
                self.faults[kind] += 1
                self.until_heard()
            self._stop.set()
            self._desk.join(20)
            self.until_told()
            return self.outcome()
        finally:
            self._stop.set()
            self._agent.kill()
            self._agent.wait(10)
            for reader in self._readers:
                reader.join(10)
            self.listener.close()
            self.desk.close()
            self.door.close()
            self.broker.stop()

    # --- the faults ------------------------------------------------------------------------------------------

    def kill_agent(self) -> None:
        self._agent.kill()
        self._agent.wait(10)
        self._agent = self._start()

    def kill_broker(self) -> None:
        """The door stays shut until there is a listener again: what a broker takes for nobody is nobody's loss."""
        self.door.shut()
        gone = threading.Event()
        self.listener.client.on_disconnect = lambda *_: gone.set()
        self.broker.stop(kill=True)
        # What the broker has acknowledged it has sent on; the listener reads it to its end. One that publishes, too,
        # does not: paho leaves what it has not read when it cannot write.
        assert gone.wait(30)
        self.listener.close()
        self.desk.close()
        self.broker.start()
        self.listener = self._listen()
        self.desk = Plain(self.broker.port)
        self.door.open = True

    def stall_broker(self) -> None:
        process = self.broker._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        self._rest(self.chance.uniform(0.2, 1.5))
        process.send_signal(signal.SIGCONT)

    def refuse(self) -> None:
        self.door.shut()
        self._rest(self.chance.uniform(0.1, 1.0))
        self.door.open = True

    def fill_disk(self) -> None:
        """The kernel lets no file of the agent grow; its disk is full, then there is space again."""
        soft, hard = resource.prlimit(self._agent.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._agent.pid, resource.RLIMIT_FSIZE, (4096, hard))
        self._rest(self.chance.uniform(0.2, 0.6))
        resource.prlimit(self._agent.pid, resource.RLIMIT_FSIZE, (soft, hard))
        # What it notes while its disk is full it says will not survive it, so it must be back before it is killed.
        self.until_heard(on_disk=1, after=0.3)

    # --- between them ----------------------------------------------------------------------------------------

    def until_heard(self, on_disk: int = 0, after: float = 0.0) -> None:
        """A number that was made so many seconds from now has arrived."""
        then, begun = iso(time.time() + after), len(self.heard)

        def wanted(body: dict[str, Any]) -> bool:
            return body["ts"] > then and body.get("on_disk", -1) >= on_disk

        self._until(lambda: any(wanted(body) for _, body in self.heard[begun:]), "a number")

    def until_told(self) -> None:
        """All that was promised and every end of a command has arrived (what is missing after that is a loss)."""

        def all_told() -> bool:
            has, seen = self._seen(), self._answers()
            return not self._missing(has) and all(self._ends(seen[name]) for name in seen)

        self.owed = set(self.promised)
        try:
            self._until(all_told, "everything", 60.0)
        except AssertionError:
            return  # the outcome says what is missing

    def _until(self, condition: Callable[[], bool], what: str, within: float = 60.0) -> None:
        end = time.monotonic() + within
        while not condition():
            assert self._agent.poll() is None, "the agent has ended by itself"
            assert time.monotonic() < end, f"{what} did not come within {within:g} s; so far {dict(self.faults)}"
            self._rest(0.02)

    def _rest(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def _start(self) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "tests.agent.messaging.fault_process", str(self.door.port), str(self.folder)]
        agent = subprocess.Popen([*words, str(self.sync)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._readers.append(threading.Thread(target=self._note, args=(agent,), daemon=True))
        self._readers[-1].start()
        return agent

    def _note(self, agent: "subprocess.Popen[bytes]") -> None:
        assert agent.stdout is not None
        with agent.stdout as lines, (self.folder / "agent.log").open("ab") as log:
            for line in lines:
                match line.decode().split():
                    case ["promised", boot, seq]:
                        self.promised.add((boot, int(seq)))
                    case ["effect", name]:
                        self.effects[name] += 1
                    case _:
                        log.write(line)

    def _listen(self) -> Plain:
        listener = Plain(self.broker.port)
        keep = self.heard

        def take(_client: Any, _userdata: Any, message: Any) -> None:
            if message.payload:
                keep.append((message.topic, json.loads(message.payload)))

        listener.client.on_message = take
        return listener.subscribe(f"{PREFIX}/up/tele/#", f"{PREFIX}/up/cmd/#", qos=0)

    def _commands(self) -> None:
        """Control software: a command every tenth of a second, some twice, some with hardly any time left."""
        number = 0
        while not self._stop.wait(0.1):
            number += 1
            name = f"c{number}"
            life = self.chance.choice([0.05, 30.0])
            ends = time.time() + life
            self.sent[name] = ends
            body = {"args": {"targets": ["key"], "levels": {"intensity": 0.5}}, "expires_at": iso(ends)}
            for _ in range(self.chance.choice([1, 1, 2])):
                self.desk.client.publish(f"{PREFIX}/down/cmd/lights.set/{name}", json.dumps(body), 1)

    # --- what must hold --------------------------------------------------------------------------------------

    def outcome(self) -> Outcome:
        has, seen = self._seen(), self._answers()
        numbers = [(body["boot"], body["seq"]) for topic, body in self.heard if "/tele/" in topic]
        effects = Counter(self.effects)
        return Outcome(
            faults=self.faults,
            messages=len(numbers),
            repeated=len(numbers) - len(set(numbers)),
            commands=len(self.sent),
            lost=len(self._missing(has)),
            gaps=self._gaps(),
            twice=sum(count > 1 for count in effects.values()),
            late=sum(self._too_late(name, seen[name]) for name in effects),
            endless=sum(not self._ends(answers) for answers in seen.values()),
        )

    def _seen(self) -> dict[str, set[int]]:
        has: dict[str, set[int]] = defaultdict(set)
        for _, body in list(self.heard):
            has[body["boot"]].add(body["seq"])
        return has

    def _missing(self, has: dict[str, set[int]]) -> set[tuple[str, int]]:
        return {(boot, seq) for boot, seq in self.owed if seq not in has[boot]}

    def _gaps(self) -> int:
        """Numbers of one start count up without a hole as far as they arrived."""
        numbers: dict[str, set[int]] = defaultdict(set)
        for topic, body in self.heard:
            if "/tele/" in topic:
                numbers[body["boot"]].add(int(body["n"]))
        return sum(max(found) - len(found) for found in numbers.values())

    def _answers(self) -> dict[str, list[dict[str, Any]]]:
        seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for topic, body in list(self.heard):
            if "/up/cmd/" in topic:
                seen[topic.rpartition("/")[2]].append(body)
        return seen

    @staticmethod
    def _ends(answers: list[dict[str, Any]]) -> bool:
        return len({answer["state"] for answer in answers if answer["state"] in ENDS}) == 1

    def _too_late(self, name: str, answers: list[dict[str, Any]]) -> bool:
        begun = min((a["ts"] for a in answers if a["state"] == "accepted"), default=None)
        return begun is not None and datetime.fromisoformat(begun).timestamp() > self.sent[name] + 0.5
