"""Reaching a broker: name look-up, TCP, TLS. These block, so a thread ``mqtt-connect`` does them and ends."""

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import Any, Literal

from paho.mqtt.client import Client, WebsocketConnectionError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.messaging.leash import beneath
from agent.messaging.tls import context, explain
from config.broker import MqttSection, TlsSection
from config.files import guard_key, read_secret
from config.problems import ConfigError

Version = Literal["5", "3.1.1"]
RECEIVE_MAXIMUM = 64
"""Unacknowledged messages the broker may have on the way to us: it keeps the rest, so our inbox stays short."""
MAXIMUM_PACKET = 1_000_000
CONNECT_TIMEOUT = 5.0
PROBE = 3.0
"""Seconds for an answer to a CONNECT of MQTT 5 when 3.1.1 would do too: some brokers of the older protocol do not
refuse the newer one but fall silent (amqtt 0.12 with a last will)."""


class NoConnection(Exception):
    """A broker cannot be used. ``kind``: unreachable, silent (hung up unasked), version, refused."""

    def __init__(self, kind: Literal["unreachable", "silent", "version", "refused"], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


async def dial(client: Client, config: MqttSection, version: Version, session: int) -> None:
    """Connect the client's socket and put CONNECT into its queue. Raises NoConnection."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    given_up = threading.Event()

    def settle(error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(None)

    def work() -> None:
        error: BaseException | None = None
        try:
            _connect(client, config, version, session)
        except BaseException as caught:
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, error)
        if given_up.is_set():
            shut(client)

    threading.Thread(target=work, name="mqtt-connect", daemon=True).start()
    try:
        await done
    except asyncio.CancelledError:
        given_up.set()
        raise
    except ssl.SSLError as error:
        raise NoConnection("refused", f"{where(config)}: {explain(config.tls, error)}") from None
    except WebsocketConnectionError as error:
        hint = f"does its listener speak WebSocket at {config.path}? (mqtt.transport, mqtt.path)"
        raise NoConnection("unreachable", f"{where(config)}: {error}; {hint}") from None
    except (OSError, ValueError) as error:
        raise NoConnection("unreachable", f"{where(config)}: {error}") from None


def where(config: MqttSection) -> str:
    """``host:port``, for messages."""
    name = f"[{config.host}]" if ":" in config.host else config.host
    return f"{name}:{config.port}"


def shut(client: Client) -> None:
    """Close the client's socket without a word."""
    sock = client.socket()
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.close()


def no_delay(client: Client, userdata: object, sock: Any) -> None:
    """Nagle against delayed acknowledgement costs 40 ms per QoS 1 exchange."""
    with contextlib.suppress(OSError):
        beneath(sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _connect(client: Client, config: MqttSection, version: Version, session: int) -> None:
    client.connect_timeout = CONNECT_TIMEOUT
    if config.transport == "websockets":
        client.ws_set_options(path=config.path)
    if config.username is not None:
        client.username_pw_set(config.username, _password(config))
    if config.tls is not None:
        client.tls_set_context(_tls(config.tls, config.table))
    if version == "5":
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = session
        wishes.ReceiveMaximum = RECEIVE_MAXIMUM
        wishes.MaximumPacketSize = MAXIMUM_PACKET
        client.connect(config.host, config.port, config.keepalive, clean_start=session == 0, properties=wishes)
    else:
        client.connect(config.host, config.port, config.keepalive)


def _password(config: MqttSection) -> str | None:
    if config.password_file is None:
        return None
    try:
        return read_secret(config.password_file, f"{config.table}.password_file")
    except ConfigError as error:
        raise NoConnection("refused", _said(error)) from None


def _tls(tls: TlsSection, table: str) -> ssl.SSLContext:
    try:
        if tls.key_file is not None:
            guard_key(tls.key_file, f"{table}.tls.key_file")
        return context(tls)
    except ConfigError as error:
        raise NoConnection("refused", _said(error)) from None
    except OSError as error:
        raise NoConnection("refused", f"{table}.tls: certificate or key cannot be used: {error}") from None


def _said(error: ConfigError) -> str:
    return "; ".join(f"{fault.where}: {fault.why}: {fault.right}" for fault in error.problems)
