"""What the loop says, in both languages."""

import re

import pytest

from agent.exposure.loop import aim
from agent.exposure.loop.words import reason

SAID = {
    "resting": "已到位",
    "frozen: frozen": "暂停：画面冻结",
    "frozen: the lights are still on their way": "暂停：灯光仍在变化途中",
    f"frozen: {aim.CLIPPED}": "暂停：基准区域过曝",
    f"frozen: {aim.COVERED}": "暂停：基准区域前有人或物遮挡",
    f"frozen: {aim.OTHER}": "暂停：画面与标定时不同：场景已换，或摄像机被移动",
    "frozen: the camera is being locked": "暂停：正在锁定摄像机",
    "the grand master is at 50 %": "主控为 50 %",
    "probing: key +0.3 stop": "试探：key +0.3 档",
    "probed: follows; target +0.12 stop for the presenter's face": (
        "试探结果：画面跟随灯光；因主持人面部亮度，目标 +0.12 档"
    ),
    "at-limit: 0.52 stop not reachable (row 3, column 4)": "已到极限：还差 0.52 档，无法达到",
    "frozen: output net is offline": "暂停：输出 net 离线",
    "camera cam-1 is starting: no picture yet": "正在打开摄像机 cam-1：尚无画面",
    "camera cam-1 is offline: no picture for 2 s": "摄像机 cam-1 离线：no picture for 2 s",
}


@pytest.mark.parametrize(("said", "chinese"), SAID.items())
def test_a_reason_is_said_in_both_languages(said, chinese):
    found = reason(said)
    assert (found.en, found.zh) == (said, chinese)


def test_every_fault_that_freezes_the_loop_has_a_chinese_word():
    from drivers.camera.faults import BLINDING

    for fault in BLINDING:
        if fault != "gone":  # then there is no picture to say it of
            assert not re.search("[a-z]", reason(f"frozen: {fault}").zh), fault
