"""What an ear on loopback has heard of a sender, and what the sender cost."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.processes import Child

PERIOD = 1 / 44
TICK = os.sysconf("SC_CLK_TCK")


class Heard(NamedTuple):
    """``errors`` in ms; ``cpu`` in per cent of one core."""

    errors: npt.NDArray[np.float64]
    late: int
    rate: float
    cpu: float

    def __str__(self) -> str:
        p50_, p99_, worst = (float(np.percentile(self.errors, share)) for share in (50, 99, 100))
        return f"p50 {p50_:.3f}, p99 {p99_:.2f}, max {worst:.1f} ms; {self.late} late; {self.rate:.1f} fps"


@contextlib.contextmanager
def ear(folder: Path, address: str) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    file = folder / f"{address}.npy"
    child = Child(sys.executable, "-m", "tests.benchmarks.ear", address, file)
    child.wait_line(lambda line: line == "ready")
    try:
        yield file
    finally:
        child.finish()


def judged(file: Path, cpu: float, seconds: float) -> Heard:
    rows = np.load(file)
    moving = rows[rows[:, 2] > 0]
    first = moving[:, 0].min() + 1.0
    within = moving[(moving[:, 0] > first) & (moving[:, 0] < first + seconds - 1.0)]
    errors, late, rates = [], 0, []
    for universe in np.unique(within[:, 1]):
        gaps = np.diff(within[within[:, 1] == universe, 0])
        errors.append(np.abs(gaps - PERIOD) * 1e3)
        late += int((gaps > 1.5 * PERIOD).sum())
        rates.append(1 / gaps.mean())
    return Heard(np.concatenate(errors), late, float(np.median(rates)), cpu * 100)


def arrived(file: Path) -> float:
    """When the slowest universe first showed full."""
    rows = np.load(file)
    full = rows[(rows[:, 2] == 0xFFFF) & (rows[:, 1] <= 64)]
    return float(max(full[full[:, 1] == universe, 0].min() for universe in np.unique(full[:, 1])))


def spent(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def usual(pid: int) -> None:
    """Take real-time scheduling from all threads of a process."""
    subprocess.run(["chrt", "-a", "-o", "-p", "0", str(pid)], check=True)


def resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """Two loops that do nothing, and stop by themselves."""
    code = "import time\nuntil = time.monotonic() + 180\nwhile time.monotonic() < until: pass"
    loops = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
