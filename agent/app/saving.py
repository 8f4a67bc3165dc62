"""Saving what people edit while the show runs: on the disk first, then it counts, then it is told."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from agent.app.house import House
from agent.app.rules import DAMAGED, WORDS
from agent.app.verbs import targets
from agent.lighting.showfile import Full, Shelf, Version
from agent.messaging.header import Say, iso
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import Event
from agent.messaging.verbs import Job
from config.section import Section
from config.units import Attribute, Levels, Text
from drivers.errors import DriverError
from firmware_profiles.render import check_levels, clipped

B = TypeVar("B", bound=Section)


async def save(house: House, shelf: Shelf[B], name: str, body: B | None, job: Job, why: str) -> Version[B]:
    """The newest version of this from now on; ``None`` deletes it. Raises Refusal: too much, or the disk declines.
    Whoever calls holds ``house.stage.editing``."""
    by = job.issuer or "remote"
    try:
        versions = shelf.next(name, body, at=iso(house.host.wall()), by=by, why=why)
    except Full as full:
        raise Refusal(ReasonCode.TOO_LARGE, str(full)) from None
    try:
        await house.on_disk(lambda: shelf.write(name, versions))
    except (OSError, DriverError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refusal(ReasonCode.DEVICE_REFUSED, Text(f"the disk: {reason}", f"磁盘：{reason}")) from None
    shelf.take(name, versions)
    house.herald.show()
    kind, done = WORDS[shelf.kind], "deleted" if body is None else "saved"
    said = Text(f"{by} {done} {kind.en} {name}", f"{by} {'删除' if body is None else '保存'}了{kind.zh} {name}")
    fields = {"name": name, "version": versions[-1].number, "by": by, "why": why}
    house.bus.publish(house.topics.event, Event(name=f"{shelf.kind}.{done}", text=Say.of(said), fields=fields))
    return versions[-1]


async def acknowledged(house: House, key: str) -> None:
    """A person knows of an alert: where it says that a show file was damaged, it is over. Raises OSError and
    DriverError; what the disk does not note is told again after a restart."""
    async with house.stage.editing:
        for shelf in house.stage.show.shelves:
            for name in shelf.damaged:
                if key == DAMAGED.format(shelf.kind, name):
                    shelf.seen(name)
                    await house.on_disk(partial(shelf.settle, name))


def history(shelf: Shelf[Any], name: str) -> dict[str, Any]:
    """The saved versions, the newest first."""
    return {
        "versions": [
            {"version": v.number, "at": v.at, "by": v.by, "why": v.why, "deleted": v.body is None}
            for v in reversed(shelf.versions(name))
        ]
    }


def earlier(shelf: Shelf[B], name: str, number: int) -> Version[B]:
    """A version to go back to. Raises Refusal."""
    versions = {version.number: version for version in shelf.versions(name)}
    found = versions.get(number)
    if found is None:
        known = ", ".join(map(str, versions)) or "-"
        word = WORDS[shelf.kind]
        said = Text(
            f"version {number} of {word.en} {name}; kept: {known}", f"{word.zh} {name} 的版本 {number}；现存：{known}"
        )
        raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
    return found


def possible(house: House, levels: Mapping[str, Levels]) -> None:
    """Raises Refusal, naming each place, where the lights there are cannot do these levels."""
    fixtures = house.rig.fixtures
    if absent := [name for name in levels if name not in fixtures]:
        targets(house.rig, absent)
    problems = [
        problem
        for name, wanted in levels.items()
        for problem in check_levels(fixtures[name].personality, wanted, f"args.levels.{name}")
    ]
    if problems:
        said = "; ".join(f"{p.where}: {p.why}, {p.right}" for p in problems[:5])
        places = "、".join(p.where for p in problems[:5])
        raise Refusal(ReasonCode.OUT_OF_RANGE, Text(said, f"{places} 超出该灯具的能力"))


def beyond(house: House, levels: Mapping[str, Levels]) -> dict[str, Any]:
    """What a saved thing's answer says besides: ``clipped``, colours among ``levels`` that their lights cannot mix. Of
    a colour that is saved by halves, the other half is where the light stands."""
    fixtures, found = house.rig.fixtures, {}
    for name, wanted in sorted(levels.items()):
        if name in fixtures and wanted.keys() - {Attribute.INTENSITY}:
            said = clipped(fixtures[name].personality, {**house.rig.resting(name), **wanted})
            if said is not None:
                found[name] = said._asdict()
    return {"clipped": found} if found else {}


def set_now(house: House, words: tuple[str, ...]) -> dict[str, dict[Attribute, float]]:
    """What is set now of these lights, before all masters: where a fade goes, not where it is. Raises Refusal."""
    return {name: house.rig.resting(name) for name in targets(house.rig, words)}
