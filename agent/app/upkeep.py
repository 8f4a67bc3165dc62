"""What was done for the studio's upkeep, read from the disk."""

from itertools import islice

from agent.messaging.payloads import Maintenance
from agent.selftest import baseline
from agent.selftest.report import Report
from agent.selftest.store import ReportStore
from config.model import StudioConfig

AS_FAR_BACK = 100
"""Reports looked through for a full self-test; a studio that is tested each day has one among them."""


def past(config: StudioConfig) -> tuple[Report | None, Maintenance]:
    """The latest report, and the dates. Blocking."""
    state = config.agent.state_dir
    latest: Report | None = None
    full: Report | None = None
    for report in islice(ReportStore(state).newest_first(), AS_FAR_BACK):
        latest = latest or report
        if report.whole:
            full = report
            break
    known = baseline.kept(state)
    last = known.runs[-1] if known and known.runs else None
    return latest, Maintenance(
        full_selftest=full.started if full else None,
        full_verdict=str(full.verdict) if full else None,
        accepted=last.at if last else None,
        accepted_runs=len(known.runs) if known else 0,
        accepted_lights=tuple(sorted({name for run in known.runs for name in run.lights})) if known else (),
    )
