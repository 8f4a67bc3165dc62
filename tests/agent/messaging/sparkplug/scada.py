"""A strict host application: takes what an edge node says as the specification lets it, and notes every breach."""

import json
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTTMessage

from agent.messaging.sparkplug.payload import DataType, Metric, Payload, Value, decode
from tests.brokers import Plain
from tests.waiting import until

LEVEL = ("fixture-key", "Levels/intensity")
RESULT = ("fixture-key", "Last Command/Result")
Tags = dict[tuple[str, str], Value]


class Scada:
    """Reads ``spBv1.0/#`` of one node. Aliases, seq and bdSeq are followed from the messages alone."""

    def __init__(self, plain: Plain, group: str = "hall", edge: str = "one", name: str = "scada") -> None:
        self.plain = plain.subscribe("spBv1.0/#")
        self.group, self.edge, self.name = group, edge, name

    def online(self, online: bool, timestamp: int | None = None) -> None:
        """Say STATE, as the primary host."""
        said = {"online": online, "timestamp": int(time.time() * 1000) if timestamp is None else timestamp}
        self.plain.publish(f"spBv1.0/STATE/{self.name}", json.dumps(said), retain=True)

    def write(self, device: str, *metrics: Metric, timestamp: int | None = None, retain: bool = False) -> None:
        """NCMD, or DCMD to a device."""
        topic = f"spBv1.0/{self.group}/{'DCMD' if device else 'NCMD'}/{self.edge}" + (f"/{device}" if device else "")
        sent = int(time.time() * 1000) if timestamp is None else timestamp
        self.plain.client.publish(topic, Payload(sent, metrics).encode(), 0, retain)

    def rebirth(self) -> None:
        self.write("", Metric("Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True))

    def seen(self) -> "Seen":
        """Everything so far, from the beginning."""
        return Seen([message for message in list(self.plain.heard) if "/STATE/" not in message.topic])


class Seen:
    """What a host knows after these messages. ``breaches`` says what was against the rules."""

    def __init__(self, messages: list[MQTTMessage]) -> None:
        self.order: list[str] = []
        """Message types with their devices, as they came: ``NBIRTH``, ``DDATA fixture-key``."""
        self.tags: Tags = {}
        self.history: list[tuple[str, str, Value, int]] = []
        """Device, metric, value, time of data of the past."""
        self.times: dict[tuple[str, str], list[tuple[Value, int]]] = {}
        """Every value of a metric, live or past, with its time, in the order of arrival."""
        self.breaches: list[str] = []
        self.births: list[int] = []
        """bdSeq of every NBIRTH."""
        self.deaths: list[int] = []
        """bdSeq of every NDEATH."""
        self.alive: set[str] = set()
        self._aliases: dict[int, tuple[str, str]] = {}
        self._named: set[tuple[str, str]] = set()
        """Metrics that were born without an alias: data may name them."""
        self._seq = -1
        self._online = False
        for message in messages:
            self._take(message)

    def _take(self, message: MQTTMessage) -> None:
        _, _, kind, *_rest = message.topic.split("/")
        device = "/".join(message.topic.split("/")[4:])
        if kind in ("NCMD", "DCMD"):
            return
        self.order.append(f"{kind} {device}".strip())
        payload = decode(message.payload)
        if message.retain:
            self._breach(message, "retained")
        if message.qos != 0 and kind != "NDEATH":
            self._breach(message, f"QoS {message.qos}")
        if kind == "NDEATH":
            self._death(message, payload)
            return
        self._seq = 0 if kind == "NBIRTH" else (self._seq + 1) % 256
        if payload.seq != self._seq:
            self._breach(message, f"seq {payload.seq}, due was {self._seq}")
            self._seq = payload.seq or 0
        if payload.timestamp is None:
            self._breach(message, "no timestamp")
        if kind != "NBIRTH" and not self._online:
            self._breach(message, "before the birth")
        if kind == "NBIRTH":
            self._online = True
            self._aliases, self._named, self.alive, self.tags = {}, set(), set(), {}
            (bdseq,) = [m.value for m in payload.metrics if m.name == "bdSeq"]
            assert isinstance(bdseq, int)
            self.births.append(bdseq)
        if kind == "DBIRTH":
            self.alive.add(device)
        if kind == "DDEATH":
            if device not in self.alive:
                self._breach(message, "death of what is not alive")
            self.alive.discard(device)
        if kind == "DDATA" and device not in self.alive:
            self._breach(message, "data of what is not alive")
        for metric in payload.metrics:
            self._metric(message, device, metric, kind.endswith("BIRTH"))

    def _metric(self, message: MQTTMessage, device: str, metric: Metric, birth: bool) -> None:
        if metric.timestamp is None:
            self._breach(message, f"{metric.name} without a time")
            return
        if birth:
            if metric.name is None or metric.datatype is None:
                self._breach(message, f"a metric without name or type: {metric}")
                return
            key = (device, metric.name)
            if metric.alias is None:
                self._named.add(key)
            if metric.alias is not None and self._aliases.setdefault(metric.alias, key) != key:
                self._breach(message, f"alias {metric.alias} is used twice")
        elif metric.alias is not None and metric.name is None and metric.alias in self._aliases:
            key = self._aliases[metric.alias]
            if key[0] != device:
                self._breach(message, f"alias of {key} in a message of {device or 'the node'}")
        elif metric.name is not None and metric.alias is None and (device, metric.name) in self._named:
            key = (device, metric.name)
        else:
            self._breach(message, f"not in the birth: {metric}")
            return
        self.times.setdefault(key, []).append((metric.value, metric.timestamp))
        if metric.historical:
            self.history.append((*key, metric.value, metric.timestamp))
        else:
            self.tags[key] = metric.value

    def _death(self, message: MQTTMessage, payload: Payload) -> None:
        (bdseq,) = payload.metrics
        assert bdseq.name == "bdSeq" and isinstance(bdseq.value, int)
        if payload.seq is not None:
            self._breach(message, "a seq in NDEATH")
        self.deaths.append(bdseq.value)
        if self.births and bdseq.value == self.births[-1]:
            self._online = False

    def _breach(self, message: MQTTMessage, why: str) -> None:
        self.breaches.append(f"message {len(self.order)} {message.topic}: {why}")


async def see(scada: Scada, wanted: Callable[[Seen], Any]) -> Seen:
    """Until the host has seen it, without blocking the loop."""
    await until(lambda: wanted(scada.seen()))
    return scada.seen()


def shows(level: float) -> Callable[[Seen], bool]:
    return lambda seen: seen.tags.get(LEVEL) == level
