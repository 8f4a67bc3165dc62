"""Self-test steps of an RDM line (catalogue RDM-01…08). Only RDM-07 does more than read.

All but RDM-01 ask the devices that RDM-01, or whoever surveyed the line, found last. Each step is one transaction, and
the levels go out between two of them; but a fade stands still on this output as long as a check runs.
"""

from collections.abc import Callable, Sequence

from config.units import Text
from drivers.base import Check, Impact, Result
from drivers.dmx import rdm_health as health
from drivers.dmx import rdm_line_checks as line
from drivers.dmx.rdm_known import Known

TITLES = {
    "RDM-01": Text("The RDM devices are those expected", "RDM设备与预期一致"),
    "RDM-02": Text("No two devices share slots", "设备地址无重叠"),
    "RDM-03": Text("The devices are set as planned", "设备设置与计划一致"),
    "RDM-04": Text("The devices hear the line well", "设备接收线路质量"),
    "RDM-05": Text("Sensors are in their normal range", "传感器在正常范围内"),
    "RDM-06": Text("The devices report no faults", "设备未报告故障"),
    "RDM-07": Text("The devices' own self-tests", "设备自检"),
    "RDM-08": Text("The devices answer reliably", "设备应答可靠"),
}


def rdm_checks(known: Known) -> Sequence[Check]:
    """All of them, in the order they make sense."""
    reading = known.reading_s + 2

    def check(
        id: str,  # noqa: A002
        ask: Callable[[Known], Result],
        impact: Impact = Impact.INVISIBLE,
        deadline: float = reading,
    ) -> Check:
        return Check(id, known.subject, TITLES[id], lambda: ask(known), impact, deadline)

    visible = Impact.VISIBLE  # discovery, too: cheap fixtures flicker when it is done
    return (
        check("RDM-01", line.expected, visible, line.LOOKING_S + 3),
        check("RDM-02", line.apart),
        check("RDM-03", line.planned),
        check("RDM-04", line.line_quality),
        check("RDM-05", health.sensors, deadline=2 * reading),
        check("RDM-06", health.statuses),
        check("RDM-07", health.self_tests, visible, health.TESTING_S + 5),
        check("RDM-08", health.answers, deadline=2 * reading),
    )
