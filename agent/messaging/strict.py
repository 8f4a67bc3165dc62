"""What others send us, as a model, and how lights are named in it. Pure."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """Unknown keys are errors, so a typo is not silently a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ROLES = ("key", "fill", "back", "practical")


def _role(word: Any) -> Any:
    """A pattern cannot say which roles there are."""
    role = word.removeprefix("role:") if isinstance(word, str) and word.startswith("role:") else ROLES[0]
    if role not in ROLES:
        told = {"role": role[:60], "en": ", ".join(ROLES), "zh": "、".join(ROLES)}
        raise PydanticCustomError("no_role", "there is no role {role}; one of: {en}", told)
    return word


Target = Annotated[
    str,
    BeforeValidator(_role),
    Field(pattern=rf"^(all|role:({'|'.join(ROLES)})|(group:)?[a-z0-9][a-z0-9_-]{{0,62}})$"),
]
Targets = Annotated[tuple[Target, ...], Field(min_length=1, max_length=512)]
TARGETS = "Names of fixtures, `group:NAME`, `role:key`, or `all`."
