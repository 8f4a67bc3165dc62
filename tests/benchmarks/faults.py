"""A hundred faults and more against agent, broker, way and disk: what was lost, done twice, done late."""

from pathlib import Path

from tests.agent.messaging.faults import Campaign
from tests.benchmarks.row import Row

FAULTS = 60


def run(folder: Path) -> list[Row]:
    return [campaign(folder / name, sync) for name, sync in (("quick-disk", 0.0), ("slow-disk", 0.02))]


def campaign(folder: Path, sync: float) -> Row:
    folder.mkdir()
    found = Campaign(folder, seed=7, sync=sync).run(FAULTS)
    kinds = ", ".join(f"{count} × {kind}" for kind, count in found.faults.items())
    bad = (found.lost, found.gaps, found.twice, found.late, found.endless)
    return Row(
        f"{FAULTS} faults" + (f", every write {sync * 1e3:.0f} ms slower" if sync else ""),
        f"{found.lost} lost, {found.gaps} gaps; {found.twice} done twice, {found.late} late, {found.endless} endless",
        "0 of each",
        bad == (0, 0, 0, 0, 0),
        f"{found.messages} numbers ({found.repeated} came twice), {found.commands} commands; {kinds}",
    )
