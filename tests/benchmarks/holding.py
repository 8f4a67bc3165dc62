"""The exposure loop on the honest virtual camera: a stop of daylight off air, a camera with auto exposure on, and what
a loop without probe and watchdog does on it. Simulated time: the figures are the loop's, not the machine's."""

import math
from pathlib import Path

import structlog

from agent.exposure.commissioning.instructions import Commissioned
from tests.benchmarks.row import Row
from tests.closed import ClosedStudio, beyond, settled
from tests.mishaps import Weak, measure_target

WITHIN = {2: 3.0, 4: 4.5, 6: 6.0}
"""Seconds, by delay in pictures."""
WAIT = 120.0
"""Seconds in which an auto exposure that joins in mid-hold must be found."""


def run(folder: Path) -> list[Row]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        return [
            *(daylight(delay) for delay in WITHIN),
            *(later(delay) for delay in WITHIN),
            automatic(),
            partly(),
            joining(False),
            joining(True),
            creeping(),
            runaway(),
        ]
    finally:
        structlog.reset_defaults()


def daylight(delay: int) -> Row:
    """Twice and half of the daylight, which is about a third of the reference zones' light."""
    late, over, changes = 0.0, 0.0, []
    for factor in (2.0, 0.5):
        studio = ClosedStudio(delay)
        found = studio.commission()
        assert isinstance(found, Commissioned), found
        studio.loop.set_mode("hold", studio.now)
        studio.run(10)
        studio.world.daylight *= factor
        trail = studio.run(12)
        late, over = max(late, settled(trail, studio.rate)), max(over, beyond(trail, math.log2(factor)))
        changes.append(trail[delay + 1])
    return Row(
        f"±1 stop of daylight, d = {delay}",
        f"{late:.1f} s, overshoot {over:.3f} stop",
        f"≤ {WITHIN[delay]:g} s, ≤ 0.02",
        late <= WITHIN[delay] and over <= 0.02,
        f"within 0.05 stop, off air, 10 pictures/s; the picture changed by {changes[0]:+.2f}, {changes[1]:+.2f} stop",
    )


def later(delay: int) -> Row:
    """The camera's delay is four times as long as when it was commissioned, from one picture to the next."""
    late, over, told = 0.0, 0.0, 0
    for factor in (2.0, 0.5):
        studio = ClosedStudio(delay)
        studio.commission()
        studio.loop.set_mode("hold", studio.now)
        studio.run(10)
        studio.camera.latency = 4 * delay
        studio.run(3)
        studio.world.daylight *= factor
        trail = studio.run(12)
        late, over = max(late, settled(trail, studio.rate)), max(over, beyond(trail, math.log2(factor)))
        told += studio.loop.now_state.unlearned is not None and not studio.loop.now_state.tripped
    return Row(
        f"the same, d = {delay} grown to {4 * delay} in mid-show",
        f"{late:.1f} s, overshoot {over:.3f} stop",
        "≤ 0.05, and told",
        over <= 0.05 and told == 2,
        "without a probe, from the loop's own moves",
    )


def partly() -> Row:
    """Auto exposures that go only a part of the way they want, or slowly."""
    slowest, refused, ways = 0.0, 0, ((0.7, 0.2), (0.5, 0.2), (0.5, 0.1), (1.0, 0.05))
    for part, speed in ways:
        studio = ClosedStudio()
        studio.commission()
        studio.camera.automatic = weak = Weak()
        weak.part, weak.speed, weak.target = part, speed, measure_target(studio)
        studio.camera.controls.write("auto_exposure", 3)
        studio.run(6)
        assert studio.seen is not None
        studio.loop.set_mode("hold", studio.now, target=2.0**studio.seen.ev)
        begun = studio.now
        studio.run(10, until=lambda of=studio: bool(of.loop.now_state.tripped))
        refused += studio.loop.now_state.tripped == "camera-auto-exposure"
        slowest = max(slowest, studio.now - begun)
    return Row(
        "one that goes half the way, or slowly: refused",
        f"{refused} of {len(ways)}, at most {slowest:.1f} s",
        "≤ 2 s",
        refused == len(ways) and slowest <= 2.0,
        "commissioned, off air; part of the way, speed a picture: " + ", ".join(f"{p:g}, {s:g}" for p, s in ways),
    )


def joining(on_air: bool) -> Row:
    """Half-way auto exposure that is switched on in mid-hold; daylight steps by a stop every 20 s."""
    studio = held(on_air)
    switch_on(studio, 0.5)
    begun = studio.now
    while studio.now - begun < WAIT and not studio.loop.now_state.tripped:
        studio.world.daylight = 0.16 * (2.2 if (studio.now - begun) % 40 > 20 else 1.0)
        studio.turn()
    found = studio.loop.now_state.tripped == "camera-auto-exposure"
    return Row(
        f"half-way auto exposure in mid-hold{', on air' if on_air else ''}",
        f"{'found' if found else 'not found'} after {studio.now - begun:.0f} s",
        f"≤ {WAIT:.0f} s",
        found,
        "by the loop's own moves, or the probe they ask for; daylight steps by a stop",
    )


def creeping() -> Row:
    """Auto exposure is switched on in mid-hold and keeps the picture a little off the target."""
    furthest, refused = 0.0, 0
    for on_air in (False, True):
        studio = held(on_air)
        switch_on(studio, 1.0)
        studio.run(3)
        before = studio.level()
        studio.loop.target *= 2.0**0.15
        studio.run(40, until=lambda of=studio: bool(of.loop.now_state.tripped))
        refused += studio.loop.now_state.tripped == "camera-auto-exposure"
        furthest = max(furthest, abs(math.log2(studio.level() / before)))
    return Row(
        "auto exposure in mid-hold, 0.15 stop off: refused",
        f"{refused} of 2, lights went {furthest:.1f} stop",
        "≤ 1.2 stop",
        refused == 2 and furthest <= 1.2,
        "off air and on; the loop alone goes to its limit",
    )


def held(on_air: bool) -> ClosedStudio:
    studio = ClosedStudio(size=(160, 90))
    studio.commission()
    studio.on_air = on_air
    studio.loop.set_mode("hold", studio.now)
    studio.run(10)
    return studio


def switch_on(studio: ClosedStudio, part: float) -> None:
    studio.camera.automatic = weak = Weak()
    weak.part, weak.target = part, measure_target(studio)
    studio.camera.controls.write("auto_exposure", 3)


def automatic() -> Row:
    """Auto exposure on, commissioned before or not, and a picture that is asked to be brighter, darker, as it is."""
    slowest, highest, refused, asked = 0.0, 0.0, 0, 0
    for commissioned in (True, False):
        for ask in (0.6, 0.3, 0.0, -0.3):
            studio, asked = ClosedStudio(), asked + 1
            if commissioned:
                studio.commission()
            studio.camera.controls.write("auto_exposure", 3)
            studio.run(6)
            assert studio.seen is not None
            studio.loop.set_mode("hold", studio.now, target=2.0 ** (studio.seen.ev + ask))
            begun, levels = studio.now, [studio.level()]
            studio.run(10, until=lambda at=levels, of=studio: at.append(of.level()) or bool(of.loop.now_state.tripped))
            refused += studio.loop.now_state.tripped == "camera-auto-exposure"
            slowest, highest = max(slowest, studio.now - begun), max(highest, *levels)
    return Row(
        "camera auto exposure on: refused",
        f"{refused} of {asked}, at most {slowest:.1f} s",
        "≤ 2 s",
        refused == asked and slowest <= 2.0 and highest < 0.99,
        f"no light above {highest:.2f} of 1.00; they are back where they were",
    )


def runaway() -> Row:
    """The same law without probe and watchdog."""
    studio = ClosedStudio(authority=20.0)
    studio.camera.controls.write("auto_exposure", 3)
    studio.run(6)
    assert studio.seen is not None
    loop = studio.loop
    loop.set_mode("hold", studio.now, target=2.0 ** (studio.seen.ev + 0.3))
    begun = studio.now

    def blind() -> bool:
        loop._probing = None
        loop._dog.forget()
        return studio.level() >= 0.99

    blind()
    studio.run(30, until=blind)
    took = studio.now - begun
    said = f"at its limit after {took:.1f} s" if studio.level() >= 0.99 else f"at {studio.level():.2f} after 30 s"
    return Row("the law alone on that camera", said, "", None, "0.3 stop asked; no probe, no watchdog")
