"""What the network, the file and the machine do to a studio: an act at a time, wild as the checks before let it be."""

import contextlib
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from structlog.testing import capture_logs

from agent.app import keeper
from agent.engine.far import BEAT
from agent.engine.messages import Playing
from agent.lighting.claims import Priority
from agent.lighting.console import Console
from agent.lighting.cues import NoCue
from agent.lighting.lamps import BEAT as LAMP_BEAT
from agent.lighting.lamps import EXCHANGE
from agent.lighting.memory import LastLook
from config.show import CueListSection
from config.units import CIE_SPAN, HUE_SPAN, Attribute
from drivers.base import Identity
from tests.flash_judge import OFF_AIR, ON_AIR
from tests.flashing import NOBODY, UNIVERSES, patched

if TYPE_CHECKING:
    from tests.flashing import Hostile

LIGHT, COLOURS = Attribute.INTENSITY, (Attribute.RED, Attribute.GREEN, Attribute.BLUE, Attribute.WHITE)
FADES = (0.0, 0.0, 0.0, 1e-9, 0.05, 1.0, 30.0)
CLAIMS = {"set": Priority.MANUAL, "loop": Priority.LOOP, "playbook": Priority.PLAYBOOK, "test": Priority.TEST}
STALE = 0.05
"""Seconds the daemon knows less than the engine of a light that is led."""


def levels(show: "Hostile") -> dict[str, dict[Attribute, float]]:
    chance = show.chance
    wanted: dict[str, dict[Attribute, float]] = {}
    here = sorted(show.rig.fixtures)
    for name in chance.sample(here, chance.randint(1, len(here))):
        wanted[name] = {LIGHT: chance.choice((0.0, 1.0, chance.random()))}
        if name in ("panel", "odd") and chance.random() < 0.7:
            has = show.rig.fixtures[name].personality.attributes
            wanted[name] |= {each: chance.choice((0.0, 1.0, chance.random())) for each in COLOURS if each in has}
        for each in (*CIE_SPAN, *HUE_SPAN):
            if each in show.rig.fixtures[name].personality.ranges and chance.random() < 0.7:
                low, high = show.rig.fixtures[name].personality.ranges[each]
                wanted[name][each] = low + (high - low) * chance.choice((0.0, 1.0, chance.random()))
    if "panel" in wanted and chance.random() < 0.1:  # a dark red that comes and goes: no luminance to speak of
        slots = chance.choice(((1.0, 0.0, 1.0, 1.0, 0.0), (1.0, 0.07, 0.0, 0.0, 0.0)))
        wanted["panel"] = dict(zip((LIGHT, *COLOURS), slots, strict=True))
    return wanted


def claim(show: "Hostile", fade: float, what: str) -> None:
    if what == "test" and show.rate == ON_AIR:
        return  # tests are for off air
    lease = show.chance.choice((None, 0.05, 1.0))
    show.rig.claim(show.chance.choice("ab"), CLAIMS[what], levels(show), now=show.now, fade=fade, lease=lease)


def cue(show: "Hostile", fade: float, what: str) -> None:
    """Go, back, a number, release; and the list is edited while it plays."""
    chance, playback = show.chance, show.playback
    if show.rig.stopped:
        return
    if not show.lists or chance.random() < 0.3:
        rows = [
            {
                "number": float(number),
                "levels": levels(show),
                "up": chance.choice(FADES),
                "down": chance.choice((None, 0.0, 2.0)),
                "delay": chance.choice((0.0, 0.0, 0.02, 0.5)),
                "follow": chance.choice((None, 0.0, 0.01, 0.3)),
                "mark": chance.random() < 0.3,
            }
            for number in range(1, chance.randint(2, 5))
        ]
        show.lists["main"] = CueListSection.model_validate({"cues": rows})
    act: Callable[[], Any] = chance.choice(
        (
            lambda: playback.go("main", show.now),
            lambda: playback.go("main", show.now, 1.0),
            lambda: playback.back("main", show.now),
            lambda: playback.release("main", show.now, fade),
            lambda: playback.hold("main", show.now) if "main" in playback.playing else None,
        )
    )
    with contextlib.suppress(NoCue):
        act()


def look(show: "Hostile", fade: float, what: str) -> None:
    show.rig.apply_look(levels(show), now=show.now, fade=fade)


def release(show: "Hostile", fade: float, what: str) -> None:
    show.rig.release(show.now, owner=show.chance.choice((None, "a", "b")), fade=fade)


def master(show: "Hostile", fade: float, what: str) -> None:
    group = "" if what == "master" else "all"
    show.rig.dim(show.chance.choice((0.0, 1.0, show.chance.random())), now=show.now, fade=fade, group=group)


def black(show: "Hostile", fade: float, what: str) -> None:
    rig = show.rig
    (rig.restore(now=show.now, fade=fade) if rig.masters.blackout else rig.black_out("a", now=show.now, fade=fade))


def stop(show: "Hostile", fade: float, what: str) -> None:
    (show.rig.reset(show.now, fade) if show.rig.stopped else show.rig.stop("a", show.now))


def air(show: "Hostile", fade: float, what: str) -> None:
    show.rate = ON_AIR if show.rate == OFF_AIR else OFF_AIR
    show.turned = show.now
    show.air()


def lost(show: "Hostile", fade: float, what: str) -> None:
    """An output and the bus were away for a while."""
    show.now += show.chance.uniform(0, 3)
    out = show.chance.choice(show.outs)
    out.pump.opened(Identity("wire"), show.now)
    out.due = show.now
    show.bus_open()


def stall(show: "Hostile", fade: float, what: str) -> None:
    """The process, or the machine, stands still: frames and lamps are late, and the scene has gone on. A lamp may make
    up for a beat and an exchange."""
    stood = show.chance.choice((0.06, 0.3, show.chance.uniform(0, 3)))
    show.now += stood
    show.sent.stood += max(0.0, stood - EXCHANGE - LAMP_BEAT)


def desk(show: "Hostile", fade: float, what: str) -> None:
    chance = show.chance
    slots = bytes(chance.choice((0, 255, chance.randrange(256))) for _ in range(40))
    held = chance.choice((b"\1" * 40, bytes(chance.choice((0, 1)) for _ in range(40))))
    show.follow(chance.choice(UNIVERSES), chance.choice((None, None, Console("in", ("desk",), 150, slots, held))))


def lapse(show: "Hostile", fade: float, what: str) -> None:
    show.rig.lapse(show.now)


def clock(show: "Hostile", fade: float, what: str) -> None:
    show.wall += show.chance.choice((-1, 1)) * show.chance.choice((1.0, 3600.0, 3.2e7))


def reload(show: "Hostile", fade: float, what: str) -> None:
    """Agent.go_over: lights change places, names, modes and universes, universes their output, lamps their units."""
    chance = show.chance
    if chance.random() < 0.2:
        then = patched(few=True)
    else:
        called = chance.choice(("coarse", "coarse", "renamed"))
        then = patched(chance.choice((0, 0, 1, 2)), called, chance.choice((0, 1)), chance.choice((0, 0, 1)))
    fitted = [light for light in show.patch.values() if light.bus]
    rig = keeper.successor(show.rig, show.config, then, show.show, show.now)
    show.rig, show.patch = rig, then
    outputs = chance.choice((None, None, ((1, 2),), ((1, 2),), ((1,), (2,))))
    show.turned = show.now
    if outputs is not None:
        show.connect(outputs, show.wires())
    if fitted != [light for light in then.values() if light.bus]:
        show.told.update(show.bus.told())
        show.fit()
    show.show(rig.scene)
    show.air()


def heir(show: "Hostile", fade: float, what: str) -> None:
    """The output engine dies: another one goes on from what the daemon knows of the frames (FarPlayer.lost)."""
    if show.now < show.turned + STALE:
        return  # off air modes change at once: of an engine that dies in that moment nobody knows whether it did
    known: list[dict[int, bytes]] = []
    for out in show.outs:
        if out.pump.led:
            then = show.now - show.chance.uniform(0, STALE)
            known.append({universe: show.sent_by(universe, then) for universe in out.universes})
        else:
            frames = out.part.frames(show.now + BEAT)
            known.append({universe: frames[row].tobytes() for row, universe in enumerate(out.universes)})
    for out in show.outs:
        out.dead, out.due = True, 1e12
    forgotten = dict(show.consoles)
    show.consoles.clear()  # until its inputs hear them again
    show.run(show.chance.uniform(0.1, 0.9))
    for out, before in zip(show.outs, known, strict=True):
        out.begin(before)
    for universe, console in forgotten.items():
        show.run(show.chance.choice((0.0, 0.1)))
        show.follow(universe, console)


def restart(show: "Hostile", fade: float, what: str) -> None:
    """kill -9 for the daemon; the engine goes on. The next one has a look on the disk that is a moment old."""
    now = show.now
    stored = keeper.present(show.rig, now, show.wall + now, show.playback.remembered(), show.not_there())
    show.run(show.chance.uniform(0, keeper.PAUSE))
    show.bus_due = 1e12
    show.run(show.chance.choice((0.3, 2.0)), playing=False)
    if show.chance.random() < 0.3:
        clock(show, fade, what)
    playing = {"all": Playing(NOBODY, "", NOBODY, show.wires(), True)}
    last: LastLook = keeper.seen(stored, show.patch, playing, "")
    show.rig = keeper.rig(show.config, show.patch, show.show, last)
    with capture_logs():
        keeper.begin(show.rig, last, None, show.now, show.wall + show.now)
    show.playback = show.played()
    show.playback.recall(last.cues, show.now)
    show.air()
    for out in show.outs:
        out.play(show.rig.scene)
    show.told.clear()
    if not show.bus.lines:
        show.sent.lamps.clear()  # of a lamp that was taken out before, and cannot say it, nobody knows what it shows
    show.fit()


ACTS: dict[str, tuple[float, Callable[["Hostile", float, str], None]]] = {
    "set": (40, claim),
    "loop": (8, claim),
    "playbook": (4, claim),
    "test": (2, claim),
    "cue": (9, cue),
    "look": (8, look),
    "release": (6, release),
    "master": (5, master),
    "sub": (3, master),
    "black": (3, black),
    "stop": (3, stop),
    "air": (3, air),
    "lost": (1.5, lost),
    "stall": (1.5, stall),
    "desk": (2, desk),
    "lapse": (3, lapse),
    "reload": (1, reload),
    "heir": (0.2, heir),
    "restart": (0.2, restart),
    "clock": (0.5, clock),
}
"""What is done how often, in shares, and how."""

WORDS, SHARES = tuple(ACTS), tuple(accumulate(share for share, _ in ACTS.values()))


def one(show: "Hostile") -> None:
    """One act."""
    fade = show.chance.choice(FADES)
    what = show.chance.choices(WORDS, cum_weights=SHARES)[0]
    show.last.append(f"{show.now:.4f} {what} fade={fade:g}")
    ACTS[what][1](show, fade, what)
