"""What the loop says to people, in both languages."""

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
