"""Cue lists at play: which cue each stands in, what is to begin by itself, and the claims that come of it.

    go ──delay──▶ claim(SCHEDULE, up / down) ──▶ arrived
     └─────────follow─────────▶ go to the next

Lives on the loop's thread and knows no timer: whoever has one calls :meth:`Playback.turn` when :attr:`Playback.due` has
come.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.lighting.claims import Priority
from agent.lighting.looks import fitting
from agent.lighting.memory import PlayedCue
from agent.lighting.rig import Rig
from agent.lighting.showfile import ShowFile
from config.show import CueSection, LookSection
from config.units import Attribute, Levels

LIGHT = Attribute.INTENSITY
MARKING = 1.0
"""Seconds in which a dark light takes the colours of the cue to come."""

OWNER = "cues:{}"
"""Whose a list's claims are."""


class NoCue(Exception):
    """There is none to go to; the text says why."""


@dataclass
class Playing:
    """Where a list stands. Times are monotonic but ``at``, the wall clock when its cue was gone to."""

    cue: CueSection
    at: float
    gone: float
    starts: float | None = None
    """When its fades begin; ``None`` once they have."""
    follow: float | None = None
    """When the next cue goes by itself."""
    arrived: float | None = None
    """When its fades end; ``None`` before they begin."""
    marked: bool = False
    """What the next cue marks is done."""
    levels: Mapping[str, Levels] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    """What the lights there are cannot do of it."""


class Playback:
    """``touched`` is called whenever something is to be told, remembered or awaited anew."""

    def __init__(
        self, show: ShowFile, rig: Callable[[], Rig], wall: Callable[[], float], touched: Callable[[], None]
    ) -> None:
        self._show = show
        self._rig = rig
        self._wall = wall
        self._touched = touched
        self.playing: dict[str, Playing] = {}

    # --- asking ----------------------------------------------------------------------------------------------

    def cues(self, name: str) -> tuple[CueSection, ...]:
        """The cues of a list in their order; none where there is no such list."""
        found = self._show.lists.get(name)
        return found.body.in_order if found else ()

    def next(self, name: str) -> CueSection | None:
        """What *go* goes to."""
        at = self._at(name)
        return next((cue for cue in self.cues(name) if at is None or cue.number > at), None)

    def previous(self, name: str) -> CueSection | None:
        """What *back* goes to."""
        at = self._at(name)
        return next((cue for cue in reversed(self.cues(name)) if at is not None and cue.number < at), None)

    @property
    def due(self) -> float | None:
        """When something is to begin by itself."""
        times = [time for playing in self.playing.values() for time in (playing.starts, playing.follow)]
        times += [playing.arrived for name, playing in self.playing.items() if self._marks(name, playing)]
        return min((time for time in times if time is not None), default=None)

    # --- playing ---------------------------------------------------------------------------------------------

    def go(self, name: str, now: float, number: float | None = None) -> Playing:
        """To this cue, or the next. Fades under way go on from where they are. Raises NoCue."""
        if number is None:
            cue = self.next(name)
            if cue is None:
                raise NoCue("the list is at its end" if self.cues(name) else "the list has no cues")
        else:
            cue = next((cue for cue in self.cues(name) if cue.number == number), None)
            if cue is None:
                raise NoCue(f"the list has no cue {number:g}")
        return self._go(name, cue, now)

    def back(self, name: str, now: float) -> Playing:
        """To the cue before, in the times of that cue; it follows nothing by itself. Raises NoCue."""
        cue = self.previous(name)
        if cue is None:
            raise NoCue("there is no cue before")
        playing = self._go(name, cue, now)
        playing.follow = None
        return playing

    def release(self, name: str, now: float, fade: float = 0.0) -> list[str]:
        """The list lets its lights go and stands before its first cue. Names of the lights."""
        self.playing.pop(name, None)
        gone = self._rig().release(now, owner=OWNER.format(name), priority=Priority.SCHEDULE, fade=fade)
        self._touched()
        return sorted({claim.fixture for claim in gone})

    def hold(self, name: str, now: float) -> None:
        """Its lights stay where they are on their way, and nothing begins by itself."""
        playing = self.playing[name]
        if playing.starts is None and playing.arrived is not None and now < playing.arrived:
            rig, owner = self._rig(), OWNER.format(name)
            mine = [c for c in rig.claims(Priority.SCHEDULE) if c.owner == owner and rig.winning(c.key) is c]
            here: dict[str, dict[Attribute, float]] = {}
            for claim in mine:
                here.setdefault(claim.fixture, {})[claim.attribute] = rig.asked(claim.fixture, now)[claim.attribute]
            playing.arrived = rig.cue(owner, here, now=now, up=0.0, down=0.0)
        self._wait_for_nothing(playing)
        self._touched()

    def turn(self, now: float) -> None:
        """Begin what is due. A stop takes away whatever waited."""
        if self._rig().stopped:
            for playing in self.playing.values():
                self._wait_for_nothing(playing)
            return
        for name, playing in list(self.playing.items()):
            if playing.starts is not None and now >= playing.starts:
                self._begin(name, playing, now)
            if self._marks(name, playing) and playing.arrived is not None and now >= playing.arrived:
                self._mark(name, playing, now)
            if playing.follow is not None and now >= playing.follow:
                playing.follow = None
                if (cue := self.next(name)) is not None:
                    self._go(name, cue, now)
                else:
                    self._touched()

    # --- over a restart --------------------------------------------------------------------------------------

    def remembered(self) -> dict[str, PlayedCue]:
        """Where every list stands, by the wall clock."""
        return {
            name: PlayedCue(
                cue=p.cue,
                at=p.at,
                starts=None if p.starts is None else p.at + p.starts - p.gone,
                follow=None if p.follow is None else p.at + p.follow - p.gone,
            )
            for name, p in self.playing.items()
        }

    def recall(self, played: Mapping[str, PlayedCue], now: float) -> None:
        """Take it up again; the claims have come back with the rig. A delay that ran out meanwhile is over, a follow
        that would have come meanwhile does not come any more: nobody expects it now. Where the clock was set back, no
        delay is longer than the cue's, and no follow comes."""
        wall = self._wall()
        for name, was in played.items():
            playing = self.playing[name] = Playing(was.cue, was.at, now - (wall - was.at), arrived=now)
            if was.follow is not None and 0.0 < (rest := was.follow - wall) <= (was.cue.follow or 0.0) + 1.0:
                playing.follow = now + rest
            if was.starts is not None:
                playing.levels, playing.left_out = self._tracked(name, was.cue)
                playing.starts, playing.arrived = now + min(max(0.0, was.starts - wall), was.cue.delay), None

    # --- inside ----------------------------------------------------------------------------------------------

    def _at(self, name: str) -> float | None:
        return self.playing[name].cue.number if name in self.playing else None

    def _go(self, name: str, cue: CueSection, now: float) -> Playing:
        levels, left_out = self._tracked(name, cue)
        playing = self.playing[name] = Playing(cue, self._wall(), now, levels=levels, left_out=left_out)
        if cue.follow is not None:
            playing.follow = now + cue.follow
        if cue.delay > 0:
            playing.starts = now + cue.delay
            self._touched()
        else:
            self._begin(name, playing, now)
        return playing

    def _begin(self, name: str, playing: Playing, now: float) -> None:
        playing.starts = None
        rig, owner = self._rig(), OWNER.format(name)
        able, _ = fitting(playing.levels, rig.fixtures)  # a reload in the delay may have taken some away
        wanted = {(fixture, attribute) for fixture, levels in able.items() for attribute in levels}
        unnamed = [claim for claim in rig.claims(Priority.SCHEDULE) if claim.owner == owner and claim.key not in wanted]
        playing.arrived = rig.cue(owner, able, now=now, up=playing.cue.up, down=playing.cue.falling)
        if unnamed:  # a cue before them was gone to: they hold what they show
            rig.release(now, owner=owner, priority=Priority.SCHEDULE, keys={claim.key for claim in unnamed})
        self._touched()

    def _marks(self, name: str, playing: Playing) -> bool:
        """Whether the next cue wants its colours set in the dark, and they are not."""
        return not playing.marked and (following := self.next(name)) is not None and following.mark

    def _mark(self, name: str, playing: Playing, now: float) -> None:
        """Lights that are dark, and are meant to be, take the colours of the next cue."""
        playing.marked = True
        rig, following = self._rig(), self.next(name)
        levels = self._tracked(name, following)[0] if following is not None else {}
        unseen = {
            light: {a: v for a, v in wanted.items() if not rig.masters.carries_light((light, a))}
            for light, wanted in levels.items()
            if rig.wanted(light).get(LIGHT) == 0 == rig.scene.levels(light, now).get(LIGHT)
        }
        rig.cue(OWNER.format(name), unseen, now=now, up=MARKING, down=MARKING)
        self._touched()

    def _tracked(self, name: str, cue: CueSection) -> tuple[dict[str, dict[Attribute, float]], list[str]]:
        """What this cue and those before it come to, as the lights can do it: so a light is where its cue has it,
        whichever way one came to it."""
        looks = {each: found.body for each, found in self._show.looks.all().items()}
        before = [each for each in self.cues(name) if each.number < cue.number]
        levels, absent = tracked([*before, cue], looks)
        able, unable = fitting(levels, self._rig().fixtures)
        return able, [*(f"look:{look}" for look in absent), *unable]

    def _wait_for_nothing(self, playing: Playing) -> None:
        playing.marked = True
        if playing.starts is not None or playing.follow is not None:
            playing.starts = playing.follow = None
            self._touched()


def tracked(
    cues: Sequence[CueSection], looks: Mapping[str, LookSection]
) -> tuple[dict[str, dict[Attribute, float]], list[str]]:
    """The levels after these cues, one after the other, and the looks they name that are not there."""
    levels: dict[str, dict[Attribute, float]] = {}
    absent: list[str] = []
    for cue in cues:
        look = looks.get(cue.look) if cue.look is not None else None
        if cue.look is not None and look is None:
            absent.append(cue.look)
        for part in (look.levels if look else {}, cue.levels):
            for name, wanted in part.items():
                levels.setdefault(name, {}).update(wanted)
    return levels, absent
