"""What others send us, as a model. Pure."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys are errors, so a typo is not silently a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
