"""A small agent as a process of its own, to be killed: ``agent_process.py PORT FOLDER``.

Effects go to FOLDER/effects, a line each. ``look.apply`` never ends.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.messaging.commands import LightsSet, LookApply
from agent.messaging.verbs import Job, Verb
from tests.agent.messaging.conftest import SmallAgent


async def main(port: int, folder: Path) -> None:
    agent = SmallAgent(port, folder)

    def effect(name: str) -> None:
        with (folder / "effects").open("a") as file:
            file.write(name + "\n")

    async def lights(args: LightsSet, job: Job) -> Mapping[str, Any]:
        effect(job.id)
        return {}

    async def look(args: LookApply, job: Job) -> Mapping[str, Any]:
        effect(job.id)
        await asyncio.Event().wait()
        return {}

    verbs = {"lights.set": Verb("lights.set", LightsSet, lights), "look.apply": Verb("look.apply", LookApply, look)}
    agent.dispatcher.verbs = {**agent.dispatcher.verbs, **verbs}
    await agent.start()
    agent.bus.set_ready(True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
