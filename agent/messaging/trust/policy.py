"""Who may do what, as one table: command × role × air state. Pure.

What stands in no row is refused. Besides this table the on-air interlock holds for everybody: no role lifts it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What an issuer may do; each includes what stands before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MAINTENANCE = "maintenance"
    ADMIN = "admin"

    def covers(self, least: "Role") -> bool:
        """Whether this role includes the other one."""
        return _RANK[self] >= _RANK[least]


_RANK: Mapping[Role, int] = {role: rank for rank, role in enumerate(Role)}


class Pace(StrEnum):
    """How often one issuer may ask: ``stop`` without limit, ``live`` as often as a fader moves, ``rare``."""

    STOP = "stop"
    LIVE = "live"
    RARE = "rare"


@dataclass(frozen=True, slots=True)
class Row:
    """One command, or one case of it: ``when`` names the arguments that make it this case (``None``: not given).

    ``off_air`` and ``on_air`` are the least role for it; ``None``: nobody, ever.
    """

    verb: str
    off_air: Role | None
    on_air: Role | None
    pace: Pace
    when: Mapping[str, Any] = field(default_factory=dict)

    @property
    def case(self) -> str:
        """Its name for people: ``exposure.set mode=watch``."""
        said = [f"{key}={value if isinstance(value, str) else str(value).lower()}" for key, value in self.when.items()]
        return " ".join([self.verb, *(each for each in said if not each.endswith("=none"))])

    @property
    def stops(self) -> bool:
        """It only ends or holds something: never limited, and taken even when no clock can tell its age."""
        return self.pace is Pace.STOP

    def least(self, on_air: bool) -> Role | None:
        """The least role for it now."""
        return self.on_air if on_air else self.off_air


POLICY: Sequence[Row] = (
    Row("ping", Role.VIEWER, Role.VIEWER, Pace.LIVE),
    Row("lights.set", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("look.apply", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    # not a stop: whoever is next in line gets the lights, and they may move
    Row("lights.release", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("lights.stop", Role.OPERATOR, Role.OPERATOR, Pace.STOP),
    # whoever runs the show may stop; who lets the lights move again is admin, or here: on the control socket all are
    Row("lights.stop.reset", Role.ADMIN, Role.ADMIN, Pace.RARE),
    Row("lights.master", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("lights.blackout", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("lights.restore", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("submaster.set", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    # saving moves no light and can be rolled back: whoever runs the show may, on air too
    Row("look.save", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("look.delete", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("look.history", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("look.rollback", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("cue.go", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("cue.back", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("cue.release", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("cue.save", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("cue.delete", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("cue.history", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("cue.rollback", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("exposure.release", Role.OPERATOR, Role.OPERATOR, Pace.STOP),
    Row("exposure.set", Role.OPERATOR, Role.OPERATOR, Pace.STOP, {"mode": "watch", "target": None}),
    Row("exposure.set", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("exposure.handback", Role.OPERATOR, Role.OPERATOR, Pace.LIVE),
    Row("exposure.commission", Role.OPERATOR, None, Pace.RARE),
    Row("exposure.prove", Role.OPERATOR, None, Pace.RARE),
    Row("camera.thumbnail", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("camera.lock", Role.OPERATOR, None, Pace.RARE),
    Row("camera.measure", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("camera.reference", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("camera.calibrate", Role.MAINTENANCE, None, Pace.RARE),
    Row("selftest.start", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("selftest.cancel", Role.OPERATOR, Role.OPERATOR, Pace.STOP),
    Row("identify", Role.OPERATOR, None, Pace.RARE),
    Row("rdm.survey", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("rdm.identify", Role.OPERATOR, None, Pace.RARE),
    Row("rdm.set", Role.MAINTENANCE, None, Pace.RARE),
    Row("probe.now", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("report.list", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("report.get", Role.VIEWER, Role.VIEWER, Pace.LIVE),
    # a yardstick is taken from a report: no light moves
    Row("maintenance.accept", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("maintenance.rebaseline", Role.MAINTENANCE, None, Pace.RARE),
    Row("maintenance.note", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("alert.ack", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("alert.silence", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("alert.unsilence", Role.OPERATOR, Role.OPERATOR, Pace.RARE),
    Row("config.get", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("config.validate", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("config.propose", Role.ADMIN, Role.ADMIN, Pace.RARE),
    Row("config.apply", Role.ADMIN, None, Pace.RARE),
    Row("config.versions", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("config.rollback", Role.ADMIN, None, Pace.RARE),
    Row("profiles.list", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("identity", Role.VIEWER, Role.VIEWER, Pace.RARE),
    Row("log.level", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("support.bundle", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("telemetry.set", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    Row("reload", Role.MAINTENANCE, Role.MAINTENANCE, Pace.RARE),
    # ends what runs; lights hold what they show
    Row("command.cancel", Role.OPERATOR, Role.OPERATOR, Pace.STOP),
)
"""The first row that fits is the one that counts, so the cases of a verb stand before the verb itself."""

_BY_VERB: Mapping[str, Sequence[Row]] = {
    verb: tuple(row for row in POLICY if row.verb == verb) for verb in {row.verb for row in POLICY}
}


def row_of(verb: str, args: Mapping[str, Any]) -> Row | None:
    """The row for a command with these arguments, as they were sent. ``None``: there is none, so it is refused."""
    for row in _BY_VERB.get(verb, ()):
        if all(args.get(key) == value for key, value in row.when.items()):
            return row
    return None


def table() -> str:
    """The policy as a Markdown table, for the documents."""
    lines = ["| Command | Off air | On air | Pace |", "| --- | --- | --- | --- |"]
    for row in POLICY:
        least = [f"{role} and above" if role not in (None, Role.ADMIN) else role or "**never**" for role in _both(row)]
        lines.append(f"| `{row.case}` | {least[0]} | {least[1]} | {row.pace} |")
    return "\n".join(lines) + "\n"


def _both(row: Row) -> tuple[Role | None, Role | None]:
    return row.off_air, row.on_air
