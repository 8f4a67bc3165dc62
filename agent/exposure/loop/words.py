"""What the loop says to people, in both languages."""

import re

from config.units import Text

TRIPPED = {
    "no-effect": Text(
        "the lights were moved but the picture did not follow (lamp not in the picture, or camera auto exposure on?)",
        "灯光已调整但画面没有变化（灯不在画面内，或摄像机自动曝光未关？）",
    ),
    "camera-auto-exposure": Text(
        "the camera's auto exposure works against the lights: it corrects away what they do",
        "摄像机自动曝光与灯光对抗：灯光的变化被自动曝光抵消",
    ),
    "hunting": Text("the loop kept changing direction", "控制回路来回振荡"),
    "clipped": Text("the picture stayed burnt out whatever the lights did", "无论怎样调光，画面始终过曝"),
}
"""Why the loop has let go."""

REMEDY = {
    "no-effect": Text(
        "look whether these lights reach the picture and whether the camera's exposure is locked, then hand back: "
        "exposure.set mode=hold",
        "检查这些灯是否照到画面、摄像机曝光是否锁定，然后交还控制：exposure.set mode=hold",
    ),
    "clipped": Text(
        "close the iris or lower the camera's gain, then hand back: exposure.set mode=hold",
        "收小光圈或降低摄像机增益，然后交还控制：exposure.set mode=hold",
    ),
}
USUAL_REMEDY = Text(
    "lock the camera's exposure, then hand back: exposure.set mode=hold",
    "锁定摄像机曝光，然后交还控制：exposure.set mode=hold",
)

_CHINESE = {
    "resting": "已到位",
    "acting": "正在调节",
    "at-limit": "已到极限",
    "frozen": "暂停",
    "frozen: frozen": "暂停：画面冻结",
    "refused": "已拒绝",
    "picture too old": "画面过旧",
    "no picture yet": "尚无画面",
    "the picture was cut": "画面已切换",
    "every light of the loop is in somebody's hands, or dimmed by a submaster": "补光灯均由人工控制，或被子控压低",
    "the lights are still on their way": "灯光仍在变化途中",
    "the reference zones are clipped": "基准区域过曝",
    "somebody or something is before the reference zones": "基准区域前有人或物遮挡",
    "this is not the picture that was commissioned": "画面与标定时不同",
    "another scene, or the camera was moved": "场景已换，或摄像机被移动",
    "the camera is being locked": "正在锁定摄像机",
    "the camera is being calibrated": "正在测量摄像机曲线",
    "probing": "试探",
    "probed": "试探结果",
    "looking": "观察画面",
    "follows": "画面跟随灯光",
    "inconclusive": "无法判定",
    "the lights are out": "灯光全灭",
    "black": "黑场",
    "bars": "彩条",
    "stale": "没有新画面",
    "too-fast": "帧率过快",
    "moved": "摄像机被移动",
    "auto-exposure": "自动曝光在起作用",
    "auto-white-balance": "自动白平衡在起作用",
    "flicker": "频闪",
}
_PATTERNS = (
    (re.compile(r"the grand master is at (.+)"), r"主控为 \1"),
    (re.compile(r"target (.+) stop for the presenter's face"), r"因主持人面部亮度，目标 \1 档"),
    (re.compile(r"([-+.\d]+) stop not reachable(?: \((.+)\))?"), r"还差 \1 档，无法达到"),
    (re.compile(r"(.+) ([-+.\d]+) stop"), r"\1 \2 档"),
    (re.compile(r"camera (\S+) is offline"), r"摄像机 \1 离线"),
    (re.compile(r"camera (\S+) is starting"), r"正在打开摄像机 \1"),
    (re.compile(r"output (\S+) is offline"), r"输出 \1 离线"),
    (re.compile(r"light (\S+) on bus (\S+) is offline"), r"总线 \2 上的灯 \1 离线"),
)


def reason(why: str) -> Text:
    """What the loop is doing, and why, for people. What a driver says stays in its own words."""
    said = (_CHINESE.get(each) or "：".join(_chinese(part) for part in each.split(": ")) for each in why.split("; "))
    return Text(why, "；".join(said))


def _chinese(part: str) -> str:
    if part in _CHINESE:
        return _CHINESE[part]
    return next((found.expand(words) for pattern, words in _PATTERNS if (found := pattern.fullmatch(part))), part)
