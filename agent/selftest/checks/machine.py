"""The machine underneath: clock, disk, memory, network card. Linux; what a system cannot tell is SKIPPED."""

import os
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.runtime.clock import KEPT_FOR, SYNCHRONISED, Discipline, discipline, last_set
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.desk import Desk
from agent.selftest.step import Group, Step
from config.units import SILENT, Text
from drivers.base import Limits, Result, Verdict
from drivers.host import Interface

OFFSET = Limits(warn=50.0, fail=1000.0)
LEFT = Limits(warn=5.0, fail=3.0, below=True)
FSYNC = Limits(warn=50.0, fail=500.0)
USED = Limits(warn=70.0, fail=90.0)
ERRORS = Limits(warn=0.1, fail=1.0)
SLOWEST = 100
"""Mbit/s: a link below this is a bad cable on any card of this century."""
BUSY = 2.0
"""Load per processor over 5 minutes above which the machine is too small."""
UNKEPT = Text("Nobody keeps the clock: it is not synchronised.", "时钟未同步。")
NO_FAULT = Text(
    "Nobody keeps the clock: no fault in a virtual studio, but one with real lights.",
    "时钟未同步：在虚拟演播室不算故障，接真实灯光时则算。",
)
WRITES = 50
WRITE_SECONDS = 2.0


def steps(desk: Desk) -> list[Step]:
    """CLK-01, SYS-01, SYS-02, SYS-04 and NET-09 for every wired interface that is up."""
    group, state, virtual = Group("machine", "machine"), desk.around.state_dir, desk.around.virtual
    found = [
        desk.blocking("CLK-01", group, lambda: clock(virtual=virtual)),
        desk.blocking("SYS-01", group, lambda: disk(state)),
        desk.blocking("SYS-02", group, lambda: storage(state)),
        desk.blocking("SYS-04", group, memory),
    ]
    for name in [each.name for each in desk.around.host.interfaces() if each.up and each.name != "lo"]:
        check = _link(desk, name)
        found.append(desk.blocking("NET-09", Group("network", name), check))
    return found


def _judged(id: str, verdict: Verdict) -> Text:  # noqa: A002
    return SILENT if verdict is Verdict.PASS else CATALOGUE[id].remedy


# --- clock -------------------------------------------------------------------------------------------------------


def clock(
    ask: Callable[[], Discipline | None] = discipline, mark: Path = SYNCHRONISED, virtual: bool = False
) -> Result:
    """CLK-01: commands expire and reports are dated by this clock; one that nobody sets fails. Where the kernel may not
    be asked (``ProtectClock=`` of the service unit), what systemd-timesyncd leaves behind says whether it is kept."""
    found = ask()
    if found is None:
        return _by_timesyncd(mark, virtual)
    evidence = {"largest_error_ms": found.largest_error}
    if not found.synchronised:
        return _unkept(evidence, virtual)
    verdict = OFFSET.judge(abs(found.offset))
    said = Text(f"Synchronised, {found.offset:+.3f} ms off.", f"已同步，偏差 {found.offset:+.3f} 毫秒。")
    return Result(verdict, said, _judged("CLK-01", verdict), abs(found.offset), "ms", OFFSET, evidence)


def _unkept(evidence: Mapping[str, float], virtual: bool) -> Result:
    if virtual:
        return Result(Verdict.SKIPPED, NO_FAULT, evidence=evidence)
    return Result(Verdict.FAIL, UNKEPT, CATALOGUE["CLK-01"].remedy, unit="ms", limits=OFFSET, evidence=evidence)


def _by_timesyncd(mark: Path, virtual: bool) -> Result:
    """Kept or not; how far off it is stays unknown."""
    age = last_set(mark)
    if age is None:
        said = Text(
            "Not told: the kernel may not be asked, and systemd-timesyncd has not set the clock.",
            "无法得知：不允许查询内核，且 systemd-timesyncd 未校时。",
        )
        return Result(Verdict.SKIPPED, said)
    evidence = {"set_seconds_ago": round(age)}
    if age > KEPT_FOR:
        return _unkept(evidence, virtual)
    said = Text(f"Synchronised, last set {age / 60:.0f} min ago.", f"已同步，{age / 60:.0f} 分钟前校时。")
    return Result(Verdict.PASS, said, evidence=evidence)


# --- disk and memory -----------------------------------------------------------------------------------------------


def disk(folder: Path) -> Result:
    """SYS-01: what is left for us, of bytes or of inodes, whichever is less."""
    found = os.statvfs(folder)
    space = 100 * found.f_bavail / found.f_blocks if found.f_blocks else 100.0
    inodes = 100 * found.f_favail / found.f_files if found.f_files else 100.0  # btrfs and others have no fixed number
    left = min(space, inodes)
    verdict = LEFT.judge(left)
    said = Text(
        f"{space:.0f} % of the space, {inodes:.0f} % of the inodes are free.",
        f"剩余空间 {space:.0f} %，inode {inodes:.0f} %。",
    )
    evidence = {"space_percent": space, "inodes_percent": inodes, "folder": str(folder)}
    return Result(verdict, said, _judged("SYS-01", verdict), left, "% left", LEFT, evidence)


def storage(folder: Path) -> Result:
    """SYS-02: 4 KiB and fsync, as the journal does for every command."""
    path = folder / ".selftest-write"
    times: list[float] = []
    until = time.monotonic() + WRITE_SECONDS
    try:
        with path.open("wb") as out:
            while len(times) < WRITES and (time.monotonic() < until or len(times) < 3):
                began = time.perf_counter()
                out.write(bytes(4096))
                out.flush()
                os.fsync(out.fileno())
                times.append((time.perf_counter() - began) * 1000)
    except OSError as error:
        said = Text(f"The state folder cannot be written: {error.strerror}.", f"状态目录无法写入：{error.strerror}。")
        return Result(Verdict.FAIL, said, CATALOGUE["SYS-02"].remedy, unit="ms", limits=FSYNC)
    finally:
        path.unlink(missing_ok=True)
    times.sort()
    slow = times[-1] if len(times) < 100 else times[int(len(times) * 0.99)]
    verdict = FSYNC.judge(slow)
    said = Text(f"A write is safe after {slow:.1f} ms at most.", f"单次写入落盘最长 {slow:.1f} 毫秒。")
    evidence = {"writes": len(times), "p50_ms": times[len(times) // 2]}
    return Result(verdict, said, _judged("SYS-02", verdict), slow, "ms", FSYNC, evidence)


def memory() -> Result:
    """SYS-04: memory of the machine and files of this process, whichever is fuller; a high load is a warning."""
    shares = {"memory": _memory_used(), "files": _files_open()}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return Result(Verdict.SKIPPED, Text("This system does not tell.", "系统未提供该信息。"))
    worst = max(known.values())
    load = os.getloadavg()[1] / (os.cpu_count() or 1)
    verdict = USED.judge(worst)
    if verdict is Verdict.PASS and load >= BUSY:
        verdict = Verdict.MARGINAL
    parts = ", ".join(f"{name} {share:.0f} %" for name, share in known.items())
    said = Text(f"In use: {parts}; load {load:.1f} per processor.", f"占用：{parts}；每处理器负载 {load:.1f}。")
    evidence = {**shares, "load_5min_per_cpu": load}
    return Result(verdict, said, _judged("SYS-04", verdict), worst, "%", USED, evidence)


def _memory_used() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return 100 * (1 - kib["MemAvailable"] / kib["MemTotal"])
    except (OSError, KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def _files_open() -> float | None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        count = len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return None
    return 0.0 if most in (0, resource.RLIM_INFINITY) else 100 * count / most


# --- network card ----------------------------------------------------------------------------------------------------


def _link(desk: Desk, name: str) -> Callable[[], Result]:
    def check() -> Result:
        found = next((each for each in desk.around.host.interfaces() if each.name == name), None)
        return link(found, name)

    return check


def link(found: Interface | None, name: str) -> Result:
    """NET-09: speed, where the card tells it, and the share of packets with errors since it came up."""
    if found is None or not found.up:
        said = Text(f"{name} has gone down.", f"{name} 已断开。")
        return Result(Verdict.FAIL, said, CATALOGUE["NET-09"].remedy)
    share = 100 * found.errors / found.packets if found.packets else 0.0
    verdict = ERRORS.judge(share)
    speed = f"{found.speed} Mbit/s" if found.speed else "speed unknown"
    if verdict is Verdict.PASS and found.speed is not None and found.speed < SLOWEST:
        verdict = Verdict.MARGINAL
    said = Text(
        f"{speed}, {share:.3f} % of {found.packets} packets with errors.",
        f"{found.speed or '未知'} Mbit/s，{found.packets} 个包中 {share:.3f} % 有错误。",
    )
    evidence = {"speed_mbit": found.speed, "errors": found.errors, "packets": found.packets}
    return Result(verdict, said, _judged("NET-09", verdict), share, "% errors", ERRORS, evidence)
