"""The exposure loop at work: joins the camera's numbers, the law, the watchdog and the rig.

Runs on the loop's thread, once per measured picture. In *watch* it only reports, in *advise* it says what it would
do, in *hold* it claims its lights at LOOP priority with a short lease: if this code dies, the claim lapses and the
last look is held.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from agent.exposure.loop import Law, LoopState, Seen, step, trimmed
from agent.exposure.watchdog import Watchdog
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Attribute, Text

log = structlog.get_logger(__name__)

Mode = Literal["watch", "advise", "hold"]

OWNER = "exposure-loop"
LEASE = 5.0
SMOOTH = 0.15
"""Seconds of fade per move: about one measurement, so that moves join into a line."""
ON_THE_WAY = 0.15
"""Stops the lights may lag behind what was asked of them (slew limit) before the loop waits: no wind-up."""
DARKEST = 0.01
"""Share of light below which the loop does not push a lamp: under it 8-bit lamps have no steps left."""

TRIPPED = {
    "no-effect": Text(
        "the lights were moved but the picture did not follow (camera auto exposure on, or lamp not in the picture?)",
        "灯光已调整但画面没有变化（摄像机自动曝光未关，或灯不在画面内？）",
    ),
    "hunting": Text("the loop kept changing direction", "控制回路来回振荡"),
}


@dataclass(frozen=True, slots=True)
class ExposureNow:
    """What the loop says of itself. ``ev`` stops from target, negative = too dark; ``trim`` stops from the look."""

    mode: Mode
    target: float
    ev: float | None = None
    trim: float = 0.0
    holding: tuple[str, ...] = ()
    why: str = "no picture yet"
    advice: Text | None = None
    tripped: str = ""


class ExposureService:
    """See the module. ``ev`` handed in is measured against :attr:`target`."""

    def __init__(self, section: ExposureSection, rig: Rig) -> None:
        self.section = section
        self.target = section.target
        self.mode: Mode = section.mode
        self.now_state = ExposureNow(section.mode, section.target)
        self._rig = rig
        self._law = Law(section.authority, section.delay)
        self._state = LoopState()
        self._dog = Watchdog()

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The lights it may move."""
        return self.section.fixtures

    def use(self, rig: Rig) -> None:
        """Another rig from now on (after a reload)."""
        self._rig = rig

    def set_mode(self, mode: Mode, now: float, target: float | None = None) -> None:
        """Also the way to hand back to the loop after a trip: bumpless, starting from what the lights show."""
        if target is not None:
            self.target = target
        if mode != "hold":
            self.let_go(now)
        self.mode = mode
        self._dog.forget()
        self._state = LoopState(trim=self._present_trim(now))
        self.now_state = replace(self.now_state, mode=mode, target=self.target, tripped="", advice=None)
        log.info("exposure.mode", mode=mode, target=self.target)

    def let_go(self, now: float) -> None:
        """Drop the loop's claims; its lights hold what they show."""
        self._rig.release(now, owner=OWNER)

    def turn(self, ev: float, captured: float, fault: str, now: float, on_air: bool) -> None:
        """One measured picture: ``ev`` stops from target at time ``captured``; ``fault``: why not to trust it."""
        free = self._free()
        really = self._really(free, now)
        if self.mode == "hold" and not fault and abs(really - self._state.trim) > ON_THE_WAY:
            fault = "the lights are still on their way"
        present = {name: self._rig.scene.levels(name, now)[Attribute.INTENSITY] for name in free}
        if not free and not fault:
            fault = "every light of the loop is held by somebody"
        seen = Seen(-ev, captured, *self._room(present), fault=fault)
        acting = self.mode == "hold" and not self.now_state.tripped
        before = self._state
        after = step(before, seen, self._law, now, on_air)
        if not acting:
            # Nothing is moved, so nothing may add up: each turn starts from what the lights really show.
            self._state = replace(after, trim=self._present_trim(now))
            self._tell(ev, after, (), self._advice(after, ev, free) if self.mode == "advise" else None)
            return
        self._state = after
        if after.trim != before.trim:
            log.debug("exposure.move", trim=round(after.trim, 3), ev=round(ev, 3), on_air=on_air)
        if not fault or fault.startswith("the lights"):
            self._dog.feed(now, really, ev)
        verdict = self._dog.verdict(now)
        if verdict:
            self.let_go(now)
            log.warning("exposure.tripped", why=verdict)
            self._tell(ev, after, (), None, verdict)
            return
        wanted = {name: {Attribute.INTENSITY: trimmed(self._base(name), after.trim)} for name in free}
        if wanted and not fault:
            self._rig.claim(OWNER, Priority.LOOP, wanted, now=now, fade=SMOOTH, lease=LEASE)
        self._tell(ev, after, tuple(wanted), None)

    def lost(self, reason: str) -> None:
        """The camera gives no pictures: say so; the lease ends the claim and the look is held."""
        self.now_state = replace(self.now_state, ev=None, holding=(), why=reason, advice=None)

    # --- inside ----------------------------------------------------------------------------------------------

    def _base(self, name: str) -> float:
        return self._rig.look(name)[Attribute.INTENSITY]

    def _free(self) -> list[str]:
        """Lights the loop may move: those nobody stronger holds. A hand on a fader takes a light out at once."""
        free = []
        for name in self.section.fixtures:
            holder = self._rig.holder(name)
            if (holder is None or holder.priority <= Priority.LOOP) and self._base(name) > DARKEST:
                free.append(name)
        return free

    def _room(self, present: dict[str, float]) -> tuple[float, float]:
        """Stops the lights can still go up and down: as long as one of them can, the loop can."""
        up = max((math.log2(1.0 / max(level, DARKEST)) for level in present.values()), default=0.0)
        down = max((math.log2(max(level, DARKEST) / DARKEST) for level in present.values()), default=0.0)
        return up, down

    def _really(self, free: list[str], now: float) -> float:
        """Stops the lights are from the look as it was sent, slew limit included (0 without a light)."""
        for name in free:
            level = self._rig.scene.levels(name, now)[Attribute.INTENSITY]
            return math.log2(max(level, DARKEST) / self._base(name))
        return 0.0

    def _present_trim(self, now: float) -> float:
        really = self._really(self._free(), now)
        return min(self._law.authority, max(-self._law.authority, really))

    def _advice(self, after: LoopState, ev: float, free: list[str]) -> Text | None:
        if after.why not in ("acting", "at-limit") or not free:
            return None
        goal = min(self._law.authority, max(-self._law.authority, self._state.trim - ev))
        moves = ", ".join(f"{name} → {trimmed(self._base(name), goal) * 100:.0f} %" for name in free)
        return Text(f"would set {moves}", f"建议调整：{moves}")

    def _tell(
        self, ev: float, state: LoopState, holding: tuple[str, ...], advice: Text | None, tripped: str | None = None
    ) -> None:
        self.now_state = ExposureNow(
            mode=self.mode,
            target=self.target,
            ev=ev,
            trim=self._state.trim,
            holding=holding,
            why=f"{state.why}: {state.detail}" if state.detail else state.why,
            advice=advice,
            tripped=self.now_state.tripped if tripped is None else tripped,
        )
