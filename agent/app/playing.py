"""What is said of saved looks and cue lists: states for the board. Reads, changes nothing."""

from collections.abc import Iterator

from agent.lighting.claims import Priority
from agent.lighting.cues import OWNER, Playback, Playing
from agent.lighting.looks import fitting
from agent.lighting.rig import Rig
from agent.lighting.showfile import ShowFile
from agent.messaging.header import Payload, iso
from agent.messaging.show_payloads import CueEntry, CueListState, LookState
from agent.messaging.topics import Topics


def topics_of(show: ShowFile, topics: Topics) -> set[str]:
    """Of every look and list there is."""
    return {topics.state("look", name) for name in show.looks.all()} | {
        topics.state("cues", name) for name in show.lists.all()
    }


def looks(show: ShowFile, rig: Rig, topics: Topics) -> Iterator[tuple[str, Payload]]:
    """The state of every look."""
    for name, found in show.looks.all().items():
        version = found.version
        yield (
            topics.state("look", name),
            LookState(
                origin=found.origin,
                version=version.number if version else None,
                at=version.at if version else None,
                by=version.by if version else "",
                why=version.why if version else "",
                shadows=found.shadows,
                fade=found.body.fade,
                levels=found.body.levels,
                left_out=tuple(fitting(found.body.levels, rig.fixtures)[1]),
            ),
        )


def lists(show: ShowFile, playback: Playback, rig: Rig, topics: Topics) -> Iterator[tuple[str, Payload]]:
    """The state of every cue list."""
    claims = rig.claims(Priority.SCHEDULE)
    for name, found in show.lists.all().items():
        playing, following = playback.playing.get(name), playback.next(name)
        owner = OWNER.format(name)
        holds = {claim.fixture for claim in claims if claim.owner == owner and rig.winning(claim.key) is claim}

        yield (
            topics.state("cues", name),
            CueListState(
                origin=found.origin,
                version=found.version.number if found.version else None,
                current=playing.cue.number if playing else None,
                label=playing.cue.label if playing else "",
                next=following.number if following else None,
                next_label=following.label if following else "",
                since=iso(playing.at) if playing else None,
                delayed_until=_wall(playing, playing.starts) if playing else None,
                follow_at=_wall(playing, playing.follow) if playing else None,
                holds=tuple(sorted(holds)),
                left_out=tuple(playing.left_out) if playing else (),
                cues=tuple(CueEntry(number=c.number, label=c.label, look=c.look or "") for c in found.body.in_order),
            ),
        )


def _wall(playing: Playing, time: float | None) -> str | None:
    """A time of the playback by the clock its go was told by."""
    return None if time is None else iso(playing.at + time - playing.gone)
