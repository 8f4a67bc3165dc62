"""What was sent and is not yet known to have arrived. Pure."""

from collections import deque

from agent.messaging.sparkplug.node import Change

OPEN = 5000
"""Messages that may be without proof; beyond, the oldest are taken as arrived."""


class Proof:
    """A ledger of QoS 0 messages: :meth:`sent` notes one, :meth:`mark` and :meth:`arrived` prove all up to a point,
    :meth:`lost` gives back the rest when the connection is gone."""

    every = 2.0
    """Seconds between two proofs: so much is told twice, at most, after a loss."""

    def __init__(self) -> None:
        self._open: deque[tuple[int, str, list[Change]]] = deque(maxlen=OPEN)
        self._count = 0

    @property
    def open(self) -> bool:
        """Whether anything is without proof."""
        return bool(self._open)

    def sent(self, device: str, changes: list[Change]) -> None:
        self._count += 1
        self._open.append((self._count, device, changes))

    def mark(self) -> int:
        """A point after all that was sent."""
        return self._count

    def arrived(self, mark: int) -> None:
        """Everything sent before that point has."""
        while self._open and self._open[0][0] <= mark:
            self._open.popleft()

    def lost(self) -> list[tuple[str, list[Change]]]:
        """The rest, oldest first; the ledger is empty then."""
        rest = [(device, changes) for _, device, changes in self._open]
        self._open.clear()
        return rest
