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

import structlog

from agent.exposure.camera.glance import Glance, Memory, ZoneLight
from agent.exposure.loop.aim import Aim, Shown, alike, commissioned, predicted, strongest
from agent.exposure.loop.balance import Balance
from agent.exposure.loop.hands import DARKEST, OWNER, Hands
from agent.exposure.loop.law import LEAST, START, Law, LoopState, Room, Seen, step, stops, trimmed
from agent.exposure.loop.probing import Probing
from agent.exposure.loop.resolution import coarse, dead_band
from agent.exposure.loop.state import ExposureNow, Mode, Move
from agent.exposure.loop.watchdog import DOUBT, PREDICTED, UNKNOWN, Watchdog
from agent.exposure.transport.matrix import Transport
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Text

__all__ = ["OWNER", "ExposureNow", "ExposureService", "Mode", "Move"]

log = structlog.get_logger(__name__)

AGAIN_AFTER = 60.0
"""Seconds between two probes that only a suspicion asks for."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One picture and what it means. ``fault``: why not to act on it."""

    glance: Glance
    aim: Aim
    rooms: Mapping[str, Room]
    present: Mapping[str, float]
    fault: str
    now: float
    on_air: bool

    @property
    def seen(self) -> Seen:
        aim = self.aim
        return Seen(
            aim.error, self.glance.captured, aim.wishes, self.rooms, aim.missing, aim.where, aim.apart, self.fault
        )


class ExposureService:
    """See the module. ``ev`` handed in is measured against :attr:`target`."""

    def __init__(self, section: ExposureSection, rig: Rig) -> None:
        self.section = section
        self.target = section.target
        self.mode: Mode = section.mode
        self.now_state = ExposureNow(section.mode, section.target)
        self.hands = Hands(section.fixtures, section.authority, rig)
        self.transport: Transport | None = None
        self._rig = rig
        self._law = Law(section.delay)
        self._state = LoopState()
        self._white = Balance(self.hands)
        self._memory = Memory()
        self._dog = Watchdog()
        self._probing: Probing | None = Probing() if section.mode == "hold" else None
        self._probed = 0.0
        self._move: Move | None = None

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The lights it may move."""
        return self.section.fixtures

    def use(self, rig: Rig) -> None:
        """Another rig from now on (after a reload)."""
        self._rig = rig
        self.hands.use(rig)

    def commission(self, transport: Transport | None, now: float, damaged: Text | None = None) -> Text | None:
        """Go by this light transport from now on (``None``: by none). Why it is of no use here; ``None`` when it is
        used. ``damaged``: what is wrong with a later one."""
        why = None if transport is None else transport.unfit(self.section.camera, self.fixtures)
        self.transport = None if why else transport
        self._law = Law(self.section.delay if self.transport is None else self.transport.delay.samples)
        self._memory.forget()
        self._begin(now)
        at = self.transport.at if self.transport is not None else ""
        self.now_state = replace(self.now_state, commissioned=at, unlearned=why or damaged)
        return why

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
            self._say(glance, glance.ev, 0.0, f"the grand master is at {grand * 100:.0f} %")
            return
        self.hands.notice(consoles)
        if self.hands.take(self.hands.free(gone), now):
            self._begin(now, looks=False)
        present = self.hands.present(now)
        self._memory.add(now, glance, self.hands.shown(now))
        rooms = self.hands.rooms(present)
        self._coarse(present)
        aim = self._aim(glance, rooms, now)
        lost = next(iter(gone.values()), "") if not present else ""
        fault = glance.fault or lost or self.hands.waiting(present) or aim.fault
        turn = _Turn(glance, aim, rooms, present, fault, now, on_air)
        if self.mode != "hold" or self.now_state.tripped:
            self._look_on(turn)
        elif self._probing is not None and not fault:
            self._probe(turn, self._probing)
        else:
            self._hold(turn)

    def lost(self, reason: str) -> None:
        """The camera gives no pictures: say so; the lease ends the claim and the look is held."""
        self.now_state = replace(self.now_state, ev=None, holding=(), why=reason, advice=None)

    # --- inside ----------------------------------------------------------------------------------------------

    def _begin(self, now: float, looks: bool = True) -> None:
        """Start afresh from what the lights show: nothing of before adds up."""
        if looks:
            self.hands.looks = {}
        self._state = replace(self._state, trims={}, moved={}, acting=False, since=now)
        self._white.begin()
        self._dog.forget()
        if self._probing is not None:
            self._probing = Probing()

    def _out(self) -> tuple[str, ...]:
        return tuple(sorted(self.hands.out))

    def _aim(self, glance: Glance, rooms: Mapping[str, Room], now: float) -> Aim:
        transport = self.transport
        if transport is None or glance.zones is None:
            return alike(-glance.ev, rooms)
        shown = Shown(self._memory.shown(glance.captured - transport.delay.seconds), self.hands.shown(now))
        return commissioned(
            transport,
            glance,
            shown,
            self.hands.looks,
            target=self.target,
            authority=self.section.authority,
            keep_ratio=self.section.keep_ratio,
        )

    def _coarse(self, present: Mapping[str, float]) -> None:
        """No finer than the finest of the lights can be moved; one whose single steps are seen is told."""
        steps = self.hands.steps(present)
        self._law = replace(self._law, start=dead_band(min(steps.values(), default=0.0), START))
        worst = max(steps, key=lambda name: steps[name], default="")
        said = coarse(worst, steps[worst], self.hands.smooth_above(worst)) if worst else None
        self.now_state = replace(self.now_state, coarse=said)

    def _look_on(self, turn: _Turn) -> None:
        """Nothing is moved, so nothing may add up: each turn starts from what the lights really show."""
        before = self._state
        after = step(before, turn.seen, self._law, turn.now, turn.on_air)
        self._state = replace(after, trims=before.trims)
        self._told(turn, _why(after), advice=_advice(after, turn, self.mode == "advise"))

    def _hold(self, turn: _Turn) -> None:
        before, aim, glance, now = self._state, turn.aim, turn.glance, turn.now
        after = self._state = step(before, turn.seen, self._law, now, turn.on_air)
        self._note(before, after, glance, -aim.error, now)
        self._dog.demand = PREDICTED if aim.predicted is not None else DOUBT if glance.zones is not None else UNKNOWN
        others = self.hands.others_move(now) or bool(turn.fault)
        trim = self._trim(turn.present)
        self._dog.feed(now, trim, -aim.error, predicted=aim.predicted, disturbed=others, clipped=glance.clipped)
        verdict = self._dog.verdict(now)
        suspected = glance.suspected and now - self._probed > AGAIN_AFTER
        if (verdict == "no-effect" or suspected) and glance.zones is not None and not turn.fault:
            self._dog.forget()
            self._probing = Probing()
            log.info("exposure.doubt", why=verdict or "auto exposure suspected", next="a probe")
        elif verdict:
            self._trip(verdict, now)
        if turn.fault or self.now_state.tripped:
            self._told(turn, _why(after))
            return
        self.hands.move(after.trims, now)
        if self.transport is not None and self.section.hold_white and not after.acting:
            self._white.turn(self.transport, glance, self._law, now, turn.on_air)
        self._told(turn, _why(after), holding=tuple(turn.present))

    def _probe(self, turn: _Turn, probing: Probing) -> None:
        """One turn of the probe: lights a little up or down, and a look at what the picture makes of it."""
        glance, now, holding = turn.glance, turn.now, tuple(turn.present)
        if glance.zones is None:
            self._probing = None
            return
        late = (self._law.delay + 1) / glance.rate
        error = turn.aim.error
        probing.lamp = probing.lamp or self._best_seen(turn.present)
        trims, judged = probing.turn(
            self._memory, self._state.trims, turn.rooms, error, now, late, turn.on_air, self._predicted
        )
        self._state = replace(self._state, trims=trims, captured=glance.captured, at=now, since=now)
        if judged is None:
            self.hands.move(trims, now, fade=probing.fade(now))
            self._told(turn, f"probing: {probing.doing}", holding=holding)
            return
        self._probing, self._probed = None, now
        self.now_state = replace(self.now_state, evidence=judged.evidence)
        log.info("exposure.probed", verdict=judged.verdict, **judged.evidence)
        if judged.verdict in ("follows", "inconclusive"):
            self._state = replace(self._state, trims=probing.after(turn.rooms, error))
            self.hands.move(self._state.trims, now, fade=probing.longest)
            self._told(turn, "probed: " + judged.verdict, holding=holding)
            return
        self.hands.move(probing.began, now, fade=probing.longest)
        self._trip(judged.verdict, now)
        self._told(turn, "refused")

    def _best_seen(self, present: Mapping[str, float]) -> str:
        """The light to step: what brings most, as commissioning says, or the brightest key."""
        if self.transport is not None:
            return strongest(self.transport, present)
        return max(present, key=lambda name: (self._rig.fixtures[name].role == "key", present[name]))

    def _predicted(self, glance: Glance, lamp: str, step: float) -> ZoneLight | None:
        if self.transport is None:
            return None
        level = self._memory.shown(glance.captured - self.transport.delay.seconds)[lamp]
        return predicted(self.transport, glance, level, lamp, step)

    def _trip(self, why: str, now: float) -> None:
        self.let_go(now)
        self.now_state = replace(self.now_state, tripped=why)
        log.warning("exposure.tripped", why=why)

    def _note(self, before: LoopState, after: LoopState, glance: Glance, ev: float, now: float) -> None:
        """Every move with its reason; begin and end of a correction go to the log."""
        if any(abs(move) > LEAST for move in after.moved.values()):
            going_on = self._move if before.acting else None
            since, began = (going_on.since, going_on.began_with) if going_on is not None else (now, ev)
            self._move = Move(now, ev, dict(after.moved), glance.captured, since, began)
        if after.acting and not before.acting:
            log.info("exposure.correcting", ev=round(ev, 3), why=after.why)
        elif before.acting and not after.acting and self._move is not None:
            trims = {name: round(trim, 3) for name, trim in after.trims.items()}
            said = {"ev_before": round(self._move.began_with, 3), "ev": round(ev, 3), "trims": trims}
            log.info("exposure.corrected", took_s=round(now - self._move.since, 2), why=after.why, **said)

    def _trim(self, present: Mapping[str, float]) -> float:
        """How far the loop's lights are from the operator's look (the first one's; 0 without a light)."""
        return next((stops(level, self.hands.looks[name], DARKEST) for name, level in present.items()), 0.0)

    def _told(self, turn: _Turn, why: str, *, holding: tuple[str, ...] = (), advice: Text | None = None) -> None:
        ev = turn.glance.ev if turn.aim.fault else -turn.aim.error
        self._say(turn.glance, ev, self._trim(turn.present), why, holding, advice)
        self.now_state = replace(self.now_state, unreachable=turn.aim.said)

    def _say(
        self,
        glance: Glance,
        ev: float,
        trim: float,
        why: str,
        holding: tuple[str, ...] = (),
        advice: Text | None = None,
    ) -> None:
        looks = self.hands.looks
        levels = next((shown for _, _, shown in reversed(self._memory.kept)), {})
        self.now_state = replace(
            self.now_state,
            mode=self.mode,
            target=self.target,
            ev=ev,
            trim=trim,
            holding=holding,
            why=why,
            advice=advice,
            trims={name: stops(levels.get(name, look), look, DARKEST) for name, look in looks.items()},
            out=self._out(),
            move=self._move,
            white=self._white.error,
        )


def _why(state: LoopState) -> str:
    return f"{state.why}: {state.detail}" if state.detail else state.why


def _advice(after: LoopState, turn: _Turn, wanted: bool) -> Text | None:
    if not wanted or after.why not in ("acting", "at-limit") or not turn.present:
        return None
    goals = {}
    for name, level in turn.present.items():
        room = turn.rooms[name]
        goals[name] = trimmed(level, min(max(turn.aim.wishes.get(name, 0.0), -room.down), room.up))
    moves = ", ".join(f"{name} → {goal * 100:.0f} %" for name, goal in goals.items())
    return Text(f"would set {moves}", f"建议调整：{moves}")
