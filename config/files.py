"""The files a configuration names: secrets and keys, which nobody but their owner may use, and certificates."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from config.broker import BrokerSection, broker_tables
from config.model import StudioConfig
from config.problems import ConfigError, Problem

LARGEST_SECRET = 64 * 1024
PRIVATE = 0o077
"""Mode bits of which a private file has none: anything for group or others."""


def read_secret(path: Path, where: str = "secret") -> str:
    """The secret in a file of its own, without its final line break. ``where`` is the key that named the file.

    Raises ConfigError, never with the content in it: no such file, not a plain file, usable by others than its
    owner, empty, too large, not a text.
    """
    content = _read(path, where, "a file with nothing but the secret")
    why, secret = "", ""
    try:
        secret = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
        why = "holds no secret" if not secret else "holds a NUL byte" if "\0" in secret else ""
    except UnicodeDecodeError:
        why = "is not a UTF-8 text"
    if why:
        raise ConfigError(str(path), [Problem(where, why, "a file with nothing but the secret")])
    return secret


def secret_problems(path: Path, where: str) -> tuple[Problem, ...]:
    """What is wrong with a file that should hold a secret."""
    try:
        read_secret(path, where)
    except ConfigError as error:
        return error.problems
    return ()


def guard_key(path: Path, where: str) -> None:
    """Raises ConfigError when a private key cannot be read here, or can be by others than its owner."""
    _read(path, where, "a key in PEM form")


def read_public(path: Path, where: str) -> str:
    """A public key or certificate in PEM form. Raises ConfigError."""
    return _read(path, where, "a public key in PEM form", private=False).decode("utf-8", "replace")


def problems(config: StudioConfig) -> Iterator[Problem]:
    """What is wrong, on this machine and for this user, with the files the tables of brokers and trust name."""
    for table, broker in broker_tables(config.mqtt):
        yield from _of_broker(table, broker)
    for name, issuer in config.trust.issuers.items():
        table = f"trust.issuers.{name}"
        if issuer.key_file is not None:
            yield from secret_problems(issuer.key_file, f"{table}.key_file")
        if issuer.public_key_file is not None:
            try:
                read_public(issuer.public_key_file, f"{table}.public_key_file")
            except ConfigError as error:
                yield from error.problems


def _of_broker(table: str, broker: BrokerSection) -> Iterator[Problem]:
    tls = broker.tls
    if broker.password_file is not None:
        yield from secret_problems(broker.password_file, f"{table}.password_file")
    if tls is None:
        return
    if tls.key_file is not None:
        try:
            guard_key(tls.key_file, f"{table}.tls.key_file")
        except ConfigError as error:
            yield from error.problems
    for where, path in ((f"{table}.tls.ca_file", tls.ca_file), (f"{table}.tls.cert_file", tls.cert_file)):
        if path is not None:
            try:
                _read(path, where, "a certificate in PEM form", private=False)
            except ConfigError as error:
                yield from error.problems


def _read(path: Path, where: str, right: str, *, private: bool = True) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe in the file's place would hold up the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "not a path"
        whose = ", mode 0600, owned by the service's user" if private else " the service's user may read"
        raise ConfigError(str(path), [Problem(where, f"{path} cannot be read here: {said}", right + whose)]) from None
    why = ""
    try:
        status = os.fstat(descriptor)  # of what was opened: a path could change in between
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            why = f"{path} is not a plain file"
        elif private and mode & PRIVATE:
            why, right = f"others than its owner may use {path} (mode {mode:04o})", f"chmod 600 {path}"
        elif private and status.st_size > LARGEST_SECRET:
            why = f"{path} is larger than {LARGEST_SECRET} bytes"
        else:
            return os.read(descriptor, LARGEST_SECRET)
    except OSError as error:
        why = f"{path} cannot be read here: {error.strerror}"
    finally:
        os.close(descriptor)
    raise ConfigError(str(path), [Problem(where, why, right)])
