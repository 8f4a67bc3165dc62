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
SETTLE = 0.3
"""Seconds after the end of a fade in which the camera may still be showing it."""
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
        self._law = Law(section.delay)
        self._state = LoopState()
        self._dog = Watchdog()
        self._looks: dict[str, float] = {}
        self._anchors: dict[str, float] = {}

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
        self._looks = {}
        self.now_state = replace(self.now_state, mode=mode, target=self.target, tripped="", advice=None)
        log.info("exposure.mode", mode=mode, target=self.target)

    def let_go(self, now: float) -> None:
        """Drop the loop's claims; its lights hold what they show."""
        self._rig.release(now, owner=OWNER)

    def turn(self, ev: float, captured: float, fault: str, now: float, on_air: bool) -> None:
        """One measured picture: ``ev`` stops from target at time ``captured``; ``fault``: why not to trust it."""
        if (grand := self._rig.masters.grand) < 1.0:
            # a hand on all lights at once: to bring the picture back against it would be a fight
            self.let_go(now)
            self._looks = {}
            said = f"the grand master is at {grand * 100:.0f} %"
            self.now_state = replace(self.now_state, ev=ev, holding=(), why=said, advice=None)
            return
        looks = self._free()
        if looks != self._looks:
            self._anchor(looks, now)
        present = {name: self._rig.scene.levels(name, now)[Attribute.INTENSITY] for name in looks}
        fault = fault or self._waiting(present)
        seen = Seen(-ev, captured, *self._room(present), fault=fault)
        before = self._state
        after = step(before, seen, self._law, now, on_air)
        trim = _stops(present, looks)
        if self.mode != "hold" or self.now_state.tripped:
            # Nothing is moved, so nothing may add up: each turn starts from what the lights really show.
            self._state = replace(after, trim=before.trim)
            self._tell(ev, trim, after, (), self._advice(after, ev, present) if self.mode == "advise" else None)
            return
        self._state = after
        if after.trim != before.trim:
            log.debug("exposure.move", trim=round(after.trim, 3), ev=round(ev, 3), on_air=on_air)
        self._dog.feed(now, trim, ev, disturbed=self._others_move(now))
        verdict = self._dog.verdict(now)
        if verdict:
            self.let_go(now)
            log.warning("exposure.tripped", why=verdict)
            self._tell(ev, trim, after, (), None, verdict)
            return
        if present and not fault:
            wanted = {name: {Attribute.INTENSITY: self._level(name, after.trim)} for name in present}
            self._rig.claim(OWNER, Priority.LOOP, wanted, now=now, fade=SMOOTH, lease=LEASE)
        self._tell(ev, trim, after, () if fault else tuple(present), None)

    def lost(self, reason: str) -> None:
        """The camera gives no pictures: say so; the lease ends the claim and the look is held."""
        self.now_state = replace(self.now_state, ev=None, holding=(), why=reason, advice=None)

    # --- inside ----------------------------------------------------------------------------------------------

    def _free(self) -> dict[str, float]:
        """Lights the loop may move, with the operator's look of each: those nobody stronger holds. A hand on a fader,
        or on a submaster, takes a light out at once; one that is dark by choice stays dark."""
        found = {}
        for name in self.section.fixtures:
            holder = self._rig.holder(name)
            look = self._rig.look(name)[Attribute.INTENSITY]
            whole = self._rig.masters.scale(name) == 1.0
            if whole and (holder is None or holder.priority <= Priority.LOOP) and look > DARKEST:
                found[name] = look
        return found

    def _anchor(self, looks: dict[str, float], now: float) -> None:
        """Other lights, or another look: begin anew from where they are going, so that nothing jumps. What was claimed
        of a light that a hand has taken must not come back when the hand lets go."""
        taken = [name for name in self._looks if name not in looks]
        self._rig.release(now, owner=OWNER, fixtures=taken)
        self._looks = looks
        self._anchors = {name: self._rig.scene.targets(name)[Attribute.INTENSITY] for name in looks}
        self._state = replace(self._state, trim=0.0)
        self._dog.forget()

    def _level(self, name: str, trim: float) -> float:
        """Where this light should be: inside the loop's authority around the operator's look."""
        look, most = self._looks[name], self.section.authority
        return min(max(trimmed(self._anchors[name], trim), trimmed(look, -most)), trimmed(look, most))

    def _waiting(self, present: dict[str, float]) -> str:
        if not present:
            return "every light of the loop is held by somebody, or dimmed by a submaster"
        for name, level in present.items():
            going = self._rig.scene.targets(name)[Attribute.INTENSITY]
            if abs(math.log2(max(going, DARKEST) / max(level, DARKEST))) > ON_THE_WAY:
                return "the lights are still on their way"
        return ""

    def _others_move(self, now: float) -> bool:
        """Whether a light that is not the loop's is fading: the picture changes and the loop has no part in it."""
        scene = self._rig.scene
        return any(now < fade.done + SETTLE for (name, _), fade in scene.fades.items() if name not in self._looks)

    def _room(self, present: dict[str, float]) -> tuple[float, float]:
        """Stops the lights may still go up and down: as long as one of them can, the loop can."""
        most = self.section.authority
        up, down = 0.0, 0.0
        for name, level in present.items():
            shown = max(level, DARKEST)
            moved = math.log2(shown / self._looks[name])
            up = max(up, min(math.log2(1.0 / shown), most - moved))
            down = max(down, min(math.log2(shown / DARKEST), most + moved))
        return up, down

    def _advice(self, after: LoopState, ev: float, present: dict[str, float]) -> Text | None:
        if after.why not in ("acting", "at-limit") or not present:
            return None
        up, down = self._room(present)
        goal = min(max(-ev, -down), up)
        moves = ", ".join(f"{name} → {trimmed(level, goal) * 100:.0f} %" for name, level in present.items())
        return Text(f"would set {moves}", f"建议调整：{moves}")

    def _tell(
        self,
        ev: float,
        trim: float,
        state: LoopState,
        holding: tuple[str, ...],
        advice: Text | None,
        tripped: str | None = None,
    ) -> None:
        self.now_state = ExposureNow(
            mode=self.mode,
            target=self.target,
            ev=ev,
            trim=trim,
            holding=holding,
            why=f"{state.why}: {state.detail}" if state.detail else state.why,
            advice=advice,
            tripped=self.now_state.tripped if tripped is None else tripped,
        )


def _stops(present: dict[str, float], looks: dict[str, float]) -> float:
    """How far the loop's lights are from the operator's look (the first one's; 0 without a light)."""
    for name, level in present.items():
        return math.log2(max(level, DARKEST) / looks[name])
    return 0.0
