"""What the light verbs of the command table do. Each is checked before it is accepted and answered when it is true:
*succeeded* means the last frame of the fade has been sent."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from agent.app.arrival import A_DAY, arrive, free, handed_over, present, taken
from agent.app.house import House
from agent.lighting.claims import Claim, Priority
from agent.lighting.fade import Key
from agent.lighting.masters import GRAND
from agent.lighting.rig import Rig
from agent.messaging.commands import Identify, LightsRelease, LightsSet
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.units import Attribute, Levels, Text
from drivers.base import Impact
from firmware_profiles.render import check_levels

LOW, HIGH = 0.25, 0.75
"""Between these a light breathes to show itself; slew-limited like everything else."""


def targets(rig: Rig, words: Sequence[str]) -> list[str]:
    """Fixture names for names, ``group:…``, ``role:…`` and ``all``. Raises Refusal for what matches nothing."""
    names: list[str] = []
    for word in words:
        if word == "all":
            found = list(rig.fixtures)
        elif word.startswith("role:"):
            found = [name for name, fixture in rig.fixtures.items() if fixture.role == word[5:]]
        elif word.startswith("group:"):
            found = rig.masters.under(word[6:])
        else:
            found = [word] if word in rig.fixtures else []
        if not found:
            groups = [f"group:{name}" for name in rig.masters.levels if name != GRAND]
            meant = hint(word, groups if word.startswith("group:") else [*rig.fixtures, "all"])
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


class LightVerbs:
    """lights.set, lights.release, identify."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("lights.set", LightsSet, self._set, check=self._can_set, deadline=A_DAY),
            Verb("lights.release", LightsRelease, self._release, check=self._can_release, deadline=A_DAY, always=True),
            Verb("identify", Identify, self._identify, check=self._can_identify, impact=Impact.VISIBLE, deadline=90.0),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can_set(self, args: LightsSet) -> None:
        free(self._house)
        wanted(self._house.rig, args.targets, args.levels)

    def _can_release(self, args: LightsRelease) -> None:
        free(self._house)
        targets(self._house.rig, args.targets)

    def _can_identify(self, args: Identify) -> None:
        free(self._house)
        targets(self._house.rig, [args.fixture])

    # --- effects ---------------------------------------------------------------------------------------------

    async def _set(self, args: LightsSet, job: Job) -> Mapping[str, Any]:
        house = self._house
        levels = wanted(house.rig, args.targets, args.levels)
        owner = job.issuer or "remote"
        arrived = house.rig.claim(owner, Priority.MANUAL, levels, now=house.now(), fade=args.fade, lease=args.hold)
        handed_over(house, levels)
        rig = house.rig
        mine = {key: rig.winning(key) for key in _keys(levels)}

        def kept(name: str) -> bool:
            if house.rig is not rig:  # a reload made all claims anew
                return not taken(house, name, levels[name])
            return all(rig.winning(key) is mine[key] for key in _keys({name: levels[name]}))

        return await arrive(house, levels, arrived, kept, lambda rest: self._hold_here(owner, rest, mine))

    async def _release(self, args: LightsRelease, job: Job) -> Mapping[str, Any]:
        house = self._house
        names = targets(house.rig, args.targets)
        gone = house.rig.release(house.now(), priority=Priority.MANUAL, fixtures=names, fade=args.fade)
        handed_over(house, names)
        await house.looks.remembered()
        return {"released": sorted({claim.fixture for claim in gone})}

    async def _identify(self, args: Identify, job: Job) -> Mapping[str, Any]:
        """Breathes: between two levels, as fast as the slew limit lets it. Going on air ends it: raises Refusal."""
        house = self._house
        owner = f"identify-{job.id}"
        end = house.now() + args.seconds
        try:
            level = HIGH
            while house.now() < end:
                claim = {args.fixture: {Attribute.INTENSITY: level}}
                lease = args.seconds + 5.0
                arrived = house.rig.claim(owner, Priority.TEST, claim, now=house.now(), fade=0.7, lease=lease)
                turns = min(arrived, end)
                await asyncio.sleep(0.05)
                while house.now() < turns and not house.on_air():
                    await asyncio.sleep(min(0.1, max(0.0, turns - house.now())))
                if house.on_air():
                    raise Refusal(ReasonCode.ON_AIR)
                level = LOW + HIGH - level
        finally:
            house.rig.release(house.now(), owner=owner, fade=0.7)
        return {"fixture": args.fixture}

    # --- inside ----------------------------------------------------------------------------------------------

    def _hold_here(self, owner: str, levels: Mapping[str, Levels], mine: Mapping[Key, Claim | None]) -> None:
        """Claim what the lights show at present, for as long as the command wanted them."""
        house = self._house
        for name, shown in present(house, levels).items():
            claim = next((c for key, c in mine.items() if key[0] == name and c is not None), None)
            now = house.now()
            lease = None if claim is None or claim.until is None else max(0.0, claim.until - now)
            house.rig.claim(owner, Priority.MANUAL, {name: shown}, now=now, lease=lease)


def _keys(levels: Mapping[str, Levels]) -> list[Key]:
    return [(name, attribute) for name, wanted in levels.items() for attribute in wanted]
