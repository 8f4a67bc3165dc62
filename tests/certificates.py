"""Certificates of our own making."""

import subprocess
from pathlib import Path

import pytest

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)


def authority(folder: Path) -> Path:
    """A certificate authority: ``ca.key``, ``ca.crt``."""
    wish = ["req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={folder.name}", "-keyout", "ca.key", "-out", "ca.crt"]
    openssl(folder, *wish, "-addext", "keyUsage=critical,keyCertSign")
    return folder


def issue(folder: Path, name: str, usage: str, days: int = 2) -> None:
    """A key and a certificate signed by the authority in this folder: ``name.key``, ``name.crt``. ``days`` below 0: it
    has ended."""
    said = f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\nauthorityKeyIdentifier=keyid\n"
    (folder / f"{name}.ext").write_text(said)
    openssl(folder, "req", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    openssl(folder, *sign, "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt")


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The studio's authority, and what it signed: ``broker``, ``one``."""
    folder = authority(tmp_path_factory.mktemp("studio"))
    issue(folder, "broker", "serverAuth")
    issue(folder, "one", "clientAuth")
    return folder


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody else's authority, and its ``one``."""
    folder = authority(tmp_path_factory.mktemp("stranger"))
    issue(folder, "one", "clientAuth")
    return folder
