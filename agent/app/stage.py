"""What plays on this agent's lights: saved looks and cue lists, and the timer that lets cues begin by themselves."""

import asyncio
import contextlib

from agent.app import rules
from agent.app.house import House
from agent.lighting.cues import Playback
from agent.lighting.memory import LastLook
from agent.lighting.showfile import ShowFile


class Stage:
    """See the module."""

    def __init__(self, agent: House) -> None:
        self._agent = agent
        self._wake = asyncio.Event()
        self.show = ShowFile(agent.config.agent.state_dir, lambda: agent.config.looks, lambda: agent.config.cues)
        self.playback = Playback(self.show, lambda: agent.rig, agent.host.wall, self._touched)
        self.editing = asyncio.Lock()
        """Who holds it may save: one at a time."""

    async def take_up(self, last: LastLook | None) -> None:
        """Read what is saved, and stand where the lists stood. Before devices open; the rig has its claims."""
        await self._agent.on_disk(self.show.read)
        if last is not None:
            self.playback.recall(last.cues, self._agent.now())

    async def run(self) -> None:
        """Until cancelled: let begin what is due. First, tell what was found damaged at this start."""
        for shelf in self.show.shelves:
            for name, damage in shelf.damaged.items():
                if damage.fresh:
                    seen = rules.damaged(shelf.kind, name, damage, shelf.get(name))
                    fields = {"name": name, "kept_as": damage.kept_as}
                    self._agent.herald.event(f"{shelf.kind}.damaged", seen.said, seen.level.value, **fields)
        while True:
            self._wake.clear()
            due = self.playback.due
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - self._agent.now())):
                    await self._wake.wait()
            self.playback.turn(self._agent.now())

    def _touched(self) -> None:
        self._wake.set()
        self._agent.looks.changed()
