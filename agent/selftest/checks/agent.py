"""AGT-…: the agent itself."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from agent.messaging.trust import file as audit
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.desk import Desk
from agent.selftest.report import Depth
from agent.selftest.step import Group, Step
from agent.selftest.store import ReportStore
from agent.selftest.words import VERDICTS
from config.broker import broker_tables
from config.model import StudioConfig
from config.units import SILENT, Text
from drivers.base import Limits, Result, Verdict
from drivers.network.jitter import percentile

LAG = Limits(warn=100.0, fail=500.0)
AGE = Limits(warn=24.0, fail=72.0)
BARE = Limits(warn=1, fail=1)
BEAT, BEATS = 0.02, 100
DECISIONS = 100_000
"""So many of the newest decisions are looked at: what is kept where nobody asks for more."""
GROUP = Group("agent", "agent")


def steps(desk: Desk, depth: Depth) -> list[Step]:
    """AGT-01, AGT-02, AGT-03, and AGT-05 unless this run is the full one it asks for."""
    around = desk.around
    store = ReportStore(around.state_dir)

    async def loop_lag() -> Result:
        return await lag()

    found = [
        Step("AGT-01", "agent", CATALOGUE["AGT-01"].title, GROUP, loop_lag, deadline=20.0),
        desk.blocking("AGT-02", GROUP, lambda: chains(store, around.state_dir / audit.NAME), deadline=30.0),
        desk.blocking("AGT-03", GROUP, lambda: private(around.config, around.state_dir)),
    ]
    if depth == "quick":
        found.append(desk.blocking("AGT-05", GROUP, lambda: last_full(store, around.host.wall())))
    return found


def digest(config: StudioConfig) -> str:
    """SHA-256 of the configuration in force; it holds no secrets, only the names of their files."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


async def lag() -> Result:
    """AGT-01: how late the event loop wakes a sleeper, for two seconds."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    for _ in range(BEATS):
        due = loop.time() + BEAT
        await asyncio.sleep(BEAT)
        late.append(max(0.0, loop.time() - due) * 1000)
    late.sort()
    p99 = percentile(late, 0.99)
    verdict = LAG.judge(p99)
    said = Text(f"The loop is at most {p99:.1f} ms late (p99).", f"事件循环最多迟到 {p99:.1f} 毫秒（p99）。")
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["AGT-01"].remedy
    return Result(verdict, said, remedy, p99, "ms", LAG, {"p50_ms": percentile(late, 0.5)})


def chains(store: ReportStore, decisions: Path) -> Result:
    """AGT-02: every report, and every decision on a command, holds the hash of the one before. A file that cannot be
    opened is an error of the check, one that SQLite cannot make sense of a broken chain."""
    wrong, found = store.verify(), None
    told = [Text(f"Reports: {wrong[0]}.", f"测试记录链不完整：{wrong[0]}。")] if wrong else []
    try:
        found = audit.verify(decisions, newest=DECISIONS) if decisions.exists() else None
        faults = list(found.faults) if found else []
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        faults = [f"{decisions.name} is damaged: {error}"]
    if faults:
        told.append(Text(f"Audit: {faults[0]}.", f"指令审计链不完整：{faults[0]}。"))
    if told:
        said = Text(" ".join(each.en for each in told), "".join(each.zh for each in told))
        evidence = {"wrong": wrong[:20], "audit": faults[:20]}
        return Result(Verdict.FAIL, said, CATALOGUE["AGT-02"].remedy, evidence=evidence)
    if found is None:
        return Result(Verdict.PASS, Text("Whole; no command was decided yet.", "完整；尚无指令记录。"))
    said = Text(f"Whole, with {found.records} decisions on commands.", f"完整，含 {found.records} 条指令记录。")
    return Result(Verdict.PASS, said, evidence={"audit_last": found.last, "audit_hash": found.hash})


def private(config: StudioConfig, state_dir: Path) -> Result:
    """AGT-03: files with secrets that others may read, and a state folder that others may write."""
    bare = [str(path) for path in _secrets(config) if path.stat().st_mode & 0o077]
    if state_dir.stat().st_mode & 0o002:
        bare.append(str(state_dir))
    verdict = BARE.judge(len(bare))
    said = (
        Text(f"Open to others: {', '.join(bare)}.", f"他人可访问：{'、'.join(bare)}。")
        if bare
        else Text("Nothing is open to others.", "无他人可访问的敏感文件。")
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["AGT-03"].remedy
    return Result(verdict, said, remedy, len(bare), "files", BARE)


def last_full(store: ReportStore, wall: float) -> Result:
    """AGT-05: a test that is not done proves nothing; never done is OVERDUE."""
    latest = store.latest(lambda report: report.whole)
    if latest is None:
        said = Text("There has never been a whole full self-test here.", "此处从未完成过完整自检。")
        return Result(Verdict.OVERDUE, said, CATALOGUE["AGT-05"].remedy, unit="h", limits=AGE)
    hours = (wall - datetime.fromisoformat(latest.started).timestamp()) / 3600
    verdict = AGE.judge(hours)
    then = VERDICTS[latest.verdict]
    said = Text(f"{hours:.1f} hours ago: {then.en}.", f"{hours:.1f} 小时前：{then.zh}。")
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["AGT-05"].remedy
    return Result(verdict, said, remedy, hours, "h", AGE, {"id": latest.id})


def _secrets(config: StudioConfig) -> Iterator[Path]:
    for _, broker in broker_tables(config.mqtt):
        if broker.password_file is not None:
            yield broker.password_file
        if broker.tls is not None and broker.tls.key_file is not None:
            yield broker.tls.key_file
