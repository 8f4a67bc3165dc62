"""What a widget receives on its DMX socket, as levels. Pure: messages and times in, levels out.

The widget hands on every packet (label 5), or only what changed (label 9). The second spares USB traffic, but then
silence says nothing: an unchanged look and a pulled cable are the same. And a change that was missed stays missed. So
in that mode a full packet is asked for (``wants_all``) at the beginning, after ``LOSS`` seconds of silence, every
``RECHECK`` seconds in any case, and after anything doubtful; as soon as one is there, changes are enough again.
"""

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label, Message

LOSS = 1.25
"""Seconds without a packet after which nobody sends any more. E1.11 (8.11): senders do not exceed 1 s from break to
break, and repeat start code 0 within it whatever else they send; receivers bear 1.25 s (this one number as handed down:
the table itself was not at hand)."""
RECHECK = 5.0
NULL_START = 0
MOST = 512


class Receiver:
    """Levels and counts of one DMX line.

    ``spoiled``: packets the widget said it had lost parts of; ``other``: packets of another start code (RDM, text …),
    which are no levels; ``malformed``: messages that cannot be.
    """

    def __init__(self, on_change: bool, now: float) -> None:
        self.slots: bytes | None = None
        """The levels now; ``None`` before the first packet, and again when nobody sends."""
        self.spoiled = self.other = self.malformed = 0
        self.wants_all = True
        """Full packets are wanted (label 8 with 0), otherwise changes (1)."""
        self._on_change = on_change
        self._heard = now
        self._since = now
        self._start_code = NULL_START

    def doubt(self, now: float) -> None:
        """Something was missed: changes are not enough to go on with."""
        if not self.wants_all:
            self.wants_all = True
            self._heard = now

    def hear(self, message: Message, now: float) -> None:
        """A message of the widget; those that are not about received DMX are let go."""
        if message.label == Label.RECEIVED:
            self._packet(message.data, now)
        elif message.label == Label.CHANGE_OF_STATE and not self.wants_all:
            self._changes(message.data, now)

    def check(self, now: float) -> bool:
        """Let time pass. ``True`` when nobody sends any more, once ``LOSS`` seconds after the last packet."""
        if not self.wants_all:
            if now >= self.due:
                self.doubt(now)
            return False
        if now < self.due:
            return False
        self.slots = None
        return True

    @property
    def due(self) -> float:
        """When :meth:`check` has something to say at the earliest."""
        return self._heard + LOSS if self.wants_all else min(self._heard + LOSS, self._since + RECHECK)

    def _packet(self, data: bytes, now: float) -> None:
        received = codec.decode_received(data)
        if received is None or len(received.slots) > MOST:
            self.malformed += 1
        elif not received.good:
            self.spoiled += 1
        elif received.start_code != NULL_START:
            self.other += 1
        else:
            self._heard = now
            if received.slots:  # a packet of a start code alone keeps the line alive, and says nothing
                self.slots = received.slots
                self._start_code = NULL_START
                self.wants_all = not self._on_change
                self._since = now

    def _changes(self, data: bytes, now: float) -> None:
        changes = codec.decode_changes(data)
        if changes is None or self.slots is None:
            self.malformed += 1
            self.doubt(now)
            return
        if 0 in changes or self._start_code != NULL_START:
            # Packets of several start codes in turn: what changed is no longer known of any of them.
            self._start_code = changes.get(0, self._start_code)
            self.other += 1
            self.doubt(now)
            return
        self._heard = now
        packet = bytearray(self.slots)
        packet.extend(bytes(max(0, max(changes) - len(packet))))
        for place, value in changes.items():
            packet[place - 1] = value
        self.slots = bytes(packet)
