"""How the lights looked when a person said that all was well: the yardstick of *dim*, *swapped* and *stuck*.

Never grows by itself: a run becomes part of it only when it is asked to (``accept``), or a light that fades slowly
would take its own yardstick along. For each light the median of up to 20 accepted runs counts.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
from pydantic import ValidationError

from agent.runtime.files import replace_file
from agent.selftest.checks.optics import Reference, Zones
from agent.selftest.report import Frozen, Outcome
from drivers.base import Verdict
from drivers.camera.metrics import COLUMNS, ROWS

MOST = 20
"""Accepted runs of one light; the oldest go."""
FILE = "baseline.json"
SEEN_BY = "LGT-01"
"""The check whose evidence is what the camera saw."""

Numbers = tuple[float | None, ...]


class LightBase(Frozen):
    """One light in one run: zones row by row (``None``: clipped), its curve as (level, share)."""

    zones: Numbers
    curve: tuple[tuple[float, float], ...]


class BaselineRun(Frozen):
    """``report``: the self-test that saw it."""

    at: str
    report: str = ""
    dark: Numbers
    lights: dict[str, LightBase]


class Baseline(Frozen):
    """Seen by one camera, from one place. Another camera begins a new one."""

    v: Literal[1] = 1
    camera: str
    runs: tuple[BaselineRun, ...] = ()

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
        return Reference(dark, zones, curves, Counter(name for run in self.runs for name in run.lights))

    def without(self, names: Collection[str]) -> "Baseline":
        """As if these lights had never been accepted."""
        return self._of(lambda name, _: name not in names)

    def bounded(self) -> "Baseline":
        """With the newest runs of every light. Counted by light: one that is accepted often drives no other out."""
        return self._of(lambda name, newer: newer < MOST)

    def _of(self, stays: Callable[[str, int], bool]) -> "Baseline":
        """``stays`` is asked with a light's name and how many newer runs have it; a run of no light goes."""
        newer: Counter[str] = Counter()
        runs: list[BaselineRun] = []
        for run in reversed(self.runs):
            lights = {name: light for name, light in run.lights.items() if stays(name, newer[name])}
            newer.update(run.lights.keys())
            if lights:
                runs.insert(0, run.model_copy(update={"lights": lights}))
        return self.model_copy(update={"runs": tuple(runs)})


@dataclass(frozen=True)
class Measured:
    """Lights of one run with which nothing was wrong, and by what they were seen; ``wrong``: what kept others out."""

    camera: str
    dark: Numbers
    lights: Mapping[str, LightBase]
    wrong: Mapping[str, str]


def measured(checks: Iterable[Outcome]) -> Measured:
    """What a run has measured of its lights. One is good when LGT-01 saw it and no check of it failed, could not be
    measured or was broken off."""
    camera = ""
    darks: dict[str, Zones] = {}
    lights: dict[str, LightBase] = {}
    wrong: dict[str, str] = {}
    for check in checks:
        if check.kind != "light":
            continue
        if check.counted in (Verdict.FAIL, Verdict.ERROR, Verdict.SKIPPED):
            wrong.setdefault(check.name, check.id)
        elif check.id == SEEN_BY and check.verdict is not Verdict.SKIPPED and (found := check.evidence).get("dark"):
            camera = found["camera"]
            darks[check.name] = _array(_flat(found["dark"]))
            curve = tuple(zip(found["levels"], found["shares"], strict=True))
            lights[check.name] = LightBase(zones=_flat(found["zones"]), curve=curve)
    good = {name: light for name, light in lights.items() if name not in wrong}
    dark = np.median([darks[name] for name in good], axis=0) if good else np.array(())
    return Measured(camera, _numbers(dark), good, wrong)


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


def accept(
    state_dir: Path, at: str, report: str, seen: Measured, lights: Collection[str], replaces: Collection[str] = ()
) -> Baseline:
    """Add these of the lights seen as a run; ``replaces``: lights whose runs before no longer count, because they or
    the camera were moved, cleaned or exchanged. Raises OSError when the disk refuses; the old baseline is then still
    there."""
    run = BaselineRun(
        at=at, report=report, dark=seen.dark, lights={name: seen.lights[name] for name in lights if name in seen.lights}
    )
    known = read(state_dir, seen.camera).without(replaces)
    grown = known.model_copy(update={"runs": (*known.runs, run)}).bounded()
    replace_file(state_dir / FILE, grown.model_dump_json().encode())
    return grown


def _flat(rows: Iterable[Iterable[float | None]]) -> Numbers:
    return tuple(value for row in rows for value in row)


def _numbers(zones: Zones) -> Numbers:
    return tuple(None if value != value else round(value, 6) for value in zones.ravel().tolist())


def _array(numbers: Numbers) -> Zones:
    values = [float("nan") if value is None else value for value in numbers]
    return np.array(values).reshape(ROWS, COLUMNS)
