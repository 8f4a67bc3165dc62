"""Small files that must be whole whenever they are read. Blocking; for the disk's lane."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """In one step: whoever reads finds the old or the new content; on the disk when this returns. OSError else."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
