"""The typed shape of the configuration file.

Everything that has a name is a table under that name (``[fixtures.key]``), so names are unique by construction and
every error has one dotted path. What a driver's ``options`` may hold is the driver's own affair; profiles, addresses
and options are checked one floor up, with the same error form.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from config.broker import KeptSection, MqttSection
from config.section import FilePath, OnceEach, Section
from config.show import CueListSection, GroupSection, LookSection
from config.trust import TrustSection
from config.units import Address, Endpoint, Luminance, Name, Seconds, Stops, UniverseNumber


class AgentSection(Section):
    """Who this agent is."""

    site: Name = Field(description="Place or customer; second level of every topic.")
    name: Name = Field(description="This agent, unique in the site: the room or the machine.")
    language: Literal["en", "zh", "both"] = Field("both", description="Language of texts for operators.")
    state_dir: FilePath = Field(
        Path("/var/lib/studio-agent"), description="Where the last look, journal and reports live."
    )
    profile_dirs: tuple[FilePath, ...] = Field((), description="Folders with the site's own profiles; they win.")


class AirSection(Section):
    """How the agent knows whether the studio is on air. Unknown or stale always counts as *on air*."""

    source: Literal["mqtt", "file", "never"] = Field(
        "mqtt",
        description="mqtt: the down/air topic; file: holds 0 = off air, rewritten within `fresh` seconds; "
        "never: a rehearsal room, stated by its owner.",
    )
    file: FilePath | None = Field(None, description="Tally file for source = 'file'.")
    fresh: Seconds = Field(10.0, description="An 'off air' older than this counts as on air.")

    @model_validator(mode="after")
    def _file_given(self) -> "AirSection":
        if (self.source == "file") != (self.file is not None):
            raise ValueError("source = 'file' and file = '...' belong together")
        return self


class SafetySection(Section):
    """Light safety: a slew limit that makes harmful flashes impossible (ITU-R BT.1702; WCAG 2.2, 2.3.1)."""

    slew_on_air: Annotated[float, Field(gt=0, le=0.6)] = Field(
        0.35,
        description="Share of full light per second, at most. 0.35 keeps below 2 flashes/s. "
        "Emitters of a light with a red one: 0.125 at most, for red flashes need hardly any light.",
    )
    slew_off_air: Annotated[float, Field(gt=0, le=0.6)] = Field(
        0.6, description="The same off air. 0.6 is the 3 flashes/s limit (BT.1702) and cannot be exceeded."
    )


class LightingSection(Section):
    """What the lights do by themselves."""

    start_look: Name | None = Field(
        None, description="Look shown at the very first start; afterwards the last look always comes back."
    )
    engine: Literal["process", "thread"] = Field(
        "process", description="Where outputs are driven: in a process of their own that outlives the agent, or in it."
    )
    linger: Seconds = Field(
        10.0, description="Seconds the output engine holds the look after the agent was stopped, for the next one."
    )


class DeviceSection(Section):
    """A table whose ``options`` are a driver's own affair."""

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        self._folder = (context or {}).get("folder")

    @property
    def folder(self) -> Path | None:
        """The configuration file's: relative paths in ``options`` count from it."""
        return self._folder


class OutputSection(DeviceSection):
    """One way out for DMX universes."""

    driver: str = Field(description="Driver name: enttec-pro, artnet, sacn, …")
    universes: Annotated[tuple[UniverseNumber, ...], Field(min_length=1), OnceEach] = Field(
        description="Universes this output carries."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The driver's own options.")


class InputSection(DeviceSection):
    """One way in: where a lighting console is heard. While it sends one of our universes with more priority than ours,
    its lights are its; when it ends, they fade back (`on_loss`)."""

    driver: str = Field(description="Driver name: sacn-in, artnet-in, enttec-pro-in, enttec-pro-mk2-in.")
    over: Annotated[int, Field(ge=0, le=200)] | None = Field(
        None,
        description="Our own priority: a console takes lights with a higher one only. None: the highest that our own "
        "sACN outputs send its universes with, else 100.",
    )
    limit: bool = Field(
        True, description="Keep what a console sends within the slew limit; off: as it sends, whoever is at the desk."
    )
    on_loss: Literal["fade", "hold"] = Field(
        "fade",
        description="When a console falls silent or ends: `fade` back to our look; `hold` its last look, each light "
        "until a person moves it (or the console is back).",
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The driver's own options (universes = …).")


class BusSection(DeviceSection):
    """A wire with lights that are not DMX: a Modbus line, a light's own protocol over serial, TCP or UDP."""

    driver: str = Field(description="Driver name: modbus, line.")
    look_every: Annotated[float, Field(ge=1, le=3600)] | None = Field(
        10.0, description="Seconds between two looks at what resting lights really have; none: never."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The driver's own options (port, host, …).")


class FixtureSection(Section):
    """One light: either with `universe` and `address` (DMX) or with `bus` (without DMX)."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["universe", "address"]}, {"required": ["bus"]}]}
    )

    profile: str = Field(description="vendor/model, as `studio-agent profile list` shows it.")
    personality: str = Field(description="The DMX mode the light is set to, or the way it is spoken to.")
    universe: UniverseNumber | None = Field(None, description="Universe it listens to.")
    address: Address | None = Field(None, description="DMX start address, 1…512.")
    bus: Name | None = Field(None, description="Bus it is on.")
    unit: Annotated[int, Field(ge=1, le=255, strict=True)] | None = Field(
        None, description="Its device's address on the bus (Modbus: 1…247); none: 1."
    )
    channel: Annotated[int, Field(ge=1, le=64, strict=True)] | None = Field(
        None, description="Its channel of that device; none: 1."
    )
    role: Literal["key", "fill", "back", "practical"] = Field("practical", description="What it is for.")
    firmware: str | None = Field(None, description="Firmware version, if known: chooses among profiles.")

    @model_validator(mode="after")
    def _is_in_one_place(self) -> "FixtureSection":
        if self.bus is None and (self.unit is not None or self.channel is not None):
            raise ValueError("unit and channel need the bus they are on: bus = …")
        if self.bus is not None and (self.universe is not None or self.address is not None):
            raise ValueError("a light is either in a universe at an address, or on a bus")
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _has_a_place(cls, data: Any, made: ModelWrapValidatorHandler["FixtureSection"]) -> "FixtureSection":
        """Without a bus, universe and address are missing keys like any others: told by name, with all else."""
        needed = ("universe", "address") if isinstance(data, dict) and data.get("bus") is None else ()
        missing = [InitErrorDetails(type="missing", loc=(key,), input=data) for key in needed if key not in data]
        try:
            section = made(data)
        except ValidationError as error:
            others = [
                InitErrorDetails(type=one["type"], loc=one["loc"], input=one["input"], ctx=one.get("ctx", {}))
                for one in error.errors()
            ]
            raise ValidationError.from_exception_data("FixtureSection", [*others, *missing]) from None
        if missing:
            raise ValidationError.from_exception_data("FixtureSection", missing)
        return section


class CameraSection(DeviceSection):
    """One camera."""

    driver: str = Field("opencv", description="Driver name.")
    rate: Annotated[float, Field(gt=0, le=60)] = Field(8.0, description="Measurements per second.")
    presenter: bool = Field(True, description="Look for the presenter's face once or twice a second.")
    thumbnails: bool = Field(
        False, description="Let `camera.thumbnail` show a small picture. Off: no picture ever leaves this machine."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The driver's own options (source = …).")


class ExposureSection(Section):
    """The exposure loop (automatic fill light)."""

    camera: Name = Field(description="The camera it looks through.")
    fixtures: Annotated[tuple[Name, ...], Field(min_length=1), OnceEach] = Field(description="The lights it may move.")
    mode: Literal["watch", "advise", "hold"] = Field("advise", description="hold moves lights; advise only says so.")
    target: Luminance = Field(0.18, description="Wanted linear luminance of the picture.")
    authority: Annotated[float, Field(ge=0.1, le=20)] = Field(
        1.0, description="Stops each light may go either way from the operator's look; on air never more than 1."
    )
    keep_ratio: bool = Field(
        True, description="Move all its lights alike; off: each as its zones of the picture need it, once commissioned."
    )
    hold_white: bool = Field(
        True, description="Hold the picture's colour, too, where lights have a colour temperature, once commissioned."
    )
    presenter_trim: Annotated[float, Field(ge=0, le=1)] = Field(
        0.3, description="Stops the presenter's face may move the target either way, slowly; 0: not at all."
    )
    delay: Annotated[int, Field(ge=0, le=20)] = Field(
        2, description="Camera samples from command to picture, until commissioning has measured it."
    )


class ProbeSection(DeviceSection):
    """One thing that measures the network."""

    driver: str = Field(description="Driver name: stamp, icmp, tcp.")
    interval: Annotated[float, Field(ge=0.02, le=3600)] = Field(0.5, description="Seconds between samples.")
    options: dict[str, Any] = Field(default_factory=dict, description="The driver's own options (host, port, …).")


class AlertSection(Section):
    """Limits of the standing alert rules."""

    exposure_stops: Stops = Field(0.7, gt=0, description="|EV error| that raises the exposure alert.")
    rtt_ms: Annotated[float, Field(gt=0)] = Field(250.0, description="p95 round trip.")
    jitter_ms: Annotated[float, Field(gt=0)] = Field(50.0, description="RFC 3550 style jitter.")
    loss_percent: Annotated[float, Field(gt=0, le=100)] = Field(1.0, description="Loss over the window.")
    confirm: Seconds = Field(10.0, description="A metric must be bad this long before its alert fires.")
    hold: Seconds = Field(60.0, description="… and good this long before it resolves.")


class SelfTestSection(Section):
    """The self-test."""

    ingest: Endpoint | None = Field(None, description="host:port of the platform's ingest, for name and path checks.")
    keep_reports: Annotated[int, Field(ge=1, le=100000)] = Field(500, description="Reports kept on disk.")


class RdmSection(Section):
    """RDM on the outputs' lines. Cheap lights flicker while a line is searched, so that is for off air only, and done
    unasked only where it is said here."""

    survey: Annotated[tuple[Name, ...], OnceEach] = Field(
        (),
        description="Outputs that the agent searches by itself: off air for half a minute, after its start, when their "
        "device comes back, and then from time to time.",
    )
    every: Annotated[float, Field(ge=1, le=720)] = Field(24.0, description="Hours between two such searches.")


class SparkplugSection(Section):
    """The agent as an edge node of Eclipse Sparkplug B 3.0, for SCADA: at the same broker, beside its own topics."""

    enabled: bool = Field(False, description="Be one.")
    group: str | None = Field(
        None, pattern=r"^[^/+#\x00]{1,64}$", description="Sparkplug group id; without: the agent's site."
    )
    primary_host: str | None = Field(
        None,
        pattern=r"^[^/+#\x00]{1,64}$",
        description="Id of the primary host application: births wait until it is online; what changes meanwhile is "
        "kept and sent later as data of the past. Without: births at once.",
    )
    aliases: bool = Field(True, description="Data carry short numbers for names. Off for hosts that cannot read them.")
    kept: KeptSection = Field(KeptSection(days=3.0, mib=32.0), description="What waits for the broker or the host.")
    backlog_rate: Annotated[float, Field(gt=0, le=100_000)] = Field(
        100.0, description="Messages per second at which data of the past are sent, behind what is said now."
    )


class RateSection(Section):
    """When the numbers of one group are published: looked at each `interval`, sent when one has left its dead band
    since it was last sent, at the latest after `max_interval`. Always all of them."""

    interval: Annotated[float, Field(ge=0.1, le=3600)] | None = Field(
        None, description="Seconds between two looks; none: `telemetry.interval`."
    )
    max_interval: Annotated[float, Field(ge=0.1, le=86400)] | None = Field(
        None, description="Seconds after which they are sent all the same; none: `telemetry.max_interval`."
    )
    dead_bands: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="Number → how far it may wander unsaid, in its unit. 0: say every change."
    )


class TelemetrySection(Section):
    """How often numbers are published. `telemetry.set` changes it until the next start or reload."""

    interval: Annotated[float, Field(ge=0.1, le=3600)] = Field(1.0, description="Seconds between two looks at them.")
    max_interval: Annotated[float, Field(ge=0.1, le=86400)] = Field(
        10.0, description="Seconds after which they are sent even though nothing has changed."
    )
    lighting: RateSection = Field(RateSection(), description="`up/tele/lighting/<name>`.")
    exposure: RateSection = Field(RateSection(), description="`up/tele/exposure/<camera>`.")
    network: RateSection = Field(RateSection(), description="`up/tele/network/<probe>`.")
    host: RateSection = Field(RateSection(), description="`up/tele/host/<name>`.")


class HomeAssistantSection(Section):
    """The agent as a device of Home Assistant (2024.12 or newer), at the same broker."""

    enabled: bool = Field(False, description="Announce it. Switched off again, the device is taken back.")
    discovery_prefix: Annotated[str, Field(pattern=r"^[^/+#\s$][^+#\s]{0,99}$")] = Field(
        "homeassistant", description="The discovery prefix set in Home Assistant."
    )
    birth_topic: Annotated[str, Field(pattern=r"^[^/+#\s$][^+#\s]{0,99}$")] = Field(
        "homeassistant/status", description="Where Home Assistant says *online* when it has started."
    )


class StudioConfig(Section):
    """The whole file."""

    agent: AgentSection
    mqtt: MqttSection = MqttSection()
    trust: TrustSection = TrustSection()
    air: AirSection = AirSection()
    safety: SafetySection = SafetySection()
    lighting: LightingSection = LightingSection()
    outputs: dict[Name, OutputSection] = Field(default_factory=dict)
    inputs: dict[Name, InputSection] = Field(default_factory=dict)
    buses: dict[Name, BusSection] = Field(default_factory=dict)
    fixtures: dict[Name, FixtureSection] = Field(default_factory=dict)
    groups: dict[Name, GroupSection] = Field(default_factory=dict)
    looks: dict[Name, LookSection] = Field(default_factory=dict)
    cues: dict[Name, CueListSection] = Field(default_factory=dict)
    cameras: dict[Name, CameraSection] = Field(default_factory=dict)
    exposure: ExposureSection | None = None
    probes: dict[Name, ProbeSection] = Field(default_factory=dict)
    alerts: AlertSection = AlertSection()
    selftest: SelfTestSection = SelfTestSection()
    rdm: RdmSection = RdmSection()
    telemetry: TelemetrySection = TelemetrySection()
    homeassistant: HomeAssistantSection = HomeAssistantSection()
    sparkplug: SparkplugSection = SparkplugSection()
