"""What a show is made of: groups of lights, looks, cue lists. The configuration file has them, and what is saved while
the agent runs is the same."""

from typing import Annotated

from pydantic import AfterValidator, Field

from config.section import OnceEach, Section
from config.units import Attribute, Name, Seconds

MOST_CUES = 500


class GroupSection(Section):
    """Lights that are named together (`group:NAME`), with a submaster over them."""

    fixtures: Annotated[tuple[Name, ...], Field(min_length=1), OnceEach] = Field(description="Its lights.")


class LookSection(Section):
    """Levels for several fixtures."""

    fade: Seconds = Field(2.0, description="Fade time when applied without another.")
    levels: dict[Name, dict[Attribute, float]] = Field(description="Fixture → attribute → level.")


def _number(number: float) -> float:
    if round(number, 3) != number:
        raise ValueError(f"{number!r} is finer than a thousandth: a cue number like 7 or 7.5")
    return number


CueNumber = Annotated[float, Field(ge=0.001, le=9999.999, allow_inf_nan=False), AfterValidator(_number)]
"""Cues are played in the order of their numbers; one between two others has a decimal."""


class CueSection(Section):
    """One cue. What it does not name stays as the cues before it left it (tracking)."""

    number: CueNumber = Field(description="Its place in the list: 1, 2, 2.5 …")
    label: str = Field("", max_length=64, description="For people.")
    look: Name | None = Field(None, description="The look it shows.")
    levels: dict[Name, dict[Attribute, float]] = Field(
        default_factory=dict, description="Or, and over the look: fixture → attribute → level."
    )
    up: Seconds = Field(2.0, description="Seconds for light that rises, and for all that is no light.")
    down: Seconds | None = Field(None, description="Seconds for light that falls; none: as up.")
    delay: Seconds = Field(0.0, description="Seconds from go until its fades begin.")
    follow: Seconds | None = Field(None, description="Seconds from go until the next cue goes by itself; none: never.")

    mark: bool = Field(
        False, description="Lights that are dark take its colours before, unseen, once the cue before it has arrived."
    )

    @property
    def falling(self) -> float:
        """Seconds for light that falls."""
        return self.up if self.down is None else self.down


def _once(cues: tuple[CueSection, ...]) -> tuple[CueSection, ...]:
    numbers = [cue.number for cue in cues]
    twice = sorted({f"{number:g}" for number in numbers if numbers.count(number) > 1})
    if twice:
        raise ValueError(f"there are two cues {', '.join(twice)}: number each one once")
    return cues


class CueListSection(Section):
    """Cues that are played one after the other, in the order of their numbers."""

    cues: Annotated[tuple[CueSection, ...], Field(min_length=1, max_length=MOST_CUES), AfterValidator(_once)] = Field(
        description="At most 500."
    )

    @property
    def in_order(self) -> tuple[CueSection, ...]:
        """As they are played."""
        return tuple(sorted(self.cues, key=lambda cue: cue.number))
