"""Commissioning: what to step, what to look at, and what it says. A plan that is told what was seen; no clock, no rig.

    still pictures ─▶ probe +0.1 stop (does the camera fight?) ─▶ each light: step, look, back, look
                   ─▶ all lights at once, up and down (does it fight what is more?) ─▶ colour step
                                     any doubt ─▶ Refused with its reason        all well ─▶ Transport
                                     either way, and when broken off: the look is set again, last of all

Whoever carries it out does :attr:`Commission.instruction` and hands the answer to :meth:`Commission.reply` until there
is none: a ``Set`` is answered with when its fade began and will have arrived (at once, not after it), a ``Watch`` with
the next pictures from then on, faulty ones among them.

With people before the camera no light moves by more than 15 % of what it shows (3 % of full, where that is more), and
never faster than the slew.
"""

import math
from collections.abc import Generator, Mapping, Sequence

import numpy as np

from agent.exposure.commissioning import stillness
from agent.exposure.commissioning.findings import LEAST_ZONES, Joint, Seen, conclude, fighting, together, trust
from agent.exposure.commissioning.instructions import Commissioned, Instruction, Light, Moved, Reply, Set, Terms, Watch
from agent.exposure.commissioning.plan import Plan
from agent.exposure.commissioning.refusals import Refusal, refuse
from agent.exposure.transport.matrix import (
    LATEST,
    Change,
    Mask,
    Series,
    Shot,
    Zones,
    arrival,
    change_of,
    delay_of,
    noise_of,
    repeats,
    series,
)
from config.units import Text

STEP = 0.15
"""Share of what a light shows by which it is stepped: 0.2 stop, seen by few and disliked by nobody."""
DARK_STEP = 0.03
"""Level by which a light is stepped at least: below a fifth, 15 % of it would not be seen."""
EMPTY_STEP = 0.5
"""Level by which it is stepped when nobody is on the set."""
PROBE = 0.2
"""Stops."""
PROBE_SECONDS = 1.5
MIRED_STEP = 15.0
PICTURES = 16
"""Pictures a level is averaged over."""
TOGETHER = 10
"""Where all lights move there is more to see."""
LEAST = 8
"""Sound ones of them that must be left."""
MARGIN = 0.15
"""Seconds beyond the delay until a level counts as shown."""
RESPONDS = 6.0
"""Standard deviations of an answer (:func:`repeats`) below which a light does nothing."""
STILL_SHARE = 0.4
"""Share of the lit zones that must stand still."""
CLIPPED_SHARE = 0.3
DRIFTS = 0.05
"""Stops the static zones may differ before and after a step; more: it is done again, once."""


Steps = Generator[Instruction, Reply, Commissioned]


class Commission(Plan[Commissioned]):
    """See the module."""

    def __init__(self, lights: Sequence[Light], terms: Terms) -> None:
        if not lights:
            raise ValueError("there is no light to commission")
        if stuck := [light.name for light in lights if light.high - light.low < 2 * DARK_STEP]:
            raise ValueError(f"{', '.join(stuck)} cannot be moved")
        super().__init__(lights)
        self.terms = terms
        self._found: list[tuple[float, float]] = []
        self._levels = {light.name: light.look for light in lights}
        self._begin()

    @property
    def expected_seconds(self) -> float:
        """How long all of it will take, when nothing has to be done twice."""
        terms = self.terms
        look = PICTURES / terms.rate
        fades = [self._fade(light.look, self._step(light)) for light in self.lights]
        probe = 2 * PROBE / terms.slew + PROBE_SECONDS + terms.slowest + look
        colour = 2 * (MARGIN + terms.slowest + look) if any(light.kelvin for light in self.lights) else 0.0
        steps = sum(2 * (fade + terms.slowest + look) for fade in fades)
        # by then it is known how slow it is
        steps += 4 * (max(fades) + terms.slowest / 2 + TOGETHER / terms.rate)
        return 2 * look + probe + steps + colour + terms.slowest

    # --- the plan ----------------------------------------------------------------------------------------------------

    def _home(self) -> Set:
        look = {light.name: light.look for light in self.lights}
        kelvin = {light.name: light.kelvin for light in self.lights if light.kelvin}
        return Set(look, max(self._fade(self._levels[name], level) for name, level in look.items()), kelvin)

    def _measured(self) -> Steps:
        if self.terms.automatic:
            detail = Text(", ".join(self.terms.automatic), "、".join(self.terms.automatic))
            raise Refusal(refuse("auto-exposure", {"controls": detail.en}, detail))
        resting = yield from self._watch(PICTURES)
        still, noise = self._still(resting), noise_of(resting)
        back = yield from self._probe(resting, noise, still)
        rests = [(yield from self._shown(back))[0]]
        seen: dict[str, Seen] = {}
        drift = 0.0
        for light in self.lights:
            patience = 0.0
            for last in (False, True):
                level = self._step(light)
                step = self._stepped({light.name: level}, level - light.look, rests[-1], noise, still, patience)
                found, after = yield from step
                moved = stillness.unsteady(rests[-1], after, still)
                rests.append(after)
                self._found += found.waits
                waited = max(self._settles(), patience)
                patience = self._patience(found)
                fights = found.fall.is_deep(max(stillness.FALLS, moved))
                if moved <= DRIFTS and not fights and patience <= waited:
                    break
                if last and moved > DRIFTS:
                    raise Refusal(refuse("scene-moves", {"light": light.name, "stops": round(moved, 3)}))
                if last and fights:
                    raise fighting(light.name, found.fall)
                if not last:
                    rests[-1] = yield from self._watch(PICTURES)  # the last look may still have shown the step
            drift = max(drift, moved)
            seen[light.name] = found
        dead = [name for name, each in seen.items() if each.sure < RESPONDS]
        if dead:
            detail = Text(", ".join(dead), "、".join(dead))
            raise Refusal(refuse("no-effect", {name: round(seen[name].sure, 1) for name in dead}, detail))
        trust([*seen.values()])
        yield from self._together(seen, rests, noise, still)
        gain = yield from self._colour()
        return conclude(self.lights, self.terms, seen, rests, still, drift, gain)

    def _probe(self, resting: Series, noise: Zones, still: Mask) -> Generator[Instruction, Reply, Moved]:
        """The key, or the brightest light, a tenth of a stop for a second and a half."""
        light = max(self.lights, key=lambda each: (each.key and each.look > 0.05, each.look))
        up = light.look * 2**PROBE
        level = up if up <= light.high else light.look * 2**-PROBE
        moved = yield from self._set({light.name: level}, PROBE / self.terms.slew)
        count = math.ceil((moved.arrived - moved.began + PROBE_SECONDS) * self.terms.rate)
        shown = yield from self._watch(count)
        # only the last third of it: the delay is not known yet, and a camera takes half a second to answer
        shown = Series(shown.times[-max(4, count // 3) :], shown.zones[-max(4, count // 3) :])
        fell = stillness.fall(resting, shown, None, noise, still, math.copysign(1.0, level - light.look))
        wanders = stillness.trend(resting, still) * (shown.time - resting.time)
        # while the room's own light moves this proves nothing: the steps, with a look on either side, will tell
        if fell.is_deep(max(stillness.FALLS, 3 * wanders)):
            raise fighting(light.name, fell)
        return (yield from self._set({light.name: light.look}, PROBE / self.terms.slew))

    def _together(
        self, seen: Mapping[str, Seen], rests: list[Series], noise: Zones, still: Mask
    ) -> Generator[Instruction, Reply, None]:
        """All lights at once, up and then down. An automatic exposure may take for good enough what one light does to
        the picture; then it may answer what all do, and that is not the sum of what each does any more."""
        joints = []
        for way in (1.0, -1.0):
            told = {light.name: self._joint(light, way) for light in self.lights}
            told = {light.name: told[light.name] for light in self.lights if way * (told[light.name] - light.look) > 0}
            if not told:
                continue
            before = rests[-1]
            found, after = yield from self._stepped(told, way, before, noise, still, count=TOGETHER)
            if stillness.unsteady(before, after, still) > DRIFTS:
                rests.append((yield from self._watch(PICTURES)))
                before = rests[-1]
                found, after = yield from self._stepped(told, way, before, noise, still, count=TOGETHER)
            moved = stillness.unsteady(before, after, still)
            rests.append(after)
            if moved > DRIFTS:
                raise Refusal(refuse("scene-moves", {"light": ", ".join(told), "stops": round(moved, 3)}))
            by = {light.name: told[light.name] - light.look for light in self.lights if light.name in told}
            alike = frozenset(name for name in by if by[name] == seen[name].change.level)
            together(Joint(found, by, alike, (before.mean + after.mean) / 2), seen, still)
            joints.append(found)
        trust([*seen.values(), *joints])

    def _stepped(
        self,
        told: Mapping[str, float],
        by: float,
        before: Series,
        noise: Zones,
        still: Mask,
        patience: float = 0.0,
        count: int = PICTURES,
    ) -> Generator[Instruction, Reply, tuple[Seen, Series]]:
        """There and back. ``by``: what its change is to be reckoned by: the step of one light, or 1 or -1."""
        look = {light.name: light.look for light in self.lights if light.name in told}
        fade = max(self._fade(look[name], level) for name, level in told.items())
        there = yield from self._set(told, fade)
        stepped, up = yield from self._shown(there, patience, count)
        back = yield from self._set(look, fade)
        after, down = yield from self._shown(back, patience, count)
        change = change_of(before, stepped, after, by, noise)
        sure = repeats(before, stepped, after, noise)
        fell = stillness.fall(before, stepped, after, noise, still, math.copysign(1.0, by))
        undone = Change(-change.light, change.sigma, -change.level, change.drift)
        waits = [
            arrival(up, there.began, there.arrived, before.mean, change),
            arrival(down, back.began, back.arrived, stepped.mean, undone),
        ]
        seen = Seen(
            change=change,
            sure=sure,
            fall=fell,
            waits=[wait for wait in waits if wait is not None],
            effect=(stillness.rise(before, stepped, still) - stillness.rise(stepped, after, still)) / 2,
            # the room's own drift is the same in both and goes away
            relaxes=(stillness.slide(stepped, still) - stillness.slide(after, still)) / 2,
        )
        return seen, after

    def _colour(self) -> Generator[Instruction, Reply, float | None]:
        """Mired of the picture per mired of all lights that can, together; ``None`` where that cannot be seen."""
        able = {light.name: light for light in self.lights if light.kelvin}
        if not able:
            return None
        warmer = all(1e6 / (1e6 / (light.kelvin or 1.0) + MIRED_STEP) >= light.kelvins[0] for light in able.values())
        sign = 1.0 if warmer else -1.0
        told = {name: 1e6 / (1e6 / (light.kelvin or 1.0) + sign * MIRED_STEP) for name, light in able.items()}
        mireds = []
        for kelvin in (None, told, {name: light.kelvin or 1.0 for name, light in able.items()}):
            if kelvin is not None:
                yield Set({name: light.look for name, light in able.items()}, MARGIN, kelvin)
            waits = math.ceil((MARGIN + self._settles()) * self.terms.rate) if kelvin is not None else 0
            shots = yield from self._pictures(waits + PICTURES)
            sound = [shot.mired for shot in shots[-PICTURES:] if not shot.fault and shot.mired is not None]
            mireds.append(float(np.median(sound)) if len(sound) >= LEAST else math.nan)
        gain = sign * (mireds[1] - (mireds[0] + mireds[2]) / 2) / MIRED_STEP
        return gain if math.isfinite(gain) else None

    # --- judging -----------------------------------------------------------------------------------------------------

    def _still(self, resting: Series) -> Mask:
        lit = stillness.lit(resting)
        clipped = float(np.isnan(resting.mean).mean())
        if clipped > CLIPPED_SHARE:
            raise Refusal(refuse("clipped", {"share": round(clipped, 2)}))
        if lit.sum() < 2 * LEAST_ZONES:
            raise Refusal(refuse("too-dark", {"zones": int(lit.sum())}))
        still = stillness.static(resting)
        share = float(still.sum() / lit.sum())
        if share < STILL_SHARE:
            raise Refusal(refuse("scene-moves", {"still": round(share, 2)}))
        return still

    def _patience(self, found: Seen) -> float:
        """Seconds to wait for this light when it is stepped again."""
        if found.waits:
            return max(seconds for seconds, _ in found.waits) + MARGIN
        return LATEST + MARGIN if found.sure >= RESPONDS else 0.0

    # --- single steps ------------------------------------------------------------------------------------------------

    def _step(self, light: Light) -> float:
        """The level a light is stepped to: upwards where there is room."""
        up = EMPTY_STEP if self.terms.empty else max(STEP * light.look, DARK_STEP)
        if light.look + up <= light.high or light.high - light.look >= light.look - light.low:
            return min(light.look + up, light.high)
        return self._down(light)

    def _down(self, light: Light) -> float:
        # so much that the way back is no larger a step than one upwards would have been
        down = EMPTY_STEP if self.terms.empty else max(STEP / (1 + STEP) * light.look, DARK_STEP)
        return max(light.look - down, light.low)

    def _joint(self, light: Light, way: float) -> float:
        """The level it goes to with all others: its own step, where that goes this way; it stays where it cannot."""
        own = self._step(light)
        if way * (own - light.look) > 0:
            return own
        return light.look if way > 0 else self._down(light)

    def _fade(self, one: float, other: float) -> float:
        """Seconds at the slew; near dark, where stops have no end, as from a tenth."""
        return abs(math.log2(max(one, 0.1) / max(other, 0.1))) / self.terms.slew

    def _settles(self) -> float:
        """Seconds from a command until the picture surely shows it."""
        known = delay_of(self._found, 1 / self.terms.rate)
        return MARGIN + (known.seconds + 2 * known.spread if known and len(self._found) > 1 else self.terms.slowest)

    def _set(self, levels: Mapping[str, float], fade: float) -> Generator[Instruction, Reply, Moved]:
        self._levels |= levels
        moved = yield Set(levels, fade)
        assert isinstance(moved, Moved)
        return moved

    def _shown(
        self, moved: Moved, patience: float = 0.0, count: int = PICTURES
    ) -> Generator[Instruction, Reply, tuple[Series, Series]]:
        """The level as it is shown, and all pictures since the fade to it began."""
        settles = max(self._settles(), patience)
        every = yield from self._watch(math.ceil((moved.arrived - moved.began + settles) * self.terms.rate) + count + 1)
        shown = np.flatnonzero(every.times >= moved.arrived + settles)[-count:]
        if len(shown) < LEAST:
            raise Refusal(refuse("no-pictures", {"pictures": len(shown), "of": count}))
        return Series(every.times[shown], every.zones[shown]), every

    def _watch(self, count: int) -> Generator[Instruction, Reply, Series]:
        shots = yield from self._pictures(count)
        sound = series(shots)
        faults = sorted({shot.fault for shot in shots if shot.fault})
        if len(sound) < count - count // 4:
            detail = Text(", ".join(faults), "、".join(faults))
            raise Refusal(refuse("bad-picture", {"sound": len(sound), "of": count}, detail))
        return sound

    def _pictures(self, count: int) -> Generator[Instruction, Reply, Sequence[Shot]]:
        shots = yield Watch(count, 2 * count / self.terms.rate + 2.0)
        assert not isinstance(shots, Moved)
        if len(shots) < max(LEAST, count - count // 4):
            raise Refusal(refuse("no-pictures", {"pictures": len(shots), "of": count}))
        return shots
