"""The times a requester puts around a command, as people say them: ``+0.5`` seconds from now, or a moment. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from agent.messaging.header import iso

FARTHEST = 366 * 86400
"""Seconds ahead that are taken for meant; how far ahead an agent goes along is the agent's affair."""
AHEAD = re.compile(r"\+(\d+\.?\d*|\.\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """``seconds`` from the sending on if ``ahead``, else since 1970."""

    seconds: float
    ahead: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what would be right."""
        if found := AHEAD.fullmatch(text):
            if (seconds := float(found[1])) > FARTHEST:
                raise ValueError(f"{text!r} is more than a year ahead")
            return cls(seconds, ahead=True)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            right = "+SECONDS from now, such as +0.5, or ISO 8601 with its zone, such as 2030-01-01T12:00:00Z"
            raise ValueError(f"{text!r} is no time: {right}") from None
        if moment.tzinfo is None:
            raise ValueError(f"{text!r} does not say its zone: {text}Z is UTC, {text}+08:00 is Beijing's")
        return cls(moment.timestamp(), ahead=False)

    def at(self, now: float) -> float:
        """Seconds since 1970, for what is sent ``now``."""
        return now + self.seconds if self.ahead else self.seconds


@dataclass(frozen=True, slots=True)
class Times:
    """``expires_in``: seconds from the sending on; ``None``: the envelope says nothing of an end."""

    expires_in: float | None = None
    not_before: Moment | None = None
    execute_at: Moment | None = None

    def ahead(self, now: float) -> float:
        """Seconds until it is due, for what is sent ``now``; 0 for at once."""
        due = self.execute_at or self.not_before
        return max(0.0, due.at(now) - now) if due else 0.0

    def fields(self, now: float) -> dict[str, str]:
        """Of the envelope of what is sent ``now``. Raises ValueError where they contradict each other: the agent would
        refuse it."""
        found = {}
        begin = end = None
        if self.not_before:
            found["not_before"] = iso(begin := self.not_before.at(now))
        if self.execute_at:
            if begin is not None and self.execute_at.at(now) < begin:
                raise ValueError("execute_at is before not_before: leave not_before out")
            found["execute_at"] = iso(begin := self.execute_at.at(now))
        if self.expires_in is not None:
            found["expires_at"] = iso(end := now + self.expires_in)
        if begin is not None and end is not None and end <= begin:
            raise ValueError(
                f"it expires in {self.expires_in:g} s, before it is due in {begin - now:.3f} s: a later end, or none"
            )
        return found
