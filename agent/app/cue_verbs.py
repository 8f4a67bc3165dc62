"""What the verbs of cue lists do: go, back, release; save cues, go back to an earlier version."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agent.app.arrival import A_DAY, LOOK_AGAIN, besides, free, handed_over
from agent.app.house import House
from agent.app.saving import beyond, earlier, history, possible, save, set_now
from agent.app.verbs import targets
from agent.lighting.claims import Priority
from agent.lighting.cues import Playing, tracked
from agent.lighting.showfile import Found, Shelf
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.show_args import (
    CueBack,
    CueDelete,
    CueGo,
    CueHistory,
    CueRelease,
    CueRollback,
    CueSave,
)
from agent.messaging.verbs import Job, Verb
from config.show import MOST_CUES, CueListSection, CueSection
from config.units import Text

KEEPS = ("label", "up", "down", "delay", "follow", "mark", "look", "levels")


class CueVerbs:
    """cue.go, cue.back, cue.release, cue.save, cue.delete, cue.history, cue.rollback."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("cue.go", CueGo, self._go, check=self._can_go, deadline=A_DAY),
            Verb("cue.back", CueBack, self._back, check=self._can_back, deadline=A_DAY),
            Verb("cue.release", CueRelease, self._release, check=self._can_release, always=True),
            Verb("cue.save", CueSave, self._save, check=self._can_save),
            Verb("cue.delete", CueDelete, self._delete, check=self._can_delete),
            Verb("cue.history", CueHistory, self._history, check=self._can_ask),
            Verb("cue.rollback", CueRollback, self._roll_back, check=self._can_roll_back),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can_go(self, args: CueGo) -> None:
        free(self._house)
        name = self._list(args.list)
        playback = self._house.stage.playback
        numbers = [cue.number for cue in playback.cues(name)]
        if args.cue is not None and args.cue not in numbers:
            self._no_cue(name, f"there is no cue {args.cue:g}", f"没有 Cue {args.cue:g}")
        if args.cue is None and playback.next(name) is None:
            self._no_cue(name, "it is at its end", "已到末尾")

    def _can_back(self, args: CueBack) -> None:
        free(self._house)
        name = self._list(args.list)
        if self._house.stage.playback.previous(name) is None:
            self._no_cue(name, "there is no cue before", "前面没有 Cue")

    def _can_release(self, args: CueRelease) -> None:
        free(self._house)
        if args.list not in self._house.stage.playback.playing:
            self._list(args.list)

    def _can_save(self, args: CueSave) -> None:
        house = self._house
        possible(house, args.levels or {})
        targets(house.rig, args.targets or ())
        if args.look is not None and house.stage.show.looks.get(args.look) is None:
            meant = hint(args.look, list(house.stage.show.looks.all()))
            said = Text(f"look {args.look}; {meant.en}", f"场景 {args.look}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)

    def _can_delete(self, args: CueDelete) -> None:
        found = self._found(args.list)
        if args.cue is None and found.origin == "config":
            en = f"{args.list} stands in the configuration file: take it out there"
            raise Refusal(ReasonCode.UNSUPPORTED, Text(en, f"{args.list} 在配置文件中：请在那里删除"))
        if args.cue is not None and args.cue not in [cue.number for cue in found.body.cues]:
            self._no_cue(args.list, f"there is no cue {args.cue:g}", f"没有 Cue {args.cue:g}")

    def _can_ask(self, args: CueHistory) -> None:
        if not self._shelf.versions(args.list):
            self._found(args.list)

    def _can_roll_back(self, args: CueRollback) -> None:
        earlier(self._shelf, args.list, args.version)

    # --- effects: play ---------------------------------------------------------------------------------------

    async def _go(self, args: CueGo, job: Job) -> Mapping[str, Any]:
        self._can_go(args)
        name = self._list(args.list)
        return await self._played(name, self._house.stage.playback.go(name, self._house.now(), args.cue))

    async def _back(self, args: CueBack, job: Job) -> Mapping[str, Any]:
        self._can_back(args)
        name = self._list(args.list)
        return await self._played(name, self._house.stage.playback.back(name, self._house.now()))

    async def _release(self, args: CueRelease, job: Job) -> Mapping[str, Any]:
        playing = self._house.stage.playback.playing  # also one that was deleted while it played
        name = args.list if args.list is not None and args.list in playing else self._list(args.list)
        released = self._house.stage.playback.release(name, self._house.now(), args.fade)
        await self._house.looks.remembered()
        return {"list": name, "released": released}

    async def _played(self, name: str, playing: Playing) -> Mapping[str, Any]:
        """Over when the last frame of its fades is out, or another cue of the list goes. Lights that somebody stronger
        holds are theirs, and said. Cancelled: the list's lights stay where they are then."""
        house, playback = self._house, self._house.stage.playback

        handed_over(house, playing.levels)

        def mine() -> bool:
            return playback.playing.get(name) is playing and not house.rig.stopped

        try:
            while mine() and (playing.arrived is None or playing.arrived > house.now()):
                rest = LOOK_AGAIN if playing.arrived is None else playing.arrived - house.now()
                await asyncio.sleep(min(rest, LOOK_AGAIN))
        except asyncio.CancelledError:
            if mine():
                playback.hold(name, house.now())
            raise
        await house.looks.remembered()
        free(house)
        if not mine():
            at = playback.playing.get(name)
            en, zh = (f"cue {at.cue.number:g}", f"Cue {at.cue.number:g}") if at else ("nothing", "无")
            raise Refusal(ReasonCode.SUPERSEDED, Text(f"the list {name} plays {en} now", f"列表 {name} 正在执行：{zh}"))
        lights = [light for light in playing.levels if light in house.rig.fixtures]
        more = await besides(house, lights)
        holders = {light: house.rig.holder(light) for light in lights}
        others = {light: by.owner for light, by in holders.items() if by and by.priority > Priority.SCHEDULE}
        more |= {key: value for key, value in (("held_by", others), ("left_out", list(playing.left_out))) if value}
        following = playback.next(name)
        return {
            "list": name,
            "cue": playing.cue.number,
            "next": following.number if following else None,
            "fixtures": sorted(set(lights) - others.keys()),
            **more,
        }

    # --- effects: edit ---------------------------------------------------------------------------------------

    async def _save(self, args: CueSave, job: Job) -> Mapping[str, Any]:
        house = self._house
        async with house.stage.editing:
            self._can_save(args)
            found = self._shelf.get(args.list)
            cues = {cue.number: cue for cue in found.body.cues} if found else {}
            known = cues.get(args.cue)
            values = known.model_dump() if known else {}
            given = args.model_fields_set & set(KEEPS)
            values |= {
                key: value
                for key in given
                if (value := getattr(args, key)) is not None or key in ("look", "down", "follow")
            }
            if args.targets is not None or (known is None and args.look is None and args.levels is None):
                values["levels"] = set_now(house, args.targets or ("all",)) | (args.levels or {})
            cues[args.cue] = CueSection.model_validate({**values, "number": args.cue})
            if len(cues) > MOST_CUES:
                raise Refusal(ReasonCode.TOO_LARGE, f"{MOST_CUES}")
            body = CueListSection(cues=tuple(cues[number] for number in sorted(cues)))
            version = await save(house, self._shelf, args.list, body, job, args.why)
        looks = {name: found.body for name, found in house.stage.show.looks.all().items()}
        more = beyond(house, tracked([cues[args.cue]], looks)[0])
        return {"list": args.list, "cue": args.cue, "version": version.number, "new": known is None, **more}

    async def _delete(self, args: CueDelete, job: Job) -> Mapping[str, Any]:
        async with self._house.stage.editing:
            self._can_delete(args)
            left = tuple(cue for cue in self._found(args.list).body.cues if args.cue not in (None, cue.number))
            body = CueListSection(cues=left) if left else None
            version = await save(self._house, self._shelf, args.list, body, job, args.why)
            if self._shelf.get(args.list) is None:
                self._house.stage.playback.release(args.list, self._house.now())
        return {"list": args.list, "version": version.number, "cues": [cue.number for cue in left]}

    async def _history(self, args: CueHistory, job: Job) -> Mapping[str, Any]:
        return history(self._shelf, args.list)

    async def _roll_back(self, args: CueRollback, job: Job) -> Mapping[str, Any]:
        async with self._house.stage.editing:
            version = earlier(self._shelf, args.list, args.version)
            why = args.why or f"version {version.number}"
            made = await save(self._house, self._shelf, args.list, version.body, job, why)
        return {"list": args.list, "version": made.number}

    # --- inside ----------------------------------------------------------------------------------------------

    @property
    def _shelf(self) -> Shelf[CueListSection]:
        return self._house.stage.show.lists

    def _found(self, name: str) -> Found[CueListSection]:
        """What counts under this name. Raises Refusal."""
        found = self._shelf.get(name)
        if found is None:
            meant = hint(name, list(self._shelf.all()))
            said = Text(f"cue list {name}; {meant.en}", f"Cue 列表 {name}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        return found

    def _list(self, name: str | None) -> str:
        """This list, or the only one. Raises Refusal."""
        if name is not None:
            self._found(name)
            return name
        known = list(self._shelf.all())
        if len(known) != 1:
            names = ", ".join(known)
            en = f"which list? There are {names}" if known else "there is no cue list"
            zh = f"哪个列表？现有 {names}" if known else "没有 Cue 列表"
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(en, zh))
        return known[0]

    def _no_cue(self, name: str, en: str, zh: str) -> None:
        raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(f"cue list {name}: {en}", f"Cue 列表 {name}：{zh}"))
