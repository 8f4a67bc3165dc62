"""The rig: all fixtures with their claims. Resolves who holds what and makes the next scene.

Lives on the loop's thread. Nothing here sends: whoever is given the new :class:`Scene` does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from agent.lighting.claims import Claim, Priority, winner
from agent.lighting.fade import Fade, toward
from agent.lighting.scene import Scene
from agent.lighting.slew import Key, Slew
from config.units import EMITTERS, Attribute, Levels
from firmware_profiles.patch import Patched

RESTORES = frozenset({Priority.TEST, Priority.STOP})
"""When these end the light goes back to what it showed before; after all others it holds what it shows."""


class Holder(NamedTuple):
    """Who holds a light; ``until`` is the end of the lease (monotonic), if it has one."""

    owner: str
    priority: Priority
    until: float | None = None


class Rig:
    """Fixtures, their claims and the present scene.

    ``rate`` is the slew limit in share of full light per second, ``present`` what the lights show now (the restored
    last look): the first scene starts there, so nothing on the wire changes by starting up. ``master`` (0…1) scales all
    light but that of tests and of a stop, which are as they are claimed.
    """

    def __init__(
        self,
        fixtures: Mapping[str, Patched],
        *,
        rate: float,
        present: Mapping[str, Levels],
        show: Callable[[Scene], None],
        master: float = 1.0,
    ) -> None:
        self.fixtures = dict(fixtures)
        self.master = master
        self._slew = Slew(self.fixtures, rate)
        self._show = show
        self._order = 0
        self._claims: dict[Key, dict[str, Claim]] = {}
        self._held: dict[Key, float] = {}
        shown: dict[Key, float] = {}
        for name, fixture in self.fixtures.items():
            defaults = fixture.personality.defaults()
            for attribute, default in defaults.items():
                key = (name, attribute)
                level = present.get(name, {}).get(attribute)
                shown[key] = self._mastered(key, default) if level is None else level
                self._held[key] = default if level is None else self._asked(key, level, default)
        self._look = dict(self._held)
        self.scene = Scene(self.fixtures, {key: Fade(level, level) for key, level in shown.items()}, self._slew)

    # --- asking ----------------------------------------------------------------------------------------------

    def holder(self, fixture: str) -> Holder | None:
        """Who holds this light (its strongest claim over all attributes)."""
        attributes = self.fixtures[fixture].personality.attributes if fixture in self.fixtures else ()
        claims = (self._claims.get((fixture, attribute), {}) for attribute in attributes)
        best = winner(claim for of_one in claims for claim in of_one.values())
        return Holder(best.owner, best.priority, best.until) if best else None

    def look(self, fixture: str) -> dict[Attribute, float]:
        """The operator's look: what a person last chose for this light, whatever a loop has made of it since."""
        return {attribute: level for (name, attribute), level in self._look.items() if name == fixture}

    def resting(self, fixture: str) -> dict[Attribute, float]:
        """What this light goes to without the claims that restore (tests): worth remembering across a restart."""
        levels = {}
        for (name, attribute), held in self._held.items():
            if name == fixture:
                claims = self._claims.get((name, attribute), {}).values()
                lasting = _lasting(claims)
                levels[attribute] = held if lasting is None else lasting.level
        return levels

    def wanted(self, fixture: str) -> dict[Attribute, float]:
        """What is asked of this light, before the grand master: by its strongest claims, else what it holds."""
        return {key[1]: self._asks(key)[0] for key in self._held if key[0] == fixture}

    def asked(self, fixture: str, now: float) -> dict[Attribute, float]:
        """What this light would show now with the grand master full."""
        shown = self.scene.levels(fixture, now)
        return {a: self._asked((fixture, a), level, self._asks((fixture, a))[0]) for a, level in shown.items()}

    @property
    def stopped(self) -> str:
        """Who has stopped the lights; "" while they are not stopped."""
        return next((claim.owner for claim in self.claims(Priority.STOP)), "")

    def home(self, fixture: str) -> dict[Attribute, float]:
        """:meth:`resting` as it shows."""
        return {a: self._mastered((fixture, a), level) for a, level in self.resting(fixture).items()}

    def claims(self, priority: Priority) -> list[Claim]:
        """All claims of one priority, oldest first."""
        found = [c for claims in self._claims.values() for c in claims.values() if c.priority == priority]
        return sorted(found, key=lambda claim: claim.order)

    def winning(self, key: Key) -> Claim | None:
        """The claim that holds an attribute of a light."""
        return winner(self._claims.get(key, {}).values())

    def next_lapse(self) -> float | None:
        """When the next lease ends."""
        ends = [c.until for claims in self._claims.values() for c in claims.values() if c.until is not None]
        return min(ends, default=None)

    # --- changing --------------------------------------------------------------------------------------------

    def claim(
        self,
        owner: str,
        priority: Priority,
        levels: Mapping[str, Levels],
        *,
        now: float,
        fade: float = 0.0,
        lease: float | None = None,
    ) -> float:
        """Claim these levels. Returns when the lights will have arrived (monotonic). Unknown names are a KeyError:
        whoever lets claims in has checked them."""
        changed: list[Key] = []
        held_by = {fixture: self.holder(fixture) for fixture in levels}
        until = None if lease is None else now + lease
        for fixture, wanted in levels.items():
            for attribute, level in wanted.items():
                key = (fixture, attribute)
                if key not in self._held:
                    raise KeyError(f"{fixture} has no {attribute}")
                self._order += 1
                claim = Claim(owner, priority, fixture, attribute, level, self._order, fade, until)
                self._claims.setdefault(key, {})[owner] = claim
                changed.append(key)
        scene = self.scene
        arrived = self._settle(changed, now, fade)
        if scene is self.scene and any(self.holder(fixture) != held_by[fixture] for fixture in levels):
            self._show(self.scene)  # nothing moves, but another holds it now
        return arrived

    def release(
        self,
        now: float,
        *,
        owner: str | None = None,
        priority: Priority | None = None,
        fixtures: Iterable[str] | None = None,
        fade: float = 0.0,
    ) -> list[Claim]:
        """End the claims that match all that is given; the lights hold (or, after a test, go back). A stop is ended by
        :meth:`reset` only."""
        names = None if fixtures is None else set(fixtures)
        return self._drop(
            lambda c: (
                c.priority != Priority.STOP
                and (owner is None or c.owner == owner)
                and (priority is None or c.priority == priority)
                and (names is None or c.fixture in names)
            ),
            now,
            fade,
        )

    def lapse(self, now: float, fade: float = 1.0) -> list[Claim]:
        """End the claims whose lease is over."""
        return self._drop(lambda c: c.lapsed(now), now, fade)

    def apply_look(self, levels: Mapping[str, Levels], *, now: float, fade: float) -> float:
        """Make this the operator's look. A person's hold on these lights ends with it; stronger claims stay."""
        keys = [(fixture, attribute) for fixture, wanted in levels.items() for attribute in wanted]
        for key in keys:
            self._look[key] = self._held[key] = levels[key[0]][key[1]]
            claims = self._claims.get(key, {})
            for owner in [o for o, c in claims.items() if c.priority <= Priority.MANUAL]:
                del claims[owner]
        return self._settle(keys, now, fade)

    def go_on(self, levels: Mapping[str, Levels], now: float) -> None:
        """Let lights that nobody claims go where they were going (after a restart in a fade), slew-limited."""
        keys = [(f, a) for f, wanted in levels.items() for a in wanted if (f, a) in self._held]
        for fixture, attribute in keys:
            self._held[fixture, attribute] = levels[fixture][attribute]
        self._settle(keys, now, 0.0)

    def stop(self, owner: str, now: float) -> None:
        """Freeze every light as it is, at once, until :meth:`reset`: no claim moves one. After the reset they stay so:
        what a person held is held where it stopped, other claims are gone; only a light that was tested goes back."""
        if self.stopped:
            return
        tested = {claim.fixture for claim in self.claims(Priority.TEST)}
        shown = {key: fade.at(now) for key, fade in self.scene.fades.items() if key[0] not in tested}
        # on its way down the grand master is below what it shows; it stays where everything can be held as it is
        self.master = max([self.master, *(level for key, level in shown.items() if self._carries_light(key))])
        for key, present in shown.items():
            level = self._held[key] = self._asked(key, present, self._asks(key)[0])
            if now < self.scene.fades[key].done:
                self._look[key] = level
            claims = self._claims.get(key, {})
            for name, held in [(n, c) for n, c in claims.items() if c.priority == Priority.MANUAL]:
                claims[name] = replace(held, level=level)
        for claims in self._claims.values():
            for name in [n for n, c in claims.items() if c.priority != Priority.MANUAL]:
                del claims[name]
        self.freeze(owner, now)

    def freeze(self, owner: str, now: float) -> None:
        """Take a stop over from an earlier rig: lights stay as they are; after the reset they go where this one has
        them."""
        for key, fade in self.scene.fades.items():
            self._order += 1
            present = fade.at(now)
            claim = Claim(owner, Priority.STOP, *key, present, self._order)
            self._claims.setdefault(key, {})[f"{owner} (stop)"] = claim  # not to meet the same person's hold
        self._move({key: Fade(fade.at(now), fade.at(now)) for key, fade in self.scene.fades.items()}, now)

    def reset(self, now: float, fade: float = 0.0) -> bool:
        """End the stop. Whether there was one."""
        return bool(self._drop(lambda claim: claim.priority == Priority.STOP, now, fade))

    def dim(self, master: float, *, now: float, fade: float) -> float:
        """Set the grand master. Returns when the lights will have arrived."""
        self.master = master
        scene = self.scene
        arrived = self._settle(list(self._held), now, fade)
        if scene is self.scene:
            self._show(scene)  # every light is dark: worth remembering all the same
        return arrived

    def recall(self, look: Mapping[str, Levels]) -> None:
        """Take this as the operator's look without moving any light (after a restart)."""
        for fixture, levels in look.items():
            for attribute, level in levels.items():
                if (fixture, attribute) in self._look:
                    self._look[fixture, attribute] = level

    def limit(self, rate: float, now: float) -> None:
        """Another slew limit from now on, also for fades under way."""
        if rate == self._slew.rate:
            return
        self._slew = slew = Slew(self.fixtures, rate)
        under_way = {key: fade for key, fade in self.scene.fades.items() if now < fade.done}
        stretched = {key: toward(fade, fade.end, now, fade.done - now, slew(key)) for key, fade in under_way.items()}
        self.scene = self.scene.moved(stretched, now, slew)
        self._show(self.scene)

    def unmoved(self, now: float) -> bool:
        """Whether every light has arrived."""
        return now >= self.scene.settled

    # --- inside ----------------------------------------------------------------------------------------------

    def _drop(self, match: Callable[[Claim], bool], now: float, fade: float) -> list[Claim]:
        gone: list[Claim] = []
        for key, claims in self._claims.items():
            before = _lasting(claims.values())
            for name, claim in [(n, c) for n, c in claims.items() if match(c)]:
                del claims[name]
                gone.append(claim)
            if before is not None and _lasting(claims.values()) is None:
                # nobody claims any more: hold what was claimed, and take a person's last word as the look
                self._held[key] = before.level
                if before.priority is not Priority.LOOP:
                    self._look[key] = before.level
        scene = self.scene
        self._settle([(claim.fixture, claim.attribute) for claim in gone], now, fade)
        if gone and scene is self.scene:
            self._show(self.scene)  # nothing moves, but nobody holds it now
        return gone

    def _settle(self, keys: Iterable[Key], now: float, fade: float) -> float:
        fades = self.scene.fades
        arrived = now
        changes: dict[Key, Fade] = {}
        for key in keys:
            level, as_it_is = self._asks(key)
            target = level if as_it_is else self._mastered(key, level)
            going = changes.get(key) or fades[key]
            if target != going.end:
                going = changes[key] = toward(fades[key], target, now, fade, self._slew(key))
            arrived = max(arrived, going.done)
        if changes:
            self._move(changes, now)
        return arrived

    def _asks(self, key: Key) -> tuple[float, bool]:
        """The level that is asked for, and whether it is meant as it is, past the grand master."""
        claim = self.winning(key)
        return (self._held[key], False) if claim is None else (claim.level, claim.priority >= Priority.TEST)

    def _mastered(self, key: Key, level: float) -> float:
        return level * self.master if self._carries_light(key) else level

    def _asked(self, key: Key, shown: float, otherwise: float) -> float:
        """The level that shows like this; ``otherwise`` when the grand master is at 0 and every level does."""
        if not self._carries_light(key) or self.master == 1.0:
            return shown
        return min(1.0, shown / self.master) if self.master > 0 else otherwise

    def _carries_light(self, key: Key) -> bool:
        """Whether the grand master works on it: the intensity; of a light without one, its colours."""
        name, attribute = key
        if attribute is Attribute.INTENSITY:
            return True
        return attribute in EMITTERS and Attribute.INTENSITY not in self.fixtures[name].personality.attributes

    def _move(self, changes: Mapping[Key, Fade], now: float) -> None:
        self.scene = self.scene.moved(changes, now)
        self._show(self.scene)


def _lasting(claims: Iterable[Claim]) -> Claim | None:
    """The strongest claim besides those that give back what they took."""
    return winner(claim for claim in claims if claim.priority not in RESTORES)
