"""The header that every payload has, and what puts it on. Pure."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from config.units import Text

HEADER = frozenset({"v", "ts", "mono", "boot", "seq", "nth"})


class Payload(BaseModel):
    """The header; see the module."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=True, ser_json_inf_nan="null")

    v: Literal[1] = 1
    ts: str = Field("", json_schema_extra={"format": "date-time"})
    mono: float = 0.0
    boot: str = ""
    seq: int = 0
    nth: int = 0

    def body(self) -> dict[str, Any]:
        """Everything but the header: what decides whether a state has changed."""
        return self.model_dump(mode="json", exclude=set(HEADER))

    def encode(self) -> bytes:
        """The JSON of it, UTF-8."""
        return self.model_dump_json(exclude=None if self.nth else {"nth"}).encode("utf-8", "replace")


P = TypeVar("P", bound=Payload)


def iso(wall: float) -> str:
    """Seconds since 1970 as ISO 8601 UTC with milliseconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Stamp:
    """Puts the header on. One per start of the agent."""

    def __init__(self, wall: Callable[[], float], mono: Callable[[], float], boot: str = "") -> None:
        self.wall = wall
        self.mono = mono
        self.boot = boot or uuid4().hex
        self.seq = 0

    def on(self, payload: P, nth: int = 0) -> P:
        """The same payload with the next header; ``nth`` where its topic's messages are counted."""
        self.seq += 1
        header = {"ts": iso(self.wall()), "mono": round(self.mono(), 6), "boot": self.boot, "seq": self.seq, "nth": nth}
        return payload.model_copy(update=header)


class Part(BaseModel):
    """A piece of a payload."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Say(Part):
    """A sentence for people."""

    en: str
    zh: str

    @classmethod
    def of(cls, text: Text) -> Self:
        return cls(en=text.en, zh=text.zh)


def decode(model: type[P], body: bytes) -> P:
    """A payload from its JSON. Raises ValueError (pydantic's ValidationError is one)."""
    return model.model_validate(json.loads(body))
