"""The tables of the brokers: where they are, who we are there, and what waits while they are away."""

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from config.section import FilePath, Section
from config.units import HostName


class TlsSection(Section):
    """Transport security to the broker."""

    ca_file: FilePath | None = Field(None, description="Certificate authority (PEM); none: the system's.")
    cert_file: FilePath | None = Field(None, description="Client certificate (PEM).")
    key_file: FilePath | None = Field(None, description="Client key (PEM), mode 0600.")

    @model_validator(mode="after")
    def _both_or_none(self) -> "TlsSection":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        return self


class KeptSection(Section):
    """How much of one class of messages is kept for a broker that is away. Past it the oldest are given up, counted."""

    days: Annotated[float, Field(gt=0, le=365)] = Field(30.0, description="Not longer than this.")
    mib: Annotated[float, Field(gt=0, le=65536)] = Field(16.0, description="Not more than this, in MiB.")


class OutboxSection(Section):
    """What waits on the disk until the broker has acknowledged it."""

    telemetry: KeptSection = Field(KeptSection(days=3.0, mib=128.0), description="Numbers.")
    events: KeptSection = Field(KeptSection(), description="What happened once; alerts among it.")
    results: KeptSection = Field(KeptSection(), description="How commands ended.")
    audit: KeptSection = Field(KeptSection(), description="Who asked for what, and what was decided.")
    backlog_rate: Annotated[float, Field(gt=0, le=100_000)] = Field(
        200.0, description="Messages per second at which a backlog is sent, behind what is said now."
    )


class BrokerSection(Section):
    """One broker: where it is and how it lets the agent in."""

    host: HostName = Field("localhost", description="Name or address of the broker.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(1883, description="TCP port (8883 with TLS).")
    protocol: Literal["auto", "5", "3.1.1"] = Field("auto", description="auto: MQTT 5, falling back to 3.1.1.")
    transport: Literal["tcp", "websockets"] = Field("tcp", description="websockets: where only HTTP passes.")
    path: Annotated[str, Field(pattern=r"^/[!-~]*$")] = Field("/mqtt", description="Path of a WebSocket.")
    username: str | None = Field(None, description="User name at the broker.")
    password_file: FilePath | None = Field(None, description="File with the password, mode 0600; never the password.")
    tls: TlsSection | None = Field(None, description="Present: TLS 1.2 or newer.")
    embedded: bool = Field(
        False, description="It is the demo's own (keeps nothing, lets everybody in): the status then says so."
    )

    @model_validator(mode="after")
    def _password_has_user(self) -> "BrokerSection":
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file without username: give the user name too")
        return self


class MqttSection(BrokerSection):
    """The broker, and others to fall back on."""

    _table: str = PrivateAttr("mqtt")
    keepalive: Annotated[int, Field(ge=2, le=3600)] = Field(15, description="Seconds.")
    spread: Annotated[float, Field(ge=0.05, le=20)] = Field(
        5.0, description="Seconds within which the agent comes back after a loss, by chance: not all agents at once."
    )
    brokers: tuple[BrokerSection, ...] = Field(
        (), max_length=7, description="Others, in order of preference, for when the first cannot be reached."
    )
    go_back: Annotated[float, Field(ge=0.1, le=86400)] = Field(
        60.0, description="Seconds between two looks whether a broker that is preferred is there again."
    )
    command_kept: Annotated[float, Field(ge=0, le=86400)] = Field(
        600.0, description="Seconds the state of a command stays at the broker after its end; the last 200 at most."
    )
    outbox: OutboxSection = Field(OutboxSection(), description="What waits while the broker is away.")

    @model_validator(mode="after")
    def _each_once(self) -> "MqttSection":
        places = [(one.host.lower(), one.port) for one in (self, *self.brokers)]
        if len(set(places)) != len(places):
            raise ValueError("a broker is there twice: name each host and port once")
        return self

    def in_order(self) -> "tuple[MqttSection, ...]":
        """One section per broker, the preferred one first; what belongs to all of them is the same in each."""
        own = BrokerSection.model_fields
        found = [self]
        for table, one in broker_tables(self)[1:]:
            section = self.model_copy(update={name: getattr(one, name) for name in own})
            section._table = table
            found.append(section)
        return tuple(found)

    @property
    def table(self) -> str:
        """Path of the table this broker is described in, for messages."""
        return self._table


def broker_tables(config: MqttSection) -> list[tuple[str, BrokerSection]]:
    """Every broker with the path of its table, for messages."""
    return [("mqtt", config), *((f"mqtt.brokers[{number}]", one) for number, one in enumerate(config.brokers))]
