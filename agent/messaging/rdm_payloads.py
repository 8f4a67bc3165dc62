"""What is said of the RDM devices on an output's lines. Pure."""

from pydantic import Field

from agent.messaging.header import Part, Payload, Say


class RdmDevice(Part):
    """One device as it was read last. ``said`` and ``next`` are empty where there is nothing to do."""

    uid: str
    model: str = ""
    label: str = Field("", description="Its own name.")
    firmware: str = Field("", description="SOFTWARE_VERSION_LABEL, and the maker's number for it.")
    address: int = Field(description="DMX start address; 65535: it has none.")
    footprint: int = Field(description="Slots it takes.")
    personality: int = Field(description="DMX mode that is set, counted from 1.")
    fixture: str | None = Field(None, description="The light of the configuration that has this address.")
    profile: str | None = Field(None, description="The profile that holds for its model and firmware.")
    said: Say = Field(description="What is not as it is set up, or not known.")
    next: Say = Field(description="What to do about it.")


class RdmLine(Part):
    """One universe of the output."""

    universe: int
    searched: str | None = Field(None, description="When it was searched last, ISO 8601 UTC; null: never.")
    complete: bool = Field(False, description="The last search came to its end; else there may be more.")
    count: int = Field(0, description="Devices found; of so many as fit the message, `devices` tells more.")
    devices: tuple[RdmDevice, ...] = ()
    gone: tuple[RdmDevice, ...] = Field((), description="Once there, and not found by the last complete search.")


class RdmState(Payload):
    """Who was found on an output's lines by RDM, as far as they were searched."""

    lines: tuple[RdmLine, ...] = ()
