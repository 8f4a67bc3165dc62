"""A fade: a value as a function of time. Pure; the only thing that ever moves a light."""

from typing import NamedTuple


class Fade(NamedTuple):
    """From ``start`` at time ``begin`` to ``end`` at ``begin + length``, in a straight line; constant outside."""

    start: float
    end: float
    begin: float = 0.0
    length: float = 0.0

    def at(self, now: float) -> float:
        if now >= self.begin + self.length:
            return self.end
        if now <= self.begin:
            return self.start
        return self.start + (self.end - self.start) * (now - self.begin) / self.length

    @property
    def done(self) -> float:
        """When it has arrived."""
        return self.begin + self.length


def toward(present: Fade, target: float, now: float, length: float, rate: float) -> Fade:
    """A fade from the present value to ``target`` in ``length`` seconds, or longer where ``rate`` (units per second)
    would be exceeded.

    This is the flash limiter by construction: every fade begins at the value just shown, so the light is a continuous
    curve whose slope never passes ``rate``, whatever is commanded and how often. A full change of picture luminance
    takes 1/rate seconds, and two opposing changes of 10 % make a flash (WCAG 2.2, 2.3.1; ITU-R BT.1702):
    at most rate/0.2 flashes a second.
    """
    start = present.at(now)
    return Fade(start, target, now, max(length, abs(target - start) / rate))
