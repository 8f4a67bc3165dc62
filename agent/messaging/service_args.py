"""Arguments of the verbs that look after the agent and its devices. Pure; the lights' are in ``commands.py``."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from agent.messaging.strict import TARGETS, Strict, Targets
from config.units import Name


class ProbeNow(Strict):
    """Measure the network now: one burst of a probe, beside its usual samples."""

    probe: Name = Field(description="Its name.")
    count: Annotated[int, Field(ge=1, le=100)] = Field(10, description="Round trips, at most one each 20 ms.")


class ReportList(Strict):
    """The self-tests kept, the newest first, and the latest notes."""

    first: Annotated[int, Field(ge=1, le=50)] = Field(10, description="At most so many.")


class ReportGet(Strict):
    """A whole self-test report. It comes as JSON text in parts: put them together in order, then read it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = Field("latest", description="Its id, or `latest`.")
    part: Annotated[int, Field(ge=1, le=10000)] = Field(1, description="Which part; the answer says how many.")


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
REASON = "Why; it is noted, and in the reports from then on."


class MaintenanceAccept(Strict):
    """Take what the latest self-test saw of these lights as normal: it joins their baseline. Moves nothing."""

    targets: Targets = Field(description=TARGETS)
    reason: Reason = Field(description=REASON)


class MaintenanceRebaseline(Strict):
    """Measure these lights and begin their baseline anew with it: they or the camera were moved, cleaned or
    exchanged."""

    targets: Targets = Field(description=TARGETS)
    reason: Reason = Field(description=REASON)


class MaintenanceNote(Strict):
    """Write down what was done or seen; it is in the reports from then on."""

    text: Annotated[str, Field(min_length=1, max_length=500)] = Field(description="At most 500 characters.")
    about: Name | None = Field(None, description="The light or device it is about.")


Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]{1,120}$")]
Pattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9:._*?-]{1,120}$")]


class AlertAck(Strict):
    """Say that somebody looks after a firing alert; it stays so, over a restart too, until it resolves."""

    key: Key = Field(description="The alert's key.")


class AlertSilence(Strict):
    """No events for these alerts for a while, the state says so and goes on. When it ends and they fire, they are
    told again."""

    pattern: Pattern = Field(description="A key, or with `*` and `?`: `network.*`.")
    reason: Reason = Field(description="Why; the alert says it.")
    hours: Annotated[float, Field(gt=0, le=12)] = Field(1.0, description="For how long.")


class AlertUnsilence(Strict):
    """End a silence before its time."""

    pattern: Pattern = Field(description="As it was silenced.")


class SelftestStart(Strict):
    """Run the self-test. Progress comes with the answers, the summary on up/report."""

    depth: Literal["quick", "full"] = Field("quick", description="full: also what is visible or takes long.")
    only: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9:*._-]{1,80}$")], ...] = Field(
        (), max_length=128, description="Ids of checks; none: all of that depth."
    )


class SelftestCancel(Strict):
    """Stop the running self-test and restore the look."""


class ConfigGet(Strict):
    """The configuration file, without secrets, as JSON text in parts, and its SHA-256."""

    part: Annotated[int, Field(ge=1, le=10000)] = Field(1, description="Which part; the answer says how many.")


Toml = Annotated[str, Field(min_length=1, max_length=12_000)]


class ConfigValidate(Strict):
    """What is wrong with a configuration file: all of it, as `studio-agent check-config` tells it. Changes nothing."""

    text: Toml = Field(description="The whole file (TOML), at most 12 kB.")


class ConfigPropose(Strict):
    """Lay a new configuration beside the one in force. It must be right; `config.apply` puts it in force."""

    text: Toml = Field(description="The whole file (TOML), at most 12 kB.")


Trial = Annotated[float, Field(ge=1, le=120)]
TRIAL = "Seconds for which outputs, broker and critical alerts are watched before it counts."


class ConfigApply(Strict):
    """Put the proposed configuration in force. When an output does not come, the broker is lost or a critical alert
    fires, the one before comes back by itself."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the proposal, as it was answered.")
    seconds: Trial = Field(10.0, description=TRIAL)


class ConfigVersions(Strict):
    """The configurations that were in force, the newest first."""


class ConfigRollback(Strict):
    """Put an earlier configuration in force again, watched like a new one."""

    version: Annotated[int, Field(ge=1)] = Field(description="Its number, of config.versions.")
    seconds: Trial = Field(10.0, description=TRIAL)


class ProfilesList(Strict):
    """The fixture profiles this agent knows, with their personalities."""

    part: Annotated[int, Field(ge=1, le=10000)] = Field(1, description="Which part; the answer says how many.")


class Identity(Strict):
    """What this agent is and runs on, and the hardware that answered."""


class LogLevel(Strict):
    """Log more or less for a while; it goes back by itself, and at a restart."""

    level: Literal["debug", "info", "warning", "error"] = Field(description="From this one on.")
    seconds: Annotated[float, Field(gt=0, le=3600)] = Field(600.0, description="For how long.")


class SupportBundle(Strict):
    """Put what a helper needs into one file in the state folder: configuration without secrets, latest log lines,
    states, commands, the latest report."""
