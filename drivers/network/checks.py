"""The self-test steps every probe can do: NET-02, NET-03, NET-04 and NET-08 of the catalogue.

The first three share one burst of probes: whichever runs first sends it, the others read it while it is fresh.
"""

import math
from collections.abc import Callable, Sequence
from ipaddress import AddressValueError, IPv4Address

from config.units import Text
from drivers.base import Check, Limits, Result, Verdict
from drivers.errors import DriverError
from drivers.host import Host
from drivers.network.jitter import Statistics, Window, surely

PROBES = 20
SPACING = 0.05
BUDGET = 3.0
"""Seconds a burst may take in all."""

FRESH = 15.0
"""Seconds a burst may be old to be read again."""

RTT = Limits(warn=100, fail=250)
JITTER = Limits(warn=30, fail=50)
LOSS = Limits(warn=0.1, fail=1.0)
NAME = Limits(warn=100, fail=1000)

Burst = Callable[[], Sequence[float | None]]
"""Sends PROBES probes within BUDGET seconds: their round trips in milliseconds, ``None`` for lost ones."""


class NetworkChecks:
    """Checks of the path to ``target`` (the configured host name or address)."""

    def __init__(self, host: Host, target: str, burst: Burst) -> None:
        self._host = host
        self._target = target
        self._burst = burst
        self._measured: tuple[float, Statistics] | None = None

    def all(self) -> Sequence[Check]:
        """The catalogue's steps, all passive (20 packets of less than 100 bytes)."""
        return (
            Check("NET-08", self._target, Text("Name resolution", "域名解析"), self.name),
            Check("NET-02", self._target, Text("Round-trip time", "往返时延"), self.round_trip),
            Check("NET-03", self._target, Text("Jitter", "抖动"), self.jitter),
            Check("NET-04", self._target, Text("Packet loss", "丢包"), self.loss),
        )

    def round_trip(self) -> Result:
        """NET-02: p95 of the burst (limits: ITU-T Y.1541 class 0)."""
        seen = self._statistics()
        verdict = RTT.judge(seen.p95)
        if verdict is Verdict.ERROR:
            return self._nothing("ms", RTT, seen)
        return Result(
            verdict,
            Text(
                f"95 % of the probes to {self._target} came back within {seen.p95:.1f} ms",
                f"到 {self._target} 的探测包 95% 在 {seen.p95:.1f} 毫秒内返回",
            ),
            Text(
                "Choose a nearer ingest server, use a cable instead of Wi-Fi, ask the provider about the route.",
                "请改用更近的推流服务器，用网线代替无线网络，并向运营商咨询路由。",
            ),
            value=seen.p95,
            unit="ms",
            limits=RTT,
            evidence=_evidence(seen),
        )

    def jitter(self) -> Result:
        """NET-03: the larger of RFC 3550's estimate and p95 - p50."""
        seen = self._statistics()
        worst = max(seen.jitter, seen.spread) if not math.isnan(seen.jitter) else math.nan
        verdict = JITTER.judge(worst)
        if verdict is Verdict.ERROR:
            return self._nothing("ms", JITTER, seen)
        return Result(
            verdict,
            Text(
                f"round trips to {self._target} vary by {worst:.1f} ms",
                f"到 {self._target} 的往返时延波动 {worst:.1f} 毫秒",
            ),
            Text(
                "Use a cable instead of Wi-Fi, pause other uploads, set up queue management (QoS) on the router.",
                "请用网线代替无线网络，暂停其他上传，并在路由器上启用队列管理（QoS）。",
            ),
            value=worst,
            unit="ms",
            limits=JITTER,
            evidence=_evidence(seen),
        )

    def loss(self) -> Result:
        """NET-04. Judged by what the few probes *prove*: one lost of twenty is a warning, two are a failure."""
        seen = self._statistics()
        proven = 100 * surely(seen.lost, seen.count)
        return Result(
            LOSS.judge(proven),
            Text(
                f"{seen.lost} of {seen.count} probes to {self._target} were lost",
                f"发往 {self._target} 的 {seen.count} 个探测包丢失 {seen.lost} 个",
            ),
            Text(
                "Check cable and switch port, then the network card; if they are fine, call the provider.",
                "请检查网线和交换机端口，再检查网卡；若均正常，请联系运营商。",
            ),
            value=seen.loss,
            unit="%",
            limits=LOSS,
            evidence={**_evidence(seen), "proven_loss": proven},
        )

    def name(self) -> Result:
        """NET-08: how long the resolver takes. A configured address needs none: SKIPPED."""
        if _is_address(self._target):
            return Result(
                Verdict.SKIPPED,
                Text(f"{self._target} is an address: nothing to resolve", f"{self._target} 是地址，无需解析"),
            )
        remedy = Text(
            "Check the spelling of the name and the resolver (DNS) of this machine.",
            "请检查域名拼写和本机的 DNS 设置。",
        )
        started = self._host.now()
        try:
            address = self._host.resolve(self._target)
        except DriverError as error:
            said = Text(
                f"{self._target} cannot be resolved: {error.reason}", f"无法解析 {self._target}：{error.reason}"
            )
            return Result(Verdict.FAIL, said, remedy, unit="ms", limits=NAME)
        took = (self._host.now() - started) * 1000
        return Result(
            NAME.judge(took),
            Text(
                f"{self._target} is {address}, known after {took:.1f} ms",
                f"{self._target} 解析为 {address}，用时 {took:.1f} 毫秒",
            ),
            remedy,
            value=took,
            unit="ms",
            limits=NAME,
            evidence={"address": address},
        )

    def _statistics(self) -> Statistics:
        now = self._host.now()
        if self._measured is None or now - self._measured[0] > FRESH:
            window = Window(seconds=math.inf)
            for number, value in enumerate(self._burst()):
                window.add(number * SPACING, value)
            self._measured = (self._host.now(), window.statistics())
        return self._measured[1]

    def _nothing(self, unit: str, limits: Limits, seen: Statistics) -> Result:
        return Result(
            Verdict.ERROR,
            Text(
                f"not measured: {seen.count - seen.lost} of {seen.count} probes to {self._target} came back",
                f"未能测量：发往 {self._target} 的 {seen.count} 个探测包只返回 {seen.count - seen.lost} 个",
            ),
            Text("Check that the far end runs and is reachable.", "请检查对端是否运行并可达。"),
            unit=unit,
            limits=limits,
            evidence=_evidence(seen),
        )


def _is_address(target: str) -> bool:
    try:
        IPv4Address(target)
    except AddressValueError:
        return False
    return True


def _evidence(seen: Statistics) -> dict[str, float | int]:
    return {
        "probes": seen.count,
        "lost": seen.lost,
        "p50_ms": seen.p50,
        "p95_ms": seen.p95,
        "max_ms": seen.max,
        "jitter_rfc3550_ms": seen.jitter,
        "jitter_p95_p50_ms": seen.spread,
    }
