"""Everything that is wrong with a configuration, over all floors. Touches no hardware."""

import os
from pathlib import Path

from agent.app.devices import check, files
from agent.lighting import fitted
from config.load import Reading
from config.model import StudioConfig
from config.problems import ConfigError, Problem
from firmware_profiles.patch import survey


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
