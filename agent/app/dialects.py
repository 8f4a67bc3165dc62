"""Other languages than our own topics in which the agent is heard and asked, as far as they are switched on."""

from collections.abc import Sequence
from typing import Literal, Protocol

from agent import __version__
from agent.messaging.bus import Bus
from agent.messaging.dispatch import Dispatcher
from agent.messaging.homeassistant import discovery
from agent.messaging.homeassistant.service import HomeAssistant
from agent.messaging.homeassistant.withdrawal import Withdrawal
from agent.messaging.sparkplug.service import Sparkplug
from agent.runtime.store import Disk
from config.model import StudioConfig


class Dialect(Protocol):
    """A service of the agent."""

    async def run(self) -> None: ...


def spoken(
    config: StudioConfig, bus: Bus, dispatcher: Dispatcher, mode: Literal["real", "virtual"], disk: Disk
) -> Sequence[Dialect]:
    """Before :meth:`Bus.run`: they hear from the first word on."""
    found: list[Dialect] = []
    memory = config.agent.state_dir / "homeassistant.json"
    if config.homeassistant.enabled:
        language = config.agent.language
        found.append(
            HomeAssistant(
                config.homeassistant, bus, dispatcher.receive, language=language, version=__version__, memory=memory
            )
        )
    elif memory.exists():
        found.append(Withdrawal(bus, discovery.topic(config.homeassistant.discovery_prefix, bus.topics), memory))
    if config.sparkplug.enabled:
        sparkplug = Sparkplug(
            config.sparkplug,
            config.mqtt,
            (config.agent.site, config.agent.name),
            bus.stamp,
            dispatcher.receive,
            version=__version__,
            mode=mode,
            state=config.agent.state_dir,
            disk=disk,
        )
        bus.listeners.append(sparkplug.hear)
        found.append(sparkplug)
    return found
