"""Zones to regulate on: where nothing moves, nothing clips, and the light can be seen. Pure.

A face is a poor meter (0.04 stop of jitter); the wall and the desk behind it are good ones (0.001...0.003). Which zones
those are shows in a running record of the zones over time:

    log2 light of each zone, every 0.5 s, of the last 60 s
      less each zone's own median                     how a zone differs from itself
      less the median of all zones at each moment     light and auto exposure move all zones together: the common mode
      --> spread of each zone: its standard deviation, robustly, and how far it ever went

A reference zone has a small spread, has never been clipped or crushed for more than moments, and is not of the
presenter's. Of these, where the key light's response is known, those it lights well. Fewer than a handful are refused,
with how many zones each reason cost.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.camera.curves import Floats
from drivers.camera.metrics import CLIPPED, CRUSHED, Metrics
from drivers.camera.points import COLUMNS, ROWS, Mask

EVERY = 0.5
"""Seconds between two entries."""
KEPT = 120
"""Entries: a minute."""
FEWEST_ENTRIES = 16
"""Less says nothing about what stands still."""
STATIC_SPREAD = 0.02
"""Stops of standard deviation up to which a zone is static; still walls: 0.001...0.005, presenters: 0.05 and more."""
STATIC_RANGE = 0.10
"""Stops that a static zone may ever differ by."""
CUT_OFF = 2.0
"""Per cent of a zone's points that may be clipped, or crushed."""
SELDOM = 0.1
"""Share of the entries in which a zone may be cut off, or be the presenter's, and still count."""
LIT = 0.3
"""Share of the key light's best zone from which a zone counts as lit by it."""
FEWEST_ZONES = 5

_FLOOR = 2.0**-12

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class References:
    """``mask``: ROWS x COLUMNS, None when refused, and ``refused`` then says why. ``evidence``: zones that are
    ``static``, ``moving``, ``clipped``, ``crushed``, ``presenter``, ``unlit``, ``chosen``; ``spread``: stops, median of
    the chosen ones (of all zones when refused); ``common``: stops, spread of what all zones did together."""

    mask: Mask | None
    evidence: Mapping[str, float]
    refused: Text | None = None


@dataclass(slots=True)
class Record:
    """The last minute of one camera. To be begun anew when the camera moved or its picture changed its size."""

    _when: float = float("-inf")
    _stops: deque[Floats] = field(default_factory=lambda: deque(maxlen=KEPT))
    _clipped: deque[Mask] = field(default_factory=lambda: deque(maxlen=KEPT))
    _crushed: deque[Mask] = field(default_factory=lambda: deque(maxlen=KEPT))
    _presenter: deque[Mask] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, metrics: Metrics, presenter: Mask | None, now: float) -> bool:
        """One picture and the presenter's zones in it; True when it was taken, at most one each ``EVERY`` seconds."""
        if now - self._when < EVERY:
            return False
        self._when = now
        points = metrics.points
        self._stops.append(np.log2(np.maximum(metrics.zones, _FLOOR)))
        self._clipped.append(_per_cent(points.max(axis=0) >= CLIPPED) > CUT_OFF)
        self._crushed.append(_per_cent(points[1] <= CRUSHED) > CUT_OFF)
        self._presenter.append(np.zeros((ROWS, COLUMNS), np.bool_) if presenter is None else presenter)
        return True

    def __len__(self) -> int:
        return len(self._stops)

    def choose(self, response: npt.NDArray[np.floating] | None = None) -> References:
        """``response``: ROWS x COLUMNS, what the key light adds to each zone, linear (its step test's; any scale)."""
        if len(self) < FEWEST_ENTRIES:
            return References(
                None,
                {"entries": len(self)},
                Text(
                    f"Only {len(self) * EVERY:g} s of pictures so far, {FEWEST_ENTRIES * EVERY:g} s are needed.",
                    f"目前只有 {len(self) * EVERY:g} 秒画面，需要 {FEWEST_ENTRIES * EVERY:g} 秒。",
                ),
            )
        off, common = _residual(np.stack(self._stops).astype(np.float64))
        spread = 1.4826 * np.median(np.abs(off - np.median(off, axis=0)), axis=0)
        # Robust against a hand that passes once, but not blind to it: nineteen entries in twenty are near.
        farthest = np.quantile(np.abs(off), 0.95, axis=0)
        moving = (spread > STATIC_SPREAD) | (farthest > STATIC_RANGE / 2)
        clipped, crushed, presenter = (
            np.mean(np.stack(kept), axis=0) > SELDOM for kept in (self._clipped, self._crushed, self._presenter)
        )
        static = ~(moving | clipped | crushed | presenter)
        chosen = static & _lit(response)
        evidence = {
            "entries": float(len(self)),
            "static": float(static.sum()),
            "moving": float(moving.sum()),
            "clipped": float(clipped.sum()),
            "crushed": float(crushed.sum()),
            "presenter": float(presenter.sum()),
            "unlit": float((static & ~chosen).sum()),
            "chosen": float(chosen.sum()),
            "spread": float(np.median(spread[chosen] if chosen.any() else spread)),
            "common": float(1.4826 * np.median(np.abs(common - np.median(common)))),
        }
        if chosen.sum() < FEWEST_ZONES:
            return References(None, evidence, _refusal(evidence))
        return References(chosen, evidence)


# --- inside ----------------------------------------------------------------------------------------------------------


def _residual(stops: Doubles) -> tuple[Doubles, Doubles]:
    """Entries x ROWS x COLUMNS without zones' medians and the common mode, and the common mode of each entry.

    The common mode is that of the quieter half of the zones: a presenter who fills the picture is not the light.
    """
    off: Doubles = stops - np.median(stops, axis=0)
    common: Doubles = np.median(off, axis=(1, 2))
    for _ in range(2):
        rest = np.abs(off - common[:, None, None]).mean(axis=0)
        quiet = rest <= np.median(rest)
        common = np.median(off[:, quiet], axis=1)
    return off - common[:, None, None], common


def _lit(response: npt.NDArray[np.floating] | None) -> Mask:
    if response is None:
        return np.ones((ROWS, COLUMNS), np.bool_)
    if response.shape != (ROWS, COLUMNS) or not np.isfinite(response).all():
        raise ValueError(f"a response is {ROWS} x {COLUMNS} finite numbers, not {response.shape}")
    best = float(np.quantile(response, 0.98))
    lit: Mask = response >= LIT * best if best > 0 else np.zeros((ROWS, COLUMNS), np.bool_)
    return lit


def _per_cent(points: Mask) -> Floats:
    """Per cent of true points of each zone, in equal blocks (a few points at the edge may be left over)."""
    down, right = points.shape[0] // ROWS, points.shape[1] // COLUMNS
    blocks = points[: down * ROWS, : right * COLUMNS].reshape(ROWS, down, COLUMNS, right)
    share: Floats = blocks.mean(axis=(1, 3), dtype=np.float32)
    return 100 * share


def _refusal(evidence: Mapping[str, float]) -> Text:
    worst = max(("moving", "clipped", "crushed", "presenter", "unlit"), key=lambda name: evidence[name])
    en, zh = {
        "moving": ("most of the picture moves", "画面大部分在移动"),
        "clipped": ("too much of it is clipped", "过曝区域太多"),
        "crushed": ("too much of it is black", "死黑区域太多"),
        "presenter": ("the presenter fills it", "主持人占满画面"),
        "unlit": ("the key light lights too little of it", "主光照亮的区域太少"),
    }[worst]
    return Text(
        f"Only {evidence['chosen']:g} zones of {ROWS * COLUMNS} stand still and show the light, {FEWEST_ZONES} are "
        f"needed: {en} ({evidence[worst]:g} zones).",
        f"{ROWS * COLUMNS} 个区域中只有 {evidence['chosen']:g} 个静止且能反映光线，至少需要 {FEWEST_ZONES} 个："
        f"{zh}（{evidence[worst]:g} 个区域）。",
    )
