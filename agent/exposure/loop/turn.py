"""One picture on its way through the loop, and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.exposure.camera.glance import Glance
from agent.exposure.loop.aim import Aim
from agent.exposure.loop.law import LoopState, Room, Seen, trimmed
from config.units import Text


@dataclass(frozen=True, slots=True)
class Turn:
    """One picture and what it means. ``fault``: why not to act on it."""

    glance: Glance
    aim: Aim
    rooms: Mapping[str, Room]
    present: Mapping[str, float]
    fault: str
    now: float
    on_air: bool

    @property
    def ev(self) -> float:
        """Stops from what is aimed at; negative = too dark."""
        return self.glance.ev if self.aim.fault else -self.aim.error

    @property
    def seen(self) -> Seen:
        aim = self.aim
        return Seen(
            aim.error, self.glance.captured, aim.wishes, self.rooms, aim.missing, aim.where, aim.apart, self.fault
        )


def why_of(state: LoopState) -> str:
    """What the law is doing."""
    return f"{state.why}: {state.detail}" if state.detail else state.why


def advice_of(after: LoopState, turn: Turn, wanted: bool) -> Text | None:
    """What it would do, if it may say so."""
    if not wanted or after.why not in ("acting", "at-limit") or not turn.present:
        return None
    goals = {}
    for name, level in turn.present.items():
        room = turn.rooms[name]
        goals[name] = trimmed(level, min(max(turn.aim.wishes.get(name, 0.0), -room.down), room.up))
    moves = ", ".join(f"{name} → {goal * 100:.0f} %" for name, goal in goals.items())
    return Text(f"would set {moves}", f"建议调整：{moves}")
