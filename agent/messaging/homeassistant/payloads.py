"""What is told to Home Assistant and heard from it where its schemas cannot be met by the agent's own topics. Pure."""

import json
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agent.messaging.header import Part, Payload, Say
from agent.messaging.strict import Strict
from config.units import Attribute


class LightShown(Payload):
    """A light as Home Assistant's JSON schema has it: where it goes, not where a fade is passing."""

    state: Literal["ON", "OFF"]
    brightness: int | None = Field(None, description="1…255; left out when off.")
    color_mode: str | None = Field(None, description="brightness, color_temp, rgb, rgbw, xy.")
    color_temp: int | None = Field(None, description="Kelvin.")
    color: dict[str, int | float] | None = Field(None, description="r, g, b, w: 0…255; or x, y: CIE 1931.")

    def encode(self) -> bytes:
        """Home Assistant takes ``null`` for a value that is wrong, so what is not there is left out."""
        return self.model_dump_json(exclude_none=True).encode()


class AlertShown(Part):
    """One alert of the list."""

    key: str
    level: Literal["note", "warning", "critical"]
    since: str
    text: Say
    first: Say


class AlertsShown(Payload):
    """All alerts that are not resolved, worst first."""

    count: int
    worst: Literal["none", "note", "warning", "critical"] = "none"
    alerts: tuple[AlertShown, ...] = ()


class ResultShown(Payload):
    """How the latest command that came from Home Assistant ended."""

    state: Literal["succeeded", "failed", "cancelled", "rejected"]
    asked: str = Field(description="What was asked: kind and name of the topic.")
    code: str = Field("", description="Why not.")
    message: Say | None = None


class Colour(Strict):
    """Emitters in shares of 255, a CIE 1931 chromaticity, or hue in degrees and saturation in per cent."""

    r: float | None = Field(None, ge=0, le=255)
    g: float | None = Field(None, ge=0, le=255)
    b: float | None = Field(None, ge=0, le=255)
    w: float | None = Field(None, ge=0, le=255)
    x: float | None = Field(None, ge=0, le=1)
    y: float | None = Field(None, ge=0, le=1)
    h: float | None = Field(None, ge=0, le=360)
    s: float | None = Field(None, ge=0, le=100)

    @model_validator(mode="after")
    def _one_way(self) -> "Colour":
        if self.model_fields_set not in ({"r", "g", "b"}, {"r", "g", "b", "w"}, {"x", "y"}, {"h", "s"}):
            raise PydanticCustomError("colour", "r, g and b (and w), or x and y, or h and s")
        return self


class LightAsked(Strict):
    """Sent *to* the agent: a command of Home Assistant's JSON light."""

    state: Literal["ON", "OFF"]
    brightness: float | None = Field(None, ge=0, le=255)
    color_temp: float | None = Field(None, ge=1000, le=20000, description="Kelvin.")
    color: Colour | None = None
    transition: float = Field(0.0, ge=0, le=86400, description="Seconds.")
    flash: float | None = Field(None, ge=0, le=60, description="Seconds: the light shows itself (identify).")


class ExposureAsked(Strict):
    """Sent *to* the agent: mode or target of the exposure loop; what is left out stays."""

    mode: Literal["watch", "advise", "hold"] | None = None
    target: float | None = Field(None, gt=0, le=1)


class LevelAsked(Strict):
    """Sent *to* the agent: one attribute that Home Assistant's lights do not know."""

    attribute: Attribute
    level: float


class Pressed(Strict):
    """Sent *to* the agent: a button was pressed; nothing to add."""


class Asked(Strict):
    """What Home Assistant sends: by kind, the fields of its JSON light, of the exposure loop, of one level, or none."""

    state: Literal["ON", "OFF"] | None = Field(None, description="light")
    brightness: float | None = Field(None, ge=0, le=255, description="light: 0…255")
    color_temp: float | None = Field(None, description="light: kelvin")
    color: Colour | None = Field(None, description="light")
    transition: float | None = Field(None, ge=0, description="light: seconds")
    flash: float | None = Field(None, ge=0, description="light: shows itself so many seconds")
    mode: Literal["watch", "advise", "hold"] | None = Field(None, description="exposure")
    target: float | None = Field(None, gt=0, le=1, description="exposure")
    attribute: Attribute | None = Field(None, description="level")
    level: float | None = Field(None, description="level: in the attribute's own unit")


class Discovery(Payload):
    """The retained message that makes the device. It is not one of ours: it goes without the header."""

    config: dict[str, Any]

    def encode(self) -> bytes:
        return json.dumps(self.config, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
