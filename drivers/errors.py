"""What may leave a driver. Anything else that leaves one is a bug."""

import errno
import socket
from enum import Enum

from config.units import Text


class Why(Enum):
    """The commonest reasons, in Chinese: an exact reason is in English, for the drivers' own words are."""

    NOT_THERE = "设备不存在或未连接"
    IN_USE = "设备被其他程序占用"
    NOT_ALLOWED = "没有访问权限"
    NO_ANSWER = "没有响应"
    REFUSED = "对方拒绝连接"
    NOT_LET_IN = "用户名或密码不正确，或未提供"
    NO_STREAM = "该地址不提供可读取的视频流"
    NOT_FOUND = "该地址上没有这个视频流"
    NO_NAME = "无法解析主机名"
    NO_WAY = "网络不可达"
    SILENT = "已连接，但没有收到画面"
    CUT_OFF = "连接已断开"
    NO_FILM = "不是可读取的视频文件"
    HANGS = "打开时无响应，仍在等待"


_NUMBERS = {
    **dict.fromkeys((errno.ENOENT, errno.ENODEV, errno.ENXIO), Why.NOT_THERE),
    **dict.fromkeys((errno.EBUSY, errno.EADDRINUSE), Why.IN_USE),
    **dict.fromkeys((errno.EACCES, errno.EPERM), Why.NOT_ALLOWED),
    **dict.fromkeys((errno.ETIMEDOUT, errno.EHOSTDOWN), Why.NO_ANSWER),
    **dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN), Why.NO_WAY),
    **dict.fromkeys((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED), Why.CUT_OFF),
    errno.ECONNREFUSED: Why.REFUSED,
}


def why_of(error: BaseException) -> Why | None:
    """Which of them an error of the system is."""
    if isinstance(error, socket.gaierror):
        return Why.NO_NAME
    if isinstance(error, TimeoutError):
        return Why.NO_ANSWER
    return _NUMBERS.get(error.errno or 0) if isinstance(error, OSError) else None


class DriverError(Exception):
    """A device said no, or nothing. ``reason`` says what and why; ``remedy`` what to do about it. ``why``: the same, if
    it is one of the usual reasons."""

    usual = "设备出错"
    """What such an error is, in Chinese."""

    def __init__(self, reason: str, remedy: str = "", *, why: Why | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.why = why

    @property
    def says(self) -> Text:
        """The reason in both languages; an unusual one is repeated in English."""
        return Text(self.reason, f"{self.usual}（{self.reason}）" if self.why is None else self.why.value)


class DeviceMissing(DriverError):
    """Nothing is there under that name, or it may not be opened. The agent reopens with back-off."""

    usual = "设备未找到或无法打开"


class StillOpening(DriverError):
    """It is being opened, which takes longer than a lane may be blocked: ``open()`` again goes on with it, ``close()``
    gives it up. ``reason`` says what is waited for."""

    usual = "正在打开"


class LinkLost(DriverError):
    """It was there and is gone (unplugged, closed by the far end). The agent closes and reopens."""

    usual = "连接已断开"


class WorkLost(DriverError):
    """Work done in steps is no longer there: its process fell, or other work took its place. The device may be well."""

    usual = "任务已丢失"


class ReplyTimeout(DriverError):
    """No answer, or not a whole one, within the time limit."""

    usual = "没有及时响应"


class Stalled(ReplyTimeout):
    """What was written was not taken within the time limit, or only a part of it: ``taken`` bytes."""

    def __init__(self, reason: str, remedy: str = "", taken: int = 0) -> None:
        super().__init__(reason, remedy)
        self.taken = taken


class BadReply(DriverError):
    """An answer that is not one of the protocol's: noise, wrong checksum, wrong length."""

    usual = "收到的数据无效"


class Refused(DriverError):
    """The device understood and declined; its own code is in the reason. Never retried."""

    usual = "设备拒绝执行"


class NotSupported(DriverError):
    """This device, firmware or host cannot do that. ``key``: what of its table is at fault, where it is one key."""

    usual = "不支持此操作"

    def __init__(self, reason: str, remedy: str = "", key: str = "") -> None:
        super().__init__(reason, remedy)
        self.key = key
