"""The verbs about commands themselves: ``ping`` and ``command.cancel``."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.messaging.commands import CommandCancel, Ping
from agent.messaging.execution import Running
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from agent.runtime import clock
from config.units import Text


class OwnVerbs:
    """``under_way``: commands between *accepted* and their end, by id."""

    def __init__(self, under_way: Mapping[str, Running], wall: Callable[[], float]) -> None:
        self._under_way = under_way
        self._wall = wall

    def all(self) -> dict[str, Verb[Any]]:
        verbs: tuple[Verb[Any], ...] = (
            Verb("ping", Ping, self._ping, always=True, read=self._numbers),
            Verb("command.cancel", CommandCancel, self._cancel, check=self._can_cancel, always=True),
        )
        return {verb.name: verb for verb in verbs}

    async def _ping(self, args: Ping, job: Job) -> Mapping[str, Any]:
        return self._numbers(args)

    def _numbers(self, args: Ping) -> Mapping[str, Any]:
        return {"wall": self._wall(), "running": len(self._under_way), **clock.numbers()}

    def _can_cancel(self, args: CommandCancel) -> None:
        running = self._under_way.get(args.id)
        if running is None or running.over:
            said = Text(f"no command {args.id} is running", f"没有正在执行的指令 {args.id}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)

    async def _cancel(self, args: CommandCancel, job: Job) -> Mapping[str, Any]:
        self._can_cancel(args)
        running = self._under_way[args.id]
        running.job.cancelled = True
        running.cancel()
        return {"cancelled": args.id}
