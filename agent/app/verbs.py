"""What the light verbs of the command table do. Each is checked before it is accepted and answered when it is true:
*succeeded* means the last frame of the fade has been sent."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from agent.app.house import House
from agent.lighting.claims import Claim, Priority
from agent.lighting.rig import Rig
from agent.lighting.slew import Key
from agent.messaging.commands import Identify, LightsRelease, LightsSet, LookApply
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.units import Attribute, Levels, Text
from drivers.base import Impact
from firmware_profiles.render import check_levels

A_DAY = 86400.0 + 60.0
SENT_WITHIN = 0.5
"""Seconds after a fade's end in which its last frame must be out, if the output is there at all."""
LOOK_AGAIN = 0.2
"""Seconds between two looks whether a light is still this command's."""
LOW, HIGH = 0.25, 0.75
"""Between these a light breathes to show itself; slew-limited like everything else."""


def targets(rig: Rig, words: Sequence[str]) -> list[str]:
    """Fixture names for names, ``role:…`` and ``all``. Raises Refusal for what matches nothing."""
    names: list[str] = []
    for word in words:
        if word == "all":
            found = list(rig.fixtures)
        elif word.startswith("role:"):
            found = [name for name, fixture in rig.fixtures.items() if fixture.role == word[5:]]
        else:
            found = [word] if word in rig.fixtures else []
        if not found:
            meant = hint(word, [*rig.fixtures, "all"])
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(f"{word}; {meant.en}", f"{word}；{meant.zh}"))
        names += [name for name in found if name not in names]
    return names


def wanted(rig: Rig, words: Sequence[str], levels: Levels) -> dict[str, Levels]:
    """Levels by fixture. A light addressed by its own name must be able to do all of it; of a group, each does what
    it can. Raises Refusal when a value is out of a light's range or nobody can do anything."""
    found: dict[str, Levels] = {}
    for name in targets(rig, words):
        personality = rig.fixtures[name].personality
        able = levels if name in words else {a: v for a, v in levels.items() if a in personality.attributes}
        problems = check_levels(personality, able, name)
        if problems:
            said = "; ".join(f"{p.where}: {p.why}, {p.right}" for p in problems)
            places = "、".join(p.where for p in problems)
            raise Refusal(ReasonCode.OUT_OF_RANGE, Text(said, f"{places} 超出该灯具的能力"))
        if able:
            found[name] = able
    if not found:
        raise Refusal(ReasonCode.OUT_OF_RANGE, Text("none of these lights has such an attribute", "这些灯都没有该属性"))
    return found


def free(rig: Rig) -> None:
    """Raises Refusal while the lights are stopped."""
    if by := rig.stopped:
        raise Refusal(ReasonCode.STOPPED, Text(f"by {by}", f"由 {by} 停止"))


class LightVerbs:
    """lights.set, look.apply, lights.release, identify."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looks: dict[str, str] = {}
        """The command that last applied a look to a light."""

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("lights.set", LightsSet, self._set, check=self._can_set, deadline=A_DAY),
            Verb("look.apply", LookApply, self._look, check=self._can_look, deadline=A_DAY),
            Verb("lights.release", LightsRelease, self._release, check=self._can_release, deadline=A_DAY, always=True),
            Verb("identify", Identify, self._identify, check=self._can_identify, impact=Impact.VISIBLE, deadline=90.0),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can_set(self, args: LightsSet) -> None:
        free(self._house.rig)
        wanted(self._house.rig, args.targets, args.levels)

    def _can_look(self, args: LookApply) -> None:
        free(self._house.rig)
        looks = self._house.config.looks
        if args.look not in looks:
            meant = hint(args.look, list(looks))
            raise Refusal(
                ReasonCode.UNKNOWN_TARGET, Text(f"look {args.look}; {meant.en}", f"场景 {args.look}；{meant.zh}")
            )

    def _can_release(self, args: LightsRelease) -> None:
        free(self._house.rig)
        targets(self._house.rig, args.targets)

    def _can_identify(self, args: Identify) -> None:
        free(self._house.rig)
        targets(self._house.rig, [args.fixture])

    # --- effects ---------------------------------------------------------------------------------------------

    async def _set(self, args: LightsSet, job: Job) -> Mapping[str, Any]:
        house = self._house
        levels = wanted(house.rig, args.targets, args.levels)
        owner = job.issuer or "remote"
        arrived = house.rig.claim(owner, Priority.MANUAL, levels, now=house.now(), fade=args.fade, lease=args.hold)
        rig = house.rig
        mine = {key: rig.winning(key) for key in _keys(levels)}

        def kept(name: str) -> bool:
            if house.rig is not rig:  # a reload made all claims anew
                return not self._taken(name, levels[name])
            return all(rig.winning(key) is mine[key] for key in _keys({name: levels[name]}))

        return await self._arrive(levels, arrived, kept, lambda rest: self._hold_here(owner, rest, mine))

    async def _look(self, args: LookApply, job: Job) -> Mapping[str, Any]:
        house = self._house
        look = house.config.looks[args.look]
        fade = look.fade if args.fade is None else args.fade
        arrived = house.rig.apply_look(look.levels, now=house.now(), fade=fade)
        self._looks.update(dict.fromkeys(look.levels, job.id))
        return await self._arrive(
            look.levels,
            arrived,
            lambda name: self._looks[name] == job.id and not self._taken(name, look.levels[name]),
            lambda kept: house.rig.apply_look(_present(house, kept), now=house.now(), fade=0.0),
        )

    async def _release(self, args: LightsRelease, job: Job) -> Mapping[str, Any]:
        house = self._house
        names = targets(house.rig, args.targets)
        gone = house.rig.release(house.now(), priority=Priority.MANUAL, fixtures=names, fade=args.fade)
        await house.remembered()
        return {"released": sorted({claim.fixture for claim in gone})}

    async def _identify(self, args: Identify, job: Job) -> Mapping[str, Any]:
        """Breathes: between two levels, as fast as the slew limit lets it."""
        house = self._house
        owner = f"identify-{job.id}"
        end = house.now() + args.seconds
        try:
            level = HIGH
            while house.now() < end:
                claim = {args.fixture: {Attribute.INTENSITY: level}}
                lease = args.seconds + 5.0
                arrived = house.rig.claim(owner, Priority.TEST, claim, now=house.now(), fade=0.7, lease=lease)
                await asyncio.sleep(max(0.05, min(arrived, end) - house.now()))
                level = LOW + HIGH - level
        finally:
            house.rig.release(house.now(), owner=owner, fade=0.7)
        return {"fixture": args.fixture}

    # --- inside ----------------------------------------------------------------------------------------------

    async def _arrive(
        self,
        levels: Mapping[str, Levels],
        arrived: float,
        kept: Callable[[str], bool],
        stop_here: Callable[[Mapping[str, Levels]], Any],
    ) -> dict[str, Any]:
        """Wait for the end of the fade and for its last frame on the wire. ``kept`` says whether a light is still this
        command's; once one is not, the command is over. Cancelled: the lights that are stay where they are then."""
        house = self._house

        def lost() -> list[str]:
            gone = [name for name in levels if name not in house.rig.fixtures]
            if gone:
                raise Refusal(
                    ReasonCode.UNKNOWN_TARGET,
                    Text(f"{', '.join(gone)}; taken out of the configuration", f"{'、'.join(gone)}；已从配置中删除"),
                )
            return [name for name in levels if not kept(name)]

        try:
            while (rest := arrived - house.now()) > 0 and not lost():
                await asyncio.sleep(min(rest, LOOK_AGAIN))
        except asyncio.CancelledError:
            stop_here({n: wanted for n, wanted in levels.items() if n in house.rig.fixtures and kept(n)})
            raise
        await house.remembered()
        if others := lost():
            free(house.rig)
            holders = {name: house.rig.holder(name) for name in others}
            en = ", ".join(f"{n} ({h.owner if h else 'a look'})" for n, h in holders.items())
            zh = "、".join(f"{n}（{h.owner if h else '场景'}）" for n, h in holders.items())
            raise Refusal(ReasonCode.SUPERSEDED, Text(en, zh))
        offline, online = await on_the_wire(house, levels)
        if offline and not online:
            raise Refusal(
                ReasonCode.OFFLINE,
                Text(
                    f"{', '.join(offline)}; the lights go there when it is back",
                    f"{'、'.join(offline)}；恢复后灯光会到位",
                ),
            )
        return {"fixtures": sorted(levels), **({"offline": offline} if offline else {})}

    def _taken(self, name: str, wanted: Levels) -> bool:
        """Whether somebody else has this light now. The exposure loop has not: it trims a look within its authority."""
        rig = self._house.rig
        holder = rig.holder(name)
        if holder is not None and holder.priority is Priority.LOOP:
            return False
        asked = rig.wanted(name)
        return any(asked[attribute] != level for attribute, level in wanted.items())

    def _hold_here(self, owner: str, levels: Mapping[str, Levels], mine: Mapping[Key, Claim | None]) -> None:
        """Claim what the lights show at present, for as long as the command wanted them."""
        house = self._house
        for name, present in _present(house, levels).items():
            claim = next((c for key, c in mine.items() if key[0] == name and c is not None), None)
            now = house.now()
            lease = None if claim is None or claim.until is None else max(0.0, claim.until - now)
            house.rig.claim(owner, Priority.MANUAL, {name: present}, now=now, lease=lease)


def _keys(levels: Mapping[str, Levels]) -> list[Key]:
    return [(name, attribute) for name, wanted in levels.items() for attribute in wanted]


def _present(house: House, levels: Mapping[str, Levels]) -> dict[str, Levels]:
    now = house.now()
    return {name: {a: house.rig.asked(name, now)[a] for a in wanted} for name, wanted in levels.items()}


async def on_the_wire(house: House, names: Collection[str]) -> tuple[list[str], list[str]]:
    """Wait until every output that is there has sent these lights as the scene has them now. Names of the outputs
    that are not there, and of those that have."""
    deadline = house.now() + SENT_WITHIN
    universes = {house.rig.fixtures[name].universe for name in names}
    offline: list[str] = []
    online: list[str] = []
    for output in house.devices.outputs.values():
        carried = universes & set(output.section.universes)
        while carried and house.now() < deadline and output.lane.health.state == "ok":
            now, scene = house.now(), house.rig.scene
            if all(scene.shown_by(universe, output.lane.wire(universe), now, names) for universe in carried):
                break
            await asyncio.sleep(0.002)
        if carried:
            (online if output.lane.health.state == "ok" else offline).append(output.name)
    for bus in house.devices.buses.values():
        mine = set(names) & set(bus.pump.lines)
        while mine and house.now() < deadline and bus.lane.health.state == "ok":
            if bus.pump.has_shown(house.rig.scene, house.now(), mine):
                break
            await asyncio.sleep(0.002)
        if mine:
            silent = all(bus.health(name)[0] == "offline" for name in mine)
            (offline if silent else online).append(bus.name)
    return offline, online
