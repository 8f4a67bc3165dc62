"""The line to a widget, on which no message stays cut.

A widget counts bytes: after ``7E``, label and length it takes so many for the message's own, whatever they are, and
looks for ``E7`` behind them. A message of which only a part went out (the port was full, or the program was killed) so
swallows the beginning of what comes next; and where the byte that then stands in the last one's place happens to be E7,
a slot at 231 for example, the widget believes it and shows a frame made of two. The API (1.44) knows no time limit
within a message, and no way to break one off. So:

* what is left of a cut message goes out before anything else does. The widget then has the frame it was sent, late, and
  the one of now right behind it. (Filling it up with a wrong end would show nothing of it on a widget that heeds the
  end, and something nobody sent on one that does not.)
* on opening, when nobody knows what was sent before, so many zeros go out that any message is full: it ends in a zero,
  which is no E7, so that it is let go; between messages a widget looks for ``7E`` only.
"""

from drivers.dmx import enttec_codec as codec
from drivers.errors import Stalled
from drivers.host import Uart

FILLER = bytes(codec.LONGEST + 1)
"""The longest message's data and its end."""


class WidgetLine:
    """What the drivers of a widget need of :class:`drivers.host.Uart`; ``write`` takes whole messages."""

    def __init__(self, link: Uart) -> None:
        self._link = link
        self._owed = b""
        """What is left of a message that was begun."""
        self.read = link.read
        self.drain = link.drain
        self.pause = link.pause
        self.close = link.close

    def clear(self) -> None:
        """End whatever message the widget may believe to be in. Raises what :meth:`write` raises."""
        self._link.write(FILLER)
        self._owed = b""

    def write(self, data: bytes) -> None:
        """All of it; or LinkLost; or Stalled: messages that were not begun are then forgotten, a newer frame comes."""
        owed = self._owed
        try:
            self._link.write(owed + data)
        except Stalled as error:
            self._owed = owed[error.taken :] or codec.cut_off(data, error.taken - len(owed))
            raise
        self._owed = b""
