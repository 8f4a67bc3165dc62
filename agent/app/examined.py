"""Everything that is wrong with a configuration, over all floors. Touches no hardware."""

import os
from collections.abc import Mapping
from pathlib import Path

from agent.app.devices import check, files
from agent.app.house import House
from agent.lighting import fitted
from config.load import Reading, load
from config.model import StudioConfig
from config.problems import ConfigError, Problem
from firmware_profiles.patch import Patched, survey


def faults(reading: Reading, file: Path) -> list[ConfigError]:
    """The file's own and those of broken profiles. Secrets that cannot be used keep only the broker or a camera away
    and a broken profile only its own lights, so the service starts with them; whoever asks is told."""
    config = reading.config
    more: list[Problem] = []
    broken: list[ConfigError] = []
    if config is not None:
        made, more = survey(config, lost=reading.lost)
        # of a folder that is not there once, and not that this file is no profile
        more += [*check(config, reading.lost), *fitted.problems(config, made, reading.lost), *files(config)]
        known = {os.path.realpath(path) for path in (file, *config.agent.profile_dirs)}
        broken = [error for error in made.library.site_broken if os.path.realpath(error.file) not in known]
    return [error for error in (reading.error(more), *broken) if error is not None]


def reread(house: House) -> StudioConfig:
    """The agent's file as it is now. Raises ConfigError for its own faults, and on air for what would jump."""
    if house.file is None:
        raise ConfigError("configuration", [Problem("file", "this agent was not started from a file", "restart")])
    config = load(house.file, house.environ)
    if house.on_air() and (wrong := jumping(house.rig.fixtures, survey(config)[0])):
        raise ConfigError(str(house.file), wrong)
    return config


def jumping(now: Mapping[str, Patched], then: Mapping[str, Patched]) -> list[Problem]:
    """What of another patch would change slots that profiles hold (strobe, effects, modes), now or then, where a light
    of the present patch is. Rendering would not let them move on air; so the lights would not be what the file says."""
    owned = {place for light in now.values() for place in _places(light)}
    held, will_be = _held(now), _held(then)
    return [
        Problem(
            f"fixtures.{name}",
            "on air its mode or profile cannot change: slots that are held would jump",
            "reload off air",
        )
        for name, light in then.items()
        if any(place in owned and held.get(place) != will_be.get(place) for place in _places(light))
    ]


def _places(light: Patched) -> list[tuple[int, int]]:
    return [(light.universe, slot) for slot in range(light.address, light.last + 1)] if light.universe else []


def _held(patch: Mapping[str, Patched]) -> dict[tuple[int, int], int]:
    """Universe and slot → the value a profile holds there."""
    found: dict[tuple[int, int], int] = {}
    for light in patch.values():
        place = light.address
        for slot in light.personality.slots if light.universe else ():
            if slot.fixed is not None:
                value = slot.fixed.to_bytes(slot.width, "big")
                found |= {(light.universe, place + step): each for step, each in enumerate(value)}
            place += slot.width
    return found


def restart_only(now: StudioConfig, then: StudioConfig) -> list[Problem]:
    """What of ``then`` a running agent cannot take over from ``now``."""
    found = [
        Problem(table, "cannot change while the agent runs", "restart the agent")
        for table in ("agent", "mqtt", "homeassistant", "sparkplug")
        if getattr(now, table) != getattr(then, table)
    ]
    if now.lighting.engine != then.lighting.engine:
        found.append(Problem("lighting.engine", "cannot change while the agent runs", "restart the agent"))
    return found
