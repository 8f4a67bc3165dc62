"""Telling hosts what changes, and later what could not be told when it did. The agent's side of a session's data."""

import asyncio
from collections import Counter

import structlog

from agent.messaging.dial import NoConnection
from agent.messaging.header import Stamp
from agent.messaging.sparkplug.history import History
from agent.messaging.sparkplug.metrics import NODE
from agent.messaging.sparkplug.model import Model
from agent.messaging.sparkplug.node import Change, Node
from agent.messaging.sparkplug.payload import Metric, decode
from agent.messaging.sparkplug.proof import Proof
from agent.messaging.sparkplug.protobuf import WireError
from agent.messaging.wire import Wire
from agent.runtime.store import Disk
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

GATHER = 0.05
"""Seconds in which changes are gathered into one message for each device."""
REBIRTHS = 1.0
"""Seconds between two rebirths: hosts that all ask at once are answered by one."""
BATCH = 50
"""Messages of the past between two proofs that the broker has them."""


class Teller:
    """See the module. :meth:`begin` and :meth:`end` a session; :meth:`run` for as long as the program runs,
    :meth:`prove` and :meth:`catch_up` while the session lasts. ``rate``: messages of the past per second."""

    def __init__(
        self,
        node: Node,
        model: Model,
        history: History,
        stamp: Stamp,
        disk: Disk,
        rate: float,
        counters: Counter[str],
    ) -> None:
        self.node = node
        self.model = model
        self.history = history
        self._stamp = stamp
        self._disk = disk
        self._rate = rate
        self._counters = counters
        self._proof = Proof()
        self._wire: Wire | None = None
        self._stirred = asyncio.Event()
        self._refill = asyncio.Event()
        self._all_again = False
        self._again: set[str] = set()
        self._born_at = -REBIRTHS

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return max(0, int(self._stamp.wall() * 1000))

    def stir(self) -> None:
        """Something changed."""
        self._stirred.set()

    def rebirth(self, device: str = NODE) -> None:
        """A host wants births: all of them, or one device's."""
        if device == NODE:
            self._all_again = True
        else:
            self._again.add(device)
        self.stir()

    # --- a session -------------------------------------------------------------------------------------------

    def begin(self, wire: Wire) -> None:
        """Be born, and tell what changes from now on."""
        self._wire = wire
        self._be_born()
        self.stir()

    def end(self) -> None:
        """Tell no more, and keep what changes. What may not have arrived becomes data of the past: told twice, at
        worst, with the times it had."""
        self._wire = None
        for device, changes in self._proof.lost():
            self.history.keep(device, changes, self._stamp.wall())
        self.stir()

    # --- telling ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled: tell what changed, or keep it."""
        while True:
            await self._stirred.wait()
            await asyncio.sleep(GATHER)
            self._stirred.clear()
            if self._wire is not None:
                self._tell_changes()
            else:
                for device, thing in self.model.things.items():
                    self.history.keep(device, thing.take(), self._stamp.wall())
            if self.history.owes:
                await self.write()

    async def write(self) -> None:
        batch = self.history.batch()
        try:
            await self._disk(lambda: self.history.write(batch, self._stamp.wall(), self._stamp.mono()))
        except DriverError:  # the disk's lane got no answer in time
            self.history.undo(batch)
            log.warning("sparkplug.not-kept", messages=len(batch.pending))

    def _be_born(self) -> None:
        """NBIRTH, then every device's DBIRTH before any data (``tck-id-payloads-dbirth-order``)."""
        self._all_again = False
        self._again.clear()
        self._born_at = self._stamp.mono()
        self._counted()
        self._send(self.node.birth(self.model.node, self.now()))
        for device, thing in self.model.things.items():
            if device != NODE and thing.alive:
                self._send(self.node.device_birth(device, thing, self.now()))
        self._counters["births"] += 1
        self._refill.set()

    def _tell_changes(self) -> None:
        if self._all_again and self._stamp.mono() >= self._born_at + REBIRTHS:
            self._be_born()
            return
        if self._all_again:
            self._stirred.set()  # looked at again in a moment
        for device in [each for each in self.node.born if each != NODE and each not in self.model.things]:
            self._send(self.node.device_death(device, self.now()))
        for device, thing in self.model.things.items():
            if device == NODE:
                self._counted()
                self._data(device, thing.take())
            elif device in self.node.born and not thing.alive:
                self._send(self.node.device_death(device, self.now()))
                thing.take()
            elif thing.alive and (device not in self.node.born or thing.redefined or device in self._again):
                self._again.discard(device)
                self._send(self.node.device_birth(device, thing, self.now()))
                self._refill.set()
            elif thing.alive:
                self._data(device, thing.take())
            else:
                thing.take()  # its next birth says all of it

    def _data(self, device: str, changes: list[Change]) -> None:
        if changes and self._send(self.node.data(device, changes, self.now())):
            self._proof.sent(device, changes)
            self._counters["data"] += 1

    def _send(self, message: tuple[str, bytes]) -> bool:
        """QoS 0, not retained: ``tck-id-topics-ndata-mqtt`` and its sisters. A message that is not taken leaves a gap
        in seq, so the connection is over: after the next birth nothing is missing."""
        wire = self._wire
        if wire is None or not wire.alive:
            return False
        if wire.publish(*message, qos=0):
            return True
        log.error(
            "sparkplug.not-taken", topic=message[0], bytes=len(message[1]), next="raise the broker's packet limit"
        )
        wire.give_up("a Sparkplug message was not taken")
        return False

    def _counted(self) -> None:
        now = self.now()
        self.model.node.put("Sparkplug/Waiting", self.history.waiting, now)
        self.model.node.put("Sparkplug/Dropped", self.history.dropped, now)

    # --- the past, and the proof that it arrived -------------------------------------------------------------

    async def prove(self, wire: Wire) -> None:
        """QoS 0 is not acknowledged, but a broker takes the packets of a connection in order: once it has answered a
        SUBSCRIBE it has everything that went before."""
        while True:
            await asyncio.sleep(self._proof.every)
            if self._proof.open:
                mark = self._proof.mark()
                if not await self._fence(wire):
                    return
                self._proof.arrived(mark)

    async def _fence(self, wire: Wire) -> bool:
        try:
            await wire.subscribe(self.node.filters[:1])
        except NoConnection as error:
            wire.give_up(error.reason)
            return False
        return True

    async def catch_up(self, wire: Wire) -> None:
        """Tell the past, oldest first, at a capped rate behind what is told now. Devices that are not there now keep
        theirs until their birth."""
        while True:
            await self._refill.wait()
            self._refill.clear()
            if self.history.owes:
                await self.write()
            after = 0
            while rows := await self._disk(lambda after=after: self.history.read(after, BATCH)):  # type: ignore[misc]
                after = rows[-1].id
                told = []
                for row in rows:
                    if row.topic not in self.model.things:
                        self._counters["orphaned"] += 1
                        told.append(row.id)
                    elif row.topic in self.node.born:
                        message = self.node.past(
                            row.topic, self.model.things[row.topic], _metrics(row.body), self.now()
                        )
                        if message is not None and not self._send(message):
                            return
                        told.append(row.id)
                if not told:
                    continue
                if not await self._fence(wire):
                    return
                self._counters["past"] += len(told)
                self.history.done(told)
                self._stirred.set()
                await asyncio.sleep(len(told) / self._rate)


def _metrics(body: bytes) -> tuple[Metric, ...]:
    """What was kept; a row that is damaged says nothing."""
    try:
        return decode(body).metrics
    except WireError:
        return ()
