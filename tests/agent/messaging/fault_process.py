"""A small agent that talks all the time, to be ill-treated: ``fault_process.py PORT FOLDER SYNC``.

Every 5 ms a number; its disk takes ``SYNC`` seconds more for everything it writes. It says ``promised BOOT SEQ`` for
the last message of every group that is on the disk, and ``effect ID`` when a command has its effect.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.messaging.commands import LightsSet
from agent.messaging.outbox_file import Group
from agent.messaging.payloads import Telemetry
from agent.messaging.verbs import Job, Verb
from agent.runtime.lane import Idle, Lane, NoDevice
from tests.agent.messaging.conftest import SmallAgent


def say(line: str) -> None:
    """One write, so that a kill cannot cut it, to a pipe, which no full disk stops."""
    os.write(1, line.encode() + b"\n")


async def main(port: int, folder: Path, sync: float) -> None:
    agent = SmallAgent(port, folder, keepalive=4)
    lane = Lane("disk", NoDevice("disk"), Idle(), now=time.monotonic, tell=lambda *_: None, bug=lambda *_: os.abort())
    lane.start()

    async def disk(work: Any) -> Any:
        def slow() -> Any:
            result = work()
            time.sleep(sync)
            return result

        return await lane.call(slow, timeout=10.0)

    box = agent.bus.outbox
    box._disk = disk
    agent.dispatcher.disk = disk
    commit = box.file.commit

    def noted(group: Group, now: float, mono: float) -> None:
        commit(group, now, mono)
        if group.fresh and box.file.on_disk:
            say(f"promised {agent.stamp.boot} {json.loads(group.fresh[-1].body)['seq']}")

    box.file.commit = noted  # type: ignore[method-assign]

    async def lights(args: LightsSet, job: Job) -> Mapping[str, Any]:
        say(f"effect {job.id}")
        return {}

    agent.dispatcher.verbs = {**agent.dispatcher.verbs, "lights.set": Verb("lights.set", LightsSet, lights)}
    await agent.start(online=False)
    assert agent._task is not None
    agent._task.add_done_callback(lambda _: os.abort())  # a bug ends the process, as it does in the service
    agent.bus.set_ready(True)
    number = 0
    while True:
        number += 1
        agent.bus.publish(
            agent.topics.tele("x"),
            Telemetry.of({"n": number, "on_disk": int(box.file.on_disk and agent.journal.on_disk)}),
        )
        if number % 100 == 0:
            await box.recover()
            await disk(agent.journal.recover)
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
