"""A light transport as a file: versioned JSON, zones row by row. Pure: bytes in, bytes out."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.exposure.transport.matrix import ZONES, Delay, Reach, Transport, Zones

Number = float | None


class BadTransport(ValueError):
    """A file that is no light transport of this version, or one that cannot be: what, in one sentence."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Fixture(_Part):
    name: str = Field(min_length=1)
    response: tuple[Number, ...] = Field(min_length=ZONES, max_length=ZONES)
    level: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    down: float
    up: float
    share: float


class _File(_Part):
    """Zones are kept row by row, ``None``: not known."""

    v: Literal[1]
    kind: Literal["light-transport"]
    camera: str
    at: str
    fixtures: tuple[_Fixture, ...] = Field(min_length=1)
    ambient: tuple[Number, ...] = Field(min_length=ZONES, max_length=ZONES)
    noise: tuple[Number, ...] = Field(min_length=ZONES, max_length=ZONES)
    reference: tuple[bool, ...] = Field(min_length=ZONES, max_length=ZONES)
    delay_samples: int = Field(ge=0, le=100)
    delay_seconds: float = Field(ge=0, le=60)
    delay_spread: float = Field(ge=0)
    controls: dict[str, float] = {}
    mired_gain: float | None = None

    @model_validator(mode="after")
    def _once_each(self) -> "_File":
        names = [fixture.name for fixture in self.fixtures]
        if len(set(names)) != len(names):
            raise ValueError("a fixture is named twice")
        return self


def write(transport: Transport) -> bytes:
    """As JSON, to be put on the disk whole."""
    fixtures = []
    for at, (name, reach) in enumerate(zip(transport.fixtures, transport.reach, strict=True)):
        values = (getattr(reach, each) for each in ("level", "low", "high", "down", "up", "share"))
        level, low, high, down, up, share = (round(value, 6) for value in values)
        column = _numbers(transport.matrix[:, at])
        fixtures.append(
            _Fixture(name=name, response=column, level=level, low=low, high=high, down=down, up=up, share=share)
        )
    whole = _File(
        v=1,
        kind="light-transport",
        camera=transport.camera,
        at=transport.at,
        fixtures=tuple(fixtures),
        ambient=_numbers(transport.ambient),
        noise=_numbers(transport.noise),
        reference=tuple(transport.reference.tolist()),
        delay_samples=transport.delay.samples,
        delay_seconds=round(transport.delay.seconds, 4),
        delay_spread=round(transport.delay.spread, 4),
        controls=dict(transport.controls),
        mired_gain=transport.mired_gain,
    )
    return whole.model_dump_json().encode()


def read(content: bytes) -> Transport:
    """What :func:`write` made. Raises BadTransport for anything else."""
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadTransport(f"no light transport of version 1: {place + ': ' if place else ''}{first['msg']}") from None
    return Transport(
        camera=file.camera,
        at=file.at,
        fixtures=tuple(fixture.name for fixture in file.fixtures),
        matrix=np.stack([_array(fixture.response) for fixture in file.fixtures], axis=1),
        ambient=_array(file.ambient),
        noise=_array(file.noise),
        reference=np.array(file.reference),
        delay=Delay(file.delay_samples, file.delay_seconds, file.delay_spread),
        reach=tuple(Reach(f.level, f.low, f.high, f.down, f.up, f.share) for f in file.fixtures),
        controls=file.controls,
        mired_gain=file.mired_gain,
    )


def _numbers(zones: Zones) -> tuple[Number, ...]:
    return tuple(None if value != value else float(f"{value:.6g}") for value in zones.tolist())


def _array(numbers: Sequence[Number]) -> Zones:
    return np.array([math.nan if value is None else value for value in numbers])
