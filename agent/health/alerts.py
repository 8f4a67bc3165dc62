"""Alerts: a rule that held long enough. The life cycle is pure; time is an argument.

Worse at once after the rule's confirm time; better only after a hold below the clear limit (AMWA BCP-008 manner).
One open alert per key; the key names device and check, never a value or a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from config.units import SILENT, Text


class AlertLevel(StrEnum):
    """Defined by the response: note = fix this week; warning = act before or within this show; critical = now."""

    NOTE = "note"
    WARNING = "warning"
    CRITICAL = "critical"


class Stage(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule sees now. ``bad=None``: between the limits, or no news: nothing changes."""

    key: str
    bad: bool | None
    level: AlertLevel
    said: Text
    remedy: Text = SILENT
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    confirm: float = 0.0
    hold: float = 3.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One open (or just resolved) alert. Times on the monotonic clock; ``good`` is since when it looks better."""

    condition: Condition
    stage: Stage
    since: float
    fired: float | None = None
    good: float | None = None
    count: int = 1

    @property
    def key(self) -> str:
        return self.condition.key


class Alerts:
    """All open alerts of this agent."""

    def __init__(self) -> None:
        self._open: dict[str, Alert] = {}

    @property
    def open(self) -> list[Alert]:
        """Firing ones, the most serious first."""
        order = [AlertLevel.CRITICAL, AlertLevel.WARNING, AlertLevel.NOTE]
        firing = [alert for alert in self._open.values() if alert.stage is Stage.FIRING]
        return sorted(firing, key=lambda alert: (order.index(alert.condition.level), alert.since))

    def see(self, conditions: Iterable[Condition], now: float) -> list[Alert]:
        """Take in what the rules see; what came of it (fired or resolved alerts), for publishing."""
        news: list[Alert] = []
        for condition in conditions:
            before = self._open.get(condition.key)
            after = _next(before, condition, now)
            if after is None or after.stage is Stage.RESOLVED:
                self._open.pop(condition.key, None)
            else:
                self._open[condition.key] = after
            if after is not None and (before is None or after.stage is not before.stage):
                if after.stage is not Stage.PENDING:
                    news.append(after)
            elif after is None and before is not None and before.stage is Stage.FIRING:
                news.append(replace(before, stage=Stage.RESOLVED))
        return news

    def forget(self, keys: Iterable[str]) -> None:
        """Rules that no longer exist (after a reload) leave no alert behind."""
        for key in keys:
            self._open.pop(key, None)

    @property
    def keys(self) -> set[str]:
        return set(self._open)


def _next(alert: Alert | None, seen: Condition, now: float) -> Alert | None:
    if alert is None:
        if not seen.bad:
            return None
        fresh = Alert(seen, Stage.PENDING, since=now)
        return replace(fresh, stage=Stage.FIRING, fired=now) if seen.confirm <= 0 else fresh
    if alert.stage is Stage.PENDING:
        if seen.bad is False:
            return None
        if seen.bad and now - alert.since >= seen.confirm:
            return replace(alert, condition=seen, stage=Stage.FIRING, fired=now)
        return replace(alert, condition=seen) if seen.bad else alert
    if seen.bad is False:
        good = now if alert.good is None else alert.good
        if now - good >= seen.hold:
            # the words stay those of the fault: "lost: unplugged" is what is over
            return replace(alert, condition=replace(alert.condition, value=seen.value), stage=Stage.RESOLVED, good=good)
        return replace(alert, good=good)
    return replace(alert, good=None, condition=seen if seen.bad else alert.condition)
