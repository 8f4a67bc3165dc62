"""The tables of trust: who may command what."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.section import FilePath, Section
from config.units import Name


class IssuerSection(Section):
    """One who may send commands: a desk, a control program, a person. How it proves who it is."""

    role: Literal["viewer", "operator", "maintenance", "admin"] = Field(description="What it may do at most.")
    key_file: FilePath | None = Field(None, description="File with the secret for HMAC-SHA256, mode 0600.")
    public_key_file: FilePath | None = Field(None, description="Ed25519 public key (PEM).")
    require: Literal["signature", "name"] = Field(
        "signature", description="name: its name is believed, as far as the broker's access list lets it in."
    )

    @model_validator(mode="after")
    def _one_key(self) -> "IssuerSection":
        if self.key_file is not None and self.public_key_file is not None:
            raise ValueError("key_file and public_key_file: give one of them")
        if self.require == "signature" and self.key_file is None and self.public_key_file is None:
            raise ValueError("no key: give key_file or public_key_file, or say require = 'name'")
        return self


class TrustSection(Section):
    """Who may command what. Without issuers everybody the broker lets in may do what ``anonymous`` says."""

    issuers: dict[Name, IssuerSection] = Field(default_factory=dict, description="By the name in the envelope.")
    anonymous: Literal["none", "viewer", "operator", "maintenance"] | None = Field(
        None, description="Role of those not listed; without: maintenance while none is listed, else none."
    )
    window: Annotated[float, Field(ge=1, le=3600)] = Field(
        60.0, description="Seconds a signed command may be old, or ahead, when it arrives."
    )
    live: Annotated[float, Field(gt=0, le=10_000)] = Field(
        100.0, description="Commands per second of one issuer and verb, such as faders send; twice as many at once."
    )
    rare: Annotated[float, Field(gt=0, le=10_000)] = Field(
        2.0, description="The same for those that are rarely wanted, such as reload; ten times as many at once."
    )
    audit_records: Annotated[int, Field(ge=1000, le=10_000_000)] = Field(
        100_000, description="Decisions kept on the disk; the oldest go first."
    )
