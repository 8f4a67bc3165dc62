"""What is not as it should be between the agent and its broker, by name, with what would be right.

The status says it, retained, and the log when it begins and ends; ``state`` stays *online*: the agent works on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from agent.messaging.dial import where
from agent.messaging.header import Say
from agent.messaging.outbox import Outbox
from agent.messaging.payloads import Degraded
from agent.messaging.wire import Wire

log = structlog.get_logger(__name__)

LATE = 5.0
"""Seconds after which an acknowledgement is late."""
NARROW = 8
"""Fewer unacknowledged messages than this make the broker a narrow way."""
NAMED = 3
"""So many topics are named, the others counted."""
REMEMBERED = 100
GRAVE = frozenset({"fallback-broker", "denied", "too-large", "late", "memory-only"})
"""What the health gives as its reason while online."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the connection and of what could not be told over it."""

    broker: str
    protocol: str = "5"
    embedded: bool = False
    preferred: str = ""
    """Why the agent is at another broker than the preferred one, and which that is."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Topic → the broker's word on it."""
    large: Mapping[str, int] = field(default_factory=dict)
    """Topic → bytes of a message that the broker's Maximum Packet Size keeps out."""
    largest: int = 0
    narrow: int = 64
    late: float = 0.0
    strays: int = 0
    refused: int = 0
    dropped: int = 0
    unstored: str = ""


class Standing:
    """Collects what there is to say of one connection after the other. :attr:`now` is what the status says."""

    def __init__(self) -> None:
        self.now: tuple[Degraded, ...] = ()
        self._denied: dict[str, str] = {}
        self._large: dict[str, int] = {}

    def begin(self, denied: Mapping[str, str]) -> None:
        """A connection is new; these filters it was denied."""
        self._denied.clear()
        self._large.clear()
        for topic, why in denied.items():
            self.deny(topic, why)

    def deny(self, topic: str, why: str) -> None:
        """The broker's access list is in the way: said once per topic and connection."""
        if topic not in self._denied and len(self._denied) < REMEMBERED:
            self._denied[topic] = why
            right = "allow write …/up/# and read …/down/# in its access list"
            log.error("mqtt.denied", topic=topic, why=why, next=right)

    def measure(self, topic: str, body: bytes, wire: Wire) -> None:
        """A state is to be sent: does it fit? What does not is said once per topic and connection."""
        if wire.takes(topic, body):
            self._large.pop(topic, None)
        elif topic in self._large:
            self._large[topic] = len(body)
        elif len(self._large) < REMEMBERED:
            self._large[topic] = len(body)
            right = "raise the broker's maximum packet size (Mosquitto: max_packet_size)"
            log.error("mqtt.too-large", topic=topic, bytes=len(body), most=wire.largest, next=right)

    def look(self, wire: Wire, outbox: Outbox, preferred: str) -> bool:
        """Look at everything; whether :attr:`now` has changed. Logged when something begins and when it ends."""
        found = degraded(
            Facts(
                broker=where(wire.config),
                protocol=wire.version,
                embedded=wire.config.embedded,
                preferred=preferred,
                denied=self._denied,
                large=self._large,
                largest=wire.largest,
                narrow=wire.narrow,
                late=wire.late,
                strays=wire.strays,
                refused=outbox.file.refused,
                dropped=outbox.dropped,
                unstored=outbox.file.unstored,
            )
        )
        if found == self.now:
            return False
        before, after = ({one.code for one in many} for many in (self.now, found))
        for one in found:
            if one.code not in before:
                log.warning("mqtt.degraded", code=one.code, what=one.text.en)
        for code in sorted(before - after):
            log.info("mqtt.as-it-should-be", code=code)
        self.now = found
        return True

    @property
    def complaints(self) -> str:
        """What keeps messages from their way, for the health."""
        return " ".join(one.text.en for one in self.now if one.code in GRAVE)


def brief(found: tuple[Degraded, ...]) -> tuple[Degraded, ...]:
    """The same with nothing but the codes, for a broker that takes only short messages."""
    return tuple(one.model_copy(update={"text": Say(en=one.code, zh=one.code)}) for one in found)


def degraded(facts: Facts) -> tuple[Degraded, ...]:
    """Everything that is not as it should be, in a steady order."""
    return tuple(Degraded(code=code, text=Say(en=en, zh=zh)) for code, en, zh in _all(facts))


def _all(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.embedded:
        yield (
            "embedded-broker",
            f"{facts.broker} is the demo's embedded broker: it keeps nothing and lets everybody in. "
            "For a real room run Mosquitto or another broker.",
            f"{facts.broker} 是演示用的内置消息服务器：不保存任何内容，任何人都可连接。"
            "正式使用请运行 Mosquitto 等服务器。",
        )
    if facts.preferred:
        yield (
            "fallback-broker",
            f"At {facts.broker}, because the preferred broker cannot be had: {facts.preferred}.",
            f"当前使用 {facts.broker}，首选消息服务器不可用：{facts.preferred}。",
        )
    if facts.protocol == "3.1.1":
        yield (
            "protocol-3.1.1",
            "The broker speaks MQTT 3.1.1: it cannot drop stale commands nor say why it refuses a message. "
            "Put expires_at and reply_to into commands.",
            "服务器仅支持 MQTT 3.1.1：无法丢弃过期指令，也不会说明拒绝原因。请在指令中写明 expires_at 和 reply_to。",
        )
    if facts.denied:
        topics = _topics([f"{topic} ({why})" for topic, why in facts.denied.items()])
        yield (
            "denied",
            f"The broker's access list denies {topics}. Allow writing …/up/# and reading …/down/#.",
            f"服务器访问控制拒绝：{topics}。请允许写 …/up/# 和读 …/down/#。",
        )
    if facts.large:
        topics = _topics([f"{topic} ({size} bytes)" for topic, size in facts.large.items()])
        yield (
            "too-large",
            f"Above the broker's limit of {facts.largest} bytes, not sent: {topics}. Raise its maximum packet size.",
            f"超过服务器上限 {facts.largest} 字节，未发送：{topics}。请提高其最大报文长度。",
        )
    if facts.narrow < NARROW:
        yield (
            "narrow",
            f"The broker takes {facts.narrow} unacknowledged message(s) at a time (Receive Maximum): everything is "
            "sent, slowly. Raise max_inflight_messages.",
            f"服务器同时只接收 {facts.narrow} 条未确认消息（Receive Maximum）：会全部发送，但较慢。"
            "请提高 max_inflight_messages。",
        )
    if facts.late >= LATE:
        yield (
            "late",
            f"The broker acknowledges late: more than {LATE:g} s. Nothing is lost; look at its disk and load.",
            f"服务器确认过慢：超过 {LATE:g} 秒。消息不会丢失，请检查其磁盘和负载。",
        )
    if facts.strays:
        yield (
            "acknowledged-twice",
            "The broker acknowledges messages that it has acknowledged before. Nothing is lost; update the broker.",
            "服务器重复确认消息。消息不会丢失，请更新服务器软件。",
        )
    if facts.refused:
        yield (
            "dead-letters",
            f"{facts.refused} messages were refused by the broker for good and set aside: table refused in "
            "outbox.sqlite.",
            f"{facts.refused} 条消息被服务器拒绝并已另存（outbox.sqlite 的 refused 表）。",
        )
    if facts.dropped:
        yield (
            "dropped",
            f"{facts.dropped} messages were given up, past their age or budget. Give [mqtt.outbox] more room.",
            f"{facts.dropped} 条消息因超出保存期限或容量而丢弃。请增大 [mqtt.outbox]。",
        )
    if facts.unstored:
        yield ("memory-only", f"Not on the disk: {facts.unstored}.", f"未写入磁盘：{facts.unstored}。")


def _topics(each: list[str]) -> str:
    more = f" +{len(each) - NAMED}" if len(each) > NAMED else ""
    return ", ".join(each[:NAMED]) + more
