"""A fleet: the MQTT side of many agents in one process, for planning and for proof.

Each one is what the service has – bus, outbox, board, dispatcher – without lights, cameras or a disk. What is measured
with it (how a fleet comes back after a broker's restart, what a broker bears) is therefore true of the product's code.
"""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Sequence

from agent.messaging.bus import Bus
from agent.messaging.dispatch import Dispatcher
from agent.messaging.header import Stamp
from agent.messaging.payloads import AirState, Inventory, Telemetry
from agent.messaging.topics import Topics
from agent.runtime.journal import Journal
from config.broker import MqttSection

SITE = "fleet"
PER_SITE = 100
DESCRIPTORS = 64
"""Needed beside one for each agent."""


class TooMany(Exception):
    """This machine lets a process have fewer connections; the text says how many, and which setting to change."""


class Member:
    """One agent."""

    def __init__(self, config: MqttSection, number: int) -> None:
        self.topics = Topics(f"{SITE}-{number // PER_SITE:03d}", f"agent-{number:05d}")
        self.stamp = Stamp(time.time, time.monotonic)
        self.bus = Bus(config, self.topics, self.stamp, version="fleet", mode="virtual")
        self.dispatcher = Dispatcher(
            {}, Journal(None), on_air=lambda: False, publish_answer=self.bus.answer, wall=time.time
        )
        self.bus.inbox.commands = self.dispatcher

    def settle(self) -> None:
        """Say what an agent says of itself once."""
        self.dispatcher.journal.open()
        self.bus.board.put(self.topics.inventory, Inventory(verbs=tuple(sorted(self.dispatcher.verbs))))
        self.bus.board.put(self.topics.state("air", "studio"), AirState(on_air=False, known=True, source="fleet"))
        self.bus.set_ready(True)

    def tell(self) -> None:
        """One round of telemetry, about as long as a real one."""
        numbers = {f"number_{index}": float(index) for index in range(10)}
        self.bus.publish(self.topics.tele("host"), Telemetry.of(numbers))


class Fleet:
    """``count`` agents at one broker; each sends telemetry every ``interval`` seconds. Raises TooMany."""

    def __init__(self, config: MqttSection, count: int, interval: float = 5.0) -> None:
        allow(count + DESCRIPTORS)
        self.interval = interval
        self.members = [Member(config, number) for number in range(count)]
        self.told = 0

    @property
    def online(self) -> int:
        """How many are connected."""
        return sum(member.bus.health.state == "online" for member in self.members)

    def arrivals(self, after: float) -> list[float]:
        """Seconds from ``after`` (monotonic) until each that is online came online, in order."""
        healths = [member.bus.health for member in self.members]
        return sorted(health.since - after for health in healths if health.state == "online" and health.since >= after)

    def knocks(self, after: float) -> list[float]:
        """Seconds from ``after`` until each knocked at the broker's door for the last time, in order: what a broker
        would see of agents that have a machine each. Here they share one, and come in as fast as it lets them."""
        return sorted(due - after for member in self.members if (due := member.bus.order.due) >= after)

    async def run(self, over: float = 0.0) -> None:
        """Until cancelled. They start one after the other within ``over`` seconds."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell())
            begun = time.monotonic()
            for number, member in enumerate(self.members):
                group.create_task(member.bus.run())
                member.settle()
                ahead = begun + over * number / len(self.members) - time.monotonic()
                await asyncio.sleep(max(0.0, ahead))

    async def _tell(self) -> None:
        """Evenly: some agents every few milliseconds, not all at once."""
        due = time.monotonic()
        step = self.interval / len(self.members)
        number = 0
        while True:
            now = time.monotonic()
            while due <= now:
                self.members[number].tell()
                self.told += 1
                number = (number + 1) % len(self.members)
                due += step
            await asyncio.sleep(max(0.005, due - now))


def crowded(arrivals: Sequence[float], width: float = 0.1) -> float:
    """The largest share (0…1) of arrivals in one bucket of ``width`` seconds."""
    buckets = Counter(int(each / width) for each in arrivals)
    return max(buckets.values(), default=0) / max(len(arrivals), 1)


def allow(descriptors: int) -> None:
    """Let this process have so many descriptors. Raises TooMany."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= descriptors:
        return
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        most = f"a process may have {hard} descriptors here and needs {descriptors}"
        raise TooMany(f"{most}: fewer agents, or raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
