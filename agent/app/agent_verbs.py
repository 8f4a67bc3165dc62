"""What the verbs about the agent itself do: profiles, identity, log level, the bundle for whoever helps."""

import asyncio
import hashlib
import io
import json
import os
import platform
import tarfile
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from agent import __version__
from agent.app.house import House
from agent.app.parts import part_of
from agent.messaging.header import iso
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.service_args import Identity, LogLevel, ProfilesList, SupportBundle
from agent.messaging.verbs import Job, Verb
from agent.runtime import logs
from agent.runtime.files import replace_file
from agent.selftest.store import ReportStore
from config.units import Text
from firmware_profiles import library

KEEP = 5
"""Bundles in the state folder; the oldest go."""


class AgentVerbs:
    """profiles.list, identity, log.level, support.bundle."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._quiet: asyncio.TimerHandle | None = None

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("profiles.list", ProfilesList, self._profiles),
            Verb("identity", Identity, self._identity, read=lambda _: self._who()),
            Verb("log.level", LogLevel, self._log),
            Verb("support.bundle", SupportBundle, self._bundle),
        ]
        return {verb.name: verb for verb in verbs}

    async def _profiles(self, args: ProfilesList, job: Job) -> Mapping[str, Any]:
        folders = self._house.config.agent.profile_dirs
        found = await self._house.on_disk(lambda: library.load(folders))
        profiles: dict[str, dict[str, list[str]]] = {}
        for shelf in reversed(found.shelves):
            own: dict[str, dict[str, list[str]]] = {}
            for profile in shelf.profiles:  # of one light there may be several, by firmware
                modes = {mode: [str(able) for able in each.attributes] for mode, each in profile.personalities.items()}
                own.setdefault(profile.name, {}).update(modes)
            profiles |= own
        return {"count": len(profiles)} | part_of(profiles, args.part)

    async def _identity(self, args: Identity, job: Job) -> Mapping[str, Any]:
        return self._who()

    async def _log(self, args: LogLevel, job: Job) -> Mapping[str, Any]:
        if self._quiet is not None:
            self._quiet.cancel()
        logs.loud(args.level)
        self._quiet = asyncio.get_running_loop().call_later(args.seconds, logs.loud, None)
        return {"level": args.level, "until": iso(self._house.host.wall() + args.seconds)}

    async def _bundle(self, args: SupportBundle, job: Job) -> Mapping[str, Any]:
        house = self._house
        at = iso(house.host.wall())
        board = {topic: state.model_dump(mode="json") for topic, state in house.bus.board.states()}
        pieces: dict[str, Any] = {"identity.json": self._who(), "states.json": board, "log.txt": "\n".join(logs.LATEST)}
        try:
            result: dict[str, Any] = await house.on_disk(lambda: _written(house, at, pieces))
        except OSError as error:
            said = Text(f"the disk: {error.strerror}", f"磁盘：{error.strerror}")
            raise Refusal(ReasonCode.DEVICE_REFUSED, said) from None
        return result

    def _who(self) -> dict[str, Any]:
        house = self._house
        devices = {}
        for kind, unit in house.devices.all():
            health = unit.lane.health
            who = health.identity
            devices[unit.name] = {
                "kind": str(kind),
                "driver": unit.section.driver,
                "health": health.state,
                "model": who.model if who else "",
                "firmware": who.firmware if who else "",
                "serial": who.serial if who else "",
            }
        return {
            "agent": "studio-edge-agent",
            "version": __version__,
            "commit": _commit(),
            "site": house.config.agent.site,
            "name": house.config.agent.name,
            "boot": house.bus.stamp.boot,
            "python": platform.python_version(),
            "system": platform.platform(),
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "devices": devices,
            "engine": engine(house),
        }


def engine(house: House) -> dict[str, Any]:
    """Where outputs are driven: ``process`` 0 and ``realtime`` false in this process."""
    far = house.devices.engine
    if far is None:
        return {"apart": False, "process": 0, "realtime": False, "why": "outputs are driven in the agent", "falls": 0}
    return {
        "apart": True,
        "process": far.pid,
        "realtime": not far.realtime,
        "why": far.realtime,
        "falls": far.falls,
    }


@cache
def _commit() -> str:
    """Of a checkout; "" where the agent is installed from a package."""
    git = Path(__file__).resolve().parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return (git / head.removeprefix("ref: ")).read_text().strip() if head.startswith("ref: ") else head
    except OSError:
        return ""


def _written(house: House, at: str, pieces: dict[str, Any]) -> dict[str, Any]:
    """Blocking. Raises OSError."""
    state = house.config.agent.state_dir
    report = ReportStore(state).latest()
    if report is not None:
        pieces["report.json"] = json.loads(report.to_json())
    if house.file is not None:
        try:
            pieces["configuration.json"] = tomllib.loads(house.file.read_text(encoding="utf-8"))
        except ValueError as error:
            pieces["configuration.json"] = {"unreadable": str(error)}
    pieces["commands.json"] = [
        {"id": entry.id, "verb": entry.verb, "state": entry.state, "at": iso(entry.at)}
        for entry, _ in house.dispatcher.journal.shown()
    ]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, piece in sorted(pieces.items()):
            clean = logs.redacted(piece)
            body = (clean if isinstance(clean, str) else json.dumps(clean, ensure_ascii=False, indent=1)).encode()
            entry = tarfile.TarInfo(f"studio-agent/{name}")
            entry.size, entry.mode = len(body), 0o600
            tar.addfile(entry, io.BytesIO(body))
    folder = state / "bundles"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"support-{at.replace(':', '')}.tar.gz"
    replace_file(path, packed.getvalue())
    path.chmod(0o600)
    for old in sorted(folder.glob("support-*.tar.gz"))[:-KEEP]:
        old.unlink(missing_ok=True)
    body = packed.getvalue()
    return {"path": str(path), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "holds": sorted(pieces)}
