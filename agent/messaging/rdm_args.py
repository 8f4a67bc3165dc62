"""Arguments of the verbs of RDM. Pure."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from agent.messaging.strict import Strict
from config.units import Name

Uid = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{8}$")]
UNIVERSE = "Which one, where the output carries several."
UID = "The device's UID, as rdm.survey tells it."


class RdmSurvey(Strict):
    """Look for the RDM devices of an output and read them. On air those that are known are read, and nobody is looked
    for. The answer has `devices` as the state of the output's lines has them (RdmDevice), `silent` (found, but told
    nothing) and `changes` since the last search, each with `said` and `next`."""

    output: Name = Field(description="Its name.")
    universe: Annotated[int, Field(ge=1, le=63999)] | None = Field(None, description=UNIVERSE)


class RdmIdentify(Strict):
    """Let an RDM device show itself for some seconds, usually by flashing. Off air only; ends when on air begins."""

    output: Name = Field(description="The output it is on.")
    universe: Annotated[int, Field(ge=1, le=63999)] | None = Field(None, description=UNIVERSE)
    uid: Uid = Field(description=UID)
    seconds: Annotated[float, Field(ge=1, le=60)] = Field(5.0, description="How long.")


class RdmSet(Strict):
    """Set an RDM device's start address, personality or label, and read it back. Off air only."""

    output: Name = Field(description="The output it is on.")
    universe: Annotated[int, Field(ge=1, le=63999)] | None = Field(None, description=UNIVERSE)
    uid: Uid = Field(description=UID)
    address: Annotated[int, Field(ge=1, le=512)] | None = Field(None, description="DMX start address.")
    personality: Annotated[int, Field(ge=1, le=255)] | None = Field(None, description="DMX mode, counted from 1.")
    label: Annotated[str, Field(pattern=r"^[ -~]{0,32}$")] | None = Field(None, description="Its own name, in ASCII.")

    @model_validator(mode="after")
    def _something(self) -> "RdmSet":
        if self.address is None and self.personality is None and self.label is None:
            raise ValueError("give address, personality or label")
        return self


ARGS: Mapping[str, type[Strict]] = {"rdm.survey": RdmSurvey, "rdm.identify": RdmIdentify, "rdm.set": RdmSet}
