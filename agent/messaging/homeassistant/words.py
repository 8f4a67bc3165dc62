"""Names of the entities, in the operators' languages."""

from config.units import Text

LEVEL = {
    "tint": Text("tint", "偏色"),
    "red": Text("red", "红"),
    "green": Text("green", "绿"),
    "blue": Text("blue", "蓝"),
    "white": Text("white", "白"),
    "amber": Text("amber", "琥珀"),
    "cct": Text("colour temperature", "色温"),
    "cie_x": Text("CIE x", "CIE x"),
    "cie_y": Text("CIE y", "CIE y"),
    "hue": Text("hue", "色相"),
    "saturation": Text("saturation", "饱和度"),
}
IDENTIFY = Text("identify", "识别")
RELEASE = Text("Hand back all lights", "交还全部灯光")
LOOK = Text("look", "灯光方案")
OUTPUT = Text("output", "输出")
BUS = Text("lamp bus", "灯具总线")
CAMERA = Text("camera", "摄像机")
PROBE = Text("network", "网络")
CLIPPED = Text("clipped", "过曝像素")
EXPOSURE_ERROR = Text("exposure error", "曝光偏差")
EXPOSURE_MODE = Text("exposure mode", "曝光模式")
EXPOSURE_TARGET = Text("exposure target", "曝光目标")
ADVICE = Text("exposure advice", "曝光建议")
RTT = Text("round trip", "往返时间")
JITTER = Text("jitter", "抖动")
LOSS = Text("loss", "丢包率")
ON_AIR = Text("On air", "直播中")
PROBLEM = Text("Problem", "告警")
ALERTS = Text("Alerts", "告警数")
ALERT_EVENT = Text("Alert", "告警事件")
TEST_QUICK = Text("Quick self-test", "快速自检")
TEST_FULL = Text("Full self-test", "完整自检")
TEST_CANCEL = Text("Cancel self-test", "取消自检")
TEST_RESULT = Text("Self-test result", "自检结果")
TEST_AT = Text("Last self-test", "上次自检")
FULL_AT = Text("Last full self-test", "上次完整自检")
BASELINE_AT = Text("Lights accepted", "灯光基准确认日期")
RESULT = Text("Last command", "上次命令结果")
VERSION = Text("Version", "版本")
SINCE = Text("Running since", "运行开始时间")
WAITING = Text("Messages waiting", "待发消息")
DROPPED = Text("Messages given up", "放弃的消息")
CPU = Text("Processor", "处理器占用")
MEMORY = Text("Memory", "内存")
FRAME_RATE = Text("DMX frame rate", "DMX 帧率")
LATE = Text("DMX lateness p99", "DMX 延迟 p99")
