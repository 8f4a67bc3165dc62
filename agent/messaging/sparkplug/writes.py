"""From what a host writes to the agent's commands. Pure.

Sparkplug has no commands, only values to be written, and no answer but the next data. So a write becomes the verb that
means it, and goes through the same gate as any other command: checks, on-air interlock, policy, journal.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

from agent.messaging.sparkplug.metrics import DEVICE_REBIRTH, LEVEL, NODE, REBIRTH
from agent.messaging.sparkplug.node import Write

ISSUER = "sparkplug"
FRESH = 60.0
"""Seconds a command may be older or younger than this agent's clock says: more is a replay or a broken clock."""
YEAR_9999 = 253_402_300_799_000


class Order(NamedTuple):
    """A verb with its arguments, and the metrics it came from."""

    verb: str
    args: dict[str, Any]
    names: tuple[str, ...]


def orders(write: Write) -> list[Order]:
    """The commands of one write. Raises ValueError with the reason when it cannot be one."""
    if write.problem:
        raise ValueError(write.problem)
    values = {name: value for name, value in write.values.items() if name not in (REBIRTH, DEVICE_REBIRTH)}
    kind, _, name = write.device.partition("-")
    if write.device == NODE:
        return _node(values)
    return _fixture(name, values) if kind == "fixture" else _camera(values) if kind == "camera" else []


def _node(values: dict[str, Any]) -> list[Order]:
    found = []
    if look := values.get("Node Control/Look"):
        found.append(Order("look.apply", {"look": look}, ("Node Control/Look",)))
    if depth := values.get("Node Control/Self-Test"):
        found.append(Order("selftest.start", {"depth": depth}, ("Node Control/Self-Test",)))
    return found


def _fixture(light: str, values: dict[str, Any]) -> list[Order]:
    fade = values.get("Device Control/Fade")
    timed = {} if fade is None else {"fade": fade}
    levels = {name.removeprefix(LEVEL): value for name, value in values.items() if name.startswith(LEVEL)}
    found = []
    if levels:
        args = {"targets": [light], "levels": levels, **timed}
        found.append(Order("lights.set", args, tuple(LEVEL + name for name in levels)))
    if values.get("Device Control/Release"):
        found.append(Order("lights.release", {"targets": [light], **timed}, ("Device Control/Release",)))
    if values.get("Device Control/Identify"):
        found.append(Order("identify", {"fixture": light}, ("Device Control/Identify",)))
    if timed and not found:
        raise ValueError("Device Control/Fade is written together with a level or with Release")
    return found


def _camera(values: dict[str, Any]) -> list[Order]:
    mode, target = values.get("Exposure/Mode"), values.get("Exposure/Target")
    if mode is None and target is None:
        return []
    if mode is None:
        raise ValueError("Exposure/Target is written together with Exposure/Mode")
    args = {"mode": mode} | ({} if target is None else {"target": target})
    return [Order("exposure.set", args, ("Exposure/Mode",) + (() if target is None else ("Exposure/Target",)))]


def command_id(topic: str, body: bytes, number: int, sent: int | None) -> str:
    """The same bytes again are the same command again, and have no second effect: hosts put the time into each. Without
    a time there is no telling, and every one is new."""
    if sent is None:
        return f"spb-{uuid4().hex}"
    return f"spb-{hashlib.sha256(topic.encode() + bytes([0]) + body).hexdigest()[:32]}-{number}"


def envelope(order: Order, sent: int | None) -> dict[str, Any]:
    """The order as it would come on the agent's own command topic."""
    times: dict[str, str] = {}
    if sent is not None and 0 <= sent < YEAR_9999:
        times = {
            "issued_at": datetime.fromtimestamp(sent / 1000, UTC).isoformat(),
            "expires_at": datetime.fromtimestamp(min(sent / 1000 + FRESH, YEAR_9999 / 1000), UTC).isoformat(),
        }
    return {"args": order.args, "issuer": ISSUER, **times}
