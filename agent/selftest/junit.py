"""The report as JUnit XML, for whatever collects test results. MARGINAL and OVERDUE pass there, with their text: the
format knows no warning."""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from agent.selftest.report import Outcome, Report
from drivers.base import Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 may not hold (2.2)."""


def junit(report: Report) -> str:
    """One suite per device, one case per check."""
    root = Element(
        "testsuites", {"name": "studio self-test", "time": f"{report.seconds:.3f}", **_counts(report.checks)}
    )
    for group, checks in report.groups().items():
        about = {
            "name": _clean(f"{group.kind} {group.name}"),
            "timestamp": report.started,
            "hostname": _clean(report.agent),
            "time": f"{sum(check.seconds for check in checks):.3f}",
        }
        suite = SubElement(root, "testsuite", {**about, **_counts(checks)})
        for check in checks:
            _case(suite, report, check)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _case(suite: Element, report: Report, check: Outcome) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=_clean(f"{report.site}.{report.agent}.{check.kind}.{check.name}"),
        name=_clean(f"{check.id} {check.title.en}"),
        time=f"{check.seconds:.3f}",
    )
    said = _clean(f"{check.said.en}\n{check.said.zh}\n{check.remedy.en}\n{check.remedy.zh}".strip())
    message = _clean(check.said.en)
    match check.verdict:
        case Verdict.FAIL:
            SubElement(case, "failure", message=message, type=check.id).text = said
        case Verdict.ERROR:
            SubElement(case, "error", message=message, type=check.id).text = said
        case Verdict.SKIPPED:
            SubElement(case, "skipped", message=message)
        case Verdict.MARGINAL | Verdict.OVERDUE:
            SubElement(case, "system-out").text = f"{check.verdict}: {said}"


def _counts(checks: Sequence[Outcome]) -> dict[str, str]:
    def count(verdict: Verdict) -> str:
        return str(sum(check.verdict is verdict for check in checks))

    return {
        "tests": str(len(checks)),
        "failures": count(Verdict.FAIL),
        "errors": count(Verdict.ERROR),
        "skipped": count(Verdict.SKIPPED),
    }


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
