"""Time that goes on when a test says so."""

import asyncio


class ManualClock:
    """``wall`` can be set; ``mono`` goes on only. Looking at the clock in a tight loop takes time, too."""

    def __init__(self, wall: float = 1_900_000_000.0) -> None:
        self.wall_at = wall
        self.mono_at = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def wall(self) -> float:
        return self.wall_at

    def mono(self) -> float:
        return self.mono_at

    async def sleep(self, seconds: float) -> None:
        if seconds < 0.0005:
            self._go(0.0005)
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.mono_at + seconds, waiting))
        await waiting

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.wall_at += seconds

    async def advance(self, seconds: float) -> None:
        """Time passes; who sleeps wakes in order."""
        end = self.mono_at + seconds
        while True:
            self._sleepers = [item for item in self._sleepers if not item[1].done()]
            due = min(self._sleepers, key=lambda item: item[0], default=None)
            if due is None or due[0] > end:
                break
            self._go(due[0] - self.mono_at)
            due[1].set_result(None)
            await settle()
        self._go(end - self.mono_at)
        await settle()

    def _go(self, seconds: float) -> None:
        seconds = max(0.0, seconds)
        self.mono_at += seconds
        self.wall_at += seconds


async def settle() -> None:
    """Let everything happen that can happen now."""
    for _ in range(12):
        await asyncio.sleep(0)
