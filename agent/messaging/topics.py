"""The topic scheme: one table, from which topics are made, read back and documented. Pure.

    studio/v1/<site>/<agent>/up/…      written only by the agent
    studio/v1/<site>/<agent>/down/…    read only by the agent

Two subtrees make a broker's access list two pattern lines; the site comes first so that sites can be bridged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from agent.messaging import payloads
from agent.messaging.commands import Envelope
from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.homeassistant.payloads import AlertsShown, Asked, LightShown, ResultShown
from agent.messaging.rdm_payloads import RdmState
from agent.messaging.show_payloads import CueListState, LookState

ROOT = "studio/v1"


class Keep(StrEnum):
    """Classes of messages that stay on the disk until the broker has them; each has a budget of its own."""

    TELEMETRY = "telemetry"
    EVENT = "event"
    RESULT = "result"
    AUDIT = "audit"


StateKind = Literal[
    "fixture", "lights", "look", "cues", "output", "rdm", "input", "bus", "camera", "probe", "exposure", "air"
]
ONLY = {"lighting": "outputs", "host": "agent"}
"""Groups of numbers with one member: it has a name all the same, so that every class of topics has one depth."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of topic. ``pattern`` is relative to ``studio/v1/<site>/<agent>/``; ``{…}`` is one level."""

    name: str
    pattern: str
    qos: Literal[0, 1]
    retained: bool
    payload: type[BaseModel]
    meaning: str
    """Markdown: ``<name>`` stands between backticks."""

    keep: Keep | None = None
    """Sent by the outbox: it survives a broker that is away, and the end of this program."""

    @property
    def direction(self) -> str:
        return self.pattern.split("/", 1)[0]


TABLE: Sequence[Row] = (
    Row("status", "up/status", 1, True, payloads.Status, "Birth and last will: is the agent there, is it ready."),
    Row("inventory", "up/inventory", 1, True, payloads.Inventory, "What there is and which commands are understood."),
    Row("capability", "up/capability", 1, True, payloads.Capability, "What can be asked of it now, with schemas."),
    Row("fixture", "up/state/fixture/{name}", 1, True, payloads.FixtureState, "A light: levels, who holds it."),
    Row("lights", "up/state/lights/{name}", 1, True, payloads.LightsState, "All lights together (name: all)."),
    Row("look", "up/state/look/{name}", 1, True, LookState, "A look: its levels, where it comes from."),
    Row("cues", "up/state/cues/{name}", 1, True, CueListState, "A cue list: its cues, where it stands."),
    Row("output", "up/state/output/{name}", 1, True, payloads.DeviceState, "A DMX output's health."),
    Row("rdm", "up/state/rdm/{name}", 1, True, RdmState, "Who was found by RDM on an output's lines."),
    Row("input", "up/state/input/{name}", 1, True, payloads.DeviceState, "Health of a way in for a lighting console."),
    Row("bus", "up/state/bus/{name}", 1, True, payloads.DeviceState, "Health of a wire with lights without DMX."),
    Row("camera", "up/state/camera/{name}", 1, True, payloads.DeviceState, "A camera's health."),
    Row("probe", "up/state/probe/{name}", 1, True, payloads.DeviceState, "A network probe's health."),
    Row("exposure", "up/state/exposure/{name}", 1, True, ExposureState, "The exposure loop, by camera."),
    Row("air-state", "up/state/air/{name}", 1, True, payloads.AirState, "On air as the agent sees it (name: studio)."),
    Row(
        "tele",
        "up/tele/{group}/{name}",
        1,
        False,
        payloads.Telemetry,
        "Numbers: `lighting/outputs`, `host/agent`, `exposure/<camera>`, `network/<probe>`.",
        Keep.TELEMETRY,
    ),
    Row("alert", "up/alert/{key}", 1, True, payloads.Alert, "An alert; emptied once it is resolved."),
    Row("event", "up/event", 1, False, payloads.Event, "Something happened once.", Keep.EVENT),
    Row("report", "up/report", 1, True, payloads.Report, "Summary of the latest self-test."),
    Row("maintenance", "up/maintenance", 1, True, payloads.Maintenance, "Dates of the studio's upkeep."),
    Row(
        "answer",
        "up/cmd/{verb}/{id}",
        1,
        True,
        payloads.Answer,
        "A command's state; emptied some time after its end, or by the requester.",
        Keep.RESULT,
    ),
    Row("audit", "up/audit", 1, False, payloads.Audit, "A decision on a command, in a chain of hashes.", Keep.AUDIT),
    Row("echo", "up/echo", 1, False, payloads.Echo, "The agent's message to itself (self-test MQT-02)."),
    Row("command", "down/cmd/{verb}/{id}", 1, False, Envelope, "A command. Never retained; one id, one effect."),
    Row("air", "down/air", 1, True, payloads.AirMessage, "The studio's air state, repeated while it holds."),
    Row("ha-light", "up/ha/light/{name}", 1, True, LightShown, "Home Assistant only: a light in its JSON schema."),
    Row("ha-alerts", "up/ha/alerts/all", 1, True, AlertsShown, "Home Assistant only: all alerts in one list."),
    Row("ha-result", "up/ha/result/latest", 1, True, ResultShown, "Home Assistant only: how its latest command ended."),
    Row("ha-input", "down/ha/{kind}/{name}", 1, False, Asked, "Home Assistant only: it cannot make ids of commands."),
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a topic says: its row, whose it is, and the values of its ``{…}`` levels."""

    row: Row
    site: str
    agent: str
    parts: dict[str, str] = field(default_factory=dict)


def _expression(pattern: str) -> re.Pattern[str]:
    levels = [rf"(?P<{lv[1:-1]}>[^/+#]+)" if lv.startswith("{") else re.escape(lv) for lv in pattern.split("/")]
    return re.compile(rf"{re.escape(ROOT)}/(?P<_site>[^/+#]+)/(?P<_agent>[^/+#]+)/" + "/".join(levels))


_EXPRESSIONS = tuple((row, _expression(row.pattern)) for row in TABLE)
_ROWS = {row.name: row for row in TABLE}


def parse(topic: str) -> Parsed | None:
    """The reverse of :class:`Topics`; ``None`` for a topic that is not of this scheme."""
    for row, expression in _EXPRESSIONS:
        match = expression.fullmatch(topic)
        if match:
            parts = match.groupdict()
            return Parsed(row, parts.pop("_site"), parts.pop("_agent"), parts)
    return None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one agent. Values that cannot be one level (empty, or with ``/ + # NUL``) raise ValueError."""

    site: str
    agent: str

    @property
    def prefix(self) -> str:
        return f"{ROOT}/{self.site}/{self.agent}"

    def of(self, row: str, **parts: str) -> str:
        """The topic of a row of the table, by the row's name."""
        for name, value in parts.items():
            if not value or set(value) & set("/+#\0"):
                raise ValueError(f"{name} = {value!r} cannot be a topic level: not empty, and without / + #")
        return f"{self.prefix}/{_ROWS[row].pattern.format(**parts)}"

    @property
    def client_id(self) -> str:
        """At the broker; a colon is in no name, so no two agents can share one."""
        return f"studio:{self.site}:{self.agent}"

    @property
    def status(self) -> str:
        return self.of("status")

    @property
    def inventory(self) -> str:
        return self.of("inventory")

    @property
    def capability(self) -> str:
        return self.of("capability")

    @property
    def event(self) -> str:
        return self.of("event")

    @property
    def audit(self) -> str:
        return self.of("audit")

    @property
    def report(self) -> str:
        return self.of("report")

    @property
    def echo(self) -> str:
        return self.of("echo")

    @property
    def air(self) -> str:
        return self.of("air")

    @property
    def down(self) -> str:
        """Filter for everything that is meant for this agent."""
        return f"{self.prefix}/down/#"

    @property
    def up(self) -> str:
        """Filter for everything this agent says."""
        return f"{self.prefix}/up/#"

    @property
    def answers(self) -> str:
        """Filter for the states of its commands."""
        return f"{self.prefix}/up/cmd/+/+"

    def state(self, kind: StateKind, name: str) -> str:
        return self.of("air-state" if kind == "air" else kind, name=name)

    def tele(self, group: str, name: str = "") -> str:
        """``name``: the camera's or probe's; without one the group's only member."""
        return self.of("tele", group=group, name=name or ONLY.get(group, "all"))

    def alert(self, key: str) -> str:
        return self.of("alert", key=key)

    def answer(self, verb: str, id: str) -> str:  # noqa: A002 - the field's name on the wire
        return self.of("answer", verb=verb, id=id)

    def command(self, verb: str, id: str) -> str:  # noqa: A002 - the field's name on the wire
        return self.of("command", verb=verb, id=id)


def table() -> str:
    """The whole scheme as a Markdown table, for the documents."""
    lines = [
        f"| Topic (below `{ROOT}/<site>/<agent>/`) | QoS | Retained | Kept | Payload | Meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in TABLE:
        pattern = row.pattern.replace("{", "<").replace("}", ">")
        retained = "yes" if row.retained else "no"
        lines.append(
            f"| `{pattern}` | {row.qos} | {retained} | {row.keep or '–'} | {row.payload.__name__} | {row.meaning} |"
        )
    return "\n".join(lines) + "\n"
