"""Unknown and stale count as on air."""

import pytest

from agent.health.interlock import Interlock
from config.model import AirSection


def test_nobody_said_anything_is_on_air():
    assert Interlock(AirSection()).on_air(0.0)


def test_off_air_counts_only_while_it_is_fresh():
    lock = Interlock(AirSection(fresh=10))
    lock.tell(on_air=False, source="obs", now=100.0)
    assert not lock.on_air(109.9)
    assert lock.on_air(110.0)


def test_on_air_is_believed_at_once():
    lock = Interlock(AirSection())
    lock.tell(on_air=False, source="obs", now=0.0)
    lock.tell(on_air=True, source="obs", now=1.0)
    assert lock.on_air(1.0)


def test_a_studio_that_goes_by_a_tally_file_does_not_believe_the_network(tmp_path):
    tally = tmp_path / "tally"
    tally.write_text("1\n")
    lock = Interlock(AirSection(source="file", file=tally))
    lock.tell(on_air=False, source="stranger", now=0.0)
    assert lock.on_air(0.0)
    tally.write_text("0")
    assert not lock.on_air(0.0)


@pytest.mark.parametrize(("content", "on_air"), [(b"", True), (b"1", True), (b"\xff", True), (b"0", False)])
def test_only_a_zero_in_the_tally_file_is_off_air(tmp_path, content, on_air):
    tally = tmp_path / "tally"
    tally.write_bytes(content)
    assert Interlock(AirSection(source="file", file=tally)).on_air(0.0) is on_air


def test_a_tally_file_that_is_missing_unreadable_or_no_longer_kept_up_is_on_air(tmp_path):
    tally = tmp_path / "tally"
    assert Interlock(AirSection(source="file", file=tally)).on_air(0.0)
    assert Interlock(AirSection(source="file", file=tmp_path)).on_air(0.0)
    tally.write_text("0")
    written = tally.stat().st_mtime
    assert not Interlock(AirSection(source="file", file=tally, fresh=10), lambda: written + 9).on_air(0.0)
    assert Interlock(AirSection(source="file", file=tally, fresh=10), lambda: written + 11).on_air(0.0)
