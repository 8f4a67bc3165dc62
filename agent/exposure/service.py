"""The exposure loop at work: joins the camera's numbers, the law, the probe, the watchdog and the rig.

Runs on the loop's thread, once per measured picture. In *watch* it only reports, in *advise* it says what it would
do, in *hold* it claims its lights at LOOP priority with a short lease: if this code dies, the claim lapses and the
last look is held.

    hold asked ──▶ probe: does the picture follow? ──no──▶ refused, lights back where they were
                     │ yes                                      ▲
                     ▼                                          │ watchdog: no effect → probe again → let go
                   law, once per picture ──claims──▶ rig ───────┘          hunting, burnt out → let go
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from agent.exposure.aim import Aim, alike
from agent.exposure.glance import Glance, Memory
from agent.exposure.hands import DARKEST, OWNER, Hands
from agent.exposure.loop import LEAST, Law, LoopState, Room, Seen, step, stops, trimmed
from agent.exposure.probing import Probing
from agent.exposure.watchdog import DOUBT, PREDICTED, UNKNOWN, Watchdog
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Text

__all__ = ["OWNER", "ExposureNow", "ExposureService", "Mode", "Move"]

log = structlog.get_logger(__name__)

Mode = Literal["watch", "advise", "hold"]


@dataclass(frozen=True, slots=True)
class Move:
    """What the loop last did and why. ``at``: when (times are monotonic); ``error``: stops the picture was off when it
    decided; ``lights``: stops by which it moved each; ``captured``: when the picture was taken; ``since``: when this
    correction began; ``began_with``: the error then."""

    at: float
    error: float
    lights: Mapping[str, float]
    captured: float
    since: float
    began_with: float


@dataclass(frozen=True, slots=True)
class ExposureNow:
    """What the loop says of itself. ``ev`` stops from target, negative = too dark; ``trim`` stops from the look, by
    light in ``trims``; ``out``: lights in a person's hands until they are handed back."""

    mode: Mode
    target: float
    ev: float | None = None
    trim: float = 0.0
    holding: tuple[str, ...] = ()
    why: str = "no picture yet"
    advice: Text | None = None
    tripped: str = ""
    trims: Mapping[str, float] | None = None
    out: tuple[str, ...] = ()
    move: Move | None = None
    evidence: Mapping[str, float] | None = None
    """Of the last probe."""


class ExposureService:
    """See the module. ``ev`` handed in is measured against :attr:`target`."""

    def __init__(self, section: ExposureSection, rig: Rig) -> None:
        self.section = section
        self.target = section.target
        self.mode: Mode = section.mode
        self.now_state = ExposureNow(section.mode, section.target)
        self.hands = Hands(section.fixtures, section.authority, rig)
        self._rig = rig
        self._law = Law(section.delay)
        self._state = LoopState()
        self._memory = Memory()
        self._dog = Watchdog()
        self._probing: Probing | None = Probing() if section.mode == "hold" else None
        self._move: Move | None = None

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The lights it may move."""
        return self.section.fixtures

    def use(self, rig: Rig) -> None:
        """Another rig from now on (after a reload)."""
        self._rig = rig
        self.hands.use(rig)

    def set_mode(self, mode: Mode, now: float, target: float | None = None) -> None:
        """Also the way to hand back to the loop after a trip or after a hand: bumpless, from what the lights show."""
        if target is not None:
            self.target = target
        if mode != "hold":
            self.let_go(now)
        else:
            self.hands.hand_back(None, now)
        self.mode = mode
        self._begin(now)
        self._probing = Probing() if mode == "hold" else None
        self.now_state = replace(
            self.now_state, mode=mode, target=self.target, tripped="", advice=None, evidence=None, out=self._out()
        )
        log.info("exposure.mode", mode=mode, target=self.target)

    def hand_back(self, names: Collection[str] | None, now: float) -> tuple[str, ...]:
        """These lights are the loop's again (``None``: all that nobody holds any more). Returns which."""
        back = self.hands.hand_back(names, now)
        self._begin(now)
        self.now_state = replace(self.now_state, out=self._out())
        log.info("exposure.handed_back", lights=list(back))
        return back

    def let_go(self, now: float) -> None:
        """Drop the loop's claims; its lights hold what they show."""
        self.hands.let_go(now)

    def turn(
        self,
        glance: Glance,
        now: float,
        on_air: bool,
        *,
        consoles: Collection[str] = (),
        gone: Mapping[str, str] | None = None,
    ) -> None:
        """One measured picture. ``consoles``: lights that a console holds; ``gone``: lights that cannot be driven now,
        and why."""
        gone = gone or {}
        if (grand := self._rig.masters.grand) < 1.0:
            # a hand on all lights at once: to bring the picture back against it would be a fight
            self.let_go(now)
            self._begin(now)
            self._say(glance, 0.0, f"the grand master is at {grand * 100:.0f} %")
            return
        self.hands.notice(consoles)
        if self.hands.take(self.hands.free(gone), now):
            self._begin(now, looks=False)
        present = self.hands.present(now)
        self._memory.add(now, glance, self.hands.shown(now))
        rooms = self.hands.rooms(present)
        aim = self._aim(glance, rooms)
        fault = glance.fault or self.hands.waiting(present) or (next(iter(gone.values()), "") if not present else "")
        if self.mode == "hold" and not self.now_state.tripped:
            self._hold(glance, aim, rooms, present, fault, now, on_air)
        else:
            self._look_on(glance, aim, rooms, present, fault, now, on_air)

    def lost(self, reason: str) -> None:
        """The camera gives no pictures: say so; the lease ends the claim and the look is held."""
        self.now_state = replace(self.now_state, ev=None, holding=(), why=reason, advice=None)

    # --- inside ----------------------------------------------------------------------------------------------

    def _begin(self, now: float, looks: bool = True) -> None:
        """Start afresh from what the lights show: nothing of before adds up."""
        if looks:
            self.hands.looks = {}
        self._state = replace(self._state, trims={}, moved={}, acting=False, since=now)
        self._dog.forget()
        if self._probing is not None:
            self._probing = Probing()

    def _out(self) -> tuple[str, ...]:
        return tuple(sorted(self.hands.out))

    def _aim(self, glance: Glance, rooms: Mapping[str, Room]) -> Aim:
        return alike(-glance.ev, rooms)

    def _look_on(
        self,
        glance: Glance,
        aim: Aim,
        rooms: Mapping[str, Room],
        present: Mapping[str, float],
        fault: str,
        now: float,
        on_air: bool,
    ) -> None:
        """Nothing is moved, so nothing may add up: each turn starts from what the lights really show."""
        before = self._state
        seen = Seen(aim.error, glance.captured, aim.wishes, rooms, aim.missing, aim.where, fault)
        after = step(before, seen, self._law, now, on_air)
        self._state = replace(after, trims=before.trims)
        self._say(
            glance, self._trim(present), _why(after), advice=_advice(after, aim, rooms, present, self.mode == "advise")
        )

    def _hold(
        self,
        glance: Glance,
        aim: Aim,
        rooms: Mapping[str, Room],
        present: Mapping[str, float],
        fault: str,
        now: float,
        on_air: bool,
    ) -> None:
        if self._probing is not None and not fault:
            self._probe(glance, aim, rooms, present, now, on_air)
            return
        before = self._state
        seen = Seen(aim.error, glance.captured, aim.wishes, rooms, aim.missing, aim.where, fault)
        after = self._state = step(before, seen, self._law, now, on_air)
        self._note(before, after, glance, now)
        moved = self._trim(present) if aim.predicted is None else aim.predicted
        self._dog.demand = PREDICTED if aim.predicted is not None else DOUBT if glance.zones is not None else UNKNOWN
        self._dog.feed(now, moved, glance.ev, disturbed=self.hands.others_move(now), clipped=glance.clipped)
        verdict = self._dog.verdict(now)
        if verdict == "no-effect" and glance.zones is not None:
            self._dog.forget()
            self._probing = Probing()
            log.info("exposure.doubt", why="the picture does not follow", next="a probe")
        elif verdict:
            self._trip(verdict, now)
        if fault or self.now_state.tripped:
            self._say(glance, self._trim(present), _why(after))
            return
        self.hands.move(after.trims, now)
        self._say(glance, self._trim(present), _why(after), holding=tuple(present))

    def _probe(
        self,
        glance: Glance,
        aim: Aim,
        rooms: Mapping[str, Room],
        present: Mapping[str, float],
        now: float,
        on_air: bool,
    ) -> None:
        """One turn of the probe: lights a little up or down, and a look at what the picture makes of it."""
        assert self._probing is not None
        if glance.zones is None:
            self._probing = None
            return
        late = (self._law.delay + 1) / glance.rate
        trims, judged = self._probing.turn(self._memory, self._state.trims, rooms, aim.error, now, late, on_air)
        if judged is None:
            self._state = replace(self._state, trims=trims, captured=glance.captured, at=now, since=now)
            self.hands.move(trims, now, fade=self._probing.fade(now))
            self._say(glance, self._trim(present), f"probing: {self._probing.doing}", holding=tuple(present))
            return
        self.now_state = replace(self.now_state, evidence=judged.evidence)
        log.info("exposure.probed", verdict=judged.verdict, **judged.evidence)
        probing, self._probing = self._probing, None
        if judged.verdict in ("follows", "inconclusive"):
            if abs(aim.error) > abs(probing.error):  # the step led away: back, before anything else
                trims = probing.began
            self._state = replace(self._state, trims=trims, captured=glance.captured, at=now, since=now)
            self.hands.move(trims, now, fade=probing.longest)
            self._say(glance, self._trim(present), "probed: " + judged.verdict, holding=tuple(present))
            return
        self.hands.move(probing.began, now, fade=probing.longest)
        self._trip(judged.verdict, now)
        self._say(glance, self._trim(present), "refused")

    def _trip(self, why: str, now: float) -> None:
        self.let_go(now)
        self.now_state = replace(self.now_state, tripped=why)
        log.warning("exposure.tripped", why=why)

    def _note(self, before: LoopState, after: LoopState, glance: Glance, now: float) -> None:
        """Every move with its reason; begin and end of a correction go to the log."""
        if any(abs(move) > LEAST for move in after.moved.values()):
            going_on = before.acting and self._move is not None
            since = self._move.since if going_on and self._move is not None else now
            began = self._move.began_with if going_on and self._move is not None else glance.ev
            self._move = Move(now, glance.ev, dict(after.moved), glance.captured, since, began)
        if after.acting and not before.acting:
            log.info("exposure.correcting", ev=round(glance.ev, 3), why=after.why)
        elif before.acting and not after.acting and self._move is not None:
            trims = {name: round(trim, 3) for name, trim in after.trims.items()}
            said = {"ev_before": round(self._move.began_with, 3), "ev": round(glance.ev, 3), "trims": trims}
            log.info("exposure.corrected", took_s=round(now - self._move.since, 2), why=after.why, **said)

    def _trim(self, present: Mapping[str, float]) -> float:
        """How far the loop's lights are from the operator's look (the first one's; 0 without a light)."""
        return next((stops(level, self.hands.looks[name], DARKEST) for name, level in present.items()), 0.0)

    def _say(
        self, glance: Glance, trim: float, why: str, *, holding: tuple[str, ...] = (), advice: Text | None = None
    ) -> None:
        looks = self.hands.looks
        levels = next((shown for _, _, shown in reversed(self._memory.kept)), {})
        trims = {name: stops(levels.get(name, look), look, DARKEST) for name, look in looks.items()}
        self.now_state = replace(
            self.now_state,
            mode=self.mode,
            target=self.target,
            ev=glance.ev,
            trim=trim,
            holding=holding,
            why=why,
            advice=advice,
            trims=trims,
            out=self._out(),
            move=self._move,
        )


def _why(state: LoopState) -> str:
    return f"{state.why}: {state.detail}" if state.detail else state.why


def _advice(
    after: LoopState, aim: Aim, rooms: Mapping[str, Room], present: Mapping[str, float], wanted: bool
) -> Text | None:
    if not wanted or after.why not in ("acting", "at-limit") or not present:
        return None
    goals = {}
    for name, level in present.items():
        room = rooms[name]
        goals[name] = trimmed(level, min(max(aim.wishes.get(name, 0.0), -room.down), room.up))
    moves = ", ".join(f"{name} → {goal * 100:.0f} %" for name, goal in goals.items())
    return Text(f"would set {moves}", f"建议调整：{moves}")
