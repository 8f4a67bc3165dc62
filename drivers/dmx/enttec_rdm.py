"""RDM through an ENTTEC DMX USB Pro with RDM firmware.

    host ─▶ 7  packet            widget ─▶ 5  status, answer from its start code on     a good answer
                                        ─▶ 5, then 12                                   a part of one, or noise
                                        ─▶ 12                                           silence, or a broadcast
    host ─▶ 11 unique branch     widget ─▶ 5  status, answer from its preamble on; then 12 before firmware 4.15
                                        ─▶ 12                                           silence

Sources: ENTTEC, *DMX USB Pro Widget API 1.44* (labels 5, 7, 11, 12); for what firmware 4.15 of the Mk2 leaves out, the
Open Lighting Project's issue 1631; for a widget that answers a broadcast with label 5 and no 12, its issue 1913. The
next request must not be sent before the 12 that is owed. No wait here is without an end.

Labels 7 and 11 stop the widget's own DMX output until the next label 6, so the last frame is written again after every
transaction.
"""

from collections.abc import Callable
from typing import Protocol

from drivers.dmx import enttec_codec as codec
from drivers.dmx import rdm_codec
from drivers.dmx.enttec_codec import Decoder, Label, Parameters
from drivers.dmx.enttec_line import WidgetLine
from drivers.dmx.rdm_codec import RdmError, Uid
from drivers.dmx.rdm_port import Answer, Ask, Table
from drivers.host import Host

ENTTEC = 0x454E
"""ENTTEC's ESTA manufacturer id."""
RDM_VARIETY = 2
OLDEST = (2, 4)
"""RDM firmware before it is not trusted (nor by the Open Lighting Architecture)."""
NO_BRANCH_TIMEOUT = (4, 15)
"""From this firmware on no label 12 follows the answer to a branch."""
OWED = 0.05
"""Seconds to wait for the 12 that follows an answer, at most."""


def can_rdm(found: Parameters) -> bool:
    """Whether the firmware does RDM: variety 2, and the Mk2's from 4 on. 3 is the sniffer, which only listens."""
    version = (found.firmware_msb, found.firmware_lsb)
    return version >= OLDEST and found.firmware_msb != 3


class Widget(Protocol):
    """What is needed of the driver."""

    @property
    def host(self) -> Host: ...
    @property
    def last(self) -> bytes | None: ...


class EnttecRdm:
    """The RDM port of an open widget (:class:`drivers.dmx.rdm_port.RdmPort`)."""

    has_table = False
    gap = 0.025
    """One whole frame of 513 slots, 22.7 ms, has the line to itself between two transactions."""
    limit = 0.2

    def __init__(self, widget: Widget, opened: Callable[[], WidgetLine], found: Parameters, serial: str) -> None:
        self.uid = Uid(ENTTEC, int(serial or "0", 16))
        self._widget = widget
        self._opened = opened
        self._owes_timeout = (found.firmware_msb, found.firmware_lsb) < NO_BRANCH_TIMEOUT

    def now(self) -> float:
        return self._widget.host.now()

    def transact(self, step: Ask | Table, timeout: float) -> Answer:
        """One packet and its answer; then the last frame again. LinkLost when the widget is gone."""
        if isinstance(step, Table):
            return Answer()
        link = self._opened()
        for _ in range(8):  # an answer that came too late is no answer to this
            if not link.read(4096, 0):
                break
        begun = self.now()
        label = Label.RDM_DISCOVERY if step.branch else Label.SEND_RDM
        link.write(codec.encode(label, step.packet))
        heard = self._heard(link, step, begun, timeout)
        if self._widget.last is not None:
            link.write(self._widget.last)
        return heard

    def rest(self, seconds: float) -> None:
        """The widget repeats the last frame by itself meanwhile."""
        link, until = self._opened(), self.now() + seconds
        while (remaining := until - self.now()) > 0:
            link.read(4096, remaining)

    def _heard(self, link: WidgetLine, step: Ask, begun: float, timeout: float) -> Answer:
        decoder, heard = Decoder(), Answer()
        until = begun + timeout
        while (remaining := until - self.now()) > 0:
            for message in decoder.feed(link.read(1024, remaining)):
                if message.label == Label.RDM_TIMEOUT:
                    return heard
                if message.label != Label.RECEIVED or len(message.data) < 2 or step.broadcast or not heard.silent:
                    continue
                status, data = message.data[0], message.data[1:]
                if not step.branch and data[0] != rdm_codec.START:
                    continue  # somebody's levels
                heard = Answer(b"" if status else data, garbled=bool(status), took=self.now() - begun)
                if not (self._owes_timeout if step.branch else _is_spoilt(heard)):
                    return heard
                until = min(until, self.now() + OWED)
        return heard


def _is_spoilt(heard: Answer) -> bool:
    """Whether the widget did not find it whole either, and so will send its 12."""
    try:
        rdm_codec.decode(heard.data)
    except RdmError:
        return True
    return False
