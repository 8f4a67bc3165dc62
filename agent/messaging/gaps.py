"""Was anything lost? Telemetry and events are counted per topic and start of the agent (``nth``); a hole is a loss, or
still on its way: after an outage a backlog comes behind what is said now. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Count:
    boot: str
    highest: int
    missing: set[int] = field(default_factory=set)


REMEMBERED = 100_000
"""Missing messages of a topic that are waited for."""


class Gaps:
    """Sees the header of every message and says when something is missing, and when it has come after all."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def see(self, topic: str, boot: str, nth: int) -> str:
        """What there is to say about this topic now; mostly nothing. ``nth`` 0: its messages are not counted."""
        if nth <= 0:
            return ""
        known = self._counts.get(topic)
        if known is None or known.boot != boot:
            self._counts[topic] = _Count(boot, nth)
            return ""
        if nth > known.highest:
            first, last, known.highest = known.highest + 1, nth - 1, nth
            if first > last:
                return ""
            if len(known.missing) + last - first < REMEMBERED:
                known.missing.update(range(first, last + 1))
            return f"{topic}: messages {first}…{last} have not come (yet)"
        if nth in known.missing:
            known.missing.discard(nth)
            if not known.missing:
                return f"{topic}: all that were missing have come"
        return ""
