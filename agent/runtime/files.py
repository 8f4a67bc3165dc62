"""Small files that must be whole whenever they are read. Blocking; for the disk's lane."""

import os
from glob import escape
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


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


def put_aside(path: Path, kind: str, error: Exception) -> Path | None:
    """A damaged file is kept as ``NAME.damaged-N`` for whoever wants to know, over no other, and said:
    ``KIND.damaged``. Never fatal; ``None``: it could not be moved."""
    number = 1
    while any(path.parent.glob(f"{escape(path.name)}.damaged-{number}*")):
        number += 1
    aside = path.with_name(f"{path.name}.damaged-{number}")
    log.error(f"{kind}.damaged", path=str(path), kept_as=str(aside), reason=str(error).splitlines()[0])
    try:
        return path.replace(aside)
    except OSError:
        log.error(f"{kind}.not_movable", path=str(path))
        return None
