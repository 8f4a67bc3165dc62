"""Is the wall clock kept, and how far off is it."""

import os
import time
from pathlib import Path

import pytest

from agent.runtime.clock import KEPT_FOR, Discipline, correction, discipline, synchronised


def test_this_machines_clock_can_be_asked() -> None:
    found = discipline()
    assert found is None or (found.largest_error >= 0 and abs(correction()) <= 0.5)


@pytest.mark.parametrize("kept", [True, False])
def test_the_kernels_word_counts(kept: bool, tmp_path: Path) -> None:
    assert synchronised(lambda: Discipline(kept, 1.5, 2.0), tmp_path / "no-mark") is kept
    assert correction(lambda: Discipline(kept, 1.5, 2.0)) == (0.0015 if kept else 0.0)


def test_where_the_kernel_may_not_be_asked_timesyncd_says_it(tmp_path: Path) -> None:
    mark = tmp_path / "synchronized"
    assert synchronised(lambda: None, mark) is None and correction(lambda: None) == 0.0
    mark.touch()
    assert synchronised(lambda: None, mark) is True
    old = time.time() - KEPT_FOR - 60
    os.utime(mark, (old, old))
    assert synchronised(lambda: None, mark) is False
