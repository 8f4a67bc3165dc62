"""Why a commissioning (or a proof) was refused or ended, in words, with what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from config.units import Text

Code = Literal[
    "auto-exposure",
    "scene-moves",
    "no-effect",
    "no-pictures",
    "bad-picture",
    "clipped",
    "too-dark",
    "no-delay",
    "no-reference",
    "on-air",
    "touched",
    "stopped",
]
Ending = Literal["on-air", "touched", "stopped"]
"""Those that come from outside while it goes on: the lights are back at the look."""


@dataclass(frozen=True, slots=True)
class Refused:
    """``evidence``: the numbers it was decided on, by name."""

    code: Code
    said: Text
    remedy: Text
    evidence: Mapping[str, float | str]


class Refusal(Exception):
    """Ends a commissioning."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.said.en)
        self.refused = refused


_WORDS: Mapping[Code, tuple[Text, Text]] = {
    "auto-exposure": (
        Text(
            "The camera's automatic exposure is on: zones that a light does not reach fell when it rose.",
            "摄像机自动曝光未关闭：灯光变亮时，未被照到的区域反而变暗。",
        ),
        Text(
            "Lock exposure, gain and white balance of the camera, then commission again.",
            "请锁定摄像机的曝光、增益和白平衡后重新标定。",
        ),
    ),
    "scene-moves": (
        Text("The scene moves: too little of the picture stands still.", "场景在移动：画面中静止的区域太少。"),
        Text(
            "Let nobody walk about, keep curtains and doors shut, fix the camera; then commission again.",
            "请避免人员走动，关好窗帘和门，固定摄像机后重新标定。",
        ),
    ),
    "no-effect": (
        Text("These lights do nothing in the picture", "以下灯具对画面没有影响"),
        Text(
            "Check power, address and where they point, or take them out of the loop; a camera with automatic exposure "
            "can hide them, too.",
            "请检查供电、地址和照射方向，或将其移出控制；摄像机自动曝光也会掩盖其效果。",
        ),
    ),
    "no-pictures": (
        Text("The camera gave too few pictures.", "摄像机画面数量不足。"),
        Text("Check the camera and its connection.", "请检查摄像机及其连接。"),
    ),
    "bad-picture": (
        Text("The camera's pictures cannot be trusted", "摄像机画面不可信"),
        Text("Put that right, then commission again.", "请先排除该故障再重新标定。"),
    ),
    "clipped": (
        Text("Too much of the picture is clipped.", "画面过曝区域过多。"),
        Text("Close the iris or dim the look, then commission again.", "请收小光圈或调暗场景后重新标定。"),
    ),
    "too-dark": (
        Text("The picture is too dark to measure in.", "画面太暗，无法测量。"),
        Text("Recall the look, open the iris or take the lens cap off.", "请调出场景灯光、开大光圈或取下镜头盖。"),
    ),
    "no-delay": (
        Text(
            "The delay from command to picture could not be measured: the steps do not agree.",
            "无法测量从指令到画面的延迟：各次结果不一致。",
        ),
        Text("Check that pictures come at an even rate.", "请检查画面帧率是否稳定。"),
    ),
    "no-reference": (
        Text(
            "No zones stand still and are lit by the key light: there is nothing to regulate on.",
            "没有静止且被主光照亮的区域，无法作为控制基准。",
        ),
        Text(
            "Say which light is the key, and let it light something that stands still in the picture.",
            "请指定主光，并让主光照到画面中静止的物体。",
        ),
    ),
    "on-air": (
        Text("The studio went on air: ended, and the look is back.", "演播室开始直播：已中止，灯光已恢复。"),
        Text("Begin again off air.", "请在非直播时重新开始。"),
    ),
    "touched": (
        Text(
            "Somebody took one of its lights: ended, and the others are back.",
            "有人接管了其中的灯具：已中止，其余灯光已恢复。",
        ),
        Text("Begin again when nobody needs the lights.", "请在无人使用灯光时重新开始。"),
    ),
    "stopped": (
        Text("The lights were stopped: ended.", "灯光已被停止：已中止。"),
        Text("End the stop (lights.stop.reset), then begin again.", "请先解除停止（lights.stop.reset），再重新开始。"),
    ),
}


def refuse(code: Code, evidence: Mapping[str, float | str], detail: Text | None = None) -> Refused:
    """``detail`` ends the sentence of the code, after a colon."""
    said, remedy = _WORDS[code]
    if detail is not None:
        said = Text(f"{said.en.rstrip('.')}: {detail.en}.", f"{said.zh.rstrip('。')}：{detail.zh}。")
    return Refused(code, said, remedy, evidence)
