"""``--version``: the program, the commit it is at, and what it stands on. Cheap on purpose: scripts ask it often."""

import platform
import sys
from pathlib import Path

from agent import __version__

PACKAGES = ("paho-mqtt", "pydantic", "pyserial", "opencv-python-headless", "numpy", "scapy", "structlog", "rich")


def text() -> str:
    """Several lines; the first is ``studio-agent VERSION (commit …)``."""
    at = commit(Path(__file__).resolve().parents[2])
    found = versions()
    return "\n".join(
        [
            f"studio-agent {__version__}{f' (commit {at})' if at else ''}",
            f"python {platform.python_version()}",
            *(f"{name} {found.get(name, 'missing')}" for name in PACKAGES),
        ]
    )


def commit(root: Path) -> str:
    """The commit a checkout is at, 12 digits; "" where there is none. Read from its files: git may not be installed."""
    folder = root / ".git"
    try:
        if folder.is_file():  # a work tree beside its repository
            folder = (root / folder.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head[:12]
        name = head.removeprefix("ref:").strip()
        common = folder / "commondir"
        places = [folder, (folder / common.read_text().strip()).resolve()] if common.is_file() else [folder]
        for place in places:
            if (place / name).is_file():
                return (place / name).read_text().strip()[:12]
            packed = place / "packed-refs"
            for line in packed.read_text().splitlines() if packed.is_file() else ():
                if line.endswith(f" {name}"):
                    return line[:12]
    except OSError:
        pass
    return ""


def versions() -> dict[str, str]:
    """Installed distributions by the names of their .dist-info folders; importlib.metadata would cost 0.1 s."""
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = [entry.name for entry in Path(place or ".").iterdir()]
        except OSError:
            continue
        for name in names:
            stem, dot, ending = name.rpartition(".dist-info")
            if dot and not ending:
                package, _, version = stem.rpartition("-")
                found.setdefault(package.replace("_", "-").lower(), version)
    return found
