"""Keys of issuers: HMAC-SHA256 with a shared secret, or Ed25519 with only the public half here.

What is signed is :func:`signed_bytes`; what stands in the envelope is ``<name>:<lower-case hex>``, one spelling only,
so that a changed bit is always another signature. A further kind of key is a class with ``name`` and ``verify``.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from agent.messaging.header import iso
from agent.messaging.trust import ed25519
from agent.messaging.trust.canonical import canonical
from config.files import read_public, read_secret
from config.problems import ConfigError, Problem
from config.trust import IssuerSection

SHORTEST = 16
"""Bytes of a shared secret, at least."""
_PUBLIC = bytes.fromhex("302a300506032b6570032100")
_SECRET = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes in DER (RFC 8410, 4 and 7)."""


class Key(Protocol):
    """Says whether a signature is its own."""

    name: str

    def verify(self, message: bytes, signature: str) -> bool: ...


class Signer(Protocol):
    """Makes signatures."""

    def sign(self, message: bytes) -> str: ...


class HmacKey:
    """HMAC-SHA256 (RFC 2104): both sides hold the secret, so the agent could sign in the issuer's name, too."""

    name = "hmac-sha256"

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message: bytes) -> str:
        return f"{self.name}:{hmac.new(self._secret, message, hashlib.sha256).hexdigest()}"

    def verify(self, message: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(message).encode(), signature.encode("utf-8", "replace"))


class Ed25519Key:
    """The public half: whoever reads it here can sign nothing."""

    name = "ed25519"

    def __init__(self, public: bytes) -> None:
        self._public = public

    def verify(self, message: bytes, signature: str) -> bool:
        kind, _, text = signature.partition(":")
        if kind != self.name or len(text) != 128 or set(text) - set("0123456789abcdef"):
            return False
        return ed25519.verify(self._public, message, bytes.fromhex(text))


class Ed25519Secret:
    """The secret half, for the requester's side."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message: bytes) -> str:
        return f"ed25519:{ed25519.sign(self._secret, message).hex()}"


def signed_bytes(envelope: Mapping[str, Any], site: str, agent: str, verb: str, id: str) -> bytes:  # noqa: A002
    """What is signed: the envelope as sent, all of it but the signature, and with it what its topic says. Raises
    ValueError for what has no canonical form."""
    rest = {key: value for key, value in envelope.items() if key != "signature"}
    return canonical({**rest, "site": site, "agent": agent, "verb": verb, "id": id})


def signed(
    envelope: Mapping[str, Any],
    key: Signer,
    *,
    now: float,
    life: float,
    site: str,
    agent: str,
    verb: str,
    id: str,  # noqa: A002 - the field's name on the wire
) -> dict[str, Any]:
    """The envelope with its times and its signature; ``now`` is seconds since 1970, ``life`` seconds."""
    times = {"issued_at": iso(now), "expires_at": iso(now + life)}
    whole = {**envelope, **times}
    return {**whole, "signature": key.sign(signed_bytes(whole, site, agent, verb, id))}


def issuer_key(section: IssuerSection, where: str) -> Key | None:
    """The key of a listed issuer; ``None``: it has none. Raises ConfigError, never with the content in it."""
    if section.key_file is not None:
        return HmacKey(_shared(section.key_file, f"{where}.key_file"))
    if section.public_key_file is None:
        return None
    key = f"{where}.public_key_file"
    public = _der(read_public(section.public_key_file, key), "PUBLIC KEY", _PUBLIC)
    if public is None or not ed25519.is_key(public):
        raise _wrong(section.public_key_file, key, "is no Ed25519 public key", "openssl pkey -in desk.pem -pubout")
    return Ed25519Key(public)


def signer(path: Path, where: str = "--key") -> Signer:
    """The key to sign with: an Ed25519 secret key in PEM form, else a shared secret. Raises ConfigError."""
    text = read_secret(path, where)
    if "-----BEGIN" not in text:
        return HmacKey(_shared(path, where))
    secret = _der(text, "PRIVATE KEY", _SECRET)
    if secret is None:
        raise _wrong(path, where, "is no Ed25519 secret key", "openssl genpkey -algorithm ed25519")
    return Ed25519Secret(secret)


def _shared(path: Path, where: str) -> bytes:
    secret = read_secret(path, where).encode()
    if len(secret) < SHORTEST or b"-----BEGIN" in secret:
        right = f"at least {SHORTEST} bytes that nobody can guess: openssl rand -hex 32"
        raise _wrong(path, where, "is too short for a secret, or a key of another kind", right)
    return secret


def _der(text: str, label: str, prefix: bytes) -> bytes | None:
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    head, found, rest = text.partition(begin)
    body, ended, _ = rest.partition(end)
    if head.strip() or not found or not ended:
        return None
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return der[len(prefix) :] if der.startswith(prefix) and len(der) == len(prefix) + 32 else None


def _wrong(path: Path, where: str, why: str, right: str) -> ConfigError:
    return ConfigError(str(path), [Problem(where, f"{path} {why}", right)])
