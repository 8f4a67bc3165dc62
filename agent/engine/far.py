"""A player that lives in the engine, as the daemon sees it (:class:`agent.lighting.player.Playing`)."""

import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.engine.messages import Ask, Play, Playing, Table, Take, TakeInput
from agent.engine.outgoing import NEWS
from agent.lighting.console import Console, Standing
from agent.lighting.part import Change, Few, Part
from agent.lighting.pump import BeatFigures
from agent.runtime.lane import Health
from config.units import Text
from drivers import errors

if TYPE_CHECKING:
    from agent.engine.client import EngineClient

BEAT = 1 / 44
"""Seconds: a frame shows where the fades will be by the next one."""

SILENT = BeatFigures(0, 0.0, 0.0, 0.0, 0.0)


class FarPlayer:
    """Everything here is what was last heard; all on the loop's thread."""

    def __init__(
        self,
        name: str,
        table: Table,
        whole: Callable[[], Part],
        before: Mapping[int, bytes],
        client: "EngineClient",
    ) -> None:
        """``whole``: all that is to be played at present."""
        self.name = name
        self.table = table
        self.health = Health()
        self.has_sent = False
        self.beats = SILENT
        self._whole = whole
        self._client = client
        self.wires = dict(before)
        self.led = False

    # --- Playing -----------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """The thread that runs is not ours to wait for."""
        return False

    def start(self) -> None:
        self._client.started(self)

    def play(self, news: Part | Change | Few, now: float) -> None:
        self._client.send(Play(self.name, news, self._client.patch))

    def wire(self, universe: int) -> bytes:
        return self.wires.get(universe, b"")

    def figures(self, now: float) -> BeatFigures:
        return self.beats

    async def ask(self, method: str, *args: Any, timeout: float) -> Any:  # noqa: ASYNC109 - of the far lane
        late = f"{self.name} did not answer within {timeout:g} s"
        until = time.monotonic() + timeout
        try:
            result, error = await self._client.ask(lambda number: Ask(number, self.name, method, args, until), timeout)
        except TimeoutError:
            raise errors.ReplyTimeout(late) from None
        except ConnectionError as gone:
            raise errors.LinkLost(f"{self.name}: {gone}") from None
        if error is None:
            return result
        if not error.kind:
            raise RuntimeError(f"{self.name}: {error.reason}")
        raised: errors.DriverError = getattr(errors, error.kind, errors.DriverError)(error.reason, error.remedy)
        raised.why = error.why
        raise raised

    def request_stop(self) -> None:
        self._client.dropped(self)

    def join(self) -> bool:
        return True

    # --- what the client tells it ------------------------------------------------------------------------------------

    def taking(self) -> Take:
        """What an engine needs to begin with it."""
        return Take(self.name, self.table, self._whole(), dict(self.wires), self._client.patch)

    def take_over(self, found: Playing) -> None:
        """It runs already: it goes on from what it shows to what is to be played now."""
        self.play(self._whole(), 0.0)
        self.health, self.has_sent = found.health, found.has_sent
        self.wires = {universe: frame for universe, frame in found.wires.items() if frame}

    def told_health(self, health: Health) -> None:
        self.health = health
        self.has_sent = False

    def told_sent(self, wires: Mapping[int, bytes], has_sent: bool, led: bool) -> None:
        self.wires.update(wires)
        self.has_sent, self.led = has_sent, led

    def lost(self, now: float, said: float) -> None:
        """The engine has ended; ``said``: when it spoke last. Frames are told a moment after they were sent, but the
        scene knows what they were. One that stood still before stopped sending soon after it spoke."""
        if self.has_sent and not self.led:
            then = now if now - said <= NEWS + BEAT else said + NEWS / 2
            rows = self._whole().frames(then + BEAT)
            self.wires = {universe: rows[row].tobytes() for row, universe in enumerate(self.table.universes)}
        self.has_sent = False
        self.health = lost(self.health, now)


class FarEar:
    """An input in the engine."""

    def __init__(self, name: str, table: Table, standing: Standing, client: "EngineClient") -> None:
        self.name = name
        self.table = table
        self.standing = standing
        self.health = Health()
        self._client = client

    @property
    def alive(self) -> bool:
        """The thread that runs is not ours to wait for."""
        return False

    def start(self) -> None:
        self._client.listen(self)

    def request_stop(self) -> None:
        self._client.unlisten(self)

    def join(self) -> bool:
        return True

    def taking(self, before: Mapping[int, Console]) -> TakeInput:
        """What an engine needs to begin with it. ``before``: consoles heard there in another one."""
        return TakeInput(self.name, self.table, self.standing, before)


class Holding:
    """Consoles that hold universes, as the engine said last. It outlives the engine: the next one begins with it."""

    def __init__(self, tell: Callable[[Mapping[int, Console]], None]) -> None:
        self._tell = tell
        self._now: Mapping[int, Console] = {}

    def told(self, holding: Mapping[int, Console]) -> None:
        """These do, and no others."""
        if holding != self._now:
            self._now = holding
            self._tell(holding)

    def only(self, ears: Container[str]) -> None:
        """Other inputs are no more."""
        parts = {universe: each.of(ears) for universe, each in self._now.items()}
        self.told({universe: each for universe, each in parts.items() if each is not None})

    def free(self, slots: Mapping[int, bytes]) -> None:
        """What lost ones left behind on these slots is kept no more."""
        parts = {
            universe: each if universe not in slots else each.freed(slots[universe])
            for universe, each in self._now.items()
        }
        self.told({universe: each for universe, each in parts.items() if each is not None})

    def by(self, ear: str, players: Iterable[FarPlayer]) -> dict[int, Console]:
        """What an input heard. Levels are not told as they move: they are what outputs sent."""
        wires = {universe: frame for player in players for universe, frame in player.wires.items() if frame}
        mine = {universe: each.of((ear,)) for universe, each in self._now.items()}
        return {
            universe: each._replace(slots=wires.get(universe, each.slots))
            for universe, each in mine.items()
            if each is not None
        }


def lost(health: Health, now: float) -> Health:
    """How a device is whose engine has ended."""
    if health.state == "offline":
        return health
    why = Text("the output engine has ended", "输出进程已退出")
    next_ = Text("it is started again by itself; see the log if that goes on", "会自动重启；若反复发生请查看日志")
    said = replace(health, reason=why.en, reason_zh=why.zh, remedy=next_.en, remedy_zh=next_.zh)
    return replace(said, state="offline", since=now, losses=health.losses + 1)
