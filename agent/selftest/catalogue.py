"""The catalogue: every check by id, with its title and the first thing to do when it does not pass.

Ids and limits follow one list for all studios, so that reports can be compared; limits stand beside the check. Checks
that a driver brings are named with their driver's own title and remedy.
"""

from collections.abc import Mapping
from typing import NamedTuple

from config.units import Text


class Entry(NamedTuple):
    """``remedy``: its opening words."""

    title: Text
    remedy: Text


def _entry(title_en: str, title_zh: str, en: str, zh: str) -> Entry:
    return Entry(Text(title_en, title_zh), Text(en, zh))


CATALOGUE: Mapping[str, Entry] = {
    "DMX-01": _entry(
        "Frames keep coming", "DMX 帧持续发送", "Lower the slot count, check the CPU.", "减少通道数，检查 CPU 负载。"
    ),
    "DMX-02": _entry(
        "The beat is punctual", "发送节拍准时", "Check the CPU; see AGT-01.", "检查 CPU 负载，参见 AGT-01。"
    ),
    "LGT-01": _entry("Not dead", "灯具有响应", "Check lamp, power and DMX address.", "检查灯珠、电源和 DMX 地址。"),
    "LGT-02": _entry("Not dim", "亮度未衰减", "Clean it, re-aim it, or swap it.", "清洁、重新对准或更换灯具。"),
    "LGT-03": _entry(
        "Not swapped or mis-addressed", "地址未接错", "Swap the addresses back.", "把两盏灯的地址换回来。"
    ),
    "LGT-04": _entry(
        "Not stuck on", "可完全关断", "Power cycle it; then its driver.", "断电重启灯具；仍不行则更换驱动。"
    ),
    "LGT-05": _entry(
        "More is brighter",
        "调光曲线单调",
        "Check its curve setting, then its driver.",
        "检查调光曲线设置，再检查驱动。",
    ),
    "LGT-07": _entry("No flicker", "无可见闪烁", "Check contacts and power supply.", "检查接触点和电源。"),
    "LGT-08": _entry(
        "No bands in the picture",
        "画面无条纹",
        "Raise the lamp's PWM rate, or set the shutter to whole periods (1/50, 1/100 s at 50 Hz).",
        "提高灯具 PWM 频率，或将快门设为整周期（50 Hz 用 1/50、1/100 秒）。",
    ),
    "LGT-09": _entry(
        "Command to picture", "指令到画面的延迟", "Check camera buffer and fade time.", "检查摄像机缓冲和灯具渐变时间。"
    ),
    "CAM-06": _entry(
        "Exposure on target",
        "曝光符合目标",
        "Use the automatic fill light, or correct iris and gain.",
        "启用自动补光，或调整光圈和增益。",
    ),
    "NET-09": _entry("Link speed and errors", "网口速率与错误", "Replace the cable.", "更换网线。"),
    "NET-20": _entry(
        "No other light controller",
        "无其他灯光控制器",
        "Switch the other controller off, or give one of them other universes.",
        "关闭另一台控制器，或改用不同的域（universe）。",
    ),
    "MQT-01": _entry("Connected to the broker", "已连接消息服务器", "Renew the certificate.", "更新证书。"),
    "MQT-02": _entry("Message round trip", "消息往返时延", "Check broker and uplink.", "检查消息服务器和上行网络。"),
    "CLK-01": _entry(
        "Clock is synchronised", "时钟已同步", "Set up time synchronisation (NTP).", "启用时间同步（NTP）。"
    ),
    "SYS-01": _entry("Disk space and inodes", "磁盘空间与 inode", "Prune, or enlarge the disk.", "清理或扩容磁盘。"),
    "SYS-02": _entry("Storage is quick", "存储写入速度", "Replace the card or disk.", "更换存储卡或硬盘。"),
    "SYS-04": _entry(
        "Memory, files, load", "内存、文件句柄与负载", "Restart in a maintenance window.", "在维护时段重启。"
    ),
    "AGT-01": _entry("The agent is timely", "程序响应及时", "Check CPU and configuration.", "检查 CPU 负载与配置。"),
    "AGT-02": _entry(
        "Reports and audit are whole",
        "测试记录与指令审计完整未被改动",
        "Restore a copy and report it.",
        "从备份恢复并上报。",
    ),
    "AGT-03": _entry("Secrets are private", "密钥文件权限正确", "Fix the modes: chmod 600.", "修正权限：chmod 600。"),
    "AGT-05": _entry("Last full self-test", "上次完整自检时间", "Run a full self-test.", "运行一次完整自检。"),
}

OF_DRIVERS = (
    "SER-01", "SER-02", "SER-03", "WID-01", "WID-02", "NOD-01", "NOD-02",
    "LMP-01", "LMP-02",
    "RDM-01", "RDM-02", "RDM-03", "RDM-04", "RDM-05", "RDM-06", "RDM-07", "RDM-08",
    "CAM-01", "CAM-02", "CAM-03", "CAM-04", "CAM-05", "CAM-07", "CAM-08", "CAM-09", "CAM-10", "CAM-12",
    "NET-02", "NET-03", "NET-04", "NET-08",
)  # fmt: skip
"""What the built-in drivers check on themselves."""
