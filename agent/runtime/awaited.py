"""A call from the loop to a lane: the loop's end of it."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio  # not needed where nobody awaits: in the output engine


class Awaited:
    """Answered once, on the lane's thread; the loop hears of it."""

    __slots__ = ("answer", "fn", "loop")

    def __init__(self, fn: Callable[[], Any], loop: "asyncio.AbstractEventLoop") -> None:
        self.fn = fn
        self.loop = loop
        self.answer: asyncio.Future[Any] = loop.create_future()

    @property
    def given_up(self) -> bool:
        return self.answer.done()

    def answered(self, result: Any, error: BaseException | None) -> None:
        """On the loop. The first answer counts: the lane's, the end of the time, or that nobody waits any more."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)

    def tell(self, result: Any, error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(self.answered, result, error)
