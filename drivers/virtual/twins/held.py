"""What the far end of an output holds."""

from collections.abc import Callable, Mapping

from drivers.virtual.twin import Fault
from drivers.virtual.wires import Socket


class Held:
    """Frames by universe. ``took`` is told of every frame taken; a frozen device takes none."""

    def __init__(self, took: Callable[[int, bytes], None]) -> None:
        self._took = took
        self._frames: dict[int, bytes] = {}
        self._frozen = False

    @property
    def frames(self) -> Mapping[int, bytes]:
        """A copy: the slots held now, by universe."""
        return dict(self._frames)

    def take(self, universe: int, frame: bytes) -> None:
        """A whole, valid frame came in."""
        if not self._frozen:
            self._frames[universe] = frame
            self._took(universe, frame)

    def clear(self) -> None:
        """Power cycle: nothing is held."""
        self._frames.clear()

    def fault(self, fault: Fault) -> None:
        """FREEZE is the only one that is not the wire's."""
        self._frozen = fault is Fault.FREEZE

    def heal(self) -> None:
        self._frozen = False


class Plugged:
    """What twins in a serial socket have in common (:class:`drivers.virtual.twin.OutputTwin`)."""

    def __init__(self, socket: Socket, held: Held) -> None:
        self.socket = socket
        self._held = held

    @property
    def frames(self) -> Mapping[int, bytes]:
        return self._held.frames

    def fault(self, fault: Fault, at: int = 0) -> None:
        self._held.fault(fault)
        self.socket.fault(fault, at)

    def heal(self) -> None:
        self._held.heal()
        self.socket.heal()
