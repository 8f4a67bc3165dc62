"""What is wrong with the pictures, as against with the light. Pure: one step per measured picture.

    no picture for 2 s                         STALE      reader or camera hangs
    points the same for 1 s                    FROZEN     the encoder repeats itself; a sensor always has noise
    99 % of the points below code 16 for 2 s   BLACK      lens cap, iris, no input
    5 % of the points clipped for 2 s          CLIPPED    too much light, or exposure too long

The first that holds is the fault: each of them makes the ones below meaningless. Figures: live pictures change by
0.09 codes and more from one to the next, a repeated one, even newly encoded, by 0.012 at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.base import Picture
from drivers.camera.metrics import Metrics, difference

STALE_AFTER = 2.0
FROZEN_AFTER = 1.0
FROZEN_BELOW = 0.05
"""Codes, mean over the points."""
DARK_AFTER = 2.0
DARK_BELOW = 16
"""Code of the 99th percentile."""
CLIPPED_AFTER = 2.0
CLIPPED_ABOVE = 5.0
"""Per cent of the area."""


class PictureFault(StrEnum):
    STALE = "stale"
    FROZEN = "frozen"
    BLACK = "black"
    CLIPPED = "clipped"


@dataclass(frozen=True, slots=True)
class FaultState:
    """What is known after the last step. Times are the caller's monotonic seconds; ``None``: not so at present."""

    fault: PictureFault | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    seen: float | None = None
    """When the last picture came."""
    changed: float | None = None
    """When the last picture came that differed from the one before: the picture's true age counts from here."""
    dark_since: float | None = None
    clipped_since: float | None = None
    points: Picture | None = None


def start(now: float) -> FaultState:
    """Nothing seen yet; the first picture is due from ``now`` on."""
    return FaultState(seen=now, changed=now)


def step(state: FaultState, metrics: Metrics | None, pixels_sample: Picture | None, now: float) -> FaultState:
    """One turn. ``metrics`` and ``pixels_sample`` (``metrics.points``) are ``None`` when no picture came."""
    if metrics is None or pixels_sample is None:
        seen = now if state.seen is None else state.seen
        stale = now - seen >= STALE_AFTER
        return FaultState(
            fault=PictureFault.STALE if stale else state.fault,
            evidence={"age": now - seen} if stale else state.evidence,
            seen=seen,
            changed=now if state.changed is None else state.changed,
            dark_since=state.dark_since,
            clipped_since=state.clipped_since,
            points=state.points,
        )
    change = None if state.points is None else difference(state.points, pixels_sample)
    moved = change is None or change >= FROZEN_BELOW or state.changed is None
    changed = now if moved else state.changed
    dark_since = _since(state.dark_since, metrics.p99 < DARK_BELOW, now)
    clipped_since = _since(state.clipped_since, metrics.clipped >= CLIPPED_ABOVE, now)
    fault: PictureFault | None = None
    evidence: Mapping[str, float] = {}
    # A picture that is black through and through has no noise to tell it from a frozen one: black is the better word.
    if _held(dark_since, now, DARK_AFTER):
        fault, evidence = PictureFault.BLACK, {"p99": metrics.p99, "dark_percent": metrics.dark}
    elif dark_since is None and _held(changed, now, FROZEN_AFTER):
        fault, evidence = PictureFault.FROZEN, {"change": change or 0.0, "same_for": now - (changed or now)}
    elif _held(clipped_since, now, CLIPPED_AFTER):
        fault, evidence = PictureFault.CLIPPED, {"clipped_percent": metrics.clipped}
    return FaultState(fault, evidence, now, changed, dark_since, clipped_since, pixels_sample)


def _since(before: float | None, holds: bool, now: float) -> float | None:
    if not holds:
        return None
    return now if before is None else before


def _held(since: float | None, now: float, long: float) -> bool:
    return since is not None and now - since >= long
