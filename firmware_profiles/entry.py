"""What all tables of a profile file have in common."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from config.units import Attribute

Spans = Mapping[Attribute, tuple[int, int]]
"""First and last value in use of each attribute, as the personality's slots have them."""

Framing = Literal["8N1", "8N2", "8E1", "8O1"]
"""Data bits, parity (none, even, odd), stop bits."""


class Entry(BaseModel):
    """One table of a profile file. Unknown keys are errors: a typo must not become a default."""

    # built when the first file is read: the output engine never reads one
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class WireEntry(Entry):
    """What holds for a light on a wire of its own kind, whatever is spoken there."""

    baud: Annotated[int, Field(ge=300, le=1_000_000)] = Field(9600, description="Bits per second on a serial wire.")
    framing: Framing = Field("8N1", description="Data bits, parity and stop bits on a serial wire.")
    gap: Annotated[float, Field(ge=0, le=5)] = Field(
        0.0, description="Seconds the light needs from one request or answer to the next request."
    )
    keepalive: Annotated[float, Field(ge=0.5, le=3600)] | None = Field(
        None, description="Seconds after which an unchanged light is told again; none: only when it changes."
    )
    channels: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Lights that one such device drives.")
    on_first: bool = Field(False, description="It takes no level while it is off: switch it on, then set the level.")
