"""The life of a command, as a table, and every reason why one may be turned down."""

from collections.abc import Mapping
from enum import StrEnum

from config.units import Text


class State(StrEnum):
    """Where a command stands."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


NEXT: Mapping[State | None, frozenset[State]] = {
    None: frozenset({State.ACCEPTED, State.SUCCEEDED, State.REJECTED}),
    State.ACCEPTED: frozenset({State.SCHEDULED, State.EXECUTING, State.CANCELLED, State.FAILED}),
    State.SCHEDULED: frozenset({State.EXECUTING, State.CANCELLED, State.FAILED}),
    State.EXECUTING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
}
"""What may follow what. ``None`` is *before the first answer*; a question is answered by its end alone. A state
without a successor is final; *accepted* is followed by *failed* when the agent died in between."""

FINAL = frozenset(state for state in State if not NEXT[state])


FARTHEST = 24 * 3600.0
"""Seconds a command may be sent before its time; one that is further ahead is refused."""
LIMITS: Mapping[State, float | None] = {
    State.ACCEPTED: 10.0,
    State.SCHEDULED: FARTHEST + 60.0,
    State.EXECUTING: None,
}
"""Seconds a command may be in a state that is not final; longer, and it ends *failed/timeout*. ``None``: as long as the
verb's own deadline. Only the wall clock being set back keeps a command *scheduled* longer than it was ahead."""


class ReasonCode(StrEnum):
    """Why a command was rejected, failed or was cancelled. Programs look at this, people at the message."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    RETAINED = "retained"
    EXPIRED = "expired"
    CLOCK = "clock"
    UNTRUSTED = "untrusted"
    REPLAYED = "replayed"
    FORBIDDEN = "forbidden"
    DUPLICATE = "duplicate"
    UNKNOWN_VERB = "unknown-verb"
    INVALID = "invalid"
    UNKNOWN_TARGET = "unknown-target"
    OUT_OF_RANGE = "out-of-range"
    ON_AIR = "on-air"
    STOPPED = "stopped"
    BUSY = "busy"
    OFFLINE = "offline"
    UNSUPPORTED = "unsupported"
    TIMEOUT = "timeout"
    DEVICE_REFUSED = "device-refused"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled-back"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    STOPPING = "stopping"
    INTERNAL = "internal"


SAID: Mapping[ReasonCode, Text] = {
    ReasonCode.MALFORMED: Text("the message is not a command", "消息不是有效的指令"),
    ReasonCode.TOO_LARGE: Text("the message is larger than 16 kB", "消息超过 16 kB"),
    ReasonCode.RETAINED: Text(
        "a retained command is never executed: publish it without the retain flag",
        "保留消息形式的指令不会执行：请取消 retain 标志后重发",
    ),
    ReasonCode.EXPIRED: Text("the command came too late", "指令已过期"),
    ReasonCode.CLOCK: Text(
        "it says it was issued in the future: set the clocks (NTP)", "指令时间在未来：请校准时钟（NTP）"
    ),
    ReasonCode.UNTRUSTED: Text("who sent it is not proven", "发送者身份未经证实"),
    ReasonCode.REPLAYED: Text(
        "this command was decided before: a new one needs a new id", "此指令已处理过：新指令请用新编号"
    ),
    ReasonCode.FORBIDDEN: Text("the issuer's role does not include it", "发送者的角色无权执行"),
    ReasonCode.DUPLICATE: Text(
        "this id was used before for another command: choose a new id", "此编号已用于另一条指令：请换新编号"
    ),
    ReasonCode.UNKNOWN_VERB: Text("there is no such command", "没有这种指令"),
    ReasonCode.INVALID: Text("an argument is wrong", "参数有误"),
    ReasonCode.UNKNOWN_TARGET: Text("there is nothing of that name", "没有这个名称的对象"),
    ReasonCode.OUT_OF_RANGE: Text("a value is out of range", "数值超出范围"),
    ReasonCode.ON_AIR: Text("not while on air: the picture would show it", "直播中不可执行：画面会受影响"),
    ReasonCode.STOPPED: Text(
        "the lights are stopped; lights.stop.reset lets them move again", "灯光已停止动作；lights.stop.reset 可解除"
    ),
    ReasonCode.BUSY: Text("not now: try again", "暂不可执行：请稍后重试"),
    ReasonCode.OFFLINE: Text("the device is offline", "设备离线"),
    ReasonCode.UNSUPPORTED: Text("this device or agent cannot do that", "此设备或程序不支持该操作"),
    ReasonCode.TIMEOUT: Text("it did not finish in time", "未能按时完成"),
    ReasonCode.DEVICE_REFUSED: Text("the device declined", "设备拒绝执行"),
    ReasonCode.SUPERSEDED: Text("somebody else has these lights now", "这些灯已由他人控制"),
    ReasonCode.ROLLED_BACK: Text("it did not do; what was before is in force again", "未通过验证，已恢复原状"),
    ReasonCode.INTERRUPTED: Text(
        "the agent stopped in the middle: look at the state, then send a new command",
        "程序中途停止：请查看当前状态后重新发送指令",
    ),
    ReasonCode.CANCELLED: Text("cancelled on request", "已按要求取消"),
    ReasonCode.STOPPING: Text("the agent is stopping", "程序正在停止"),
    ReasonCode.INTERNAL: Text("a fault in the agent: see its log", "程序内部错误：请查看日志"),
}
"""What each code says when there is nothing more exact to say."""


class Refusal(Exception):
    """A command is turned down: raised by a verb's check (→ rejected) or while it runs (→ failed)."""

    def __init__(self, code: ReasonCode, detail: Text | str = "") -> None:
        """``detail``: what exactly; a plain one (a name, a number) says the same in both languages."""
        self.code = code
        general = SAID[code]
        en, zh = (detail, detail) if isinstance(detail, str) else detail
        self.message = Text(f"{general.en}: {en}" if en else general.en, f"{general.zh}：{zh}" if zh else general.zh)
        super().__init__(f"{code}: {self.message.en}")
