"""The agent at Home Assistant: announces itself, tells what cannot be read from its own topics, takes commands.

It hears what the agent says (:attr:`Bus.listeners`) and asks like anybody else (:meth:`Dispatcher.receive`), so the
interlock, the limits, the policy and the journal hold for Home Assistant, too.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import structlog

from agent.messaging.bus import Bus
from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.header import Payload, Say
from agent.messaging.homeassistant import discovery, translate
from agent.messaging.homeassistant.payloads import AlertShown, AlertsShown, Discovery, ResultShown
from agent.messaging.homeassistant.withdrawal import SETTLE, own
from agent.messaging.lifecycle import ReasonCode, Refusal, State
from agent.messaging.message import Message
from agent.messaging.payloads import Alert, Answer, FixtureState, Inventory
from agent.messaging.topics import Parsed, parse
from agent.messaging.verbs import Request
from config.model import HomeAssistantSection

log = structlog.get_logger(__name__)

ISSUER = "homeassistant"
SPREAD = 5.0
"""Seconds within which the agents of a site answer Home Assistant's start: not all at once."""
MOST_GONE = 1000
"""Components remembered after they have gone."""
ORDER = ("critical", "warning", "note")


class HomeAssistant:
    """See the module. ``receive`` takes a command; ``memory`` is the file of what was announced before: components
    that are no more must be taken back by name, also after a restart."""

    def __init__(
        self,
        section: HomeAssistantSection,
        bus: Bus,
        receive: Callable[[Request], Awaitable[None]],
        *,
        language: str = "both",
        version: str = "",
        memory: Path | None = None,
        spread: float = SPREAD,
        settle: float = SETTLE,
    ) -> None:
        self.known = translate.Known()
        self.topic = discovery.topic(section.discovery_prefix, bus.topics)
        self._bus = bus
        self._receive = receive
        self._language = language
        self._version = version
        self._memory = memory
        self._spread = spread
        self._settle = settle
        self._left: asyncio.Queue[str] = asyncio.Queue()
        """Lights that are no more."""
        self._announced = self._remembered()
        self._alerts: dict[str, Alert] = {}
        self._newest: dict[str, str] = {}
        self._born = asyncio.Event()
        bus.board.spared = own(bus)
        bus.listeners.append(self.heard)
        bus.inbox.more["ha-input"] = self.asked
        bus.also[section.birth_topic] = self.birth
        self._tell_alerts()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(), name="homeassistant-again")
            group.create_task(self._swept(), name="homeassistant-swept")

    async def _again(self) -> None:
        """After Home Assistant has started, everything is told again."""
        while True:
            await self._born.wait()
            await asyncio.sleep(random.uniform(0.0, self._spread))  # noqa: S311 - spreads load, keeps no secret
            self._born.clear()
            board = self._bus.board
            for topic in (self.topic, *(t for t, _ in [*board.states()] if t.startswith(own(self._bus)))):
                board.again(topic)

    async def _swept(self) -> None:
        """What an earlier start had, and lights that are no more: emptied once they are dropped over there."""
        await self._bus.online.wait()
        board = self._bus.board
        while self.topic not in board:
            await asyncio.sleep(self._settle)
        await asyncio.sleep(self._settle)
        board.sweep(own(self._bus))
        while True:
            name = await self._left.get()
            await asyncio.sleep(self._settle)
            if name not in self.known.fixtures:
                board.clear(self._bus.topics.of("ha-light", name=name))

    def birth(self, message: Message) -> None:
        """Home Assistant says that it has started."""
        if message.payload == b"online":
            self._born.set()

    # --- what the agent says ---------------------------------------------------------------------------------

    def heard(self, topic: str, payload: Payload | None) -> None:
        """A state of the agent has changed, or (``None``) is no more."""
        match payload:
            case Inventory():
                self._announce(payload)
            case FixtureState():
                self._light(_name(topic), payload)
            case ExposureState():
                self.known.modes[_name(topic)] = payload.mode
            case Alert():
                self._alerts[payload.key] = payload
                self._tell_alerts()
            case None:
                self._gone(parse(topic))

    def _announce(self, inventory: Inventory) -> None:
        known = self.known
        known.fixtures = {entry.name: entry for entry in inventory.fixtures}
        config = discovery.config(
            self._bus.topics,
            inventory,
            language=self._language,
            version=self._version,
            gone=self._announced,
        )
        now = {key: str(component["platform"]) for key, component in config["components"].items()}
        if now != self._announced:
            self._announced = now
            self._remember()
        self._bus.board.put(self.topic, Discovery(config=config))
        for name, levels in [*known.levels.items()]:
            self._show(name, levels)

    def _light(self, name: str, state: FixtureState) -> None:
        self._show(name, state.target or state.levels)

    def _show(self, name: str, levels: translate.Lit) -> None:
        self.known.see(name, levels)
        entry = self.known.fixtures.get(name)
        if entry is not None and translate.modes(entry):
            self._bus.board.put(self._bus.topics.of("ha-light", name=name), translate.shown(entry, levels))

    def _gone(self, parsed: Parsed | None) -> None:
        parts = parsed.parts if parsed else {}
        name = parts.get("name", "")
        row = parsed.row.name if parsed else ""
        if row == "alert":
            self._alerts.pop(parts["key"], None)
            self._tell_alerts()
        elif row == "fixture":
            self.known.levels.pop(name, None)
            self.known.lit.pop(name, None)
            self._left.put_nowait(name)
        elif row == "exposure":
            self.known.modes.pop(name, None)

    def _tell_alerts(self) -> None:
        firing = [alert for alert in self._alerts.values() if alert.state != "resolved"]
        firing.sort(key=lambda alert: (ORDER.index(alert.level), alert.since))
        self._bus.board.put(
            self._bus.topics.of("ha-alerts"),
            AlertsShown(
                count=len(firing),
                worst=firing[0].level if firing else "none",
                alerts=tuple(
                    AlertShown(key=a.key, level=a.level, since=a.since, text=a.text, first=a.first) for a in firing
                ),
            ),
        )

    # --- what Home Assistant asks ----------------------------------------------------------------------------

    async def asked(self, parsed: Parsed, message: Message, arrived: float) -> None:
        """A message from Home Assistant. It has no id of its own: delivered twice it is asked twice, which for a level
        changes nothing, and a second self-test is refused while the first runs."""
        kind, name = parsed.parts["kind"], parsed.parts["name"]
        what = f"{kind}/{name}"
        id = f"ha-{uuid4().hex}"  # noqa: A001 - the field's name on the wire
        self._newest[what] = id
        try:
            if message.retain:
                raise Refusal(ReasonCode.RETAINED)
            verb, args = translate.request(kind, name, message.payload, self.known)
        except Refusal as refusal:
            log.warning("homeassistant.refused", asked=what[:200], code=refusal.code, why=refusal.message.en)
            self._tell(
                what,
                id,
                Answer(id=id, verb="", state=State.REJECTED, code=refusal.code, message=Say.of(refusal.message)),
            )
            return
        body = json.dumps({"args": args, "issuer": ISSUER}).encode()
        expires = None if message.expiry is None else arrived + message.expiry

        def reply(answer: Answer, _: str | None) -> None:
            if answer.final:
                self._tell(what, id, answer)

        await self._receive(Request(verb, id, body, False, expires, reply, origin=ISSUER))

    def _tell(self, what: str, id: str, answer: Answer) -> None:  # noqa: A002 - the field's name on the wire
        """The end of a command, unless something newer was asked of the same entity meanwhile."""
        if self._newest.get(what) != id or answer.code is ReasonCode.SUPERSEDED:
            return
        del self._newest[what]
        board, topics = self._bus.board, self._bus.topics
        board.put(
            topics.of("ha-result"),
            ResultShown.model_validate(
                {"state": answer.state, "asked": what, "code": answer.code or "", "message": answer.message}
            ),
        )
        if answer.state is not State.SUCCEEDED:
            # what was moved in its window goes back to how it is
            kind, _, name = what.partition("/")
            row = {"light": "ha-light", "level": "fixture", "exposure": "exposure"}.get(kind)
            if row is not None:
                board.again(topics.of(row, name=name))

    # --- what was announced ----------------------------------------------------------------------------------

    def _remembered(self) -> dict[str, str]:
        if self._memory is None:
            return {}
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("homeassistant.memory-unreadable", file=str(self._memory), why=str(error))
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def _remember(self) -> None:
        if self._memory is None:
            return
        kept = dict([*self._announced.items()][:MOST_GONE])
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._memory.with_name(self._memory.name + ".new")
            fresh.write_text(json.dumps(kept), encoding="utf-8")
            fresh.replace(self._memory)
        except OSError as error:
            log.warning("homeassistant.memory-unwritable", file=str(self._memory), why=str(error))


def _name(topic: str) -> str:
    return topic.rsplit("/", 1)[-1]
