"""Levels for many lights, against the lights there are. Pure."""

from collections.abc import Mapping

from config.units import Attribute, Levels
from firmware_profiles.patch import Patched


def fitting(
    levels: Mapping[str, Levels], fixtures: Mapping[str, Patched]
) -> tuple[dict[str, dict[Attribute, float]], list[str]]:
    """What these lights can do of it, and what they cannot: ``wall`` (no such light), ``key.red`` (it has none),
    ``key.cct`` (beyond its range: it goes as far as it can).

    What was saved outlives the patch it was saved with; so one lamp taken down must not take a look from the others.
    """
    able: dict[str, dict[Attribute, float]] = {}
    unable: list[str] = []
    for name, wanted in levels.items():
        if name not in fixtures:
            unable.append(name)
            continue
        for attribute, level in wanted.items():
            span = fixtures[name].personality.ranges.get(attribute)
            near = None if span is None else min(max(level, span[0]), span[1])
            if near != level:
                unable.append(f"{name}.{attribute}")
            if near is not None:
                able.setdefault(name, {})[attribute] = near
    return able, unable
