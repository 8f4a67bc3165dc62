"""Reports on disk, each holding the SHA-256 of the one before: none can be changed or taken out unnoticed.

    reports/000041-….json <──previous── 000042-….json <──previous── 000043-….json <── head

Only the oldest may be missing (pruned). Who can write the folder can also forge the whole chain: a copy of ``head``
elsewhere (the retained summary names number and id) is what proves the rest. Blocking; for the disk's lane.
"""

import glob
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from agent.runtime.files import replace_file
from agent.selftest.report import Report

HEAD = "head"


class ReportStore:
    """The folder ``state_dir/reports``; one writer at a time (the agent's lock on the state folder sees to that)."""

    def __init__(self, state_dir: Path, keep: int = 500) -> None:
        self.folder = state_dir / "reports"
        self.keep = keep

    def append(self, report: Report) -> Report:
        """Store it at the end of the chain; the report as stored. Raises OSError when the disk refuses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        files = self._files()
        last = files[-1] if files else None
        number = _number(last) + 1 if last else 1
        stored = report.model_copy(update={"number": number, "previous": _digest(last) if last else ""})
        path = self.folder / f"{number:06d}-{report.id}.json"
        replace_file(path, stored.to_json().encode())
        replace_file(self.folder / HEAD, f"{number} {_digest(path)}\n".encode())
        for old in files[: max(0, len(files) + 1 - self.keep)]:
            old.unlink(missing_ok=True)
        return stored

    def newest_first(self) -> Iterator[Report]:
        """All reports that can be read."""
        for path in reversed(self._files()):
            try:
                yield Report.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue

    def latest(self, match: Callable[[Report], bool] = lambda _: True) -> Report | None:
        """The newest one that matches."""
        return next(filter(match, self.newest_first()), None)

    def find(self, id: str) -> Report | None:  # noqa: A002 - the report's field
        """The one of this id. Found by its file's name, however many there are."""
        for path in self.folder.glob(f"[0-9]*-{glob.escape(id)}.json"):
            try:
                return Report.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue
        return None

    def verify(self) -> list[str]:
        """What is wrong with the chain; nothing: it is whole."""
        wrong: list[str] = []
        files = self._files()
        before: Path | None = None
        for path in files:
            try:
                report = Report.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                wrong.append(f"{path.name} cannot be read")
                before = path
                continue
            if before is not None and _number(path) != _number(before) + 1:
                wrong.append(f"between {before.name} and {path.name} reports are missing")
            elif before is not None and report.previous != _digest(before):
                wrong.append(f"{before.name} is not what {path.name} was built on")
            if report.number != _number(path):
                wrong.append(f"{path.name} says it is number {report.number}")
            before = path
        return wrong + self._verify_head(files)

    def _verify_head(self, files: list[Path]) -> list[str]:
        try:
            number, digest = (self.folder / HEAD).read_text().split()
        except FileNotFoundError:
            return ["the head of the chain is missing"] if len(files) > 1 else []
        except (OSError, ValueError):
            return ["the head of the chain cannot be read"]
        by_number = {_number(path): path for path in files}
        last = max(by_number, default=0)
        if not number.isdecimal() or int(number) not in by_number or int(number) < last - 1:
            return [f"the chain ends at {last}, its head says {number}"]
        if _digest(by_number[int(number)]) != digest:  # one behind is a power cut between report and head
            return [f"{by_number[int(number)].name} was changed after it was written"]
        return []

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*-*.json"), key=_number)


def _number(path: Path) -> int:
    number = path.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
