"""Small edge nodes, and a host that watches them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.messaging.sparkplug.scada import Scada
from tests.agent.messaging.sparkplug.small import SmallNode
from tests.brokers import Mosquitto, Plain


@pytest.fixture
async def small_node(tmp_path: Path) -> AsyncIterator[Callable[..., SmallNode]]:
    made: list[SmallNode] = []

    def make(port: int, **more: Any) -> SmallNode:
        made.append(SmallNode(port, tmp_path, **more))
        made[-1].furnish("key", "fill")
        return made[-1]

    yield make
    for node in made:
        await node.stop()


@pytest.fixture
def scada(mosquitto: Mosquitto, plain: Callable[..., Plain]) -> Scada:
    return Scada(plain(mosquitto.port))
