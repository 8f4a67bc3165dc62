"""Every verb of this agent, from the families that make them; what it can do of them now."""

from collections.abc import Mapping
from typing import Any

from agent.app.agent_verbs import AgentVerbs
from agent.app.alert_verbs import AlertVerbs
from agent.app.camera_verbs import CameraVerbs
from agent.app.commissions import Commissions
from agent.app.config_verbs import ConfigVerbs
from agent.app.cue_verbs import CueVerbs
from agent.app.exposure_verbs import ExposureVerbs
from agent.app.house import House
from agent.app.look_verbs import LookVerbs
from agent.app.maintenance_verbs import MaintenanceVerbs
from agent.app.probe_verbs import ProbeVerbs
from agent.app.rdm_lines import RdmLines
from agent.app.rdm_verbs import RdmVerbs
from agent.app.report_verbs import ReportVerbs
from agent.app.service_verbs import SelfTests, ServiceVerbs
from agent.app.stop_verbs import StopVerbs
from agent.app.verbs import LightVerbs
from agent.messaging.payloads import Capability, VerbEntry
from agent.messaging.verbs import INTERLOCKED, Verb
from drivers.base import Impact


def all_verbs(house: House, tests: SelfTests, rdm: RdmLines, commissions: Commissions) -> dict[str, Verb[Any]]:
    """What the dispatcher is given; its own verbs (ping, command.cancel) come to it."""
    return {
        **LightVerbs(house).all(),
        **LookVerbs(house).all(),
        **CueVerbs(house).all(),
        **StopVerbs(house).all(),
        **ExposureVerbs(house, commissions).all(),
        **CameraVerbs(house).all(),
        **RdmVerbs(house, rdm).all(),
        **ProbeVerbs(house).all(),
        **AgentVerbs(house).all(),
        **ConfigVerbs(house).all(),
        **ReportVerbs(house).all(),
        **MaintenanceVerbs(house, tests).all(),
        **AlertVerbs(house).all(),
        **ServiceVerbs(house, tests).all(),
    }


def capability(verbs: Mapping[str, Verb[Any]]) -> Capability:
    """What can be asked of the agent now, and how; what it has but cannot do now, with the reason."""
    lacking = {name: lack.en for name, verb in sorted(verbs.items()) if (lack := verb.missing()) is not None}
    entries = (_entry(verb) for name, verb in sorted(verbs.items()) if name not in lacking)
    return Capability(verbs=tuple(entries), missing=lacking)


def _entry(verb: Verb[Any]) -> VerbEntry:
    impact = verb.impact if isinstance(verb.impact, Impact) else None
    return VerbEntry(
        verb=verb.name,
        does=" ".join((verb.args.__doc__ or "").split()),
        impact=impact.value if impact else "depends",
        off_air_only=impact in INTERLOCKED,
        question=verb.read is not None,
        deadline=verb.deadline,
        args=verb.args.model_json_schema(),
    )
