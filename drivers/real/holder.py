"""Who has a device that can have one owner only."""

import os
from pathlib import Path


def holder(path: str) -> str:
    """Who has a device open besides us, as far as /proc shows it."""
    real, held = Path(path).resolve(), []
    try:
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        processes = []
    for process in processes:
        try:
            if int(process.name) != os.getpid() and any(link.readlink() == real for link in (process / "fd").iterdir()):
                held.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
        except OSError:
            continue  # ended meanwhile, or another user's
    return ", ".join(sorted(held)) or "another program"
