"""What is asked of a command before its verb is: is it one, is it in time, is it the one of that id. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from agent.messaging import commands, schedule
from agent.messaging.commands import Envelope
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Request
from config.units import Text

AHEAD = 60.0
"""Seconds a requester's clock may be ahead: with one that is further off, its ``expires_at`` means nothing."""


def read(request: Request) -> Envelope:
    """The envelope. Raises Refusal (retained, malformed, too-large)."""
    if request.retained:
        raise Refusal(ReasonCode.RETAINED)
    if not commands.ID.fullmatch(request.id):
        raise Refusal(
            ReasonCode.MALFORMED,
            Text("the id is 1 to 64 of A-Z a-z 0-9 _ -", "编号须为 1 至 64 个 A-Z a-z 0-9 _ -"),
        )
    commands.check_response_topic(request.topic)
    return commands.read_envelope(request.body)


def in_time(request: Request, envelope: Envelope, now: float) -> None:
    """``now``: seconds since 1970. Raises Refusal (clock, expired, out-of-range)."""
    ahead = envelope.issued_at.timestamp() - now if envelope.issued_at else 0.0
    if ahead > AHEAD:
        raise Refusal(
            ReasonCode.CLOCK, Text(f"{ahead:.0f} s ahead of this agent's clock", f"比本机时钟快 {ahead:.0f} 秒")
        )
    if request.expires is not None and now >= request.expires:
        late = f"{now - request.expires:.3f}"
        raise Refusal(ReasonCode.EXPIRED, Text(f"{late} s after its end", f"晚了 {late} 秒"))
    schedule.in_reach(envelope, now)


def digest_of(verb: str, args: Mapping[str, Any]) -> str:
    """Tells a repeated command from another one under the same id."""
    return hashlib.sha256(json.dumps([verb, args], sort_keys=True).encode()).hexdigest()


def same(digest: str, other: str) -> None:
    """Raises Refusal (duplicate)."""
    if digest != other:
        raise Refusal(ReasonCode.DUPLICATE)
