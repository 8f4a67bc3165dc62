"""Lamps on a bus: one lane for the wire with all of them, and a pump that tells each what the scene has it show.

scene ─levels(lamp, now)─▶ led at the slew limit ─▶ lamp.apply ─▶ wire      newest value only, no backlog
                                                    lamp.read, lamp.sample  while nothing moves
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.lighting.scene import Scene
from agent.runtime.lane import MISSES
from config.units import Attribute, Levels
from drivers.base import Bus, Identity, Lamp, Reading
from drivers.errors import BadReply, LinkLost, NotSupported, Refused, ReplyTimeout
from firmware_profiles.patch import Patched

BEAT = 0.04
"""Seconds between two steps of a fade of one lamp, where the lamp itself allows it."""

SLICE = 0.25
"""Seconds after which the pump lets calls and a stop through, whatever is still to be said."""

RETRY = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
"""Seconds until a lamp that did not answer so many times is tried again; one that is busy wants a moment, too."""

SPARED = 3.0
"""So many times as long as a lamp was waited for in vain, the wire is the others' alone: they keep three quarters."""

PATIENT = 2.0
"""Seconds that a lamp's next try waits at the most while the others have no pause."""

EXCHANGE = 0.06
"""Seconds of an exchange that a light led at its limit may make up for. What took longer was an outage."""

LONGEST = 3600.0
"""Seconds until the next turn at the latest."""

DECLINED = 5.0
"""Seconds until a lamp that refused is told again though nothing has changed."""

Told = Mapping[Attribute, float]

Position = tuple[str, int, int]
"""Bus, unit and channel: which lamp it is, whatever it is called."""


def position(light: Patched) -> Position:
    """Where it sits."""
    return light.bus, light.unit, light.channel


@dataclass(slots=True)
class LampLine:
    """What is known of one lamp. Written by the lane's thread, read by any."""

    light: Patched
    lamp: Lamp
    told: Told | None = None
    """What it was told last, and took; ``None``: nothing yet."""

    led: Told | None = None
    """Where it is led to by now: more exact than what was told; ``None``: from what it was told."""

    at: float = -math.inf
    """When that was."""

    sent: float = -math.inf
    misses: int = 0
    retry: float = -math.inf
    look: float = -math.inf
    """When it is asked again what it has."""

    fault: str = ""
    """Why it does not do what it should; "" while it does."""

    differs: str = ""
    """In what it was found otherwise than told, when it was asked last."""

    readings: Sequence[Reading] = ()
    rests: bool = False
    """It was where the scene had it, and nothing moved."""
    unheard: bool = True
    """Not yet told anything since the wire was opened."""

    def lead_from(self, levels: Told | None, at: float) -> None:
        """It has these levels and is led on from there from that time on. ``None``: nobody knows; then from where it
        was to be when it was first tried to tell it."""
        self.led, self.at = self.led if levels is None else levels, at

    def wants(self, levels: Told) -> bool:
        """Whether that is something else on the wire than what it was told."""
        channels = self.light.personality.channels
        return self.told is None or any(channels[a].raw(v) != channels[a].raw(self.told[a]) for a, v in levels.items())


@dataclass
class LampPump:
    """Work of a bus's lane."""

    bus: Bus
    lights: Sequence[Patched]
    scene: Scene
    now: Callable[[], float]
    look_every: float | None
    changed: Callable[[], None]
    """Called on the lane's thread when a lamp has become faulty, or sound."""

    before: Mapping[Position, Told] = field(default_factory=dict)
    lines: dict[str, LampLine] = field(init=False)
    _fixtures: Mapping[str, Patched] = field(init=False)
    _spared: float = -math.inf
    """Until when lamps that do not answer are not tried while others do."""
    _next: float = math.inf
    """When the next turn is to be, or is free to be."""
    _ended: float = math.inf
    """When the last turn ended."""

    def __post_init__(self) -> None:
        self._fixtures = self.scene.fixtures
        self.lines = {
            light.name: LampLine(
                light,
                self.bus.lamp(light.name, light.personality, light.unit, light.channel),
                self._known(light),
            )
            for light in self.lights
        }

    def _known(self, light: Patched) -> Told | None:
        told = self.before.get(position(light))
        return told if told is not None and set(told) == set(light.personality.attributes) else None

    # --- any thread ------------------------------------------------------------------------------------------

    def show(self, scene: Scene) -> None:
        """Swap the scene."""
        self.scene = scene

    def has_shown(self, scene: Scene, now: float, names: Collection[str] | None = None) -> bool:
        """Whether these lamps (all) have been told what the scene has now, or cannot be."""
        return all(
            bool(line.fault) or (not line.unheard and not line.wants(scene.levels(name, now)))
            for name, line in self.lines.items()
            if names is None or name in names
        )

    @property
    def has_sent(self) -> bool:
        """Whether every lamp has been told something since the wire was opened, or cannot be."""
        return all(not line.unheard or line.fault for line in self.lines.values())

    def told(self) -> Iterator[tuple[Position, Told]]:
        """What each lamp has been told; of one that has refused from the first, where it was first to be: that is where
        it was left."""
        has = ((position(line.light), line.told or line.led) for line in self.lines.values())
        yield from ((place, levels) for place, levels in has if levels is not None)

    # --- the lane's thread -----------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        """Whatever happened meanwhile: every lamp is told anew, led from what it has to where the scene is."""
        for line in self.lines.values():
            line.unheard = True
            line.misses, line.retry = min(line.misses, 1), -math.inf
            line.lead_from(line.told, now)

    def turn(self, now: float) -> float:
        scene = self.scene
        # A reload, the process stood still, or a lamp rested: how long it did not move before is no time to make up.
        stood = scene.fixtures is not self._fixtures or now > self._next + EXCHANGE
        self._fixtures = scene.fixtures
        if stood or now > self._ended + EXCHANGE:
            for line in self.lines.values():
                if stood or line.rests:
                    line.at = max(line.at, now - EXCHANGE)
        due = self._served(scene, now)
        self._ended = self.now()
        self._next = max(due, self._ended)
        return due

    def _served(self, scene: Scene, now: float) -> float:
        """Tell and ask every lamp what is due. When the next one is."""
        begun, due = now, now + LONGEST
        for line in self._in_turn(now):
            now = self.now()
            if now > begun + SLICE:
                return now
            wait = line.retry
            if line.misses and any(not each.misses and not each.unheard for each in self.lines.values()):
                wait = max(wait, self._spared)
            if now < wait:
                due = min(due, wait)
                continue
            if line.retry > -math.inf:  # it has stood where it was until now
                line.lead_from(line.told, now)
            try:
                due = min(due, self._serve(line, scene, now))
                line.retry = -math.inf
            except (ReplyTimeout, BadReply) as error:
                self._missed(line, error)
                self._spared = self.now() + SPARED * (self.now() - now)
                due = min(due, line.retry)
            except (Refused, NotSupported) as error:
                self._fault(line, error.reason)
                line.retry = self.now() + DECLINED
                due = min(due, line.retry)
        return due

    def _in_turn(self, now: float) -> Sequence[LampLine]:
        """Who waited longest comes first; who did not answer the last time after all others, but some time."""
        return sorted(self.lines.values(), key=lambda line: (line.misses > 0 and now < line.retry + PATIENT, line.sent))

    def _serve(self, line: LampLine, scene: Scene, now: float) -> float:
        """Tell or ask one lamp what is due. When it is due again."""
        if line.unheard and line.told is None:
            self._take_over(line)
        levels, there = self._led(line, scene, now)
        line.led, line.at, line.rests = levels, now, there and now >= scene.settled
        alive = line.lamp.keepalive
        stale = line.unheard or (alive is not None and now >= line.sent + alive)
        pace = max(line.lamp.gap, BEAT)
        if stale or line.wants(levels):
            if now < line.sent + line.lamp.gap:
                return line.sent + line.lamp.gap
            if stale:
                line.lamp.renew()
            line.lamp.apply(levels)
            line.told, line.unheard, line.misses = levels, False, 0
            line.sent = self.now()
            line.at = max(now, line.sent - EXCHANGE)
            self._fault(line, "")
            if line.look == -math.inf or there:
                line.look = line.sent + (self.look_every or math.inf)
            return line.sent + pace
        if now < scene.settled or not there:
            return max(now + BEAT / 2, line.sent + pace)
        if now >= line.look:
            self._ask(line)
            if line.unheard:
                return now
        return min(line.look, math.inf if alive is None else line.sent + alive)

    def _take_over(self, line: LampLine) -> None:
        """A lamp that can say what it has is led from there, not thrown. One that will not say is told all the same."""
        try:
            found = line.lamp.read()
        except (Refused, NotSupported, BadReply):
            return
        if found is not None and set(found) == set(line.light.personality.attributes):
            line.told = dict(found)
            line.lead_from(line.told, self.now())

    def _led(self, line: LampLine, scene: Scene, now: float) -> tuple[Told, bool]:
        """Levels to tell now, and whether that is where the scene has them: the scene is continuous in time, but a
        lamp can miss a piece of it (:mod:`agent.lighting.catchup` is the same for frames)."""
        name = line.light.name
        goal = scene.levels(name, now)
        begin = line.told if line.led is None else line.led
        if begin is None:
            return goal, True
        passed = 0.0 if scene.stopped else max(0.0, now - line.at)
        levels = {}
        for attribute, level in goal.items():
            most = scene.rate_of((name, attribute)) * passed
            before = begin.get(attribute, level)
            levels[attribute] = min(max(level, before - most), before + most)
        return levels, levels == goal

    def _ask(self, line: LampLine) -> None:
        """Does it have what it was told, and what does it measure? What is otherwise is put right."""
        line.look = self.now() + (self.look_every or math.inf)
        assert line.told is not None
        before = (line.differs, [reading.value for reading in line.readings])
        found: Levels | None = None
        try:
            found = line.lamp.read()
            line.readings = tuple(line.lamp.sample())
            wrong = differing(line.light, line.told, found or {})
        except Refused as error:  # it does what it is told, and will not say what it has
            wrong = error.reason
        line.misses = 0
        line.differs = wrong
        if before != (wrong, [reading.value for reading in line.readings]):
            self.changed()
        if wrong and found is not None:
            line.told = {**line.told, **found}  # led back from what it really has
            line.lead_from(line.told, self.now())
            line.unheard = True

    def _missed(self, line: LampLine, error: ReplyTimeout | BadReply) -> None:
        line.misses += 1
        line.unheard = True
        line.retry = self.now() + RETRY[min(line.misses, len(RETRY)) - 1]
        if line.misses >= MISSES:
            self._fault(line, error.reason)
        if all(each.misses >= MISSES for each in self.lines.values()):
            raise LinkLost(error.reason, error.remedy)

    def _fault(self, line: LampLine, why: str) -> None:
        if why != line.fault:
            line.fault = why
            self.changed()


def differing(light: Patched, told: Levels, found: Levels) -> str:
    """In what a lamp has something else than it was told, by more than one step; "" when in nothing."""
    for attribute, level in found.items():
        channel = light.personality.channels[attribute]
        if abs(channel.raw(level) - channel.raw(told[attribute])) > 1:
            return f"{attribute} was set to {told[attribute]:.3g}, and it has {level:.3g}"
    return ""
