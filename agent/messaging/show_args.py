"""Arguments of the verbs of a show: masters, blackout, saved looks, cue lists. Pure."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from agent.messaging.strict import TARGETS, Strict, Targets
from config.show import CueNumber
from config.units import Attribute, Level, Name, Seconds

SavedLevels = dict[Name, dict[Attribute, float]]
Why = Annotated[str, Field(max_length=200)]
WHY = "What for; the history says it."
Number = Annotated[int, Field(ge=1)]
LIST = "Its name; without: the only one there is."


class SubmasterSet(Strict):
    """The submaster of a group: scales its lights, whoever holds them; kept over a restart. All masters over a light
    multiply. The exposure loop keeps off lights below 1."""

    group: Name = Field(description="The group.")
    level: Level = Field(description="0…1; 1: as the lights are set.")
    fade: Seconds = Field(0.0, description="Seconds.")


class LightsBlackout(Strict):
    """Every light dark, as fast as the slew limit lets them, until `lights.restore`; a restart keeps it. What is set
    meanwhile shows then. Darkness trips people: nothing but this command makes it."""

    fade: Seconds = Field(0.0, description="Seconds.")


class LightsRestore(Strict):
    """End the blackout: every light goes where it is asked to be now."""

    fade: Seconds = Field(0.0, description="Seconds.")


class LookSave(Strict):
    """Save a look: what is set now (of all lights, or of `targets`), or the `levels` given. It is a new version of the
    look; lights that are not named stay as it has them. Moves nothing. A look of the configuration file stays there
    beneath it."""

    look: Name = Field(description="Its name, new or known.")
    targets: Targets | None = Field(None, description=f"Record these only: {TARGETS[0].lower()}{TARGETS[1:]}")
    levels: SavedLevels | None = Field(
        None,
        description="Fixture → attribute → level, instead of what is set now; no attribute: taken out of the look.",
    )
    fade: Seconds | None = Field(None, description="Fade time when applied without another; none: as it was, or 2.")
    why: Why = Field("", description=WHY)


class LookDelete(Strict):
    """Delete a saved look. `look.rollback` brings it back; a look of the configuration file shows again."""

    look: Name = Field(description="Its name.")
    why: Why = Field("", description=WHY)


class LookHistory(Strict):
    """The versions of a saved look, the newest first."""

    look: Name = Field(description="Its name.")


class LookRollback(Strict):
    """Make an earlier version of a look the newest. Moves nothing."""

    look: Name = Field(description="Its name.")
    version: Number = Field(description="Its number, of look.history.")
    why: Why = Field("", description=WHY)


class CueGo(Strict):
    """To the next cue of a list, or to this one. Fades begin from what shows; a light a person holds stays theirs, and
    comes to the cue when they let go."""

    cue: CueNumber | None = Field(None, description="Its number; without: the next.")
    list: Name | None = Field(None, description=LIST)


class CueBack(Strict):
    """To the cue before, in that cue's times. No cue follows by itself then."""

    list: Name | None = Field(None, description=LIST)


class CueRelease(Strict):
    """The list lets its lights go: they hold what they show. It begins anew with the next *go*."""

    list: Name | None = Field(None, description=LIST)
    fade: Seconds = Field(0.0, description="Seconds.")


class CueSave(Strict):
    """Save a cue, new or known, with what is given; what is not stays as the cue has it. A new one without `look` and
    `levels` records what is set now. Moves nothing."""

    list: Name = Field(description="The list, new or known.")
    cue: CueNumber = Field(description="Its number: 1, 2, 2.5 …")
    label: Annotated[str, Field(max_length=64)] | None = Field(None, description="For people.")
    look: Name | None = Field(None, description="The look it shows; null: none.")
    levels: SavedLevels | None = Field(None, description="Fixture → attribute → level, over the look.")
    targets: Targets | None = Field(None, description="Record what is set now of these lights as its levels.")
    up: Seconds | None = Field(None, description="Seconds for light that rises; for a new one: 2.")
    down: Seconds | None = Field(None, description="Seconds for light that falls; null: as up.")
    delay: Seconds | None = Field(None, description="Seconds from go until its fades begin.")
    follow: Seconds | None = Field(None, description="Seconds from go until the next goes by itself; null: never.")
    mark: bool | None = Field(
        None, description="Lights that are dark take its colours before, unseen, once the cue before it has arrived."
    )
    why: Why = Field("", description=WHY)


class CueDelete(Strict):
    """Delete a cue, or a whole list. `cue.rollback` brings it back."""

    list: Name = Field(description="The list.")
    cue: CueNumber | None = Field(None, description="Its number; without: the whole list.")
    why: Why = Field("", description=WHY)


class CueHistory(Strict):
    """The versions of a saved cue list, the newest first."""

    list: Name = Field(description="Its name.")


class CueRollback(Strict):
    """Make an earlier version of a cue list the newest. Moves nothing: what plays goes on from there."""

    list: Name = Field(description="Its name.")
    version: Number = Field(description="Its number, of cue.history.")
    why: Why = Field("", description=WHY)


ARGS: Mapping[str, type[Strict]] = {
    "lights.blackout": LightsBlackout,
    "lights.restore": LightsRestore,
    "submaster.set": SubmasterSet,
    "look.save": LookSave,
    "look.delete": LookDelete,
    "look.history": LookHistory,
    "look.rollback": LookRollback,
    "cue.go": CueGo,
    "cue.back": CueBack,
    "cue.release": CueRelease,
    "cue.save": CueSave,
    "cue.delete": CueDelete,
    "cue.history": CueHistory,
    "cue.rollback": CueRollback,
}
