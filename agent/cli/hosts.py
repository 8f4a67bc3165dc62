"""Which machine the agent runs on: this one, or a virtual studio that matches the configuration."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.model import StudioConfig
    from drivers.host import Host


def host_for(config: "StudioConfig", file: Path, virtual: bool) -> "Host":
    """The host. Raises ConfigError, naming ``file``, for a configuration no virtual studio can be made of."""
    if not virtual:
        from drivers.real.host import RealHost

        return RealHost()
    from agent.app.devices import checked
    from drivers.virtual.furnish import furnish
    from drivers.virtual.lan import Lan

    checked(config, str(file))
    return furnish(config, lan=Lan())
