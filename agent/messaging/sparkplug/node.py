"""The session of an edge node: what is said in which order, and what a host's messages mean. Pure: no clock, no broker.

    connect()                will: NDEATH with bdSeq n
      │ subscribed, primary host online
      ▼
    birth()                  NBIRTH (seq 0, bdSeq n), then a DBIRTH for every device that is there
      │
      ├─ data()              NDATA, DDATA: aliases only, what changed
      ├─ device_death(), device_birth()
      ├─ birth()             again, when a host writes *Node Control/Rebirth*: same bdSeq, seq from 0
      ▼
    death()                  NDEATH with bdSeq n, before an end that is wanted

Ids of clauses (``tck-id-…``) are those of the Sparkplug specification 3.0. All is published with QoS 0 and not retained
(``tck-id-topics-nbirth-mqtt`` …); but for the will, whose QoS is 1 (``tck-id-payloads-ndeath-will-message-qos``).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.messaging.sparkplug.metrics import BDSEQ, DEVICE_REBIRTH, NODE, REBIRTH, Definition
from agent.messaging.sparkplug.model import Thing
from agent.messaging.sparkplug.payload import DataType, Metric, Payload, Property, Value, as_type, decode
from agent.messaging.sparkplug.protobuf import WireError

NAMESPACE = "spBv1.0"
"""``tck-id-topic-structure-namespace-a``."""
WRAP = 256
"""Both bdSeq and seq go from 0 to 255 and begin anew (``tck-id-payloads-sequence-num-incrementing``)."""
Change = tuple[Definition, Value, int]
"""A metric, its value, and since when, milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Write:
    """A host writes metrics of a device (or of the node). ``problem``: why it cannot be done at all. ``sent``: the
    payload's timestamp, milliseconds since 1970."""

    device: str
    values: dict[str, Value]
    problem: str = ""
    sent: int | None = None


class Host:
    """The primary host, as its STATE messages say (``tck-id-message-flow-edge-node-birth-publish-phid-wait``)."""

    def __init__(self, name: str) -> None:
        self.topic = f"{NAMESPACE}/STATE/{name}"
        """The host's id is the last level (``…-phid-wait-id``): nobody else's state is subscribed to or read."""
        self.online = False
        self._at = ""
        self._latest: dict[str, int] = {}

    def connect(self, broker: str) -> None:
        """Another connection: nothing is known until it speaks. Each broker has its own latest time: a host may have
        been at one of them long before it left the other."""
        self._at = broker
        self.online = False

    def hear(self, body: bytes) -> bool:
        """A STATE message. Whether it counts: it is one, and no older than the latest that did
        (``…-phid-wait-timestamp``; ``tck-id-operational-behavior-edge-node-termination-host-offline-timestamp``)."""
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(said, dict):
            return False
        online, timestamp = said.get("online"), said.get("timestamp")
        if not isinstance(online, bool) or not isinstance(timestamp, int) or isinstance(timestamp, bool):
            return False
        if timestamp < self._latest.get(self._at, 0):
            return False
        self._latest[self._at] = timestamp
        self.online = online
        return True


class Node:
    """See the module. Topics and payloads come as pairs, in the order in which they must be sent."""

    def __init__(self, group: str, edge: str, aliases: bool = True) -> None:
        """Without ``aliases`` data carry names: some hosts cannot read the others."""
        for level in (group, edge):
            if not level or set(level) & set("+/#\0"):
                raise ValueError(f"{level!r} cannot be a group or node id: not empty, and without + / #")
        self.group = group
        self.edge = edge
        self.born: set[str] = set()
        """The node (:data:`NODE`) and the devices the hosts know to be there."""
        self._aliased = aliases
        self._bdseq = 0
        self._seq = 0
        self._aliases: dict[tuple[str, str], int] = {}
        self._names: dict[int, tuple[str, str]] = {}

    def topic(self, kind: str, device: str = NODE) -> str:
        """``tck-id-topic-structure``."""
        return f"{NAMESPACE}/{self.group}/{kind}/{self.edge}" + (f"/{device}" if device else "")

    @property
    def filters(self) -> tuple[str, str]:
        """``tck-id-message-flow-edge-node-ncmd-subscribe``, ``tck-id-message-flow-device-dcmd-subscribe``; devices may
        come later, so for all of them."""
        return self.topic("NCMD"), f"{self.topic('DCMD')}/+"

    # --- birth and death -------------------------------------------------------------------------------------

    def connect(self, bdseq: int) -> tuple[str, bytes]:
        """Begin with a new CONNECT and its bdSeq: the last will (``tck-id-payloads-ndeath-will-message``)."""
        self._bdseq = bdseq % WRAP
        self.born = set()
        return self.death(0)

    def death(self, now: int) -> tuple[str, bytes]:
        """NDEATH: nothing but bdSeq, and no seq (``tck-id-topics-ndeath-payload``, ``tck-id-payloads-ndeath-seq``).
        The will is made beforehand, so a time would mean nothing there."""
        self.born = set()
        bdseq = Metric(BDSEQ, timestamp=now or None, datatype=DataType.INT64, value=self._bdseq)
        return self.topic("NDEATH"), Payload(now or None, (bdseq,)).encode()

    def birth(self, thing: Thing, now: int) -> tuple[str, bytes]:
        """NBIRTH: bdSeq of the will (``tck-id-topics-nbirth-bdseq-matching``) and every metric; seq begins at 0
        (``tck-id-topics-nbirth-seq-num``). Devices are to be born anew after it."""
        self.born = {NODE}
        self._seq = 0
        # no alias: hosts (Ignition's among them) look for bdSeq by name, in the death as in the birth
        bdseq = Metric(BDSEQ, timestamp=now, datatype=DataType.INT64, value=self._bdseq)
        metrics = (bdseq, *self._born_metrics(NODE, thing, now))
        return self.topic("NBIRTH"), self._payload(metrics, now)

    def device_birth(self, device: str, thing: Thing, now: int) -> tuple[str, bytes]:
        """DBIRTH (``tck-id-topics-dbirth-metric-reqs``: every metric it will ever report)."""
        self.born.add(device)
        return self.topic("DBIRTH", device), self._payload(self._born_metrics(device, thing, now), now)

    def device_death(self, device: str, now: int) -> tuple[str, bytes]:
        """DDEATH (``tck-id-operational-behavior-device-ddeath``)."""
        self.born.discard(device)
        return self.topic("DDEATH", device), self._payload((), now)

    # --- data ------------------------------------------------------------------------------------------------

    def data(self, device: str, changes: Iterable[Change], now: int) -> tuple[str, bytes]:
        """NDATA or DDATA: aliases instead of names (``tck-id-payloads-alias-data-cmd-requirement``). With their types,
        though they SHOULD not be there (``tck-id-payloads-metric-datatype-not-req``): see *Decisions* in README.md."""
        metrics = tuple(self._metric(device, each, value, at) for each, value, at in changes)
        return self._data_topic(device), self._payload(metrics, now)

    def past(self, device: str, thing: Thing, metrics: Iterable[Metric], now: int) -> tuple[str, bytes] | None:
        """Metrics that were kept (with their names) while they could not be sent, as data of the past:
        ``is_historical``, with their own times. ``None`` when the device has none of them any more."""
        known = tuple(
            Metric(*self._called(device, each.name), each.timestamp, each.datatype, each.value, historical=True)
            for each in metrics
            if each.name is not None and each.name in thing.definitions
        )
        return (self._data_topic(device), self._payload(known, now)) if known else None

    def _data_topic(self, device: str) -> str:
        return self.topic("DDATA" if device else "NDATA", device)

    # --- what hosts write ------------------------------------------------------------------------------------

    def read(self, topic: str, body: bytes, things: dict[str, Thing]) -> Write:
        """An NCMD or DCMD: metrics by alias or name. Raises WireError for what is none."""
        ncmd, dcmd = self.topic("NCMD"), self.topic("DCMD") + "/"
        if topic != ncmd and not topic.startswith(dcmd):
            raise WireError(f"{topic!r} is no command for this node")
        device = NODE if topic == ncmd else topic.removeprefix(dcmd)
        found = decode(body)
        thing = things.get(device)
        if thing is None or device not in self.born:
            return Write(device, {}, f"there is no device {device!r} now", found.timestamp)
        values: dict[str, Value] = {}
        problems = []
        for metric in found.metrics:
            name, problem = self._named(device, metric)
            definition = thing.definitions.get(name)
            if problem or definition is None:
                problems.append(problem or f"{name!r} is no metric of it")
                continue
            values[name] = metric.value
            if not definition.writable:
                problems.append(f"{name} cannot be written")
                continue
            try:
                values[name] = as_type(metric.value, definition.datatype)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        return Write(device, values, "; ".join(problems[:5]), found.timestamp)

    def _named(self, device: str, metric: Metric) -> tuple[str, str]:
        if metric.name is not None:
            return metric.name, ""
        owner, name = self._names.get(metric.alias or 0, (device, ""))
        if not name:
            return "", f"no metric has the alias {metric.alias}"
        if owner != device:
            return name, f"the alias {metric.alias} is {owner or 'the node'}'s {name}"
        return name, ""

    # --- inside ----------------------------------------------------------------------------------------------

    def _born_metrics(self, device: str, thing: Thing, now: int) -> tuple[Metric, ...]:
        metrics = []
        for each, value, at in thing.everything(now):
            unit = {"engUnit": Property(DataType.STRING, each.unit)} if each.unit else {}
            _, alias = self._called(device, each.name)
            metrics.append(Metric(each.name, alias, at, each.datatype, value, properties=unit))
        return tuple(metrics)

    def _metric(self, device: str, each: Definition, value: Value, at: int) -> Metric:
        return Metric(*self._called(device, each.name), at, each.datatype, value)

    def _called(self, device: str, name: str) -> tuple[str | None, int | None]:
        """Name or alias of a metric in data. The rebirth metric has none (``…-data-commands-rebirth-name-aliases``)."""
        return (None, self._alias(device, name)) if self._aliased and name != REBIRTH else (name, None)

    def _alias(self, device: str, name: str) -> int:
        """Unique in the whole node (``tck-id-payloads-alias-uniqueness``), and the same from birth to birth, so a host
        that missed one does not mistake a metric for another."""
        key = (device, name)
        if key not in self._aliases:
            self._aliases[key] = len(self._aliases) + 1
            self._names[self._aliases[key]] = key
        return self._aliases[key]

    def _payload(self, metrics: Sequence[Metric], now: int) -> bytes:
        seq = self._seq
        self._seq = (seq + 1) % WRAP
        return Payload(now, tuple(metrics), seq).encode()


def wants_rebirth(write: Write) -> bool:
    """``tck-id-operational-behavior-data-commands-rebirth-action-2``: all births are to be told again."""
    return write.device == NODE and write.values.get(REBIRTH) is True


def wants_device_rebirth(write: Write) -> bool:
    return write.values.get(DEVICE_REBIRTH) is True
