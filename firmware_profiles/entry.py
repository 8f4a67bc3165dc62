"""What all tables of a profile file have in common."""

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """One table of a profile file. Unknown keys are errors: a typo must not become a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
