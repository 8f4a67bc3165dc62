"""Do the lights still do what they did? Each is stepped by a tenth of what it shows and looked for in the picture, by
the light transport of commissioning: dead, dim, swapped, two on one address. People may be before the camera.

A plan as :class:`agent.exposure.commissioning.commission.Commission` is: told what was seen, no clock, no rig.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

from agent.exposure.commissioning.instructions import Instruction, Light, Moved, Reply, Set, Watch
from agent.exposure.commissioning.plan import Plan
from agent.exposure.commissioning.refusals import Code, Refusal, refuse
from agent.exposure.transport.matrix import Change, Series, Transport, Zones, change_of, noise_of, series
from agent.exposure.transport.unmixing import Answer, judge, permutation
from config.units import Text

STEP = 0.10
"""Share of what a light shows: 0.14 stop."""
LEAST = 0.03
"""Level it is stepped by at least."""
PICTURES = 16
MARGIN = 0.15
"""Seconds beyond the delay until a level counts as shown."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What each light answered; ``swapped``: rings of lights that answer in each other's place."""

    answers: Mapping[str, Answer]
    swapped: tuple[tuple[str, ...], ...]

    @property
    def sound(self) -> bool:
        """Whether every light did what it was told."""
        return all(answer.kind in ("ok", "bright") for answer in self.answers.values())


class Proof(Plan[Proven]):
    """See the module. ``rate``: pictures a second; ``slew``: stops a second."""

    def __init__(self, lights: Sequence[Light], transport: Transport, rate: float, slew: float) -> None:
        super().__init__(lights)
        self._transport, self._rate, self._slew = transport, rate, slew
        self._begin()

    @property
    def expected_seconds(self) -> float:
        """How long all of it will take."""
        each = 2 * (self._fade() + self._settles() + PICTURES / self._rate)
        return PICTURES / self._rate + each * len(self.lights)

    # --- inside ----------------------------------------------------------------------------------------------

    def _home(self) -> Set:
        return Set({light.name: light.look for light in self.lights}, self._fade())

    def _measured(self) -> Generator[Instruction, Reply, Proven]:
        before = yield from self._watch(PICTURES)
        noise, answers = noise_of(before), {}
        for light in self.lights:
            step = max(STEP * light.look, LEAST)
            step = step if light.look + step <= light.high else -step
            stepped = yield from self._shown({light.name: light.look + step})
            after = yield from self._shown({light.name: light.look})
            answers[light.name] = judge(
                light.name,
                change_of(before, stepped, after, step, noise),
                self._transport,
                stays=_left(before, after, step, noise),
            )
            before = after
        return Proven(answers, permutation(answers))

    def _shown(self, levels: Mapping[str, float]) -> Generator[Instruction, Reply, Series]:
        moved = yield Set(levels, self._fade())
        assert isinstance(moved, Moved)
        waits = math.ceil((moved.arrived - moved.began + self._settles()) * self._rate)
        every = yield from self._watch(waits + PICTURES)
        return Series(every.times[-PICTURES:], every.zones[-PICTURES:])

    def _watch(self, count: int) -> Generator[Instruction, Reply, Series]:
        shots = yield Watch(count, 2 * count / self._rate + 2.0)
        assert not isinstance(shots, Moved)
        sound = series(shots)
        if len(sound) < count - count // 4:
            faults = sorted({shot.fault for shot in shots if shot.fault})
            code: Code = "bad-picture" if faults else "no-pictures"
            detail = Text(", ".join(faults), "、".join(faults)) if faults else None
            raise Refusal(refuse(code, {"sound": len(sound), "of": count}, detail))
        return sound

    def _fade(self) -> float:
        return math.log2(1 + STEP) / self._slew

    def _settles(self) -> float:
        delay = self._transport.delay
        return MARGIN + delay.seconds + 2 * delay.spread


def _left(before: Series, after: Series, step: float, noise: Zones) -> Change:
    """What stays of a step that was taken back."""
    light = after.mean - before.mean
    sigma = noise * math.sqrt(1 / len(before) + 1 / len(after))
    return Change(light, sigma, step, light * 0.0)
