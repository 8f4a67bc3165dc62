"""What may leave a driver. Anything else that leaves one is a bug."""

import errno
import socket
from enum import Enum

from config.units import Text


class Why(Enum):
    """The usual reasons in Chinese, each with what to do about it: an exact reason is in English, for the drivers' own
    words are."""

    NOT_THERE = "设备不存在或未连接", "请检查线缆、电源和名称（devices 命令列出现有设备）"
    UNPLUGGED = "设备已断开（被拔出或断电）", "请检查线缆和电源"
    IN_USE = "设备被其他程序占用", "请关闭占用它的程序：一台设备只能由一个程序使用"
    NOT_ALLOWED = (
        "没有访问权限",
        "请为本程序的用户授予权限（如 video、dialout 组）后重启；网络摄像机请检查其访问列表",
    )
    NO_ANSWER = "没有响应", "请检查地址、端口和电源"
    REFUSED = "对方拒绝连接", "请检查地址和端口，并确认对方的服务已开启"
    NOT_LET_IN = "用户名或密码不正确，或未提供", "请核对用户名和密码文件"
    NO_PASSWORD = "密码文件无法使用", "请检查密码文件的路径和权限（0600）"
    NO_STREAM = "该地址不提供可读取的视频流", "请在摄像机手册中查找视频流地址，并设为 H.264、H.265 或 MJPEG"
    NOT_FOUND = "该地址上没有这个视频流", "请在摄像机手册中查找视频流地址"
    TURNED_DOWN = "摄像机拒绝提供视频流", "请检查观看者数量是否已满、是否仅支持组播；必要时重启摄像机"
    NO_NAME = "无法解析主机名", "请检查拼写、网络和 DNS 服务器"
    NO_WAY = "网络不可达", "请检查网线、路由和本机网络设置"
    SILENT = "已连接，但没有收到画面", "请检查摄像机或编码器是否卡死，必要时重新插拔或重启"
    CUT_OFF = "连接已断开", "请检查摄像机的电源、线缆和网络"
    HANGS = "打开时无响应，仍在等待", "请重新插拔摄像机；若为文件，请检查所在磁盘或网络文件夹"
    QUEUES = "正在等待另一视频源打开", "请先检查正在打开的那一个视频源"
    NO_FILM = "不是可读取的视频文件", "请给出视频文件路径，或先转换格式：ffmpeg -i IN OUT.mp4"
    NO_CAMERA = "该设备不提供画面", "一台摄像机有多个节点：请使用第一个，并确认它是摄像机"
    NO_FORMAT = "摄像机的画面格式不受支持", "请在摄像机上设为 8 位 MJPEG、YUV 或 H.264/H.265"
    NO_ROOM = "总线带宽不足", "请换用其他 USB 端口，或降低尺寸、改用 MJPEG"
    TOO_LARGE = "画面尺寸超过 8K", "请在摄像机上设置较小的尺寸"
    SPOILT = "收到的画面不完整或已损坏", "请检查线缆和网络，或降低画面尺寸和质量"
    AUTOMATIC = "该项由摄像机的自动功能控制", "请先将其设为手动"
    NO_VALUE = "摄像机不接受该数值", "请使用允许范围内的数值"
    NOT_LOCKABLE = "无法从此处锁定该摄像机", "请在摄像机菜单或自带程序中锁定曝光、增益和白平衡"
    FIGHTS = "摄像机的自动功能仍在改变画面", "请在摄像机菜单或自带程序中关闭自动曝光、增益和白平衡"
    RESTLESS = "画面自行变化，无法验证", "请在灯光和场景静止时重试"

    remedy: str

    def __new__(cls, says: str, remedy: str) -> "Why":
        """The value is what it says."""
        made = object.__new__(cls)
        made._value_, made.remedy = says, remedy
        return made


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

    @property
    def todo(self) -> Text:
        """The remedy in both languages; the Chinese is "" where the reason is no usual one."""
        return Text(self.remedy, "" if self.why is None else self.why.remedy)


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
