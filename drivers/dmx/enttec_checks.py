"""Self-test steps of a USB widget (catalogue SER-01…03, WID-01, WID-02). None changes or interrupts the light."""

from collections.abc import Callable, Sequence
from typing import Protocol

from config.units import SILENT, Text
from drivers.base import Check, Limits, Result, Verdict
from drivers.dmx.enttec_codec import Parameters
from drivers.errors import BadReply, DriverError, LinkLost, ReplyTimeout
from drivers.host import Host

WRITE_MS = Limits(warn=10.0, fail=23.0)
"""23 ms: one full frame of E1.11; slower than that the widget starves."""
REPLY_MS = Limits(warn=200.0, fail=1000.0)
WRITES = 40

RESEAT = Text("Reseat the USB plug; try another cable or port.", "重新插拔USB，或更换线缆、端口。")
SLOW = Text("Change the USB port, or use a powered hub.", "更换USB端口，或使用有源集线器。")


class LineOptions(Protocol):
    """What the checks of a serial port read of the driver's options."""

    @property
    def port(self) -> str: ...


class Port(Protocol):
    """What the checks of a serial port need of the driver."""

    @property
    def options(self) -> LineOptions: ...
    @property
    def host(self) -> Host: ...
    @property
    def is_open(self) -> bool: ...


class Line(Port, Protocol):
    """What the check of writing needs, besides."""

    @property
    def last(self) -> bytes | None: ...

    def resend(self) -> None: ...


class Asked(Protocol):
    """What the check of an answer needs of the driver."""

    @property
    def host(self) -> Host: ...

    def ask_parameters(self, timeout: float) -> Parameters: ...


class WidgetOptions(LineOptions, Protocol):
    """What the checks of a widget read, besides."""

    def wanted(self, found: Parameters) -> Parameters: ...


class Widget(Line, Asked, Protocol):
    """What the checks of a widget that sends need."""

    @property
    def options(self) -> WidgetOptions: ...


def port_checks(port: Port) -> Sequence[Check]:
    """SER-01 and SER-02, of every driver on a serial port."""
    name = port.options.port
    there, ours = Text("The serial port is there", "串口存在"), Text("The port is ours alone", "串口独占打开")
    return (
        Check("SER-01", name, there, lambda: port_found(port), deadline=2.0),
        Check("SER-02", name, ours, lambda: port_ours(port), deadline=2.0),
    )


def answer_check(widget: Asked, subject: str) -> Check:
    """WID-01."""
    title = Text("The widget answers", "DMX适配器应答")
    return Check("WID-01", subject, title, lambda: reply_time(widget), deadline=2.0)


def write_check(line: Line, run: Callable[[], Result]) -> Check:
    """SER-03, measured as the driver says."""
    return Check("SER-03", line.options.port, Text("Writing one frame is fast enough", "写一帧的耗时"), run)


def widget_checks(widget: Widget) -> Sequence[Check]:
    """All of a widget that sends, in the order they make sense."""
    port = widget.options.port
    kept = Text("The widget's parameters are as configured", "适配器参数与配置一致")
    return (
        *port_checks(widget),
        write_check(widget, lambda: write_time(widget)),
        answer_check(widget, port),
        Check("WID-02", port, kept, lambda: parameters_kept(widget), deadline=2.0),
    )


def port_found(widget: Port) -> Result:
    """SER-01. A path that no USB adapter stands behind (a pseudo-terminal, a network port) counts when it is open."""
    port = widget.options.port
    ports = {each.port: each.stable for each in widget.host.serial_ports()}
    evidence = {"ports": ports}
    listed = (
        port in ports
        or port in ports.values()
        or port.removeprefix("usb:") in {each.usb_serial for each in widget.host.serial_ports()}
    )
    if listed or widget.is_open:
        return Result(Verdict.PASS, Text(f"{port} is there.", f"{port} 存在。"), evidence=evidence)
    return Result(Verdict.FAIL, Text(f"{port} is not there.", f"找不到 {port}。"), RESEAT, evidence=evidence)


def port_ours(widget: Port) -> Result:
    """SER-02. The host opens exclusively, so an open port is ours; opening it a second time would disturb the line."""
    port = widget.options.port
    if widget.is_open:
        return Result(Verdict.PASS, Text(f"{port} is open, and only here.", f"{port} 已独占打开。"))
    try:
        widget.host.serial(port, 57600).close()
    except DriverError as error:
        return Result(Verdict.FAIL, _of(error), Text(error.remedy, "停止占用该串口的程序，并检查权限。"))
    return Result(Verdict.PASS, Text(f"{port} can be opened.", f"{port} 可以打开。"))


def write_time(widget: Line, limits: Limits = WRITE_MS, writes: int = WRITES) -> Result:
    """SER-03. Writes the last frame again: the light does not change."""
    if widget.last is None:
        return Result(Verdict.SKIPPED, Text("No frame has been sent yet.", "尚未发送过任何帧。"))
    times = []
    try:
        for _ in range(writes):
            begun = widget.host.now()
            widget.resend()
            times.append((widget.host.now() - begun) * 1000)
    except (LinkLost, ReplyTimeout) as error:
        return Result(Verdict.FAIL, _of(error), RESEAT, unit="ms", limits=limits)
    times.sort()
    slow = times[-1]  # of so few the 99th percentile is the slowest
    verdict = limits.judge(slow)
    said = Text(f"A frame takes {slow:.1f} ms to write.", f"写一帧耗时 {slow:.1f} 毫秒。")
    evidence = {"writes": writes, "p50_ms": round(times[writes // 2], 3)}
    return Result(verdict, said, SILENT if verdict is Verdict.PASS else SLOW, slow, "ms", limits, evidence)


def reply_time(widget: Asked) -> Result:
    """WID-01. No answer is FAIL: the check measured just that."""
    begun = widget.host.now()
    try:
        found = widget.ask_parameters(1.0)
    except (ReplyTimeout, BadReply, LinkLost) as error:
        return Result(Verdict.FAIL, _of(error), RESEAT, unit="ms", limits=REPLY_MS)
    took = (widget.host.now() - begun) * 1000
    verdict = REPLY_MS.judge(took)
    said = Text(
        f"Firmware {found.firmware} answered in {took:.1f} ms.", f"固件 {found.firmware}，应答 {took:.1f} 毫秒。"
    )
    remedy = SILENT if verdict is Verdict.PASS else SLOW
    return Result(verdict, said, remedy, took, "ms", REPLY_MS, {"firmware": found.firmware})


def parameters_kept(widget: Widget) -> Result:
    """WID-02. A widget that fell back to its defaults is not wrong for the light at once: MARGINAL."""
    try:
        found = widget.ask_parameters(1.0)
    except (ReplyTimeout, BadReply, LinkLost) as error:
        return Result(Verdict.FAIL, _of(error), RESEAT)
    wanted = widget.options.wanted(found)
    evidence: dict[str, object] = {"break": found.break_time, "mark_after_break": found.mab_time, "rate": found.rate}
    if wanted == found:
        said = Text("Break, mark and rate are as configured.", "断开、标记与刷新率均与配置一致。")
        return Result(Verdict.PASS, said, value=0, unit="differences", evidence=evidence)
    pairs = ((wanted.break_time, found.break_time), (wanted.mab_time, found.mab_time), (wanted.rate, found.rate))
    different = sum(one != other for one, other in pairs)
    evidence |= {"wanted": [one for one, _ in pairs]}
    return Result(
        Verdict.MARGINAL,
        Text(f"{different} of 3 parameters differ from the configuration.", f"3项参数中有{different}项与配置不一致。"),
        Text("Restart the output, which writes them again.", "重启该输出以重新写入参数。"),
        different,
        "differences",
        Limits(warn=1),
        evidence,
    )


def _of(error: DriverError) -> Text:
    return Text(error.reason, f"设备错误：{error.reason}")
