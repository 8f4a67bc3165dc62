"""Our own sACN streams and the consoles beside them: what inputs and outputs must know of each other beforehand."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.model import InputSection, OutputSection, StudioConfig
from config.problems import Problem
from drivers.dmx import sacn
from drivers.host import Host

USUAL = 100
"""Priority of what says none (E1.31 6.2.3)."""

Known = dict[tuple[Any, ...], str]
"""Component identifiers by what they are made of."""


def sent_by(config: StudioConfig, host: Host, known: Known) -> dict[str, OutputSection]:
    """The outputs of a configuration, every sACN one with its component identifier. It is worked out here once, and
    stays (``known``): one that the process with the wires worked out anew, after a network card has come or gone, could
    be another, and our input would take us for a console."""
    found = dict(config.outputs)
    for name, section in config.outputs.items():
        if section.driver == "sacn":
            options = sacn.SacnOptions.model_validate(dict(section.options), context={"folder": section.folder})
            made_of = (options.cid, options.interface, options.hosts, options.source_name)
            cid = known.setdefault(made_of, str(sacn.component(options, host)))
            found[name] = section.model_copy(update={"options": {**section.options, "cid": cid}})
    return found


def heard_by(config: StudioConfig, outputs: Mapping[str, OutputSection]) -> dict[str, InputSection]:
    """The inputs of a configuration, told whose streams are ours (``outputs``: :func:`sent_by`) and our priority."""
    ours = {each.options["cid"] for each in outputs.values() if each.driver == "sacn"}
    found = {}
    for name, section in config.inputs.items():
        more = {}
        if section.driver == "sacn-in":
            more["ignore"] = sorted({*map(str, section.options.get("ignore", ())), *ours})
        over = own_priority(config, section)
        found[name] = section.model_copy(update={"over": over, "options": {**section.options, **more}})
    return found


def own_priority(config: StudioConfig, section: InputSection) -> int:
    """What a console heard there has to be above: as configured, else the highest we send its universes with."""
    if section.over is not None:
        return section.over
    heard = section.options.get("universes")
    beside = [
        each.options
        for each in config.outputs.values()
        if each.driver == "sacn" and (not isinstance(heard, (list, tuple)) or {*heard} & {*each.universes})
    ]
    return max(map(_priority, beside), default=USUAL)


def unheeded(where: str, config: StudioConfig, section: InputSection, options: Any) -> Iterator[Problem]:
    """An input whose consoles can never take a light: the protocol has no priorities, and the one it is given is ours.
    ``options``: as its driver has them."""
    given = getattr(options, "priority", None)
    own = own_priority(config, section)
    if isinstance(given, int) and given <= own:
        why = f"no console heard there takes a light: {given} is no more than our own priority ({own})"
        yield Problem(f"{where}.options.priority", why, f"more than {own}")


def _priority(options: Mapping[str, Any]) -> int:
    """The highest a sACN output sends with; ``options`` may be anything yet."""
    by_slot = options.get("address_priority")
    said = [options.get("priority", USUAL)] if by_slot is None else [by_slot]
    if isinstance(by_slot, Mapping):
        said = [*by_slot.values()]
    return max((each for each in said if isinstance(each, int)), default=USUAL)
