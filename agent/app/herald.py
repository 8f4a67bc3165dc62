"""The herald: publishes what the agent knows of itself: states, alerts, numbers, events."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import structlog

from agent.app import picture_rules, playing, rules, telling
from agent.app.all_verbs import capability
from agent.app.house import House
from agent.app.reporting import Reporter
from agent.health.alerts import Alert, Condition, Stage
from agent.health.book import Book
from agent.messaging import payloads
from agent.messaging.commands import TelemetrySet
from agent.messaging.header import Say
from agent.messaging.numbers import NUMBERS
from agent.messaging.payloads import AirState, Event, Telemetry
from config.units import Text
from drivers.registry import Kind

log = structlog.get_logger(__name__)

DEFAULT_TARGET = 0.18
"""Linear luminance a camera without a loop is measured against: photographic middle grey."""


class Herald:
    """Reads the agent, writes to its bus."""

    def __init__(self, agent: House) -> None:
        self._agent = agent
        self.book = Book(agent.config.agent.state_dir / "alerts.json")
        self._host = telling.HostNumbers()
        self.reporter = Reporter(agent.config.telemetry)
        self._shown: set[str] = set()
        """Topics of looks and cue lists that were told."""

    # --- states ----------------------------------------------------------------------------------------------

    def state_topics(self) -> set[str]:
        """Topics of everything that has a state now."""
        agent = self._agent
        topics = {topic for topic, _ in telling.lights(agent.rig, agent.devices, agent.topics, 0.0, 0.0)}
        topics |= {topic for topic, _ in telling.all_devices(agent.devices, agent.topics)}
        topics.add(agent.topics.state("lights", "all"))
        topics |= {agent.topics.state("rdm", name) for name, _ in agent.rdm.states()}
        topics |= playing.topics_of(agent.stage.show, agent.topics)
        if agent.exposure is not None:
            topics.add(agent.topics.state("exposure", agent.exposure.section.camera))
        return topics

    def everything(self) -> None:
        agent = self._agent
        board, topics = agent.bus.board, agent.topics
        self.reporter.use(agent.config.telemetry)
        board.put(topics.capability, capability(agent.dispatcher.verbs))
        for topic, state in telling.all_devices(agent.devices, topics):
            board.put(topic, state)
        self.rdm()
        self.show()
        self.exposure()
        self.air()

    def inventory(self) -> None:
        agent = self._agent
        told = telling.inventory(
            agent.config, agent.rig.fixtures, agent.stage.show, agent.dispatcher.verbs, self.reporter.rates
        )
        agent.bus.board.put(agent.topics.inventory, told)

    def lights(self) -> None:
        agent = self._agent
        now = agent.now()
        ahead = round(agent.host.wall() - now, 1)
        for topic, state in telling.lights(agent.rig, agent.devices, agent.topics, now, ahead):
            agent.bus.board.put(topic, state)
        agent.bus.board.put(agent.topics.state("lights", "all"), telling.together(agent.rig))
        for topic, state in playing.lists(agent.stage.show, agent.stage.playback, agent.rig, agent.topics):
            agent.bus.board.put(topic, state)

    def show(self) -> None:
        """Looks or cue lists were edited, or the lights they are for have changed."""
        agent = self._agent
        self.inventory()
        for topic, state in playing.looks(agent.stage.show, agent.rig, agent.topics):
            agent.bus.board.put(topic, state)
        self.lights()
        shown = playing.topics_of(agent.stage.show, agent.topics)
        for topic in self._shown - shown:
            agent.bus.board.clear(topic)
        self._shown = shown

    def desks(self) -> None:
        """Consoles have taken lights, or given them back."""
        for news in self._agent.devices.desks.news(self._agent.now()):
            log.info(news.name, universe=news.universe, by=news.by, input=news.input)
            self.event(news.name, news.said, universe=news.universe, by=news.by, input=news.input)

    def device(self, kind: Kind, name: str) -> None:
        agent = self._agent
        for topic, state in telling.all_devices(agent.devices, agent.topics, only=(kind, name)):
            agent.bus.board.put(topic, state)

    def rdm(self) -> None:
        agent = self._agent
        for name, state in agent.rdm.states():
            agent.bus.board.put(agent.topics.state("rdm", name), state)

    def exposure(self) -> None:
        agent = self._agent
        if agent.exposure is not None:
            topic = agent.topics.state("exposure", agent.exposure.section.camera)
            difference = round(agent.host.wall() - agent.now(), 1)  # else it would be news each time
            agent.bus.board.put(topic, telling.exposure(agent.exposure.now_state, difference))

    def air(self) -> None:
        agent = self._agent
        now = agent.now()
        lock = agent.interlock
        state = AirState(on_air=lock.on_air(now), known=lock.known(now), source=lock.source)
        agent.bus.board.put(agent.topics.state("air", "studio"), state)

    # --- alerts and events -----------------------------------------------------------------------------------

    def alerts(self) -> None:
        """Look at every rule and tell what came of it."""
        agent = self._agent
        seen = list(self.conditions())
        for news in agent.alerts.see(seen, agent.now()):
            self._alert(news)
        self.book.over([c.key for c in seen if c.bad is False and c.key not in agent.alerts.keys])
        for pattern in self.book.lapse(agent.host.wall()):
            self.unsilenced(pattern)

    def conditions(self) -> Iterator[Condition]:
        """What the standing rules see now."""
        agent = self._agent
        limits = agent.config.alerts
        yield from rules.devices(agent.devices)
        yield from rules.lamps(agent.devices)
        yield from picture_rules.pictures(agent.devices, agent.now())
        yield from rules.network(agent.devices, limits)
        yield from agent.rdm.conditions()
        yield rules.storage(agent.unstored())
        yield rules.stopped(agent.rig.stopped)
        for shelf in agent.stage.show.shelves:
            yield from rules.saved(shelf)
        if agent.exposure is not None:
            camera = agent.exposure.section.camera
            watched = agent.devices.cameras.get(camera)
            seen = None if watched is None else watched.watch
            meant = agent.tests.running or (seen is not None and (seen.busy != "" or seen.lamps_out))
            yield from rules.exposure(agent.exposure.now_state, camera, limits, meant)

    def forget_alerts(self) -> None:
        """After a reload: rules that are no more leave no alert behind."""
        agent = self._agent
        gone = agent.alerts.keys - {condition.key for condition in self.conditions()}
        agent.alerts.forget(gone)
        for key in gone:
            agent.bus.board.clear(agent.topics.alert(key))

    def retell(self) -> None:
        """Something was said about alerts: tell those that fire once more."""
        agent = self._agent
        for alert in agent.alerts.open:
            agent.bus.board.put(agent.topics.alert(alert.key), self._told(alert))

    def unsilenced(self, pattern: str) -> None:
        """Tell what fires as if it were new, where nothing silences it any more."""
        self.retell()
        for alert in self._agent.alerts.open:
            if fnmatchcase(alert.key, pattern):
                self._alert_event(alert)

    def event(self, name: str, /, text: Text, level: Any = "note", **fields: Any) -> None:
        """Something happened once."""
        agent = self._agent
        agent.bus.publish(agent.topics.event, Event(name=name, level=level, text=Say.of(text), fields=fields))

    def _alert(self, news: Alert) -> None:
        agent = self._agent
        firing = news.stage is Stage.FIRING
        level = news.condition.level.value
        say = log.warning if firing else log.info
        say(f"alert.{news.stage}", key=news.key, level=level, text=news.condition.said.en)
        topic = agent.topics.alert(news.key)
        agent.bus.board.put(topic, self._told(news))
        if not firing:
            agent.bus.board.clear(topic)
        self._alert_event(news)

    def _alert_event(self, news: Alert) -> None:
        if self.book.silenced(news.key, self._agent.host.wall()) is None:
            condition = news.condition
            self.event(f"alert.{news.stage}", condition.said, condition.level.value, key=news.key)

    def _told(self, alert: Alert) -> payloads.Alert:
        wall = self._agent.host.wall()
        silence = self.book.silenced(alert.key, wall)
        return telling.alert(alert, wall - self._agent.host.now(), self.book.acknowledged(alert.key), silence)

    # --- numbers ---------------------------------------------------------------------------------------------

    def numbers(self) -> None:
        """One round of telemetry: what is due, and has something to say. Returns at once."""
        agent = self._agent
        now = agent.now()
        self.reporter.use(agent.config.telemetry)
        due = {group for group in NUMBERS if self.reporter.due(group, now)}
        if "lighting" in due:
            self._tele(telling.lighting_numbers(agent.devices, now), "lighting")
        for name, camera in agent.devices.cameras.items() if "exposure" in due else ():
            sight = camera.watch.latest
            if sight is not None and camera.lane.health.state == "ok":
                loop = agent.exposure if agent.looks_through(name) else None
                target = loop.target if loop else DEFAULT_TARGET
                numbers = telling.exposure_numbers(sight, target, loop.now_state if loop else None, now)
                self._tele(numbers, "exposure", name)
        for name, probe in agent.devices.probes.items() if "network" in due else ():
            self._tele(telling.network_numbers(probe), "network", name)
        if "host" in due:
            self._tele(self._host.read() | self._own(), "host")

    def rates(self, args: TelemetrySet) -> Mapping[str, Any]:
        """Report as asked, and say so in the inventory."""
        self.reporter.use(self._agent.config.telemetry)
        self.reporter.set(args.groups, args.reset)
        self.inventory()
        rates = self.reporter.rates.items()
        return {"telemetry": {group: json.loads(rate.model_dump_json()) for group, rate in rates}}

    def _own(self) -> telling.Numbers:
        agent = self._agent
        return {
            "loop_lag_ms": round(agent.loop_lag * 1e3, 2),
            "messages_in_per_s": round(agent.bus.received.rate, 1),
            "messages_out_per_s": round(agent.bus.sent.rate, 1),
            "unsent": agent.bus.counters["unsent"],
            "outbox_waiting": agent.bus.outbox.waiting,
            "outbox_dropped": agent.bus.outbox.dropped,
            "outbox_refused": agent.bus.outbox.file.refused,
            "commands_rejected": agent.dispatcher.counters["rejected"],
        }

    def _tele(self, numbers: telling.Numbers, group: str, name: str = "") -> None:
        agent = self._agent
        if self.reporter.worth(group, name, numbers, agent.now()):
            agent.bus.publish(agent.topics.tele(group, name), Telemetry.of(numbers))
