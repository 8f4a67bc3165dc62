"""One connection to a broker, from CONNECT to its end: paho driven by the event loop.

paho keeps the protocol; the loop waits for the socket and calls it. So every callback runs on the loop, and a message
needs no hand-over between threads. Only name look-up, TCP and TLS handshake block: a thread ``mqtt-connect`` does them
and ends. A Wire is used once: a new connection is a new paho client, whose queues are empty by construction.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Literal

import structlog
from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.messaging.dial import NoConnection, Version, dial, no_delay, shut, where
from agent.messaging.leash import goodbye, leash, received, with_properties
from agent.messaging.message import Last, Message
from agent.messaging.pulse import Pulse
from agent.messaging.tls import explain, fault
from agent.messaging.way import cut_short
from agent.messaging.window import BAD, WINDOW, Outgoing, Window
from config.broker import MqttSection

log = structlog.get_logger(__name__)
UNSPECIFIED = "Unspecified error"
LOGIN = "check mqtt.username and mqtt.password_file, or let it in at the broker"


class Wire:
    """See the module. ``message`` is called on the loop for each message; what it raises is logged, no more."""

    def __init__(
        self,
        config: MqttSection,
        *,
        client_id: str,
        version: Version,
        message: Callable[[Message], None],
        will: Last | None = None,
        session: int = 0,
        denied: Callable[[str, str], None] = lambda topic, why: None,
        sent: Callable[[], None] = lambda: None,
    ) -> None:
        """``session``: seconds the broker keeps our session after a loss; 0 begins a clean one each time. ``denied``
        hears of publishes the broker acknowledged with a refusal (topic, reason); ``sent`` of every one handed over."""
        self.config = config
        self.version = version
        self.session_present = False
        self.eased: Callable[[], None] = lambda: None
        """Called after each acknowledgement: there may be room again."""
        self._session = session
        self._message = message
        self._sent = sent
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[str] = self._loop.create_future()
        self._up = False
        self._attached: Any = None
        self._flush_due = False
        self._fault: ssl.SSLError | None = None
        self._packet = 268_435_455
        self._subscribing: dict[int, asyncio.Future[list[tuple[int, str]]]] = {}
        self._pulse = Pulse(config.keepalive, self._loop.time())
        self.strays = 0
        """Acknowledgements of messages that were not under way."""
        client = leash(config, client_id, version, clean=session == 0, will=will)
        client.stray = self._stray
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = no_delay
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        self._client = client
        self._window = Window(client, denied)

    # --- life ------------------------------------------------------------------------------------------------

    async def open(self, timeout: float = 10.0, answer: float = 5.0) -> None:  # noqa: ASYNC109 - bounds two waits
        """Connect: within ``timeout`` seconds in all, ``answer`` from CONNECT to its answer. Raises NoConnection."""
        try:
            async with asyncio.timeout(timeout - answer):
                await dial(self._client, self.config, self.version, self._session)
                self._attach()
            async with asyncio.timeout(answer):
                await self._connected
        except TimeoutError:
            kind: Literal["silent", "unreachable"] = "silent" if self._attached is not None else "unreachable"
            self._drop("no answer to CONNECT")
            older = " (an older broker? mqtt.protocol = '3.1.1')" if self.version == "5" and kind == "silent" else ""
            raise NoConnection(kind, f"{self._where} does not answer{older}") from None
        except BaseException:
            self._drop("connecting was given up")
            raise

    async def ended(self) -> str:
        """Wait for the end of the connection; says why."""
        return await asyncio.shield(self._closed)

    @property
    def alive(self) -> bool:
        """Connected: CONNACK has come and no end."""
        return self._up and not self._closed.done()

    @property
    def waiting(self) -> int:
        """QoS 1 messages the broker has not acknowledged yet."""
        return len(self._window)

    @property
    def narrow(self) -> int:
        """How many unacknowledged messages it may have under way: the broker's Receive Maximum, or our own limit."""
        return self._window.size

    @property
    def late(self) -> float:
        """Seconds the broker has owed its oldest acknowledgement."""
        return self._window.oldest(self._loop.time())

    @property
    def largest(self) -> int:
        """The broker's Maximum Packet Size, bytes."""
        return self._packet

    @property
    def room(self) -> int:
        """QoS 1 messages of the outbox that may go now; some places are left to states and answers."""
        return self._window.room if self.alive else 0

    def takes(self, topic: str, body: bytes) -> bool:
        """Whether a message is within the broker's Maximum Packet Size."""
        return len(body) + len(topic) * 4 + 64 <= self._packet

    def give_up(self, reason: str) -> None:
        """End it without a goodbye: the broker publishes the last will."""
        self._drop(reason)

    async def close(self, timeout: float = 1.0, will: bool = False) -> None:  # noqa: ASYNC109
        """Say goodbye within ``timeout``; the broker then discards the last will, but with ``will`` (MQTT 5)."""
        if self.alive:
            with contextlib.suppress(Exception):
                goodbye(self._client, will and self.version == "5")
                self._flush()
                async with asyncio.timeout(timeout):
                    await self.ended()
        self._drop("closed")

    @property
    def _where(self) -> str:
        return where(self.config)

    def _attach(self) -> None:
        self._attached = self._client.socket()
        if self._attached is None:
            raise NoConnection("silent", f"{self._where} closed the connection at once")
        self._loop.add_reader(self._attached, self._readable)
        self._flush()
        self._tick()

    def _drop(self, reason: str) -> None:
        """The end, whatever came before."""
        if not self._closed.done():
            self._closed.set_result(reason)
        self._never(NoConnection("silent", f"{self._where}: {reason}"))
        for waiting in self._subscribing.values():
            if not waiting.done():
                waiting.set_exception(NoConnection("unreachable", reason))
                waiting.exception()  # nobody may be waiting any more
        self._subscribing.clear()
        self._window.clear()
        self._detach()
        shut(self._client)

    def _never(self, why: NoConnection) -> None:
        if not self._connected.done():
            self._connected.set_exception(why)
            self._connected.exception()  # nobody may be waiting any more

    def _detach(self) -> None:
        if self._attached is not None:
            self._loop.remove_reader(self._attached)
            self._loop.remove_writer(self._attached)
            self._attached = None

    # --- the loop drives paho --------------------------------------------------------------------------------

    def _driven(self, step: Callable[[], Any]) -> None:
        try:
            step()
        except Exception as error:
            log.warning("mqtt.broken", why=repr(error))
            self._drop(f"broken exchange with the broker ({error!r})")

    def _readable(self) -> None:
        self._pulse.heard()
        self._driven(self._read)

    def _read(self) -> None:
        self._client.read()
        sock: Any = self._client.socket()
        while hasattr(sock, "pending") and sock.pending() > 0:  # epoll does not see what TLS has read already
            self._client.read()
            sock = self._client.socket()

    def _on_want_write(self, client: Client, userdata: object, sock: object) -> None:
        # from the connecting thread nothing is attached yet; _attach flushes
        if self._attached is not None and not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._attached is None:
            return
        self._pulse.said()
        self._driven(self._client.write)
        if self._attached is None:
            return
        if self._client.left:
            self._loop.add_writer(self._attached, self._flush)
        else:
            self._loop.remove_writer(self._attached)

    def _tick(self) -> None:
        if self._attached is None:
            return
        found = self._pulse.look(self._loop.time()) if self._up else ""
        if found == "gone":
            self._drop(f"silent for {self._pulse.silent:.1f} s (keep-alive {self._pulse.keepalive:g} s): half open?")
            return
        if found == "ask":
            self._driven(self._client.ping)
        self._loop.call_later(self._pulse.every, self._tick)

    def _stray(self) -> None:
        self.strays += 1

    # --- paho calls back (all on the loop) -------------------------------------------------------------------

    def _on_connect(self, client: Client, userdata: object, flags: Any, reason: Any, properties: Any) -> None:
        if self._connected.done():
            return
        if reason.is_failure:
            name = reason.getName()
            kind: Literal["version", "refused"] = "version" if name == "Unsupported protocol version" else "refused"
            who = f"user {self.config.username!r}" if self.config.username else "an anonymous client"
            self._never(NoConnection(kind, f"{self._where} refuses {who}: {name}; {LOGIN}"))
            return
        self.session_present = flags.session_present
        self._window.size = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self._packet = getattr(properties, "MaximumPacketSize", self._packet)
        self._pulse.keepalive = client.keepalive or self.config.keepalive  # an MQTT 5 broker may have set its own
        self._pulse.heard()
        self._up = True
        self._connected.set_result(None)

    def _on_disconnect(self, client: Client, userdata: object, flags: Any, reason: Any, properties: Any) -> None:
        said = str(reason.getName())
        if said == UNSPECIFIED and not flags.is_disconnect_packet_from_server:
            said = "the broker closed the connection"  # paho's words for an end that nobody announced
        if flags.is_disconnect_packet_from_server:
            said = f"the broker ended it: {said}"
        if self._fault is not None:
            said = explain(self.config.tls, self._fault)
            self._never(NoConnection("refused", f"{self._where}: {said}"))
        self._never(NoConnection("silent", f"{self._where} hung up before its answer ({said})"))
        self._loop.call_soon(self._drop, said)
        if not self._closed.done():
            self._closed.set_result(said)

    def _on_socket_close(self, client: Client, userdata: object, sock: object) -> None:
        self._fault = fault(sock)
        self._detach()

    def _on_message(self, client: Client, userdata: object, message: Any) -> None:
        def ack() -> None:
            if message.qos and self.alive:
                client.ack(message.mid, message.qos)

        try:
            self._message(received(message, ack))
        except Exception:
            log.exception("mqtt.message-fault")
            ack()

    def _on_publish(self, client: Client, userdata: object, mid: int, reason: Any, properties: Any) -> None:
        self._window.acknowledged(mid, int(reason.value), reason.getName())
        self.eased()

    def _on_subscribe(self, client: Client, userdata: object, mid: int, reasons: Any, properties: Any) -> None:
        waiting = self._subscribing.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result([(int(reason.value), reason.getName()) for reason in reasons])

    # --- out -------------------------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        body: bytes,
        *,
        qos: int = 0,
        retain: bool = False,
        correlation: bytes | None = None,
        response_topic: str | None = None,
        expiry: int | None = None,
        acked: Callable[[int, str], None] | None = None,
    ) -> bool:
        """Hand a message over. ``False``: not connected, too many waiting, or larger than the broker takes. ``acked``
        (QoS 1) hears the broker's reason code and its name. Properties are for MQTT 5 and left out before it."""
        body = body if self.takes(topic, body) else cut_short(body)
        if not self.alive or not self.takes(topic, body):
            return False
        properties = with_properties(correlation, response_topic, expiry) if self.version == "5" else None
        if qos == 0:
            taken = self._client.publish(topic, body, 0, retain, properties).rc == MQTT_ERR_SUCCESS
        else:
            taken = self._window.put(Outgoing(topic, body, retain, properties, acked, self._loop.time()))
        if taken:
            self._sent()
        return taken

    async def subscribe(self, filters: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
        """Subscribe with QoS 1 and wait for the broker's word. The filters it denied, with its reason. Of ``others``
        only what others say is wanted (3.1.1 cannot tell)."""
        filters = (*filters, *others)
        if self.version == "5":
            # retain as published: a command sent *live* with the retain flag is seen as what it is
            wanted: Any = [
                (name, SubscribeOptions(qos=1, noLocal=name in others, retainAsPublished=True)) for name in filters
            ]
        else:
            wanted = [(name, 1) for name in filters]
        rc, mid = self._client.subscribe(wanted)
        if rc != MQTT_ERR_SUCCESS or mid is None:
            raise NoConnection("unreachable", "the connection ended before subscribing")
        answer: asyncio.Future[list[tuple[int, str]]] = self._loop.create_future()
        self._subscribing[mid] = answer
        try:
            async with asyncio.timeout(5.0):
                codes = await answer
        except TimeoutError:
            raise NoConnection("silent", f"{self._where} does not answer SUBSCRIBE") from None
        return {name: said for name, (code, said) in zip(filters, codes, strict=False) if code >= BAD}
