"""What the verbs about the configuration do: read, check, propose, try with the way back, go back."""

import asyncio
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from agent.app.config_versions import ConfigVersions, digest
from agent.app.examined import faults, restart_only
from agent.app.house import House
from agent.app.parts import part_of
from agent.health.alerts import AlertLevel
from agent.messaging.header import Say, iso
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import Event
from agent.messaging.service_args import (
    ConfigApply,
    ConfigGet,
    ConfigPropose,
    ConfigRollback,
    ConfigValidate,
)
from agent.messaging.service_args import (
    ConfigVersions as ConfigVersionsArgs,
)
from agent.messaging.verbs import Job, Verb
from config.load import read
from config.model import StudioConfig
from config.problems import ConfigError
from config.units import Text
from drivers.base import Impact
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

LOOK = 0.2
"""Seconds between two looks during a trial."""
LONGEST = 180.0
TRYING = Text("a configuration is being tried", "正在试用一份配置")


class ConfigVerbs:
    """config.get, .validate, .propose, .apply, .versions, .rollback."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._trying = False

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("config.get", ConfigGet, self._get, missing=self._no_file),
            Verb("config.validate", ConfigValidate, self._validate, missing=self._no_file),
            Verb("config.propose", ConfigPropose, self._propose, missing=self._no_hand),
            Verb(
                "config.apply",
                ConfigApply,
                self._apply,
                check=self._can_try,
                impact=Impact.DISRUPTIVE,
                deadline=LONGEST,
                missing=self._no_hand,
            ),
            Verb("config.versions", ConfigVersionsArgs, self._versions, missing=self._no_file),
            Verb(
                "config.rollback",
                ConfigRollback,
                self._rollback,
                check=self._can_try,
                impact=Impact.DISRUPTIVE,
                deadline=LONGEST,
                missing=self._no_hand,
            ),
        ]
        return {verb.name: verb for verb in verbs}

    def _no_file(self) -> Text | None:
        lack = Text("this agent was not started from a configuration file", "程序不是由配置文件启动的")
        return None if self._house.file else lack

    def _no_hand(self) -> Text | None:
        file = self._house.file
        if file is None:
            return self._no_file()
        real = Path(os.path.realpath(file))
        able = os.access(real, os.W_OK) and os.access(real.parent, os.W_OK)
        lack = Text(f"this user may not write {file} and its folder", f"当前用户无权写入 {file} 及其所在目录")
        return None if able else lack

    def _can_try(self, args: Any) -> None:
        if self._house.tests.running:
            raise Refusal(ReasonCode.BUSY, Text("a self-test is running", "自检正在进行"))
        if self._trying:
            raise Refusal(ReasonCode.BUSY, TRYING)

    @property
    def _kept(self) -> ConfigVersions:
        return ConfigVersions(self._house.config.agent.state_dir)

    @property
    def _file(self) -> Path:
        assert self._house.file is not None
        return self._house.file

    async def _text(self) -> str:
        text: str = await self._disk(lambda: self._file.read_text(encoding="utf-8"))
        return text

    async def _disk(self, work: Callable[[], Any]) -> Any:
        """Raises Refusal when the disk declines."""
        try:
            return await self._house.on_disk(work)
        except OSError as error:
            why = error.strerror or str(error)
            raise Refusal(ReasonCode.DEVICE_REFUSED, Text(f"the disk: {why}", f"磁盘：{why}")) from None

    async def _problems(self, text: str) -> list[ConfigError]:
        def look() -> list[ConfigError]:
            return faults(read(self._file, self._house.environ, text), self._file)

        found: list[ConfigError] = await self._house.on_disk(look)
        return found

    # --- effects ---------------------------------------------------------------------------------------------

    async def _get(self, args: ConfigGet, job: Job) -> Mapping[str, Any]:
        """The file's text read as it is now; what the environment overrides is not in it."""
        text = await self._text()
        try:
            tables = tomllib.loads(text)
        except ValueError as error:
            raise Refusal(ReasonCode.INVALID, f"{self._file}: {error}") from None
        return {"file": str(self._file), "version": digest(text)} | part_of(tables, args.part)

    async def _validate(self, args: ConfigValidate, job: Job) -> Mapping[str, Any]:
        return {"sha256": digest(args.text), "problems": _listed(await self._problems(args.text))}

    async def _propose(self, args: ConfigPropose, job: Job) -> Mapping[str, Any]:
        if found := await self._problems(args.text):
            raise Refusal(ReasonCode.INVALID, _short(found))
        await self._disk(lambda: self._kept.propose(args.text))
        return {"sha256": digest(args.text)}

    async def _versions(self, args: ConfigVersionsArgs, job: Job) -> Mapping[str, Any]:
        text, versions = await self._text(), await self._disk(self._kept.all)
        return {"version": digest(text), "versions": [version.model_dump() for version in versions]}

    async def _apply(self, args: ConfigApply, job: Job) -> Mapping[str, Any]:
        text: str = await self._disk(self._kept.proposed)
        if digest(text) != args.sha256:
            raise Refusal(
                ReasonCode.UNKNOWN_TARGET, Text("no such proposal: config.propose", "没有这份提案：请先 config.propose")
            )
        return await self._try(text, args.seconds, "config.apply", job)

    async def _rollback(self, args: ConfigRollback, job: Job) -> Mapping[str, Any]:
        try:
            text: str = await self._house.on_disk(lambda: self._kept.text(args.version))
        except FileNotFoundError:
            said = Text(f"version {args.version}; see config.versions", f"版本 {args.version}；见 config.versions")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said) from None
        return await self._try(text, args.seconds, f"config.rollback {args.version}", job)

    # --- the trial -------------------------------------------------------------------------------------------

    async def _try(self, text: str, seconds: float, why: str, job: Job) -> Mapping[str, Any]:
        self._can_try(None)
        found = await self._problems(text)
        house, kept, file = self._house, self._kept, self._file
        # before anything is written: a crash must not leave a file behind that only a restart puts in force
        config = read(file, house.environ, text).config
        if not found and config is not None and (fixed := restart_only(house.config, config)):
            found = [ConfigError(str(file), fixed)]
        if found:
            raise Refusal(ReasonCode.INVALID, _short(found))
        by, at = job.issuer or "remote", iso(house.host.wall())
        before = await self._text()
        in_force = read(file, house.environ, before).config == house.config
        self._trying = True
        house.tests.barred = TRYING  # a test would go on with the lights of a configuration that went back
        try:
            why_kept = "in force before" if in_force else "in the file before, not in force"
            await self._disk(lambda: kept.keep(before, at, "", why_kept))
            was = _Standing(house)
            try:
                await self._disk(lambda: kept.try_out(file, text, before))
                await house.reload()
                await self._watch(was, seconds, job)
            except BaseException as error:
                await asyncio.shield(self._back(error, was.config))
                if isinstance(error, ConfigError):
                    raise Refusal(ReasonCode.INVALID, str(error)) from None
                raise
            version = await self._disk(lambda: kept.keep(text, at, by, why))
            await self._disk(kept.proven)
        finally:
            self._trying = False
            house.tests.barred = None
        self._happened("config.applied", Text(f"{by} changed the configuration", f"{by} 更新了配置"), "note", by)
        return {"version": version.number, "sha256": version.sha256}

    async def _watch(self, was: "_Standing", seconds: float, job: Job) -> None:
        """Raises Refusal when it does not do."""
        house = self._house
        begun = house.now()
        while (passed := house.now() - begun) < seconds:
            if wrong := was.worse(house, at_last=False):
                raise Refusal(ReasonCode.ROLLED_BACK, wrong)
            job.progress(passed / seconds)
            await asyncio.sleep(min(LOOK, seconds - passed))
        if wrong := was.worse(house, at_last=True):
            raise Refusal(ReasonCode.ROLLED_BACK, wrong)

    async def _back(self, error: BaseException, config: StudioConfig) -> None:
        """The file as it was, and ``config`` in force: the file need not say the same, somebody may be editing it."""
        house, kept = self._house, self._kept
        why = str(error) or type(error).__name__
        house.go_over(config)
        try:
            await house.on_disk(lambda: kept.go_back(self._file) if kept.before.exists() else None)
        except (OSError, DriverError) as refused:
            log.error("config.file-not-restored", file=str(self._file), why=str(refused), next="the next start does it")
        log.warning("config.rolled-back", why=why)
        said = Text("the new configuration did not do; the one before is in force", "新配置未通过，已恢复原配置")
        self._happened("config.rolled-back", said, "warning", why)

    def _happened(self, name: str, text: Text, level: Any, detail: str) -> None:
        house = self._house
        fields = {"detail": detail[:500]}
        house.bus.publish(house.topics.event, Event(name=name, level=level, text=Say.of(text), fields=fields))


class _Standing:
    """How the agent stood before a trial, to tell whether it has become worse."""

    def __init__(self, house: House) -> None:
        self.config = house.config
        self._online = house.bus.online.is_set()
        self._offline = {name for name, unit in house.devices.outputs.items() if unit.lane.health.state == "offline"}
        self._critical = set(_critical(house))

    def worse(self, house: House, at_last: bool) -> Text | None:
        """What is wrong now that was not. ``at_last``: what was still on its way counts, too."""
        for name, unit in house.devices.outputs.items():
            health = unit.lane.health
            if name not in self._offline and (health.state == "offline" or (at_last and health.state != "ok")):
                said = health.says()
                return Text(f"output {name}: {said.en}", f"输出 {name}：{said.zh}")
        for key, said in _critical(house).items():
            if key not in self._critical:
                return Text(f"alert {key}: {said.en}", f"告警 {key}：{said.zh}")
        if at_last and self._online and not house.bus.online.is_set():
            why = house.bus.health.reason
            return Text(f"the broker is lost: {why}", f"消息服务器连接中断：{why}")
        return None


def _critical(house: House) -> dict[str, Text]:
    critical = (alert for alert in house.alerts.open if alert.condition.level is AlertLevel.CRITICAL)
    return {alert.key: alert.condition.said for alert in critical}


async def unfinished(house: House) -> None:
    """At the start, once lights are under control: a trial that a crash cut off is lost, what was before comes back."""
    if house.file is None:
        return
    kept, file = ConfigVersions(house.config.agent.state_dir), house.file
    if not await house.on_disk(kept.before.exists):
        return
    try:
        faulty = read(file, house.environ, await house.on_disk(kept.text_before)).error()
        if faulty is not None:  # it was being edited: with it there would be no next start
            await house.on_disk(kept.proven)
            raise faulty
        await house.on_disk(lambda: kept.go_back(file))
        await house.reload()
    except (OSError, ConfigError) as error:
        log.error("config.not-rolled-back", why=str(error), next="look at config.versions; config.rollback to one")
        return
    log.warning("config.rolled-back", why="the agent ended in the middle of the trial")
    said = Text("a trial of a configuration was cut off; the one before is in force", "配置试用中断，已恢复原配置")
    house.bus.publish(house.topics.event, Event(name="config.rolled-back", level="warning", text=Say.of(said)))


def _listed(found: list[ConfigError]) -> list[dict[str, Any]]:
    return [
        {"file": error.file, "line": p.at, "where": p.where, "why": p.why, "right": p.right}
        for error in found
        for p in error.problems
    ][:50]


def _short(found: list[ConfigError]) -> str:
    problems = (p for error in found for p in error.problems)
    said = "; ".join(f"{p.where}: {p.why}" + (f" – {p.right}" if p.right else "") for p in problems)
    return said if len(said) <= 500 else said[:499] + "…"
