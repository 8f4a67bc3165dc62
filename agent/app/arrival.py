"""Waiting for lights: a command has succeeded when the last frame of its fade is on the wire."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from agent.app.house import House
from agent.lighting.claims import Priority
from agent.messaging.lifecycle import ReasonCode, Refusal
from config.units import Levels, Text
from firmware_profiles.render import clipped

A_DAY = 86400.0 + 60.0
SENT_WITHIN = 0.5
"""Seconds after a fade's end in which its last frame must be out, if the output is there at all."""
LOOK_AGAIN = 0.2
"""Seconds between two looks whether a light is still this command's."""


def free(house: House) -> None:
    """Raises Refusal while the lights are stopped."""
    if by := house.rig.stopped:
        raise Refusal(ReasonCode.STOPPED, Text(f"by {by}", f"由 {by} 停止"))


def handed_over(house: House, names: Iterable[str]) -> None:
    """A person has moved these lights: no lost console's last look stays there (``on_loss = "hold"``)."""
    house.devices.hand_over(house.rig.fixtures[name] for name in names if name in house.rig.fixtures)


async def arrive(
    house: House,
    levels: Mapping[str, Levels],
    arrived: float,
    kept: Callable[[str], bool],
    stop_here: Callable[[Mapping[str, Levels]], Any],
) -> dict[str, Any]:
    """Wait for the end of the fade and for its last frame on the wire. ``kept`` says whether a light is still this
    command's; once one is not, the command is over. Cancelled: the lights that are stay where they are then."""

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
    await house.looks.remembered()
    if others := lost():
        free(house)
        holders = {name: house.rig.holder(name) for name in others}
        en = ", ".join(f"{n} ({h.owner if h else 'a look'})" for n, h in holders.items())
        zh = "、".join(f"{n}（{h.owner if h else '场景'}）" for n, h in holders.items())
        raise Refusal(ReasonCode.SUPERSEDED, Text(en, zh))
    return {"fixtures": sorted(levels), **await besides(house, levels)}


async def besides(house: House, names: Collection[str]) -> dict[str, Any]:
    """Wait until the wire has these lights, and say what of them is not as it was asked: outputs that are away, lights
    that a console has, colours beyond what a light can mix. Raises Refusal when all their outputs are away."""
    offline, online = await on_the_wire(house, names)
    if offline and not online:
        raise Refusal(
            ReasonCode.OFFLINE,
            Text(
                f"{', '.join(offline)}; the lights go there when it is back",
                f"{'、'.join(offline)}；恢复后灯光会到位",
            ),
        )
    names = [name for name in sorted(names) if name in house.rig.fixtures]  # a reload may have come meanwhile
    consoles = {name: house.devices.console(house.rig.fixtures[name]) for name in names}
    more: dict[str, Any] = {
        "offline": offline,
        "console": {name: console for name, console in consoles.items() if console},
        "clipped": {name: said._asdict() for name in names if (said := clipped_now(house, name)) is not None},
    }
    return {key: value for key, value in more.items() if value}


def clipped_now(house: House, name: str) -> Text | None:
    """What of a light's colour it cannot show, as it is asked for now."""
    return clipped(house.rig.fixtures[name].personality, house.rig.scene.targets(name))


def present(house: House, levels: Mapping[str, Levels]) -> dict[str, Levels]:
    """What these lights show of these attributes, with all masters full."""
    now = house.now()
    return {name: {a: house.rig.asked(name, now)[a] for a in wanted} for name, wanted in levels.items()}


def taken(house: House, name: str, wanted: Levels) -> bool:
    """Whether somebody else has this light now. The exposure loop has not: it trims a look within its authority."""
    holder = house.rig.holder(name)
    if holder is not None and holder.priority is Priority.LOOP:
        return False
    asked = house.rig.wanted(name)
    return any(asked[attribute] != level for attribute, level in wanted.items())


async def on_the_wire(house: House, names: Collection[str]) -> tuple[list[str], list[str]]:
    """Wait until every output that is there has sent these lights as the scene has them now. Names of the outputs
    that are not there, and of those that have."""
    deadline = house.now() + SENT_WITHIN
    names = [name for name in names if not house.devices.console(house.rig.fixtures[name])]
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
