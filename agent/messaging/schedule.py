"""Commands with a time: when they are due, how late is too late, and waiting for the moment.

The moment is one of the true time, as far as this machine knows it: the wall clock plus the kernel's own estimate of
how far off it is (:func:`agent.runtime.clock.correction`). The clock may be set while a command waits, so it is looked
at again at least each second, and the loop's timer (a millisecond coarse) is left :data:`SPIN` before the end.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.messaging.commands import Envelope
from agent.messaging.lifecycle import FARTHEST, LIMITS, ReasonCode, Refusal, State
from agent.messaging.verbs import Reply, Request
from agent.runtime.clock import correction
from agent.runtime.journal import Entry, Plan
from config.units import Text

LEAD = 1.0
"""Seconds before its time from which a command is not taken up again after a crash: the journal, whose disk may be
slow, has nothing more to do at the moment itself."""
LATE = 0.25
"""Seconds after ``execute_at`` in which it may still begin; later, and it does not happen at all. The same for what a
restart finds in the journal."""
PATIENT = 10.0
"""The same for ``not_before`` without an ``expires_at``."""
LOOK_AGAIN = 1.0
SPIN = 0.002


@dataclass(frozen=True, slots=True)
class Clocks:
    """``wall`` seconds since 1970, ``mono`` of a clock nobody sets, ``sleep`` until that has gone on, ``off`` what to
    add to ``wall`` for the true time."""

    wall: Callable[[], float]
    mono: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    off: Callable[[], float] = correction


def due(envelope: Envelope) -> float | None:
    """When it is to be begun, seconds since 1970; ``None``: at once."""
    at = envelope.execute_at or envelope.not_before
    return at.timestamp() if at else None


def in_reach(envelope: Envelope, now: float) -> None:
    """Raises Refusal for a time that is too far ahead (out-of-range), or too long ago (expired)."""
    at = due(envelope)
    if at is not None and at - now > FARTHEST:
        ahead, most = f"{(at - now) / 3600:.1f}", f"{FARTHEST / 3600:.0f}"
        said = Text(f"{ahead} h ahead, at most {most} h", f"提前 {ahead} 小时，最多 {most} 小时")
        raise Refusal(ReasonCode.OUT_OF_RANGE, said)
    in_time(envelope, now)


def in_time(envelope: Envelope, now: float) -> None:
    """May it still begin? Raises Refusal (expired)."""
    if envelope.expires_at is not None and now >= (end := envelope.expires_at.timestamp()):
        raise Refusal(ReasonCode.EXPIRED, Text(f"{now - end:.3f} s after its end", f"晚了 {now - end:.3f} 秒"))
    at = due(envelope)
    if at is None:
        return
    grace = LATE if envelope.execute_at else PATIENT if envelope.expires_at is None else FARTHEST
    if now - at > grace:
        late = now - at
        en, zh = f"{late:.3f} s after its time, at most {grace:g} s", f"晚了 {late:.3f} 秒，最多 {grace:g} 秒"
        raise Refusal(ReasonCode.EXPIRED, Text(en, zh))


async def wait(at: float, clocks: Clocks, lead: Callable[[], Awaitable[None]]) -> float:
    """Returns at that moment, or at once when it is over; says how late, in seconds. ``lead`` is called and waited for
    :data:`LEAD` before it. Raises Refusal (timeout) when the clock was set back again and again."""
    begun, led, off = clocks.mono(), False, 0.0
    limit = LIMITS[State.SCHEDULED]
    while True:
        if not led:
            off = clocks.off()
        rest = at - clocks.wall() - off
        if not led and rest <= LEAD:
            await lead()
            led = True
        elif rest <= 0:
            return -rest
        elif limit is not None and clocks.mono() - begun > limit:
            raise Refusal(ReasonCode.TIMEOUT, Text(f"scheduled for more than {limit:g} s", f"等待超过 {limit:g} 秒"))
        else:
            enough = SPIN if led else LEAD
            await clocks.sleep(min(rest - enough, LOOK_AGAIN) if rest > enough else 0)


# --- across a restart ------------------------------------------------------------------------------------------------


def plan(request: Request, at: float) -> Plan:
    """For the journal: all it takes to take the command up again."""
    correlation = request.correlation.hex() if request.correlation is not None else None
    body = request.body.decode("utf-8")  # it was read as such
    return Plan(at, json.dumps({"body": body, "topic": request.topic, "correlation": correlation}))


def planned(entry: Entry, found: Plan, reply_on: Callable[[str | None, bytes | None], Reply]) -> Request:
    """The reverse of :func:`plan`. Raises ValueError, KeyError or TypeError for what another version wrote."""
    said = json.loads(found.request)
    topic = said["topic"]
    correlation = bytes.fromhex(said["correlation"]) if said["correlation"] is not None else None
    reply = reply_on(topic, correlation)
    return Request(entry.verb, entry.id, said["body"].encode(), reply=reply, topic=topic, correlation=correlation)
