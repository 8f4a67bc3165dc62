"""paho on a short leash: the few inner parts of its client that this room needs in its hand.

They have no public name, so they stand here alone (paho is pinned below 3), each with a test at a real broker that
would fail if paho changed it.
"""

from collections.abc import Callable
from typing import Any, Literal

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.messaging.message import Last, Message
from config.broker import MqttSection

AT_ONCE = 65_536
"""Bytes read from the socket at once, at most."""
DISCONNECT = 0xE0
SUCCESS = ReasonCode(PacketTypes.PUBACK)
NO_PROPERTIES = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]


class Leash(Client):
    """The client. ``stray`` hears of acknowledgements for messages that are not under way: a broker that
    acknowledges twice, and paho would not say so.

    paho asks the socket for every packet's first byte, its length and its rest, and sends each packet by itself. Here
    :meth:`read` takes what has come in one go and :meth:`write` sends what is due in one go; a WebSocket, which has
    frames, is left to paho's ways.
    """

    stray: Callable[[], None] = staticmethod(lambda: None)

    _opened: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = memoryview(b"")
        self._may_read = False
        self._unsent = bytearray()

    def read(self) -> None:
        """Handle every packet that one read of the socket brings."""
        self._may_read = True
        self.loop_read()
        while self._unread and self.socket() is not None:
            self.loop_read()

    def write(self) -> None:
        """Send what is due, as far as the socket takes it."""
        self.loop_write()
        try:
            self._send_out()
        except OSError:
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)

    @property
    def left(self) -> bool:
        """Whether there is something that the socket did not take."""
        return self.want_write() or bool(self._unsent)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self.transport == "websockets":
            return super()._sock_recv(bufsize)
        if not self._unread:
            if not self._may_read:
                raise BlockingIOError
            self._may_read = False
            self._unread = memoryview(super()._sock_recv(AT_ONCE))
        found, self._unread = self._unread[:bufsize], self._unread[bufsize:]
        return bytes(found)

    def _send_out(self) -> None:
        while self._unsent:
            try:
                sent = super()._sock_send(self._unsent)
            except BlockingIOError:
                return
            del self._unsent[:sent]

    def _create_socket(self) -> Any:
        """paho leaves the socket open when the handshake of a WebSocket fails."""
        try:
            return super()._create_socket()
        except BaseException:
            if self._opened is not None:
                self._opened.close()
            raise

    def _create_socket_connection(self) -> Any:
        self._opened = super()._create_socket_connection()
        return self._opened

    def _ssl_wrap_socket(self, tcp_sock: Any) -> Any:
        self._opened = super()._ssl_wrap_socket(tcp_sock)
        return self._opened

    def ping(self) -> None:
        """Send PINGREQ now. paho's own comes after a whole keep-alive of silence and is given another one."""
        self._send_pingreq()

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        mid = int.from_bytes(packet[:2], "big")
        if mid not in self._out_messages:
            self.stray()
        elif len(packet) == 2 and cmd == "PUBACK":  # success, nothing more to say: nearly all of them
            with self._out_message_mutex:
                return self._do_on_publish(mid, SUCCESS, NO_PROPERTIES)
        return super()._handle_pubackcomp(cmd)

    def _sock_send(self, buf: Any) -> int:
        if self.transport == "websockets":
            sent = super()._sock_send(buf)
            if sent == 0 and len(buf):
                # it could send only part of a frame and wants the same packet again; paho 2.2 drops the packet, and
                # the next one is lost or mangled for it
                raise BlockingIOError
            return sent
        last = buf[0] == DISCONNECT  # paho closes the socket next
        if last:
            self._send_out()
        if len(self._unsent) > (0 if last else AT_ONCE):
            raise BlockingIOError
        self._unsent += buf
        if last:
            self._send_out()
        return len(buf)


def beneath(sock: Any) -> Any:
    """The TCP or TLS socket a WebSocket runs over; others are that themselves."""
    return getattr(sock, "_socket", sock)


def leash(config: MqttSection, client_id: str, version: Literal["5", "3.1.1"], clean: bool, will: Last | None) -> Leash:
    """A client for one connection."""
    five = version == "5"
    client = Leash(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if five else clean,
        protocol=MQTTv5 if five else MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
        transport=config.transport,
    )
    if will is not None:
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
    return client


def received(message: Any, ack: Callable[[], None]) -> Message:
    """paho's message as ours."""
    found = message.properties
    return Message(
        topic=message.topic,
        payload=bytes(message.payload),
        qos=message.qos,
        retain=bool(message.retain),
        response_topic=getattr(found, "ResponseTopic", None),
        correlation=getattr(found, "CorrelationData", None),
        expiry=getattr(found, "MessageExpiryInterval", None),
        ack=ack,
    )


def with_properties(correlation: bytes | None, response_topic: str | None, expiry: int | None) -> Properties | None:
    """The properties of a PUBLISH (MQTT 5), where there are any."""
    if correlation is None and response_topic is None and expiry is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if correlation is not None:
        properties.CorrelationData = correlation
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    return properties


def goodbye(client: Leash, will: bool) -> None:
    """Send DISCONNECT; with ``will`` (MQTT 5) the broker publishes the last will all the same."""
    client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=0x04) if will else None)
