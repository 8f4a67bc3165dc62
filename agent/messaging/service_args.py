"""Arguments of the verbs that look after the agent and its devices. Pure; the lights' are in ``commands.py``."""

from typing import Annotated

from pydantic import Field

from agent.messaging.strict import Strict
from config.units import Name


class ProbeNow(Strict):
    """Measure the network now: one burst of a probe, beside its usual samples."""

    probe: Name = Field(description="Its name.")
    count: Annotated[int, Field(ge=1, le=100)] = Field(10, description="Round trips, at most one each 20 ms.")
