"""MQT-…: the connection to the broker, and how long a message takes there and back."""

import socket
import ssl
from collections.abc import Callable

from agent.selftest.catalogue import CATALOGUE
from agent.selftest.checks.certificate import not_after, pem_not_after
from agent.selftest.desk import Desk
from agent.selftest.step import Group, Step
from agent.selftest.surroundings import Broker
from config.broker import MqttSection
from config.units import SILENT, Text
from drivers.base import Limits, Result, Verdict
from drivers.network.jitter import percentile

DAYS = Limits(warn=21.0, fail=7.0, below=True)
TRIP = Limits(warn=250.0, fail=1000.0)
TRIPS = 10
TRIP_WITHIN = 2.0
DAY = 86400.0
NO_BUS = Text(
    "There is no connection to a broker here (the service does not run).", "此处没有消息服务器连接（服务未运行）。"
)


def steps(desk: Desk) -> list[Step]:
    """MQT-01, MQT-02."""
    around = desk.around
    config = around.config.mqtt
    group = Group("broker", f"{config.host}:{config.port}")

    async def connected() -> Result:
        if around.bus is None:
            return Result(Verdict.SKIPPED, NO_BUS)
        state, reason = around.bus.health.state, around.bus.health.reason
        if state != "online":
            said = Text(f"Not connected ({state}): {reason}.", f"未连接（{state}）：{reason}。")
            remedy = Text("Start the broker, check address and password.", "启动消息服务器，检查地址与密码。")
            return Result(Verdict.FAIL, said, remedy)
        at = around.bus.config  # where it is: not always the preferred broker
        if at.tls is None:
            return Result(Verdict.PASS, Text("Connected.", "已连接。"), evidence={"tls": False})
        return await desk.lane.call(lambda: certificates(at, around.host.wall), timeout=8.0)

    async def trips() -> Result:
        if around.bus is None:
            return Result(Verdict.SKIPPED, NO_BUS)
        return await round_trips(around.bus)

    return [
        Step("MQT-01", group.name, CATALOGUE["MQT-01"].title, group, connected, deadline=9.0),
        Step("MQT-02", group.name, CATALOGUE["MQT-02"].title, group, trips, deadline=TRIPS * TRIP_WITHIN / 2),
    ]


async def round_trips(bus: Broker) -> Result:
    """MQT-02: publish to ourselves, QoS 1. Judged by what came back, or by what was acknowledged where the broker's
    access list keeps us from reading it."""
    times: list[float] = []
    delivered = True
    for _ in range(TRIPS):
        try:
            trip = await bus.round_trip(TRIP_WITHIN)
        except Exception as error:
            reason = getattr(error, "reason", "")
            if not reason:
                raise
            said = Text(f"The message did not come back: {reason}.", f"消息未返回：{reason}。")
            return Result(Verdict.FAIL, said, CATALOGUE["MQT-02"].remedy, unit="ms", limits=TRIP)
        delivered = delivered and trip.delivered is not None
        times.append((trip.acknowledged if trip.delivered is None else trip.delivered) * 1000)
    times.sort()
    p95 = percentile(times, 0.95)
    verdict = TRIP.judge(p95)
    said = Text(f"95 % within {p95:.1f} ms.", f"95% 在 {p95:.1f} 毫秒内。")
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["MQT-02"].remedy
    evidence = {"trips": len(times), "p50_ms": percentile(times, 0.5), "delivered": delivered}
    return Result(verdict, said, remedy, p95, "ms", TRIP, evidence)


def certificates(config: MqttSection, wall: Callable[[], float]) -> Result:
    """MQT-01 with TLS: days to the end of the broker's certificate and of ours. Blocks."""
    assert config.tls is not None
    ends: dict[str, float] = {"broker": not_after(_presented(config))}
    if config.tls.cert_file is not None:
        ends["client"] = pem_not_after(config.tls.cert_file)
    days = {who: (end - wall()) / DAY for who, end in ends.items()}
    soonest = min(days, key=lambda who: days[who])
    verdict, left = DAYS.judge(days[soonest]), round(days[soonest])
    zh = {"broker": "服务器", "client": "客户端"}[soonest]
    said = Text(
        f"Connected; the {soonest}'s certificate ends in {left} day{'s' * (left != 1)}.",
        f"已连接；{zh}证书还有 {left} 天到期。",
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["MQT-01"].remedy
    return Result(verdict, said, remedy, days[soonest], "d", DAYS, {"tls": True, "days": days})


def _presented(config: MqttSection) -> bytes:
    """The broker's certificate, DER. Not verified here: the connection of the bus does that."""
    tls = config.tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls is not None and tls.cert_file is not None and tls.key_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    with (
        socket.create_connection((config.host, config.port), timeout=3.0) as plain,
        context.wrap_socket(plain, server_hostname=config.host) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b""
