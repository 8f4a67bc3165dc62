"""How the lights looked when a person said that all was well: the yardstick of *dim*, *swapped* and *stuck*.

Never grows by itself: a run becomes part of it only when it is asked to (``accept``), or a light that fades slowly
would take its own yardstick along. The median of up to 20 accepted runs counts.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from agent.runtime.files import replace_file
from agent.selftest.checks.optics import LightSeen, Reference, Zones
from agent.selftest.report import Frozen
from drivers.camera.metrics import COLUMNS, ROWS

MOST = 20
FILE = "baseline.json"

Numbers = tuple[float | None, ...]


class LightBase(Frozen):
    """One light in one run: zones row by row (``None``: clipped), its curve as (level, share)."""

    zones: Numbers
    curve: tuple[tuple[float, float], ...]


class BaselineRun(Frozen):
    at: str
    dark: Numbers
    lights: dict[str, LightBase]


class Baseline(Frozen):
    """Seen by one camera, from one place. Another camera begins a new one."""

    v: Literal[1] = 1
    camera: str
    runs: tuple[BaselineRun, ...] = Field((), max_length=MOST)

    def reference(self) -> Reference | None:
        """The medians; ``None`` without a run."""
        if not self.runs:
            return None
        names = sorted({name for run in self.runs for name in run.lights})
        zones: dict[str, Zones] = {}
        curves: dict[str, Mapping[float, float]] = {}
        for name in names:
            seen = [run.lights[name] for run in self.runs if name in run.lights]
            zones[name] = np.median([_array(each.zones) for each in seen], axis=0)
            levels = sorted({level for each in seen for level, _ in each.curve})
            curves[name] = {
                level: median(share for each in seen for at, share in each.curve if at == level) for level in levels
            }
        dark: Zones = np.median([_array(run.dark) for run in self.runs], axis=0)
        return Reference(dark, zones, curves, len(self.runs))


def kept(state_dir: Path) -> Baseline | None:
    """What was accepted so far, through whichever camera; ``None`` when there is nothing that can be understood."""
    try:
        return Baseline.model_validate_json((state_dir / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def read(state_dir: Path, camera: str) -> Baseline:
    """What was accepted for this camera so far; empty when nothing was."""
    found = kept(state_dir)
    return found if found is not None and found.camera == camera else Baseline(camera=camera)


def accept(state_dir: Path, camera: str, at: str, lights: Mapping[str, LightSeen], forget: bool = False) -> Baseline:
    """Add a run; ``forget``: in place of all runs before, after lights or camera were moved, cleaned or exchanged.
    Raises OSError when the disk refuses; the old baseline is then still there."""
    dark: Zones = np.median([seen.dark for seen in lights.values()], axis=0)
    run = BaselineRun(
        at=at,
        dark=_numbers(dark),
        lights={
            name: LightBase(zones=_numbers(seen.response), curve=tuple(zip(seen.levels, seen.shares, strict=True)))
            for name, seen in lights.items()
        },
    )
    known = () if forget else read(state_dir, camera).runs
    grown = Baseline(camera=camera, runs=(*known, run)[-MOST:])
    replace_file(state_dir / FILE, grown.model_dump_json().encode())
    return grown


def _numbers(zones: Zones) -> Numbers:
    return tuple(None if value != value else round(value, 6) for value in zones.ravel().tolist())


def _array(numbers: Numbers) -> Zones:
    values = [float("nan") if value is None else value for value in numbers]
    return np.array(values).reshape(ROWS, COLUMNS)
