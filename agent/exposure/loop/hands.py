"""Which lights the loop may move, where it took them over, and how far each may go.

    anchor ──trim──▶ what the loop asks for, cut at look ± authority ──slew limit──▶ what the light shows
    where a light was going when the loop took it over (mode, other lights, new look)
    look: what a person last chose

A hand on a fader (a person's claim, a console) takes its light out at once: such a claim is stronger than the loop's,
so the very next frame shows it, and the light stays *out*, also when the hand lets go and after a restart, until
somebody hands it back.
"""

import math
from collections.abc import Collection, Mapping, Set

from agent.exposure.loop.law import Room, stops, trimmed
from agent.exposure.loop.resolution import local_step, smooth_above
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.units import Attribute
from firmware_profiles.render import limits, resolution

DARKEST = 0.01
"""Share of light below which the loop does not push a lamp: under it 8-bit lamps have no steps left."""
OWNER = "exposure-loop"
SMOOTH = 0.15
"""Seconds of fade per move: about one measurement, so that moves join into a line."""
LEASE = 5.0
ON_THE_WAY = 0.15
"""Stops the lights may lag behind what was asked of them (slew limit) before the loop waits: no wind-up."""
ON_AIR = 1.0
"""Stops a light may go either way from the look while the studio is on air, whatever it may off air."""
SETTLE = 0.3
"""Seconds after the end of a fade in which the camera may still be showing it."""


class Hands:
    """See the module. ``authority``: stops each light may go either way from the operator's look; no more than
    ``ON_AIR`` of them on air (:attr:`on_air`), where a light that is further off may come back, and go no further."""

    def __init__(self, fixtures: Collection[str], authority: float, rig: Rig) -> None:
        self.fixtures = tuple(fixtures)
        self.looks: dict[str, float] = {}
        """The lights in the loop, with the operator's look of each."""
        self.on_air = True
        self._authority = authority
        self._anchors: dict[str, float] = {}
        self._kelvins: dict[str, float] = {}
        self._seen: dict[str, float | None]
        self.use(rig)

    def use(self, rig: Rig) -> None:
        """Another rig from now on (after a reload). It knows which lights were out; others than the loop's own are
        forgotten: who adds a light to the loop means it."""
        self._rig = rig
        self._seen = dict(rig.touched)
        rig.withdrawn &= set(self.fixtures)

    @property
    def out(self) -> Set[str]:
        """Lights that a person took and has not handed back. The rig has them, for it is remembered over restarts."""
        return self._rig.withdrawn

    # --- taking and letting go -------------------------------------------------------------------------------

    def notice(self, consoles: Collection[str]) -> None:
        """See who has taken a light since the last look. ``consoles``: lights that a console holds."""
        for name in self.fixtures:
            holder, touched = self._rig.holder(name), self._rig.touched.get(name)
            by_hand = holder is not None and holder.priority is Priority.MANUAL
            if by_hand or touched != self._seen.get(name) or name in consoles:
                self._rig.withdrawn.add(name)
            self._seen[name] = touched

    def hand_back(self, names: Collection[str] | None, now: float) -> tuple[str, ...]:
        """These lights (``None``: all nobody holds any more) are the loop's again, from where they are. A person's
        claim on one that is named ends. Returns which."""
        back = set(self.out if names is None else names) & set(self.fixtures)
        if names is not None:
            self._rig.release(now, priority=Priority.MANUAL, fixtures=back)
        else:
            back = {name for name in back if not self._held(name)}
        self._rig.withdrawn -= back
        self._seen = dict(self._rig.touched)
        self.looks = {}
        return tuple(sorted(back))

    def free(self, gone: Collection[str]) -> dict[str, float]:
        """Lights the loop may move, with their looks: in nobody's hand, and there (``gone``: cannot be driven). One
        that is dark by choice stays dark; a submaster is a hand, too."""
        found = {}
        for name in self.fixtures:
            holder = self._rig.holder(name)
            look = self._rig.look(name)[Attribute.INTENSITY]
            weaker = holder is None or holder.priority <= Priority.LOOP
            ours = weaker and name not in self.out and self._rig.masters.scale(name) == 1.0
            if ours and name not in gone and look > DARKEST:
                found[name] = look
        return found

    def take(self, looks: Mapping[str, float], now: float) -> bool:
        """Go on with these lights. Whether they are others than before, or have other looks: then the loop begins anew
        from where they are going, so that nothing jumps. What was claimed of a light that a hand has taken must not
        come back when the hand lets go."""
        if dict(looks) == self.looks:
            return False
        taken = [name for name in self.looks if name not in looks]
        self._rig.release(now, owner=OWNER, fixtures=taken)
        self.looks = dict(looks)
        going = {name: self._rig.scene.targets(name) for name in looks}
        self._anchors = {name: levels[Attribute.INTENSITY] for name, levels in going.items()}
        self._kelvins = {name: levels[Attribute.CCT] for name, levels in going.items() if Attribute.CCT in levels}
        return True

    def let_go(self, now: float, *, arrive: bool = False) -> None:
        """Drop the loop's claims; its lights hold what they show, also in the middle of a move. ``arrive``: they go on
        to where they were going. (A master over a light moves it by itself: that is left alone.)"""
        here: dict[str, dict[Attribute, float]] = {}
        for claim in self._rig.claims(Priority.LOOP):
            ours = claim.owner == OWNER and self._rig.winning(claim.key) is claim
            if ours and not arrive and self._rig.masters.scale(claim.fixture) == 1.0:
                shown = self._rig.scene.levels(claim.fixture, now)
                here.setdefault(claim.fixture, {})[claim.attribute] = shown[claim.attribute]
        if here:
            self._rig.claim(OWNER, Priority.LOOP, here, now=now, lease=LEASE)
        self._rig.release(now, owner=OWNER)

    # --- moving ----------------------------------------------------------------------------------------------

    def present(self, now: float) -> dict[str, float]:
        """What the loop's lights show."""
        return {name: self._rig.scene.levels(name, now)[Attribute.INTENSITY] for name in self.looks}

    def shown(self, now: float) -> dict[str, float]:
        """What all lights of the loop show, those in other hands, too."""
        return {name: self._rig.scene.levels(name, now)[Attribute.INTENSITY] for name in self.fixtures}

    def trim(self, present: Mapping[str, float]) -> float:
        """How far the loop's lights are from the operator's look (the first one's; 0 without a light)."""
        return next((stops(level, self.looks[name], DARKEST) for name, level in present.items()), 0.0)

    def brightest(self, present: Mapping[str, float]) -> str:
        """The key, or what is as bright."""
        return max(present, key=lambda name: (self._rig.fixtures[name].role == "key", present[name]))

    def authority(self, name: str, level: float) -> float:
        """Stops this light may be from its look, where it shows this level now."""
        if not self.on_air:
            return self._authority
        return min(self._authority, max(ON_AIR, abs(stops(level, self.looks[name], DARKEST))))

    def level(self, name: str, trim: float, level: float) -> float:
        """Where this light should be: inside the loop's authority around the operator's look. ``level``: it now."""
        look, most = self.looks[name], self.authority(name, level)
        return min(max(trimmed(self._anchors[name], trim), trimmed(look, -most)), trimmed(look, most))

    def move(self, trims: Mapping[str, float], now: float, slew: float, fade: float = SMOOTH) -> None:
        """Claim the loop's lights there, for a few seconds. None goes faster than ``slew`` stops a second, whatever
        came together meanwhile (pictures that did not come, a probe's way back)."""
        shown = self.present(now)
        goals = {name: self.level(name, trims.get(name, 0.0), shown[name]) for name in self.looks}
        far = max((abs(stops(goal, shown[name], DARKEST)) for name, goal in goals.items()), default=0.0)
        wanted = {name: {Attribute.INTENSITY: goal} for name, goal in goals.items()}
        if wanted:
            fade = max(fade, far / slew)
            self._rig.claim(OWNER, Priority.LOOP, wanted, now=now, fade=fade, lease=LEASE)

    def whites(self, now: float) -> dict[str, tuple[float, float, float, float]]:
        """Of lights that have a colour temperature: kelvin of the look, now, and the least and most it can."""
        found = {}
        for name in self.looks:
            has = self._rig.fixtures[name].personality
            if Attribute.CCT in has.attributes:
                low, high = limits(has, Attribute.CCT)
                kelvin = self._rig.scene.levels(name, now)[Attribute.CCT]
                found[name] = (self._rig.look(name)[Attribute.CCT], kelvin, low, high)
        return found

    def tint(self, mireds: Mapping[str, float], now: float) -> None:
        """Claim these lights' colour temperature: so many mired from where the loop took them over."""
        wanted = {}
        for name, mired in mireds.items():
            low, high = limits(self._rig.fixtures[name].personality, Attribute.CCT)
            kelvin = 1e6 / (1e6 / self._kelvins[name] + mired)
            wanted[name] = {Attribute.CCT: min(max(kelvin, low), high)}
        if wanted:
            self._rig.claim(OWNER, Priority.LOOP, wanted, now=now, fade=SMOOTH, lease=LEASE)

    def steps(self, present: Mapping[str, float]) -> dict[str, float]:
        """How many stops one step on the wire is, where each light stands."""
        found = {}
        for name, level in present.items():
            has = self._rig.fixtures[name].personality
            found[name] = local_step(resolution(has, Attribute.INTENSITY, level), max(level, DARKEST))
        return found

    def smooth_above(self, name: str) -> float:
        """The level above which nobody sees its single steps."""
        has = self._rig.fixtures[name].personality
        return smooth_above(lambda level: resolution(has, Attribute.INTENSITY, level))

    def rooms(self, present: Mapping[str, float]) -> dict[str, Room]:
        """How far each light may still go."""
        found = {}
        for name, level in present.items():
            shown, moved = max(level, DARKEST), stops(level, self.looks[name], DARKEST)
            most = self.authority(name, level)
            up = min(math.log2(1.0 / shown), most - moved)
            down = min(math.log2(shown / DARKEST), most + moved)
            found[name] = Room(down, up)
        return found

    def waiting(self, present: Mapping[str, float]) -> str:
        """Why not to move now; "" when nothing is in the way."""
        if not present:
            return "every light of the loop is in somebody's hands, or dimmed by a submaster"
        for name, level in present.items():
            going = self._rig.scene.targets(name)[Attribute.INTENSITY]
            if abs(stops(going, level, DARKEST)) > ON_THE_WAY:
                return "the lights are still on their way"
        return ""

    def arrived(self) -> float:
        """Since when none of the lights has moved, or when the last one will have arrived."""
        fades = self._rig.scene.fades
        return max((fade.done for (name, what), fade in fades.items() if what is Attribute.INTENSITY), default=0.0)

    def others_move(self, now: float) -> bool:
        """Whether a light that is not the loop's is fading: the picture changes and the loop has no part in it."""
        scene = self._rig.scene
        return any(now < fade.done + SETTLE for (name, _), fade in scene.fades.items() if name not in self.looks)

    def _held(self, name: str) -> bool:
        holder = self._rig.holder(name)
        return holder is not None and holder.priority is Priority.MANUAL
