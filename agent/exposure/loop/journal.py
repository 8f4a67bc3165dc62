"""The last move of the loop with its reason, and the log of each correction's begin and end."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from agent.exposure.loop.law import LEAST, LoopState
from agent.exposure.loop.state import Move

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Journal:
    """``move``: the last one."""

    move: Move | None = None

    def note(self, before: LoopState, after: LoopState, ev: float, now: float) -> None:
        """One turn of the law. ``ev``: stops the picture was from its target when it decided."""
        if any(abs(move) > LEAST for move in after.moved.values()):
            going_on = self.move if before.acting else None
            since, began = (going_on.since, going_on.began_with) if going_on is not None else (now, ev)
            self.move = Move(now, ev, dict(after.moved), after.captured, since, began)
        if after.acting and not before.acting:
            log.info("exposure.correcting", ev=round(ev, 3), why=after.why)
        elif before.acting and not after.acting and self.move is not None:
            trims = {name: round(trim, 3) for name, trim in after.trims.items()}
            said = {"ev_before": round(self.move.began_with, 3), "ev": round(ev, 3), "trims": trims}
            log.info("exposure.corrected", took_s=round(now - self.move.since, 2), why=after.why, **said)

    def probed(
        self, before: Mapping[str, float], after: Mapping[str, float], captured: float, ev: float, now: float
    ) -> None:
        """A step of the probe, there or back."""
        moved = {name: trim - before.get(name, 0.0) for name, trim in after.items()}
        moved = {name: move for name, move in moved.items() if abs(move) > LEAST}
        if moved:
            self.move = Move(now, ev, moved, captured, now, ev)
