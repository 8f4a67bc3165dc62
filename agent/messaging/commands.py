"""Commands: the envelope, the arguments of every verb, and how bytes become one of them. Pure.

A command is a JSON object published to ``down/cmd/<verb>/<id>``; verb and id come from the topic::

    {"args": {"targets": ["key"], "levels": {"intensity": 0.8}, "fade": 2}, "issuer": "console-1",
     "expires_at": "2030-01-01T12:00:05Z", "reply_to": "studio/reply/console-1"}

``execute_at`` makes several agents act at the same moment; ``not_before`` lets a command wait here for its time.
With MQTT 5 the response topic, correlation data and message expiry of the protocol are honoured; ``reply_to`` is for
3.1.1. The ``id`` is the requester's: the same id again is the same command again and has no second effect.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from agent.messaging import exposure_args, rdm_args, service_args, show_args
from agent.messaging.hints import fault
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.strict import TARGETS, Strict, Targets
from config.check import told
from config.problems import exact
from config.units import CIE_SPAN, EMITTERS, HUE_SPAN, Attribute, Level, Name, Seconds, Text

MAX_BYTES = 16_000
MAX_DEPTH = 8
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
VERB = re.compile(r"[a-z][a-z0-9.-]{0,40}")

RANGES: Mapping[Attribute, tuple[float, float]] = {
    Attribute.INTENSITY: (0.0, 1.0),
    Attribute.CCT: (1000.0, 20000.0),
    Attribute.TINT: (-1.0, 1.0),
    **dict.fromkeys(EMITTERS, (0.0, 1.0)),
    **CIE_SPAN,
    **HUE_SPAN,
}
"""What any light at all could do; what *this* light can do is its profile's affair."""

_OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "out_of_range"})


def reply_topic(topic: str) -> str:
    """A topic an answer may be sent to. Raises ValueError for a wildcard, a broker's own topic, or one of the
    agents' topics: an agent must not be made to command another one."""
    if not topic or len(topic) > 256 or set(topic) & set("+#\0") or topic.startswith("$"):
        raise ValueError("not a topic to reply to: 1 to 256 characters, no wildcard, not below $")
    if topic == "studio/v1" or topic.startswith("studio/v1/"):
        raise ValueError("replies never go below studio/v1: use a topic like studio/reply/<you>")
    return topic


def check_response_topic(topic: str | None) -> None:
    """The MQTT 5 response topic of a command. Raises Refusal (malformed), as a bad ``reply_to`` does."""
    if topic is not None:
        try:
            reply_topic(topic)
        except ValueError as error:
            raise Refusal(ReasonCode.MALFORMED, f"response topic: {error}") from None


class Envelope(Strict):
    """What stands around the arguments."""

    args: dict[str, Any] = Field(default_factory=dict, description="The verb's arguments.")
    issuer: str = Field("", max_length=64, description="Who asks: for the log, and for trust.issuers.")
    issued_at: AwareDatetime | None = Field(None, description="When it was asked; at most 60 s ahead.")
    expires_at: AwareDatetime | None = Field(None, description="Not to be begun after this.")
    not_before: AwareDatetime | None = Field(
        None, description="Not to be begun before this: accepted now, begun then or, at the latest, at `expires_at`."
    )
    execute_at: AwareDatetime | None = Field(
        None,
        description="To be begun at this moment, by the agent's corrected clock, or not at all. At most 24 h ahead.",
    )
    nonce: str | None = Field(None, min_length=1, max_length=64, description="Used once; without: the id is.")
    signature: str | None = Field(None, max_length=256, description="hmac-sha256:<hex> or ed25519:<hex>; see security.")
    reply_to: str | None = Field(None, description="3.1.1: where answers go besides up/cmd/<verb>/<id>.")

    @field_validator("reply_to")
    @classmethod
    def _reply_to(cls, topic: str | None) -> str | None:
        return None if topic is None else reply_topic(topic)

    @model_validator(mode="after")
    def _in_order(self) -> "Envelope":
        if self.not_before and self.execute_at and self.execute_at < self.not_before:
            raise PydanticCustomError("order", "execute_at is before not_before")
        due = self.execute_at or self.not_before
        if due and self.expires_at and self.expires_at <= due:
            raise PydanticCustomError("order", "expires_at must be later than execute_at and not_before")
        return self


class LightsSet(Strict):
    """Set levels of lights; others keep theirs."""

    targets: Targets = Field(description=TARGETS)
    levels: dict[Attribute, float] = Field(min_length=1, description="Attribute → level in the attribute's own unit.")
    fade: Seconds = Field(0.0, description="Seconds.")
    hold: Seconds | None = Field(
        None, gt=0, description="A lease: let go by itself after so many seconds. The same again renews it."
    )

    @field_validator("levels")
    @classmethod
    def _possible(cls, levels: dict[Attribute, float]) -> dict[Attribute, float]:
        for attribute, level in levels.items():
            low, high = RANGES[attribute]
            if not low <= level <= high:
                seen = {"what": str(attribute), "level": exact(level), "range": f"{low:g}…{high:g}"}
                raise PydanticCustomError("out_of_range", "{what} {level} is not in {range}", seen)
        return levels


class LookApply(Strict):
    """Apply a look."""

    look: Name = Field(description="Its name.")
    fade: Seconds | None = Field(None, description="Seconds; without: the look's own.")
    targets: Targets = Field(("all",), description=f"Only to these: {TARGETS}")


class LightsRelease(Strict):
    """Let lights go: the next claim gets them (the exposure loop, say); without one they hold what they show."""

    targets: Targets = Field(("all",), description=TARGETS)
    fade: Seconds = Field(0.0, description="Seconds.")


class LightsStop(Strict):
    """Freeze every light as it is, now. Nothing moves one until `lights.stop.reset`: no command, no loop, no test; a
    restart keeps it. A show stop, not a safety function: people's safety is in the mains."""


class LightsStopReset(Strict):
    """End the stop: an admin's, or on the agent's own machine (`send --local`). Lights stay as they are; what a person
    held is held there; the exposure loop goes on from there. A light that was being tested goes back to what it showed
    before."""


class LightsMaster(Strict):
    """The grand master: scales all lights, whoever holds them; kept over a restart. Below 1 the exposure loop waits."""

    level: Level = Field(description="0…1; 1: as the lights are set.")
    fade: Seconds = Field(0.0, description="Seconds.")


class Identify(Strict):
    """Make a light show itself."""

    fixture: Name = Field(description="Its name.")
    seconds: Annotated[float, Field(ge=1, le=60)] = Field(5.0, description="How long.")


Group = Literal["lighting", "exposure", "network", "host"]
"""Of telemetry."""


class RateArgs(Strict):
    """What is left out stays as it is."""

    interval: Annotated[float, Field(ge=0.1, le=3600)] | None = Field(None, description="Seconds between two looks.")
    max_interval: Annotated[float, Field(ge=0.1, le=86400)] | None = Field(
        None, description="Seconds after which they are sent all the same."
    )
    dead_bands: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="Number → how far it may wander unsaid, in its unit. 0: say every change."
    )


class TelemetrySet(Strict):
    """Change how often numbers are published, until the next start or reload: then the configuration counts again."""

    groups: dict[Group, RateArgs] = Field(
        default_factory=dict, description="Group → `interval`, `max_interval`, `dead_bands`."
    )
    reset: bool = Field(False, description="First go back to what the configuration says.")


class Reload(Strict):
    """Read the configuration file again; an invalid one is refused and the old one goes on."""


class Ping(Strict):
    """Answer, nothing else."""


class CommandCancel(Strict):
    """Cancel a running command."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = Field(description="Its id.")


ARGS: Mapping[str, type[Strict]] = {
    "lights.set": LightsSet,
    "look.apply": LookApply,
    "lights.release": LightsRelease,
    "lights.stop": LightsStop,
    "lights.stop.reset": LightsStopReset,
    "lights.master": LightsMaster,
    **show_args.ARGS,
    **exposure_args.ARGS,
    **rdm_args.ARGS,
    "probe.now": service_args.ProbeNow,
    "profiles.list": service_args.ProfilesList,
    "identity": service_args.Identity,
    "log.level": service_args.LogLevel,
    "support.bundle": service_args.SupportBundle,
    "config.get": service_args.ConfigGet,
    "config.validate": service_args.ConfigValidate,
    "config.propose": service_args.ConfigPropose,
    "config.apply": service_args.ConfigApply,
    "config.versions": service_args.ConfigVersions,
    "config.rollback": service_args.ConfigRollback,
    "report.list": service_args.ReportList,
    "report.get": service_args.ReportGet,
    "maintenance.accept": service_args.MaintenanceAccept,
    "maintenance.rebaseline": service_args.MaintenanceRebaseline,
    "maintenance.note": service_args.MaintenanceNote,
    "alert.ack": service_args.AlertAck,
    "alert.silence": service_args.AlertSilence,
    "alert.unsilence": service_args.AlertUnsilence,
    "selftest.start": service_args.SelftestStart,
    "selftest.cancel": service_args.SelftestCancel,
    "identify": Identify,
    "reload": Reload,
    "telemetry.set": TelemetrySet,
    "ping": Ping,
    "command.cancel": CommandCancel,
}
"""Every verb there is."""

A = TypeVar("A", bound=BaseModel)


def read_json(body: bytes) -> dict[str, Any]:
    """An object from JSON as it should be (RFC 8259): UTF-8, no NaN, infinity or doubled key, not nested deeper than
    :data:`MAX_DEPTH`, no longer than :data:`MAX_BYTES`. Raises Refusal (too-large, malformed), nothing else."""
    if len(body) > MAX_BYTES:
        raise Refusal(
            ReasonCode.TOO_LARGE, Text(f"{len(body)} bytes, at most {MAX_BYTES}", f"{len(body)} 字节，最多 {MAX_BYTES}")
        )
    try:
        found = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_doubles
        )
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        raise Refusal(ReasonCode.MALFORMED, Text(_short(f"not JSON: {error}"), "不是有效的 JSON")) from None
    if not isinstance(found, dict):
        raise Refusal(
            ReasonCode.MALFORMED, Text('not a JSON object like {"args": {…}}', '不是 {"args": {…}} 这样的 JSON 对象')
        )
    _shallow(found)
    return found


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a command. An empty body is a command without arguments. Raises Refusal."""
    return _validate(Envelope, read_json(body or b"{}"), ReasonCode.MALFORMED, "")


def read_args(model: type[A], args: Mapping[str, Any]) -> A:
    """The verb's arguments. Raises Refusal (invalid; out-of-range when that is all that is wrong)."""
    return _validate(model, args, ReasonCode.INVALID, "args.")


def _validate(model: type[A], found: Mapping[str, Any], code: ReasonCode, prefix: str) -> A:
    try:
        return model.model_validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        if code is ReasonCode.INVALID and all(fault["type"] in _OUT_OF_RANGE for fault in faults):
            code = ReasonCode.OUT_OF_RANGE
        said = list(_said(model, faults, prefix))[:5]
        en, zh = "; ".join(each.en for each in said), "；".join(each.zh for each in said)
        raise Refusal(code, Text(_short(en), _short(zh))) from None


def _said(model: type[BaseModel], faults: list[ErrorDetails], prefix: str) -> Iterator[Text]:
    kinds = {detail["loc"]: detail for detail in reversed(faults)}
    for place, (where, why, right, _) in told(model, faults):
        said = why.replace("a table", "an object")  # a table is what TOML calls an object
        more = right.rstrip(".")
        zh = fault(kinds[place]) if place in kinds else "有误"
        yield Text(f"{prefix}{where}: {said}" + (f" ({more})" if more else ""), f"{prefix}{where} {zh}")


def _short(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= 500 else clean[:499] + "…"


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word[:20]} is too large")
    return number


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _shallow(found: Any) -> None:
    level, depth = [found], 1
    while level:
        if depth > MAX_DEPTH:
            raise Refusal(ReasonCode.MALFORMED, Text(f"nested deeper than {MAX_DEPTH}", f"嵌套超过 {MAX_DEPTH} 层"))
        inner: list[Any] = []
        for item in level:
            inner += item.values() if isinstance(item, dict) else item
        level = [item for item in inner if isinstance(item, dict | list)]
        depth += 1
