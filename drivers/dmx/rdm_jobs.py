"""RDM work asked for by name from another thread or process: begun once, then done one transaction at a time.

The lane has its turns between two steps, so the levels go on. On air is said with every step: work that does more than
read ends there, before anything else is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from drivers.base import Output
from drivers.dmx import rdm_actions as actions
from drivers.dmx.rdm_codec import Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import Discovery
from drivers.dmx.rdm_known import HasRdm, Known
from drivers.dmx.rdm_port import Job, RdmPort, Steps
from drivers.dmx.rdm_survey import Survey, read_all, survey
from drivers.errors import NotSupported, Refused, WorkLost


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a step. ``rest``: seconds until the next one is of use. ``result`` counts when it is ``done``."""

    done: bool
    rest: float = 0.0
    result: Any = None


def begin(driver: Output, universe: int, what: str, args: tuple[Any, ...], on_air: bool) -> None:
    """Begin one of :data:`WORK`; what went on before on this line is dropped. NotSupported where there is no RDM;
    Refused on air, where it does more than read."""
    port = cast(HasRdm, driver).rdm(universe) if hasattr(driver, "rdm") else None
    if port is None:
        raise NotSupported(f"there is no RDM on universe {universe}", "a widget or a named gateway that can do RDM")
    known = cast(HasRdm, driver).rdm_known(universe)
    known.job = None
    _allow(what, on_air)
    controller = Controller(port.uid, passive=on_air and what in READING)
    known.job = what, Job(WORK[what](controller, known, port, *args), port)


def step(driver: Output, universe: int, on_air: bool) -> Turn:
    """One transaction at most of what was begun. WorkLost when nothing was, for then the process that had begun it has
    fallen, or other work took its place; Refused when the studio has gone on
    air meanwhile; else what the work raises, which ends it."""
    known = cast(HasRdm, driver).rdm_known(universe)
    if known.job is None:
        raise WorkLost("the RDM work was lost with the output's process, or ended", "ask again")
    what, job = known.job
    try:
        _allow(what, on_air)
        if job.step():
            port = known.opened()
            return Turn(False, max(0.0, job.due - port.now()))
    except BaseException:
        known.job = None
        raise
    known.job = None
    return Turn(True, result=job.result)


def _allow(what: str, on_air: bool) -> None:
    if on_air and what not in (*READING, "hide"):
        raise Refused("on air RDM only reads", "wait until the studio is off air")


def _survey(controller: Controller, known: Known, port: RdmPort) -> Steps[Survey]:
    found = yield from survey(controller, port.has_table, known.uids)
    known.uids = found.discovery.uids
    return found


def _read(controller: Controller, known: Known, port: RdmPort, uids: tuple[str, ...] = ()) -> Steps[Survey]:
    """Those that are known here, or else to whoever asks; whoever does not answer is not called gone."""
    there = known.uids or tuple(Uid.parse(each) for each in uids)
    responders, mute = yield from read_all(controller, there)
    return Survey(Discovery(there, complete=False), responders, mute)


def _show(controller: Controller, known: Known, port: RdmPort, uid: str) -> Steps[None]:
    yield from actions.identify(controller, Uid.parse(uid), True)


def _hide(controller: Controller, known: Known, port: RdmPort, uid: str) -> Steps[None]:
    yield from actions.identify(controller, Uid.parse(uid), False)


def _set(
    controller: Controller,
    known: Known,
    port: RdmPort,
    uid: str,
    address: int | None,
    personality: int | None,
    label: str | None,
) -> Steps[None]:
    """The mode before the address: its footprint may change what fits."""
    if personality is not None:
        yield from actions.set_personality(controller, Uid.parse(uid), personality)
    if address is not None:
        yield from actions.set_address(controller, Uid.parse(uid), address)
    if label is not None:
        yield from actions.set_label(controller, Uid.parse(uid), label)


WORK: Mapping[str, Callable[..., Steps[Any]]] = {
    "survey": _survey,
    "read": _read,
    "show": _show,
    "hide": _hide,
    "set": _set,
}
"""``show``: the device flashes; ``hide``: no more, and that is done on air, too."""

READING = ("read",)
"""Allowed on air."""
