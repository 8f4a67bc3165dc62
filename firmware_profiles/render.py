"""Levels → slots and back. Pure: no clock, no files, only numbers.

levels (light share, kelvin, …)  ──render──▶  slots 0…255  ──▶  wire
                                 ◀──decode──               (undoes the fixture's curve the other way round)
"""

import math
from collections.abc import Sequence

from config.problems import Problem, exact, nearest
from config.units import Attribute, Levels
from firmware_profiles.channel import Channel
from firmware_profiles.model import Personality

_UNITS = {Attribute.CCT: " K"}


def footprint(personality: Personality) -> int:
    """DMX slots the mode takes."""
    return personality.footprint


def attributes(personality: Personality) -> tuple[Attribute, ...]:
    """What can be told to the mode, in the order of its slots."""
    return personality.attributes


def render(personality: Personality, levels: Levels) -> bytes:
    """The mode's slots, :func:`footprint` long, for ``levels``.

    What is absent takes its default. Total, so that a live frame is never lost: a level out of range gives the nearer
    end and an unknown attribute nothing. That is not the place to learn of it: :func:`check_levels` is, beforehand.
    """
    frame = bytearray(personality.constants)
    for attribute, channel in personality.channels.items():
        raw = channel.raw(levels.get(attribute, channel.default))
        if channel.fine is None:
            frame[channel.coarse] = raw
        else:
            frame[channel.coarse], frame[channel.fine] = raw >> 8, raw & 0xFF
    return bytes(frame)


def decode(personality: Personality, slots: bytes) -> dict[Attribute, float]:
    """What a fixture in this mode makes of ``slots``: every attribute's level. The inverse of :func:`render`.

    Raises ValueError unless ``slots`` is exactly :func:`footprint` long.
    """
    if len(slots) != personality.footprint:
        raise ValueError(f"{len(slots)} slots given, this mode has {personality.footprint}")
    return {attribute: channel.level(_raw(channel, slots)) for attribute, channel in personality.channels.items()}


def limits(personality: Personality, attribute: Attribute) -> tuple[float, float]:
    """Lowest and highest level of ``attribute``, in its unit. Raises KeyError for one the mode does not have."""
    channel = personality.channels[attribute]
    return channel.lowest, channel.highest


def resolution(personality: Personality, attribute: Attribute, level: float) -> float:
    """The step to the next slot value near ``level`` (the larger of the two), in the attribute's unit.

    Raises KeyError for an attribute the mode does not have.
    """
    channel = personality.channels[attribute]
    raw = channel.raw(level)
    around = (max(raw - 1, channel.first), min(raw + 1, channel.last))
    return max(abs(channel.level(other) - channel.level(raw)) for other in around)


def check_levels(personality: Personality, levels: Levels, where: str = "") -> list[Problem]:
    """What is wrong with ``levels`` for this mode: unknown attributes, levels out of range, levels that are no number.

    ``where`` is the dotted path the problems are reported under; empty list: nothing is wrong.
    """
    problems = []
    known = [str(attribute) for attribute in personality.channels]
    for attribute, level in levels.items():
        place = f"{where}.{attribute}" if where else str(attribute)
        channel = personality.channels.get(attribute)
        if channel is None:
            problems.append(Problem(place, f"this light's mode has no {attribute}", nearest(str(attribute), known)))
        elif not math.isfinite(level) or not channel.lowest <= level <= channel.highest:
            unit = _UNITS.get(attribute, "")
            right = f"{exact(channel.lowest)}…{exact(channel.highest)}{unit}"
            problems.append(Problem(place, f"{exact(level)}{unit} is out of this light's range", right))
    return problems


def _raw(channel: Channel, slots: Sequence[int]) -> int:
    if channel.fine is None:
        return slots[channel.coarse]
    return slots[channel.coarse] << 8 | slots[channel.fine]
