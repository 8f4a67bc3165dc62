"""What the verbs about the agent itself do: reload, self-test."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.messaging.commands import Reload
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.problems import ConfigError

if TYPE_CHECKING:
    from agent.app.agent import Agent


class ServiceVerbs:
    """reload."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("reload", Reload, self._reload),
        ]
        return {verb.name: verb for verb in verbs}

    async def _reload(self, args: Reload, job: Job) -> Mapping[str, Any]:
        try:
            await self._agent.reload()
        except ConfigError as error:
            raise Refusal(ReasonCode.INVALID, str(error)) from None
        return {"fixtures": sorted(self._agent.rig.fixtures)}
