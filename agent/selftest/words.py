"""The words of the report, in both of the operators' languages."""

from collections.abc import Mapping, Sequence

from config.units import Text
from drivers.base import Verdict

VERDICTS: Mapping[Verdict, Text] = {
    Verdict.PASS: Text("pass", "通过"),
    Verdict.MARGINAL: Text("marginal", "临界"),
    Verdict.FAIL: Text("fail", "不合格"),
    Verdict.ERROR: Text("not measured", "未测成"),
    Verdict.SKIPPED: Text("skipped", "未执行"),
    Verdict.OVERDUE: Text("overdue", "逾期"),
}
NOT_APPLICABLE = Text("does not apply", "不适用")
SIGNS: Mapping[str, str] = {"pass": "✓", "marginal": "!", "fail": "✕", "error": "?", "skipped": "–", "overdue": "◷"}
"""For whom colours say nothing."""
NOT_SIGN = "·"
ONE: Mapping[str, str] = {"files": "file", "differences": "difference", "codes": "code", "sources": "source"}
"""Units of which there may be one."""

HEADLINES: Mapping[Verdict, Text] = {
    Verdict.PASS: Text("All in order", "一切正常"),
    Verdict.MARGINAL: Text("Usable, with warnings", "可用，但有警告"),
    Verdict.FAIL: Text("Faults found", "发现故障"),
    Verdict.ERROR: Text("Could not be judged", "无法判定"),
    Verdict.SKIPPED: Text("Not fully tested", "测试不完整"),
    Verdict.OVERDUE: Text("A test is overdue", "有测试逾期"),
}

KINDS: Mapping[str, Text] = {
    "output": Text("Output", "输出"),
    "camera": Text("Camera", "摄像机"),
    "light": Text("Light", "灯具"),
    "probe": Text("Network path", "网络路径"),
    "network": Text("Network card", "网口"),
    "broker": Text("Broker", "消息服务器"),
    "machine": Text("Machine", "主机"),
    "agent": Text("Agent", "程序"),
}

REACHED = Text("Zones this light reaches; outlined: clipped", "此灯照到的区域；描边：过曝")
CURVE = Text("Light against command", "亮度与指令的关系")
PLACE = Text("Where the value lies between good and bad", "测量值在合格与不合格之间的位置")
NOTES = Text("Notes", "维护记录")
FIRST = Text("Do this first", "先做这些")
NOTHING = Text("Nothing to do.", "无需处理。")
QUICK = Text("quick (nothing visible)", "快速（无可见变化）")
FULL = Text("full (lights were moved)", "完整（含灯光测试）")
ON_AIR = Text("on air", "直播中")
OFF_AIR = Text("off air", "未直播")
STATED = Text("off air as stated by the person at the shell", "由现场人员声明未直播")


def accepted(names: Sequence[str]) -> Text:
    """Which lights a run took into the baseline."""
    if not names:
        return Text("No light was taken into the baseline.", "没有灯具纳入基准。")
    return Text(f"Taken into the baseline: {', '.join(names)}.", f"已纳入基准：{'、'.join(names)}。")
