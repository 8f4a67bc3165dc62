"""Other languages than our own topics in which the agent is heard and asked, as far as they are switched on."""

from collections.abc import Sequence
from typing import Protocol

from agent import __version__
from agent.messaging.bus import Bus
from agent.messaging.dispatch import Dispatcher
from agent.messaging.homeassistant import discovery
from agent.messaging.homeassistant.service import HomeAssistant
from agent.messaging.homeassistant.withdrawal import Withdrawal
from config.model import StudioConfig


class Dialect(Protocol):
    """A service of the agent."""

    async def run(self) -> None: ...


def spoken(config: StudioConfig, bus: Bus, dispatcher: Dispatcher) -> Sequence[Dialect]:
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
    return found
