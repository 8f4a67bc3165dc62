"""What is said of looks and cue lists. Pure."""

from typing import Literal

from pydantic import Field

from agent.messaging.header import Part, Payload
from config.units import Attribute

Origin = Literal["config", "saved"]


class LookState(Payload):
    """A look as it counts now."""

    origin: Origin = Field(description="config: of the configuration file; saved: by look.save.")
    version: int | None = Field(None, description="Of a saved one.")
    at: str | None = Field(None, description="When it was saved, ISO 8601 UTC.")
    by: str = Field("", description="Who saved it.")
    why: str = ""
    shadows: bool = Field(False, description="The configuration file has a look of this name, too, which is not shown.")
    fade: float = Field(description="Seconds.")
    levels: dict[str, dict[Attribute, float]] = Field(description="Fixture → attribute → level.")
    left_out: tuple[str, ...] = Field(
        (),
        description="What the lights there are cannot do of it: `wall` (no such light), `key.cct` (beyond its range).",
    )


class CueEntry(Part):
    """One cue of a list."""

    number: float
    label: str = ""
    look: str = ""


class CueListState(Payload):
    """A cue list and where it stands. ``current`` is ``null`` before its first cue."""

    origin: Origin = Field(description="config: of the configuration file; saved: by cue.save.")
    version: int | None = Field(None, description="Of a saved one.")
    current: float | None = Field(None, description="The cue it stands in.")
    label: str = Field("", description="That cue's.")
    next: float | None = Field(None, description="What cue.go goes to; null: the list is at its end.")
    next_label: str = ""
    since: str | None = Field(None, description="When its cue was gone to, ISO 8601 UTC.")
    delayed_until: str | None = Field(None, description="Its fades begin then.")
    follow_at: str | None = Field(None, description="The next cue goes by itself then.")
    holds: tuple[str, ...] = Field(
        (), description="Lights that are where the list has them: nobody stronger holds them."
    )
    left_out: tuple[str, ...] = Field((), description="What the lights there are cannot do of its cue.")
    cues: tuple[CueEntry, ...] = Field((), description="All of them, in order.")
