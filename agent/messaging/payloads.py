"""Every payload on the wire, as a model. Pure.

Each begins with the same header, put on when it is published (:class:`Stamp`):

====  =====================================================================================================
v     version of the payload's shape, 1
ts    wall clock, ISO 8601 UTC with milliseconds (of the last will: when the connection was made)
mono  the agent's monotonic clock, seconds: differences are true even when the wall clock is set
boot  id of this start of the agent
seq   counts the messages of this start; order by (boot, seq). A retained state keeps the number it was first sent with
nth   only of messages that are kept until the broker has them (telemetry, events): counts those of this topic and
      start, 1, 2, 3 …; a hole in it is a loss (or still on its way: a backlog comes behind what is said now)
====  =====================================================================================================

A number that could not be measured is ``null``, never 0. Receivers ignore fields they do not know.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from agent.messaging.header import HEADER, Part, Payload, Say
from agent.messaging.lifecycle import FINAL, ReasonCode, State
from config.units import Attribute

Health = Literal["ok", "offline", "starting"]


class Degraded(Part):
    """Something between the agent and its broker that is not as it should be."""

    code: Literal[
        "embedded-broker",
        "fallback-broker",
        "protocol-3.1.1",
        "denied",
        "too-large",
        "narrow",
        "late",
        "acknowledged-twice",
        "dead-letters",
        "dropped",
        "memory-only",
    ]
    text: Say = Field(description="What it is, and what would be right.")


class Status(Payload):
    """Is the agent there? Retained; the broker publishes the last will under the same topic.

    ``session`` names one connection: an *offline* of another session than the *online* last seen is old news.
    """

    state: Literal["online", "offline"]
    reason: Literal["", "lost", "stopped", "moved"] = Field(
        "", description="offline only: lost (last will), stopped (asked), moved (it goes on at another broker)."
    )
    session: str
    agent: str = Field("studio-edge-agent", description="The program.")
    version: str = ""
    mode: Literal["real", "virtual"] = "real"
    ready: bool = Field(False, description="Lights are under control.")
    trust: Literal["", "open", "listed"] = Field(
        "", description="open: whoever the broker lets in may command; listed: only issuers of the configuration."
    )
    since: str = Field("", description="When this start of the agent began, ISO 8601 UTC.")
    broker: str = Field("", description="The broker it is at, host:port as the agent knows it.")
    protocol: Literal["", "5", "3.1.1"] = Field("", description="Version of MQTT it speaks there.")
    degraded: tuple[Degraded, ...] = Field((), description="online only: what is not as it should be.")


class FixtureEntry(Part):
    name: str
    role: str = ""
    profile: str = ""
    personality: str = ""
    universe: int | None = None
    address: int | None = None
    bus: str = Field("", description="Bus it is on, if it has no DMX.")
    unit: int | None = None
    channel: int | None = None
    attributes: tuple[str, ...] = ()
    ranges: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="Attribute → lowest and highest level, in the attribute's own unit."
    )


class DeviceEntry(Part):
    kind: Literal["output", "input", "bus", "camera", "probe"]
    name: str
    driver: str = ""


class Rate(Part):
    """When the numbers of one group are published (telemetry.set changes it)."""

    interval: float = Field(description="Seconds between two looks.")
    max_interval: float = Field(description="Seconds after which they are sent all the same.")
    dead_bands: dict[str, float | None] = Field(
        default_factory=dict, description="Number → how far it may wander unsaid, in its unit; null: any way."
    )


class Inventory(Payload):
    """What this agent has and can: enough to draw a control panel without further knowledge."""

    fixtures: tuple[FixtureEntry, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="Group → its lights.")
    looks: tuple[str, ...] = ()
    cues: tuple[str, ...] = Field((), description="Cue lists.")
    exposure: str = Field(
        "",
        description="The camera through which the exposure loop looks, empty: no loop; its mode, which changes with a "
        "command, is in its state.",
    )
    verbs: tuple[str, ...] = ()
    telemetry: dict[str, Rate] = Field(default_factory=dict, description="Group → when its numbers are published.")


class VerbEntry(Part):
    """One command the agent takes now."""

    verb: str
    does: str = ""
    impact: str = Field(
        "passive",
        description="What the on-air interlock takes it for: passive, invisible, loads-uplink, visible, disruptive; "
        "or depends. The show's own doing, such as setting lights, is passive here.",
    )
    off_air_only: bool = Field(False, description="Refused on air.")
    question: bool = Field(False, description="Without effect: answered at once, by its end alone.")
    deadline: float = Field(30.0, description="Seconds after which it fails.")
    args: dict[str, Any] = Field(default_factory=dict, description="JSON Schema of its `args`.")


class Capability(Payload):
    """What can be asked of this agent now, and how. Changes with its configuration."""

    verbs: tuple[VerbEntry, ...] = ()
    missing: dict[str, str] = Field(
        default_factory=dict, description="Commands it knows but cannot do now: what it lacks for them."
    )


class Holder(Part):
    """Who holds a light."""

    owner: str
    priority: str
    until: str | None = Field(None, description="End of the lease, ISO 8601 UTC; null: until it is released.")


class Measured(Part):
    """A number that a light measures of itself; null: it did not say."""

    value: float | None
    unit: str


class FixtureState(Payload):
    """A light: levels in each attribute's own unit."""

    levels: dict[Attribute, float]
    target: dict[Attribute, float] = Field(default_factory=dict, description="Where a running fade goes.")
    held_by: Holder | None = None
    console: str = Field(
        "",
        description="The lighting console that has taken the light over; empty: none has. Meanwhile `levels` are the "
        "console's; `target` is where the light goes when it ends.",
    )
    console_since: str | None = Field(None, description="Since when it has lights of that universe.")
    kept: str = Field("", description="A lost console whose last look stays here (`on_loss`) until a person moves it.")
    kept_since: str | None = Field(None, description="When that console was lost.")
    fade_remaining: float = Field(0.0, description="Seconds.")
    health: Health = "ok"
    reason: str = ""
    measured: dict[str, Measured] = Field(default_factory=dict, description="What a light on a bus says of itself.")


class LightsState(Payload):
    """What is set for all lights together. ``stopped_by`` is empty while they are not stopped, ``blackout_by`` while
    there is no blackout."""

    master: float = Field(1.0, description="Grand master, 0…1.")
    submasters: dict[str, float] = Field(default_factory=dict, description="Group → its submaster, 0…1.")
    blackout_by: str = Field("", description="Who has called for the blackout.")
    stopped_by: str = Field("", description="Who has stopped all lights.")


class DeviceState(Payload):
    """An output, a bus, a camera or a probe."""

    health: Health
    reason: str = ""
    remedy: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    details: dict[str, str] = Field(default_factory=dict)


class AirState(Payload):
    """What the agent takes as the studio's air state. Unknown or stale counts as on air."""

    on_air: bool
    known: bool
    source: str = ""


class Telemetry(Payload):
    """Flat numbers beside the header; a name is lower case with underscores and ends in its unit where it has one."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="null")
    __pydantic_extra__: dict[str, float | int | None] = Field(init=False)

    @classmethod
    def of(cls, numbers: Mapping[str, float | int | None]) -> Self:
        """A telemetry payload. NaN and infinity become ``null``. Raises ValueError for a bad or reserved name."""
        for name in numbers:
            if name in HEADER or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
                raise ValueError(f"{name!r} cannot name a number: lower case, digits, underscores, not a header field")
        clean = {k: (v if v is not None and math.isfinite(v) else None) for k, v in numbers.items()}
        return cls.model_validate(clean)

    @property
    def numbers(self) -> dict[str, float | int | None]:
        return dict(self.__pydantic_extra__ or {})


class Alert(Payload):
    """One alert, retained while it is not resolved."""

    key: str
    level: Literal["note", "warning", "critical"]
    state: Literal["pending", "firing", "acknowledged", "resolved"]
    since: str = Field(description="When the present state began, ISO 8601 UTC.")
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    text: Say
    first: Say = Field(description="The first thing to do.")
    acknowledged_by: str = Field("", description="Who looks after it.")
    silenced_until: str | None = Field(None, description="Until then its events are left out, ISO 8601 UTC.")
    silenced_by: str = ""
    silenced_because: str = ""


class Event(Payload):
    """Something happened once. ``name`` is ``noun.verb``."""

    name: str
    level: Literal["note", "warning", "critical"] = "note"
    text: Say | None = None
    fields: dict[str, Any] = Field(default_factory=dict)


class Report(Payload):
    """Summary of the latest self-test; ``counts`` by verdict."""

    id: str
    depth: Literal["quick", "full"]
    verdict: str
    counts: dict[str, int] = Field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0
    worst: tuple[str, ...] = Field((), description="Ids of the checks that failed or came near.")


class Maintenance(Payload):
    """What was done last for the studio's upkeep; ``null``: never, or no longer known."""

    full_selftest: str | None = Field(None, description="Start of the latest full self-test that left nothing out.")
    full_verdict: str | None = Field(None, description="Its verdict.")
    accepted: str | None = Field(None, description="When the lights were last accepted as good (the baseline).")
    accepted_runs: int = Field(0, description="Accepted runs that the baseline is made of.")
    accepted_lights: tuple[str, ...] = Field((), description="The lights in it.")


class Answer(Payload):
    """One step in the life of a command."""

    id: str
    verb: str
    state: State
    code: ReasonCode | None = Field(None, description="rejected, failed, cancelled: why.")
    message: Say | None = None
    result: dict[str, Any] = Field(default_factory=dict)
    progress: float | None = Field(None, ge=0, le=1)
    due: str | None = Field(None, description="scheduled: when it is to be begun, ISO 8601 UTC.")
    late_ms: float | None = Field(None, description="executing: begun so many milliseconds after it was due.")
    repeated: bool = Field(False, description="The command came again; nothing was done anew.")

    @property
    def final(self) -> bool:
        return self.state in FINAL


class Audit(Payload):
    """A decision on a command. ``hash`` is the SHA-256 of the canonical JSON (RFC 8785) of all the rest without header.

    ``prev`` is the hash of the record before it: whoever keeps these can tell whether the agent's own log was changed.
    """

    n: int = Field(description="Counts the records of this agent; one more than the record before.")
    prev: str = Field(description="Hash of the record before; 64 zeros: the first.")
    at: str = Field(description="When it was decided, by the agent's clock, ISO 8601 UTC.")
    origin: str = Field(description="broker, local (control socket), or another dialect.")
    issuer: str = Field(description="Who asked; empty: nobody knows.")
    role: str = Field(description="Its role; empty: none was found.")
    signed: bool = Field(description="A signature was verified.")
    verb: str
    id: str
    state: State
    code: ReasonCode | None = None
    reason: str = ""
    on_air: bool
    clock: bool | None = Field(None, description="Whether the agent's clock was kept; null: unknown.")
    unrecorded: int = Field(0, description="Refusals before this one that came too fast to be recorded singly.")
    hash: str


class Echo(Payload):
    """The agent's message to itself (self-test MQT-02)."""

    nonce: str


class AirMessage(BaseModel):
    """Sent *to* the agent: is the studio on air? Repeat it well within ``air.fresh`` seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    on_air: bool
    source: str = Field(min_length=1, max_length=64, description="Who says so: obs, tally, control room …")
    issued_at: AwareDatetime
