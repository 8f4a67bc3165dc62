"""What others send us, as a model, and how lights are named in it. Pure."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Unknown keys are errors, so a typo is not silently a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Target = Annotated[str, Field(pattern=r"^(all|role:(key|fill|back|practical)|(group:)?[a-z0-9][a-z0-9_-]{0,62})$")]
Targets = Annotated[tuple[Target, ...], Field(min_length=1, max_length=512)]
TARGETS = "Names of fixtures, `group:NAME`, `role:key`, or `all`."
