"""What the agent publishes as telemetry."""

import asyncio
import json

from agent.app.telling import MODES
from agent.messaging.exposure_args import ExposureSet
from agent.messaging.header import HEADER
from agent.messaging.numbers import NUMBERS


async def test_every_number_it_publishes_is_flat_and_finite_or_null(house, plain):
    heard = plain(house.port).subscribe("studio/v1/demo/studio/up/tele/#")
    async with house.running():
        for group in ("lighting/outputs", "host/agent", "exposure/cam-1", "network/uplink", "network/gateway"):
            message = await asyncio.to_thread(heard.wait, lambda m, g=group: m.topic.endswith(f"up/tele/{g}"))
            found = {name: value for name, value in json.loads(message.payload).items() if name not in HEADER}
            assert set(found) == set(NUMBERS[group.partition("/")[0]]), "each has its unit and meaning in the table"
            assert all(value is None or isinstance(value, int | float) for value in found.values()), (group, found)


async def test_the_loops_mode_is_among_the_numbers_for_whoever_reads_nothing_else(house, plain):
    heard = plain(house.port).subscribe("studio/v1/demo/studio/up/tele/exposure/cam-1")
    async with house.running() as agent:
        for mode in ("watch", "advise", "hold"):
            agent.exposure_set(ExposureSet(mode=mode))
            told = MODES.index(mode)
            await asyncio.to_thread(heard.wait, lambda m, told=told: json.loads(m.payload)["mode"] == told)
