"""What the verbs about alerts do: acknowledge, silence, unsilence."""

import contextlib
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.app.saving import acknowledged
from agent.health.alerts import Stage
from agent.messaging.header import iso
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.service_args import AlertAck, AlertSilence, AlertUnsilence
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.errors import DriverError


class AlertVerbs:
    """alert.ack, alert.silence, alert.unsilence."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("alert.ack", AlertAck, self._ack, check=self._can_ack),
            Verb("alert.silence", AlertSilence, self._silence),
            Verb("alert.unsilence", AlertUnsilence, self._unsilence, check=self._can_unsilence),
        ]
        return {verb.name: verb for verb in verbs}

    def _can_ack(self, args: AlertAck) -> None:
        firing = [alert.key for alert in self._house.alerts.open if alert.stage is Stage.FIRING]
        if args.key not in firing:
            meant = hint(args.key, firing)
            said = Text(f"alert {args.key} is not firing; {meant.en}", f"告警 {args.key} 未触发；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)

    def _can_unsilence(self, args: AlertUnsilence) -> None:
        known = self._house.herald.book.patterns()
        if args.pattern not in known:
            meant = hint(args.pattern, known)
            said = Text(f"{args.pattern} is not silenced; {meant.en}", f"{args.pattern} 未被静音；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)

    async def _ack(self, args: AlertAck, job: Job) -> Mapping[str, Any]:
        self._can_ack(args)
        by = job.issuer or "remote"
        self._house.herald.book.acknowledge(args.key, by)
        self._house.herald.retell()
        await self._saved()
        with contextlib.suppress(OSError, DriverError):
            await acknowledged(self._house, args.key)
        return {"key": args.key, "acknowledged_by": by}

    async def _silence(self, args: AlertSilence, job: Job) -> Mapping[str, Any]:
        until = self._house.host.wall() + args.hours * 3600.0
        self._house.herald.book.silence(args.pattern, job.issuer or "remote", until, args.reason)
        self._house.herald.retell()
        await self._saved()
        return {"pattern": args.pattern, "until": iso(until)}

    async def _unsilence(self, args: AlertUnsilence, job: Job) -> Mapping[str, Any]:
        self._can_unsilence(args)
        self._house.herald.book.unsilence(args.pattern)
        self._house.herald.unsilenced(args.pattern)
        await self._saved()
        return {"pattern": args.pattern}

    async def _saved(self) -> None:
        with contextlib.suppress(DriverError):  # a disk that does not answer: it is in force all the same
            await self._house.on_disk(self._house.herald.book.save())
