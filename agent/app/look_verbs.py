"""What the verbs of looks do: show one, save what is set, go back to an earlier version."""

from collections.abc import Mapping
from typing import Any

from agent.app.arrival import A_DAY, arrive, free, handed_over, present, taken
from agent.app.house import House
from agent.app.saving import beyond, earlier, history, possible, save, set_now
from agent.app.verbs import targets
from agent.lighting.looks import fitting
from agent.lighting.showfile import Found, Shelf
from agent.messaging.commands import LookApply
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.show_args import LookDelete, LookHistory, LookRollback, LookSave
from agent.messaging.verbs import Job, Verb
from config.show import LookSection
from config.units import Attribute, Text


class LookVerbs:
    """look.apply, look.save, look.delete, look.history, look.rollback."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._applied: dict[str, str] = {}
        """The command that last applied a look to a light."""

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("look.apply", LookApply, self._apply, check=self._can_apply, deadline=A_DAY),
            Verb("look.save", LookSave, self._save, check=self._can_save),
            Verb("look.delete", LookDelete, self._delete, check=self._can_delete),
            Verb("look.history", LookHistory, self._history, check=self._can_ask),
            Verb("look.rollback", LookRollback, self._roll_back, check=self._can_roll_back),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can_apply(self, args: LookApply) -> None:
        free(self._house)
        self._levels(args)

    def _can_save(self, args: LookSave) -> None:
        possible(self._house, args.levels or {})
        targets(self._house.rig, args.targets or ())

    def _can_delete(self, args: LookDelete) -> None:
        if self._found(args.look).origin == "config":
            raise Refusal(
                ReasonCode.UNSUPPORTED,
                Text(
                    f"{args.look} stands in the configuration file: take it out there",
                    f"{args.look} 在配置文件中：请在那里删除",
                ),
            )

    def _can_ask(self, args: LookHistory) -> None:
        if not self._shelf.versions(args.look):
            self._found(args.look)

    def _can_roll_back(self, args: LookRollback) -> None:
        earlier(self._shelf, args.look, args.version)

    # --- effects ---------------------------------------------------------------------------------------------

    async def _apply(self, args: LookApply, job: Job) -> Mapping[str, Any]:
        house = self._house
        found, levels, left_out = self._levels(args)
        fade = found.body.fade if args.fade is None else args.fade
        arrived = house.rig.apply_look(levels, now=house.now(), fade=fade)
        handed_over(house, levels)
        self._applied.update(dict.fromkeys(levels, job.id))
        result = await arrive(
            house,
            levels,
            arrived,
            lambda name: self._applied[name] == job.id and not taken(house, name, levels[name]),
            lambda kept: house.rig.apply_look(present(house, kept), now=house.now(), fade=0.0),
        )
        return result | ({"left_out": left_out} if left_out else {})

    async def _save(self, args: LookSave, job: Job) -> Mapping[str, Any]:
        house = self._house
        async with house.stage.editing:
            self._can_save(args)
            found = self._shelf.get(args.look)
            whole = found is None or (args.targets is None and args.levels is None)
            levels: dict[str, dict[Attribute, float]] = {} if whole or found is None else dict(found.body.levels)
            if args.targets is not None or args.levels is None:
                levels |= set_now(house, args.targets or ("all",))
            levels |= args.levels or {}
            fade = args.fade if args.fade is not None else found.body.fade if found else 2.0
            look = LookSection(fade=fade, levels={name: wanted for name, wanted in levels.items() if wanted})
            version = await save(house, self._shelf, args.look, look, job, args.why)
        more = beyond(house, look.levels)
        return {"look": args.look, "version": version.number, "fixtures": sorted(look.levels), **more}

    async def _delete(self, args: LookDelete, job: Job) -> Mapping[str, Any]:
        async with self._house.stage.editing:
            self._can_delete(args)
            await save(self._house, self._shelf, args.look, None, job, args.why)
        return {"look": args.look, "shown": "config" if self._shelf.get(args.look) else None}

    async def _history(self, args: LookHistory, job: Job) -> Mapping[str, Any]:
        return history(self._shelf, args.look)

    async def _roll_back(self, args: LookRollback, job: Job) -> Mapping[str, Any]:
        async with self._house.stage.editing:
            version = earlier(self._shelf, args.look, args.version)
            why = args.why or f"version {version.number}"
            made = await save(self._house, self._shelf, args.look, version.body, job, why)
        return {"look": args.look, "version": made.number}

    # --- inside ----------------------------------------------------------------------------------------------

    @property
    def _shelf(self) -> Shelf[LookSection]:
        return self._house.stage.show.looks

    def _found(self, name: str) -> Found[LookSection]:
        """What counts under this name. Raises Refusal."""
        found = self._shelf.get(name)
        if found is None:
            meant = hint(name, list(self._shelf.all()))
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(f"look {name}; {meant.en}", f"场景 {name}；{meant.zh}"))
        return found

    def _levels(self, args: LookApply) -> tuple[Found[LookSection], dict[str, dict[Attribute, float]], list[str]]:
        """The look, its levels for the lights that are meant, and what these cannot do. Raises Refusal."""
        rig = self._house.rig
        found = self._found(args.look)
        meant = set(rig.fixtures if "all" in args.targets else targets(rig, args.targets))
        asked = {n: levels for n, levels in found.body.levels.items() if n in meant or n not in rig.fixtures}
        levels, left_out = fitting(asked, rig.fixtures)
        if not levels:
            said = f"look {args.look} has none of these lights"
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(said, f"场景 {args.look} 不含这些灯"))
        return found, levels, left_out
