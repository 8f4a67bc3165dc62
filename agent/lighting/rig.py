"""The rig: all fixtures with their claims. Resolves who holds what and makes the next scene.

Lives on the loop's thread. Nothing here sends: whoever is given the new :class:`Scene` does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from agent.lighting.claims import Claim, Claims, Holder, Priority
from agent.lighting.fade import Fade, Key
from agent.lighting.masters import GRAND, Masters
from agent.lighting.scene import Scene
from agent.lighting.slew import Slew
from config.units import EMITTERS, Attribute, Levels
from firmware_profiles.patch import Patched


class Rig:
    """Fixtures, their claims and the present scene.

    ``rate`` is the slew limit in share of full light per second, ``present`` what the lights show now (the restored
    last look): the first scene starts there, so nothing on the wire changes by starting up. ``masters`` (0…1, the grand
    master's under :data:`GRAND`) scale the light of ``groups``, but not that of tests and of a stop, which are as they
    are claimed.
    """

    def __init__(
        self,
        fixtures: Mapping[str, Patched],
        *,
        rate: float,
        present: Mapping[str, Levels],
        show: Callable[[Scene], None],
        groups: Mapping[str, Collection[str]] | None = None,
        masters: Mapping[str, float] | None = None,
        blackout: str = "",
    ) -> None:
        self.fixtures = dict(fixtures)
        self.masters = Masters(self.fixtures, groups or {}, masters or {}, blackout)
        self.stopped = ""
        """Who has stopped the lights; "" while they are not stopped."""
        self.touched: dict[str, float] = {}
        """Lights that a person has claimed, and when last: the exposure loop keeps off them, however short it was."""
        self.withdrawn: set[str] = set()
        """Lights that a person took out of the exposure loop and has not handed back."""
        self._slew = Slew(self.fixtures, rate)
        self.show = show
        """Is given every new scene."""
        self._claims = Claims()
        self._held: dict[Key, float] = {}
        shown: dict[Key, float] = {}
        for name, fixture in self.fixtures.items():
            defaults = fixture.personality.defaults()
            for attribute, default in defaults.items():
                key = (name, attribute)
                level = present.get(name, {}).get(attribute)
                shown[key] = self.masters.shown(key, default) if level is None else level
                self._held[key] = default if level is None else self.masters.asked(key, level, default)
        self._look = dict(self._held)
        self._of = {name: tuple(fixture.personality.defaults()) for name, fixture in self.fixtures.items()}
        self.scene = Scene(self.fixtures, {key: Fade(level, level) for key, level in shown.items()}, self._slew)

    # --- asking ----------------------------------------------------------------------------------------------

    @property
    def master(self) -> float:
        """The grand master."""
        return self.masters.levels[GRAND]

    @property
    def rate(self) -> float:
        """The slew limit."""
        return self._slew.rate

    def holder(self, fixture: str) -> Holder | None:
        """Who holds this light (its strongest claim over all attributes)."""
        return self._claims.holder(fixture)

    def look(self, fixture: str) -> dict[Attribute, float]:
        """The operator's look: what a person last chose for this light, whatever a loop has made of it since."""
        return {attribute: self._look[fixture, attribute] for attribute in self._of[fixture]}

    def resting(self, fixture: str) -> dict[Attribute, float]:
        """What this light goes to without the claims that restore (tests): worth remembering across a restart."""
        levels = {}
        for attribute in self._of[fixture]:
            lasting = self._claims.lasting((fixture, attribute))
            levels[attribute] = self._held[fixture, attribute] if lasting is None else lasting.level
        return levels

    def wanted(self, fixture: str) -> dict[Attribute, float]:
        """What is asked of this light, before all masters: by its strongest claims, else what it holds."""
        return {attribute: self._asks((fixture, attribute))[0] for attribute in self._of[fixture]}

    def asked(self, fixture: str, now: float) -> dict[Attribute, float]:
        """What this light would show now with all masters full."""
        shown = self.scene.levels(fixture, now)
        return {a: self.masters.asked((fixture, a), v, self._asks((fixture, a))[0]) for a, v in shown.items()}

    def home(self, fixture: str) -> dict[Attribute, float]:
        """:meth:`resting` as it shows."""
        return {a: self.masters.shown((fixture, a), level) for a, level in self.resting(fixture).items()}

    def claims(self, priority: Priority) -> list[Claim]:
        """All claims of one priority, oldest first."""
        return self._claims.of(priority)

    def winning(self, key: Key) -> Claim | None:
        """The claim that holds an attribute of a light."""
        return self._claims.winner(key)

    def unmoved(self, now: float) -> bool:
        """Whether every light has arrived."""
        return now >= self.scene.settled

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
        held_by = {fixture: self.holder(fixture) for fixture in levels}
        if priority is Priority.MANUAL:
            self.touched.update(dict.fromkeys(levels, now))
        keys = self._put(owner, priority, levels, None if lease is None else now + lease)
        scene = self.scene
        arrived = self._settle(keys, now, fade)
        if scene is self.scene and any(self.holder(fixture) != held_by[fixture] for fixture in levels):
            self.show(self.scene)  # nothing moves, but another holds it now
        return arrived

    def cue(self, owner: str, levels: Mapping[str, Levels], *, now: float, up: float, down: float) -> float:
        """A cue list claims these levels: light that rises takes ``up`` seconds, light that falls ``down``. They are
        the operator's look, too: the exposure loop begins anew from them. Returns when they will have arrived."""
        keys = self._put(owner, Priority.SCHEDULE, levels, None)
        wanted = set(keys)
        for key in keys:
            self._look[key] = levels[key[0]][key[1]]
        self._claims.drop(lambda claim: claim.priority == Priority.LOOP and claim.key in wanted, levels)
        scene = self.scene
        arrived = self._settle(keys, now, up, down)
        if scene is self.scene:
            self.show(scene)
        return arrived

    def release(
        self,
        now: float,
        *,
        owner: str | None = None,
        priority: Priority | None = None,
        fixtures: Iterable[str] | None = None,
        keys: Collection[Key] | None = None,
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
                and (keys is None or c.key in keys)
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
        over = set(keys)
        self._claims.drop(lambda claim: claim.priority <= Priority.MANUAL and claim.key in over, levels)
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
        for key, present in shown.items():
            self.masters.lift(key, present)
        for key, present in shown.items():
            level = self._held[key] = self.masters.asked(key, present, self._asks(key)[0])
            if now < self.scene.fades[key].done:
                self._look[key] = level
            for claim in [c for c in self._claims.on(key) if c.priority == Priority.MANUAL]:
                self._claims.relevel(claim, level)
        for key in self._held.keys() - shown.keys():
            if lasting := self._claims.lasting(key):
                self._held[key] = lasting.level
        self._claims.drop(lambda claim: claim.priority != Priority.MANUAL)
        self.freeze(owner, now)

    def freeze(self, owner: str, now: float) -> None:
        """Take a stop over from an earlier rig: lights stay as they are; after the reset they go where this one has
        them."""
        self.stopped = owner
        still = {key: Fade(fade.at(now), fade.at(now)) for key, fade in self.scene.fades.items()}
        for key, fade in still.items():
            self._claims.put(owner, Priority.STOP, key, fade.end)
        self.scene = self.scene.moved(still, now, stopped=True)
        self.show(self.scene)

    def reset(self, now: float, fade: float = 0.0) -> bool:
        """End the stop. Whether there was one."""
        self.stopped = ""
        if self.scene.stopped:
            self.scene = self.scene.moved({}, now, stopped=False)
        return bool(self._drop(lambda claim: claim.priority == Priority.STOP, now, fade))

    def dim(self, level: float, *, now: float, fade: float, group: str = GRAND) -> float:
        """Set the grand master, or the submaster of a group. Returns when the lights will have arrived."""
        self.masters.set(group, level)
        return self._rescaled(set(self.masters.under(group)), now, fade)

    def black_out(self, owner: str, *, now: float, fade: float) -> float:
        """Every light goes dark and stays so, whoever sets what, until :meth:`restore`: only tests show. Returns when
        it is dark."""
        self.masters.blackout = self.masters.blackout or owner
        return self._rescaled(set(self.fixtures), now, fade)

    def restore(self, *, now: float, fade: float) -> float:
        """End the blackout: lights go where they are asked to be now. Returns when they will have arrived."""
        self.masters.blackout = ""
        return self._rescaled(set(self.fixtures), now, fade)

    def recall(self, look: Mapping[str, Levels]) -> None:
        """Take this as the operator's look without moving any light (after a restart)."""
        for fixture, levels in look.items():
            for attribute, level in levels.items():
                if (fixture, attribute) in self._look:
                    self._look[fixture, attribute] = level

    def limit(self, rate: float, now: float, on_air: bool = True) -> None:
        """Another slew limit from now on, also for fades under way; ``on_air``: see :class:`Scene`."""
        if rate == self._slew.rate and on_air == self.scene.on_air:
            return
        slew = self._slew = self._slew if rate == self._slew.rate else Slew(self.fixtures, rate)
        under_way = {key: fade for key, fade in self.scene.fades.items() if now < fade.done}
        stretched = slew.fades(self.scene.fades, {k: (f.end, f.done - now) for k, f in under_way.items()}, now)
        self.scene = self.scene.moved(stretched, now, slew, on_air)
        self.show(self.scene)

    # --- inside ----------------------------------------------------------------------------------------------

    def _put(self, owner: str, priority: Priority, levels: Mapping[str, Levels], until: float | None) -> list[Key]:
        keys = [(fixture, attribute) for fixture, wanted in levels.items() for attribute in wanted]
        for fixture, attribute in keys:
            if (fixture, attribute) not in self._held:
                raise KeyError(f"{fixture} has no {attribute}")
        for key in keys:
            self._claims.put(owner, priority, key, levels[key[0]][key[1]], until)
        return keys

    def _drop(self, match: Callable[[Claim], bool], now: float, fade: float) -> list[Claim]:
        gone, touched = self._claims.drop(match)
        for key, before, after in touched:
            if before is None or before is after:
                continue
            if after is None:
                # nobody claims any more: hold what was claimed, and take a person's last word as the look
                self._held[key] = before.level
                if before.priority is not Priority.LOOP:
                    self._look[key] = before.level
            elif before.priority is Priority.LOOP and after.priority is Priority.SCHEDULE:
                self._claims.relevel(after, before.level)  # a loop that ends moves no light: the next cue does
        scene = self.scene
        self._settle([key for key, _, _ in touched], now, fade)
        if gone and scene is self.scene:
            self.show(self.scene)  # nothing moves, but nobody holds it now
        return gone

    def _rescaled(self, lights: set[str], now: float, fade: float) -> float:
        scene = self.scene
        arrived = self._settle([key for key in self._held if key[0] in lights], now, fade)
        if scene is self.scene:
            self.show(scene)  # every light is dark: worth remembering all the same
        return arrived

    def _settle(self, keys: Iterable[Key], now: float, fade: float, falling: float | None = None) -> float:
        """Send these to what is asked of them now; in ``falling`` seconds where the light falls, if that is given."""
        fades, wanted, arrived = self.scene.fades, {}, now
        for key in keys:
            goal = self._goal(key)
            if goal != fades[key].end:
                wanted[key] = goal, fade if falling is None or not self._falls(key, now) else falling
            else:
                arrived = max(arrived, fades[key].done)
        if wanted:
            moved = self._slew.fades(fades, wanted, now)
            arrived = max(arrived, *(each.done for each in moved.values()))
            self._move(moved, now)
        return arrived

    def _goal(self, key: Key) -> float:
        level, as_it_is = self._asks(key)
        return level if as_it_is else self.masters.shown(key, level)

    def _falls(self, key: Key, now: float) -> bool:
        """Whether the light goes down; a colour temperature goes with the intensity of its light."""
        light = key if key[1] in EMITTERS else (key[0], Attribute.INTENSITY)
        return light in self._held and self._goal(light) < self.scene.fades[light].at(now)

    def _asks(self, key: Key) -> tuple[float, bool]:
        """The level that is asked for, and whether it is meant as it is, past all masters."""
        claim = self.winning(key)
        return (self._held[key], False) if claim is None else (claim.level, claim.priority >= Priority.TEST)

    def _move(self, changes: Mapping[Key, Fade], now: float) -> None:
        self.scene = self.scene.moved(changes, now)
        self.show(self.scene)
