"""Levels → slots and back. Pure: no clock, no files, only numbers.

levels (light share, kelvin, …)  ──render──▶  slots 0…255  ──▶  wire
                                 ◀──decode──               (undoes the fixture's curve the other way round)
"""

import math

from config.problems import Problem, exact, nearest
from config.units import Attribute, Levels, Text
from firmware_profiles.channel import Channel
from firmware_profiles.model import Personality

_UNITS = {Attribute.CCT: " K", Attribute.HUE: "°"}
_STEADY = (Attribute.CCT, Attribute.TINT)
_PER_DEGREE = 1 / 60
"""In a sixth of the colour circle one emitter goes from dark to full while the others stand."""


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
        channel.put(levels.get(attribute, channel.default), frame)
    if personality.mixer is not None:
        intensity = 1.0  # where a channel of its own dims the mixture
        if Attribute.INTENSITY not in personality.channels:
            asked = levels.get(Attribute.INTENSITY, 0.0)
            intensity = 0.0 if math.isnan(asked) else min(max(asked, 0.0), 1.0)
        shares = personality.mixer.shares(levels, intensity)
        for channel, share in zip(personality.emitters, shares, strict=True):
            channel.put(share, frame)
    return bytes(frame)


def decode(personality: Personality, slots: bytes) -> dict[Attribute, float]:
    """What a fixture in this mode makes of ``slots``: every attribute's level. The inverse of :func:`render`.

    Of a mode that mixes it is the light that the slots make: as near to what was rendered as their steps are fine, and
    the default colour where there is no light. Raises ValueError unless ``slots`` is exactly :func:`footprint` long.
    """
    if len(slots) != personality.footprint:
        raise ValueError(f"{len(slots)} slots given, this mode has {personality.footprint}")
    own = {attribute: channel.read(slots) for attribute, channel in personality.channels.items()}
    if personality.mixer is None:
        return own
    mixed = personality.mixer.levels([channel.read(slots) for channel in personality.emitters])
    if Attribute.INTENSITY in own:
        own[Attribute.INTENSITY] *= mixed[Attribute.INTENSITY]
    return {**mixed, **own}


def limits(personality: Personality, attribute: Attribute) -> tuple[float, float]:
    """Lowest and highest level of ``attribute``, in its unit. Raises KeyError for one the mode does not have."""
    return personality.ranges[attribute]


def resolution(personality: Personality, attribute: Attribute, level: float) -> float:
    """The step to the next slot value near ``level`` (the larger of the two), in the attribute's unit. Of an attribute
    that is mixed: what one step of one emitter makes of it with the light at full, all else at its default.

    Raises KeyError for an attribute the mode does not have.
    """
    channel = personality.channels.get(attribute)
    if channel is not None:
        raw = channel.raw(level)
        return max(abs(channel.level(other) - channel.level(raw)) for other in _around(channel, raw))
    mixer, emitters = personality.mixer, personality.emitters
    if mixer is None or attribute not in personality.ranges:
        raise KeyError(attribute)
    asked = mixer.shares({attribute: level}, level if attribute is Attribute.INTENSITY else 1.0)
    slots = [each.raw(share) for each, share in zip(emitters, asked, strict=True)]
    shares = [each.level(raw) for each, raw in zip(emitters, slots, strict=True)]
    shown = mixer.levels(shares)[attribute]
    steps = [
        abs(mixer.levels([*shares[:at], each.level(other), *shares[at + 1 :]])[attribute] - shown)
        for at, (each, raw) in enumerate(zip(emitters, slots, strict=True))
        for other in _around(each, raw)
    ]
    return max(steps)


def slopes(personality: Personality) -> dict[Attribute, float]:
    """By how much of the mode's full light one unit of each attribute changes the light at most, all others standing at
    their worst: what a limiter of flashes divides its rate by.

    Intensity is 1; so is each emitter that is told by itself (its share of all light is not known). Colour temperature
    and tint of a mode that mixes are 0: brightness is kept while they move. Those of a fixture that mixes by itself are
    0 because the fixture is trusted with it; of its hue and saturation a colour can have any light at all (yellow has
    much, blue next to nothing).
    """
    if personality.mixer is not None:
        return dict(personality.mixer.slopes)
    return {
        attribute: _PER_DEGREE if attribute is Attribute.HUE else 0.0 if attribute in _STEADY else 1.0
        for attribute in personality.channels
    }


def clipped(personality: Personality, levels: Levels) -> Text | None:
    """What of ``levels`` the light cannot show although each of them is in range: a colour outside its gamut, and the
    nearest that is shown for it (in CIE xy). ``None``: all is shown as asked.

    ``levels`` are all levels the light goes to: of a colour told by halves, the other half is where it stands.
    """
    return None if personality.mixer is None else personality.mixer.clipped(levels)


def check_levels(personality: Personality, levels: Levels, where: str = "") -> list[Problem]:
    """What is wrong with ``levels`` for this mode: unknown attributes, levels out of range, levels that are no number.

    ``where`` is the dotted path the problems are reported under; empty list: nothing is wrong.
    """
    problems = []
    known = [str(attribute) for attribute in personality.ranges]
    for attribute, level in levels.items():
        place = f"{where}.{attribute}" if where else str(attribute)
        span = personality.ranges.get(attribute)
        if span is None:
            problems.append(Problem(place, f"this light's mode has no {attribute}", nearest(str(attribute), known)))
        elif not math.isfinite(level) or not span[0] <= level <= span[1]:
            unit = _UNITS.get(attribute, "")
            right = f"{exact(span[0])}…{exact(span[1])}{unit}"
            problems.append(Problem(place, f"{exact(level)}{unit} is out of this light's range", right))
    if not problems and levels.get(Attribute.CIE_X, 0.0) + levels.get(Attribute.CIE_Y, 0.0) > 1:
        x, y = exact(levels[Attribute.CIE_X]), exact(levels[Attribute.CIE_Y])
        place = f"{where}.{Attribute.CIE_X}" if where else str(Attribute.CIE_X)
        problems.append(Problem(place, f"there is no colour {x}, {y}", "cie_x + cie_y of 1 at most"))
    return problems


def _around(channel: Channel, raw: int) -> tuple[int, int]:
    return max(raw - 1, channel.first), min(raw + 1, channel.last)
