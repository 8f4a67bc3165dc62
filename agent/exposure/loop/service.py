"""The exposure loop at work: joins the camera's numbers, the law, the probe, the watchdog and the rig.

Runs on the loop's thread, once per measured picture. In *watch* it only reports, in *advise* it says what it would
do, in *hold* it claims its lights at LOOP priority with a short lease: if this code dies, the claim lapses and the
last look is held.

    hold asked ──▶ probe: does the picture follow? ──no──▶ refused, lights back where they were
                     │ yes                                      ▲
                     ▼                                          │ watchdog: no effect → probe again → let go
                   law, once per picture ──claims──▶ rig ───────┘          hunting, burnt out → let go
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import structlog

from agent.exposure.camera.glance import Glance, Memory, ZoneLight
from agent.exposure.loop.aim import Aim, Shown, alike, commissioned, predicted, strongest
from agent.exposure.loop.balance import Balance
from agent.exposure.loop.daylight import daylight
from agent.exposure.loop.face import Face
from agent.exposure.loop.hands import DARKEST, OWNER, Hands
from agent.exposure.loop.journal import Journal
from agent.exposure.loop.lateness import Lateness
from agent.exposure.loop.law import START, Law, LoopState, Room, slew, step, stops
from agent.exposure.loop.probing import CALM, SURELY, Probing
from agent.exposure.loop.resolution import SMOOTH, coarse, dead_band
from agent.exposure.loop.state import ExposureNow, Mode, Move
from agent.exposure.loop.turn import Turn, advice_of, why_of
from agent.exposure.loop.watchdog import DOUBT, FIGHTS, PREDICTED, SUSPECTED, UNKNOWN, Watchdog
from agent.exposure.transport.matrix import Transport
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Text

__all__ = ["OWNER", "ExposureNow", "ExposureService", "Mode", "Move"]

log = structlog.get_logger(__name__)

AGAIN_AFTER, OWN_AFTER = 60.0, (4.0, 15.0)
"""Seconds from a probe to one that only a suspicion asks for: the camera's, or the loop's own (off air, on air)."""


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
        self._late: Lateness | None = None
        self.damaged: Text | None = None
        """What is wrong with a later commissioning than the one that is used."""
        self._law = Law(section.delay)
        self._state = LoopState()
        self._white = Balance(self.hands)
        self._face = Face(section.presenter_trim)
        self._memory = Memory()
        self._dog = Watchdog()
        self._probing: Probing | None = Probing() if section.mode == "hold" else None
        self._probed = -math.inf
        self._doubts = 0
        """Moves without effect, one after the other, that no probe has explained."""
        self._journal = Journal()

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
        self.damaged = damaged
        self.transport = None if why else transport
        self._late = None if self.transport is None else Lateness(self.transport)
        self._dog.know(self.transport)
        self._law = Law(self.section.delay)
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
        self._face.begin(0.0)
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
        """Drop the loop's claims; its lights hold what they show, also in the middle of a move."""
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
        self.hands.on_air = on_air
        self.hands.notice(consoles)
        if self.hands.take(self.hands.free(gone), now):
            self._begin(now, looks=False)
        present = self.hands.present(now)
        self._memory.add(now, glance, self.hands.shown(now))
        rooms = self.hands.rooms(present)
        if self._late is not None:
            self._late.shown(now, self.hands.shown(now))
            if glance.zones is not None and not glance.fault:
                self._late.seen(glance.captured, np.asarray(glance.zones, np.float64).ravel())
            self.now_state = replace(self.now_state, unlearned=self._late.said or self.damaged)
            self._law = replace(self._law, delay=self._late.delay.pictures(self._memory.interval))
        self._coarse(present)
        aim = self._aim(glance, rooms, now)
        lost = next(iter(gone.values()), "") if not present else ""
        fault = glance.fault or lost or self.hands.waiting(present) or aim.fault
        turn = Turn(glance, aim, rooms, present, fault, now, on_air)
        if self.mode != "hold" or self.now_state.tripped:
            self._look_on(turn)
        elif self._probing is not None and not fault:
            self._probe(turn, self._probing)
        else:
            if self._probing is not None and (glance.fault or lost or aim.fault):
                self._probing = Probing()  # pictures from before are no evidence for those that come after
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
        self._face.begin()
        self._dog.begin()
        self._doubts = 0
        if self._probing is not None:
            self._probing = Probing()

    def _out(self) -> tuple[str, ...]:
        return tuple(sorted(self.hands.out))

    def _aim(self, glance: Glance, rooms: Mapping[str, Room], now: float) -> Aim:
        transport = self.transport
        if transport is None or self._late is None or glance.zones is None:
            return alike(self._face.trim - glance.ev, rooms)
        shown = Shown(self._memory.shown(glance.captured - self._late.delay.seconds), self.hands.shown(now))
        return commissioned(
            transport,
            glance,
            shown,
            self.hands.looks,
            target=self.target * 2.0**self._face.trim,
            authority=max((self.hands.authority(*each) for each in self.hands.present(now).items()), default=0.0),
            keep_ratio=self.section.keep_ratio,
        )

    def _coarse(self, present: Mapping[str, float]) -> None:
        """No finer than the finest of the lights can be moved; one whose single steps are seen is told."""
        steps = self.hands.steps(present)
        self._law = replace(self._law, start=dead_band(min(steps.values(), default=0.0), START))
        worst = max(steps, key=lambda name: steps[name], default="")
        seen = bool(worst) and steps[worst] > SMOOTH
        said = coarse(worst, steps[worst], self.hands.smooth_above(worst)) if seen else None
        self.now_state = replace(self.now_state, coarse=said)

    def _look_on(self, turn: Turn) -> None:
        """Nothing is moved, so nothing may add up: each turn starts from what the lights really show."""
        before = self._state
        after = step(before, turn.seen, self._law, turn.now, turn.on_air)
        self._state = replace(after, trims=before.trims)
        self._told(turn, why_of(after), advice=advice_of(after, turn, self.mode == "advise"))

    def _hold(self, turn: Turn) -> None:
        before, aim, glance, now = self._state, turn.aim, turn.glance, turn.now
        after = self._state = step(before, turn.seen, self._law, now, turn.on_air)
        self._journal.note(before, after, -aim.error, now)
        self._dog.demand = PREDICTED if aim.predicted is not None else DOUBT if glance.zones is not None else UNKNOWN
        others = self.hands.others_move(now)
        trim = self.hands.trim(turn.present)
        # a window or a screen may always be burnt out: that is no reason while the rest is not too bright
        burnt = glance.clipped and (bool(aim.fault) or -aim.error > START)
        room = self._daylight(turn, others)
        others = others or bool(turn.fault)
        self._dog.feed(now, trim, -aim.error, predicted=aim.predicted, disturbed=others, clipped=burnt, room=room)
        verdict = self._dog.verdict(now)
        own = OWN_AFTER[turn.on_air] if verdict == SUSPECTED else math.inf
        patience = min(own, AGAIN_AFTER if glance.suspected else math.inf)
        suspected = now - self._probed > patience
        if (verdict == "no-effect" or suspected) and glance.zones is not None and not turn.fault:
            self._dog.forget()
            self._doubts += verdict == "no-effect"
            self._probing = Probing(calm=CALM, wakes=SURELY) if suspected else Probing()
            log.info("exposure.doubt", why=verdict or "auto exposure suspected", next="a probe")
        elif verdict and verdict != SUSPECTED:
            if verdict == FIGHTS and self._dog.own is not None:
                self.now_state = replace(self.now_state, evidence=self._dog.own.evidence)
            self._trip(verdict, now)
        if turn.fault or self.now_state.tripped:
            self._told(turn, why_of(after))
            return
        self.hands.move(after.trims, now, slew(turn.on_air))
        if self.transport is not None and self.section.hold_white and not after.acting:
            self._white.turn(self.transport, glance, self._law, now, turn.on_air)
        face = turn.glance.face
        base = self._face.trim - aim.error  # stops the picture is from what a person set
        self._face.feed(now, None if not face or face <= 0 else math.log2(face) - base)
        self._told(turn, why_of(after), holding=tuple(turn.present))

    def _probe(self, turn: Turn, probing: Probing) -> None:
        """One turn of the probe: lights a little up or down, and a look at what the picture makes of it."""
        glance, now, holding = turn.glance, turn.now, tuple(turn.present)
        if glance.zones is None:
            self._probing = None
            return
        interval = self._memory.interval
        late = interval + (self._law.delay * interval if self._late is None else self._late.delay.seconds)
        error = turn.aim.error
        still = self.hands.arrived()
        probing.lamp = probing.lamp or self._best_seen(turn.present)
        trims, judged = probing.turn(
            self._memory, self._state.trims, turn.rooms, error, now, late, still, turn.on_air, self._predicted
        )
        self._journal.probed(self._state.trims, trims, glance.captured, -error, now)
        self._state = replace(self._state, trims=trims, captured=glance.captured, at=now, since=now)
        most = slew(turn.on_air)
        if judged is None:
            self.hands.move(trims, now, most, probing.fade(now))
            self._told(turn, f"probing: {probing.doing}", holding=holding)
            return
        self._probing, self._probed = None, now
        self.now_state = replace(self.now_state, evidence=judged.evidence)
        log.info("exposure.probed", verdict=judged.verdict, **judged.evidence)
        self._doubts *= judged.verdict != "follows"
        clouded = judged.verdict != FIGHTS and self._dog.answers  # the lights' own pattern was seen all the same
        if judged.verdict == "follows" or clouded or (judged.verdict == "inconclusive" and self._doubts < 2):
            self._go_back(probing.after(turn.rooms, error), turn, probing.longest)
            self._told(turn, f"probed: {judged.verdict}", holding=holding)
            return
        self._go_back(probing.began, turn, probing.longest)
        self._trip("no-effect" if judged.verdict == "inconclusive" else judged.verdict, now, arrive=True)
        self._told(turn, "refused")

    def _go_back(self, trims: Mapping[str, float], turn: Turn, longest: float) -> None:
        """From a probe."""
        self._journal.probed(self._state.trims, trims, turn.glance.captured, -turn.aim.error, turn.now)
        self._state = replace(self._state, trims=trims)
        self.hands.move(trims, turn.now, slew(turn.on_air), longest)

    def _best_seen(self, present: Mapping[str, float]) -> str:
        """The light to step: what brings most, as commissioning says."""
        return self.hands.brightest(present) if self.transport is None else strongest(self.transport, present)

    def _predicted(self, glance: Glance, lamps: Collection[str], step: float) -> tuple[ZoneLight, ZoneLight] | None:
        if self.transport is None or self._late is None:
            return None
        levels = self._memory.shown(glance.captured - self._late.delay.seconds)
        return predicted(self.transport, glance, levels, lamps, step)

    def _daylight(self, turn: Turn, others: bool) -> float | None:
        """What the room's light does by itself. The watchdog sees the picture, too."""
        glance = turn.glance
        if self.transport is None or self._late is None or glance.zones is None or turn.aim.fault:
            return None
        zones = np.asarray(glance.zones, np.float64).ravel()
        if not turn.fault:
            levels = self._memory.shown(glance.captured - self._late.delay.seconds)
            self._dog.see(glance.captured, zones, levels, others)
        return daylight(self.transport, zones)

    def _trip(self, why: str, now: float, *, arrive: bool = False) -> None:
        """``arrive``: the lights are on their way back from a probe, and end it."""
        self.hands.let_go(now, arrive=arrive)
        self.now_state = replace(self.now_state, tripped=why)
        log.warning("exposure.tripped", why=why)

    def _told(self, turn: Turn, why: str, *, holding: tuple[str, ...] = (), advice: Text | None = None) -> None:
        self._say(turn.glance, turn.ev, self.hands.trim(turn.present), why, holding, advice)
        self.now_state = replace(self.now_state, unreachable=turn.aim.said)

    def _say(
        self, glance: Glance, ev: float, trim: float, why: str, holding: tuple[str, ...] = (), said: Text | None = None
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
            why="; ".join(filter(None, (why, self._face.said))),
            advice=said,
            trims={name: stops(levels.get(name, look), look, DARKEST) for name, look in looks.items()},
            out=self._out(),
            move=self._journal.move,
            white=self._white.error,
        )
