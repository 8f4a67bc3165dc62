"""Which drivers there are. Built-in ones are named here and imported only when asked for; third parties announce
theirs under the entry-point group ``studio_agent.drivers``."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from drivers.errors import NotSupported
from drivers.host import Host


class Kind(StrEnum):
    OUTPUT = "output"
    INPUT = "input"
    BUS = "bus"
    CAMERA = "camera"
    PROBE = "probe"


class Options(BaseModel):
    """Base of every driver's options. Unknown keys are errors: a typo must not become a default.

    What a driver's options say beyond themselves, so that ``check-config`` can know it without hardware:
    """

    # A secret put into the wrong key must not come out again in somebody's traceback.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def secrets(self) -> Mapping[str, Path]:
        """Option → the file with a secret that it names: nobody but its owner may use it."""
        return {}

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        """What only one device of the studio may have: key of its table (``options.port``) and the thing itself, in
        words that are the same for everybody who would use it. ``universes``: of an output."""
        return ()

    def refuses(self, universe: int) -> str:
        """Why an output with these options cannot carry that universe; "" when it can."""
        return ""


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """One driver: its options model, how to make it, and the twin that fakes its wire (no twin, no driver).

    ``twin`` is ``"module:factory"``, loaded only by the virtual studio and the contract suite; the factory is called
    as ``factory(studio, options, name)`` and returns a :class:`drivers.virtual.twin.Twin`. ``example`` holds options
    that are valid and reach that twin: the contract suite, the documents and ``devices`` use them.
    """

    name: str
    kind: Kind
    options: type[Options]
    make: Callable[[Any, Host], Any]
    twin: str
    example: Mapping[str, Any]
    universes: int | None = None
    """How many universes one such output carries; ``None``: any number."""
    lamp: str = ""
    """Of a bus: ``vendor/model:personality`` of a lamp that the example reaches."""

    def read(self, options: Mapping[str, Any], folder: Path | None) -> Options:
        """The options as the driver takes them; relative paths in them count from ``folder``, the configuration's.

        Raises pydantic's ValidationError."""
        return self.options.model_validate(dict(options), context={"folder": folder})


BUILT_IN: Mapping[str, str] = {
    "enttec-pro": "drivers.dmx.enttec_pro:SPEC",
    "enttec-pro-mk2": "drivers.dmx.enttec_mk2:SPEC",
    "enttec-pro-in": "drivers.dmx.enttec_pro_in:SPEC",
    "enttec-pro-mk2-in": "drivers.dmx.enttec_mk2_in:SPEC",
    "open-dmx": "drivers.dmx.open_dmx:SPEC",
    "artnet": "drivers.dmx.artnet:SPEC",
    "artnet-in": "drivers.dmx.artnet_in:SPEC",
    "sacn": "drivers.dmx.sacn:SPEC",
    "sacn-in": "drivers.dmx.sacn_in:SPEC",
    "modbus": "drivers.lamps.modbus:SPEC",
    "line": "drivers.lamps.line:SPEC",
    "opencv": "drivers.camera.opencv:SPEC",
    "stamp": "drivers.network.stamp:SPEC",
    "icmp": "drivers.network.icmp:SPEC",
    "tcp": "drivers.network.tcp:SPEC",
}

GROUP = "studio_agent.drivers"


def names() -> list[str]:
    """All drivers this installation knows, sorted."""
    return sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})


def find(name: str) -> DriverSpec:
    """The driver of that name. Raises NotSupported, with the names there are, when there is none."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        spec = getattr(importlib.import_module(module), attribute)
    else:
        entries = {entry.name: entry for entry in entry_points(group=GROUP)}
        if name not in entries:
            raise NotSupported(f"no driver is called {name!r}", f"one of: {', '.join(names())}")
        try:
            spec = entries[name].load()
        except Exception as error:  # somebody else's code, while it is imported
            why = f"the package of driver {name!r} cannot be loaded: {type(error).__name__}: {error}"
            raise NotSupported(why, "update it, or take it out") from None
    if not isinstance(spec, DriverSpec):
        raise NotSupported(f"the driver {name!r} is not a DriverSpec", "see drivers/README.md, how to add one")
    return spec
