"""An ENTTEC DMX USB Pro Mk2 as an input: two cables go into it.

What the second socket receives comes with a label that belongs to the API key, laid out as label 5's packets are
(status, start code, slots), and every packet, not changes only: ENTTEC's public example program sends label 8 with 0
and reads both alike. What tells of changes on socket 2 is not public. **Not tried on hardware by us.**
"""

from pydantic import Field

from drivers.dmx.enttec_codec import Label, Parameters
from drivers.dmx.enttec_mk2 import Mk2, Mk2Port
from drivers.dmx.enttec_pro_in import Cable, ListeningPort, WidgetIn
from drivers.host import Host
from drivers.registry import DriverSpec, Kind


class EnttecMk2InOptions(ListeningPort, Mk2Port):
    """What the configuration may say about a Mk2 that listens."""

    receive_label: int = Field(ge=15, le=255, description="Label of receive DMX on port 2 that belongs to the key.")


class EnttecMk2In(WidgetIn, Mk2):
    """Input of two universes."""

    simple = "enttec-pro-in"

    def __init__(self, options: EnttecMk2InOptions, host: Host) -> None:
        labels = (Label.RECEIVED, options.receive_label)
        cables = {
            label: Cable(universe, options.priority, f"DMX on {options.port}, socket {socket}")
            for socket, (label, universe) in enumerate(zip(labels, options.ports, strict=True), 1)
        }
        super().__init__(options, host, cables)
        self._mk2 = options

    def _prepare(self, found: Parameters, serial: str) -> None:
        self._unlock(self._mk2)
        super()._prepare(found, serial)


SPEC = DriverSpec(
    name="enttec-pro-mk2-in",
    kind=Kind.INPUT,
    options=EnttecMk2InOptions,
    make=EnttecMk2In,
    twin="drivers.virtual.twins.enttec_mk2_in:enttec_mk2_in_twin",
    # Key and labels of the example are made up.
    example={"port": "usb:EN252262", "ports": (1, 2), "api_key": "00112233", "assign_label": 200, "receive_label": 202},
    universes=2,
)
