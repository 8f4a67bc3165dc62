"""The standing alert rules of pictures: what is wrong with each camera's, in words. Pure but for asking."""

from collections.abc import Iterator, Mapping

from agent.app.devices import Devices
from agent.health.alerts import AlertLevel, Condition
from config.units import Text
from drivers.camera.faults import PictureFault

_SAYS: Mapping[PictureFault, tuple[Text, Text]] = {
    PictureFault.STALE: (
        Text("no new picture from {name}", "{name} 没有新画面"),
        Text("restart the camera or its stream", "重启摄像机或其视频流"),
    ),
    PictureFault.BLACK: (
        Text("the picture of {name} is black", "{name} 画面全黑"),
        Text("lens cap, iris, input selection", "检查镜头盖、光圈和输入源"),
    ),
    PictureFault.BARS: (
        Text("{name} shows colour bars", "{name} 输出彩条"),
        Text("switch its test picture off, or select the right input", "关闭其测试图，或切换到正确的输入源"),
    ),
    PictureFault.FROZEN: (
        Text("the picture of {name} is frozen", "{name} 画面冻结"),
        Text("restart the camera or its stream", "重启摄像机或其视频流"),
    ),
    PictureFault.TOO_FAST: (
        Text("{name} sends far more pictures than it should", "{name} 的帧率远高于设定值"),
        Text("restart its stream: it may repeat itself", "重启其视频流：可能在重复发送画面"),
    ),
    PictureFault.MOVED: (
        Text("{name} was moved against its reference picture", "{name} 机位移动：与参考画面不符"),
        Text("aim it again, or take a new reference picture", "重新对准机位，或重新采集参考画面"),
    ),
    PictureFault.AUTO_EXPOSURE: (
        Text("the auto exposure of {name} moves the picture", "{name} 的自动曝光在改变画面"),
        Text("lock its exposure and gain", "锁定其曝光和增益"),
    ),
    PictureFault.AUTO_WHITE_BALANCE: (
        Text("the auto white balance of {name} moves the colours", "{name} 的自动白平衡在改变色彩"),
        Text("lock its white balance", "锁定其白平衡"),
    ),
    PictureFault.FLICKER: (
        Text("the picture of {name} flickers", "{name} 画面闪烁"),
        Text(
            "set the shutter to whole mains half-waves (1/50, 1/100 s at 50 Hz), or raise the lamps' PWM rate; which "
            "light it is, or whether it is none of them, is named off air by: selftest.start depth=full only=LGT-08",
            "将快门设为电网半周期的整数倍（50 Hz 用 1/50、1/100 秒），或提高灯具 PWM 频率；非直播时运行 "
            "selftest.start depth=full only=LGT-08 可指明是哪盏灯，或均非本系统灯具",
        ),
    ),
    PictureFault.DROPPED: (
        Text("pictures of {name} get lost", "{name} 丢帧"),
        Text(
            "a lower mode or a USB 3 port; check the network to it; a long shutter halves the rate in the dark",
            "降低分辨率或改用 USB 3 接口；检查到它的网络；暗处长快门会使帧率减半",
        ),
    ),
    PictureFault.DOUBLED: (
        Text("{name} sends pictures twice", "{name} 重复发送画面"),
        Text("give camera and encoder the same rate", "将摄像机与编码器设为相同帧率"),
    ),
    PictureFault.UNEVEN: (
        Text("pictures of {name} come unevenly", "{name} 画面到达不均匀"),
        Text("check the load of the encoder and the network to it", "检查编码器负载和到它的网络"),
    ),
    PictureFault.DEFOCUS: (
        Text("the picture of {name} is less sharp than its reference", "{name} 画面比参考画面模糊"),
        Text("focus it again, clean the lens", "重新对焦，清洁镜头"),
    ),
    PictureFault.NOISE: (
        Text("the picture of {name} is noisier than its reference", "{name} 画面噪点比参考画面多"),
        Text("more light, less gain", "增加灯光，降低增益"),
    ),
    PictureFault.WHITE_BALANCE: (
        Text("the white balance of {name} has drifted", "{name} 白平衡漂移"),
        Text("set its white balance to a fixed value", "将其白平衡设为固定值"),
    ),
    PictureFault.CLIPPED: (
        Text("parts of the picture of {name} are burnt out", "{name} 画面局部过曝"),
        Text("less light on the subject, or close the iris", "降低主光或缩小光圈"),
    ),
    PictureFault.OVER: (
        Text("the picture of {name} is overexposed", "{name} 画面曝光过度"),
        Text("less light on the subject, or close the iris", "降低主光或缩小光圈"),
    ),
    PictureFault.UNDER: (
        Text("the picture of {name} is underexposed", "{name} 画面曝光不足"),
        Text("more light on the subject, or open the iris", "增加主光或开大光圈"),
    ),
}
"""All but *gone*: that is the camera's ``offline``."""


def pictures(found: Devices, now: float) -> Iterator[Condition]:
    """What is wrong with pictures that do come, or that do not though the camera is there."""
    for name, camera in found.cameras.items():
        there = camera.lane.health.state == "ok"
        held = {each.fault: each.evidence for each in camera.watch.faults_at(now).faults} if there else {}
        blind = PictureFault.GONE in held or PictureFault.STALE in held
        for fault, (said, remedy) in _SAYS.items():
            bad = fault in held
            yield Condition(
                f"camera.{name}.{fault}",
                bad if there and (bad or not blind) else None,
                AlertLevel.WARNING,
                Text(said.en.format(name=name), said.zh.format(name=name)),
                remedy,
                value=next(iter(held[fault].values()), None) if bad else None,
            )
