"""Streams whose pictures are coded from those before (H.264): a sound one repeats bit for bit what stands still."""

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.base import Image, Picture, Stamp, Verdict
from drivers.camera import cadence
from drivers.camera.checks import Watch, frozen
from drivers.camera.faults import NETWORK, FaultState, PictureFault, start, step
from drivers.camera.metrics import difference, measure, sample
from drivers.real.capture import by_itself
from tests.drivers.camera.relit import photograph

RATE, GROUP, SECONDS = 24, 48, 12
WIDTH, HEIGHT = 320, 180

Frames = list[tuple[Picture, bool | None]]


def coded(path: Path, lives: bool, group: int = GROUP) -> Frames:
    """A photograph that stands still for ``SECONDS`` as a camera sees it, coded by x264 and decoded again; of a camera
    that is frozen the noise stands still as well."""
    how = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "28", "-g", str(group))
    source = ("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-")
    scene = 255 * np.sqrt(photograph("coffee", WIDTH, HEIGHT))
    random = np.random.default_rng(5)
    seen = [np.clip(scene + random.normal(0, 1.0, scene.shape), 0, 255).astype(np.uint8) for _ in range(7)]
    frames = b"".join(seen[random.integers(7) if lives else 0].tobytes() for _ in range(SECONDS * RATE))
    command = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *source, "-pix_fmt", "yuv420p", *how, str(path))
    subprocess.run(command, input=frames, check=True)
    capture, found = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    while capture.grab():
        found.append((capture.retrieve()[1], by_itself(capture)))
    assert len(found) == SECONDS * RATE
    return found


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Frames]:
    folder = tmp_path_factory.mktemp("coded")
    return {lives: coded(folder / f"{lives}.mp4", lives) for lives in (True, False)}


def watched(frames: Frames) -> Iterator[FaultState]:
    """Measured 8 times a second, every packet told."""
    state, rhythm = start(0.0), cadence.start(0.0)
    for number in range(0, len(frames), 3):
        now = (number + 3) / RATE
        came = [Stamp((at + 1) / RATE, key=frames[at][1]) for at in range(number, number + 3)]
        rhythm = cadence.feed(rhythm, came, now, cadence.NETWORK)
        metrics = measure(frames[number + 2][0], 0.18)
        state = step(state, metrics, metrics.points, now, patience=NETWORK, keyed=rhythm.keyed)
        yield state


def test_pictures_say_whether_they_are_coded_by_themselves(streams: dict[bool, Frames]) -> None:
    assert [at for at, (_, key) in enumerate(streams[True]) if key] == list(range(0, SECONDS * RATE, GROUP))
    assert not any(key is None for _, key in streams[True])


def test_a_sound_stream_of_a_scene_that_stands_still_is_not_frozen(streams: dict[bool, Frames]) -> None:
    points = [sample(pixels) for pixels, _ in streams[True][::3]]
    repeats = [difference(one, other) < 0.05 for one, other in pairwise(points)]
    assert max(len(run) for run in "".join(".#"[each] for each in repeats).split(".")) / 8 > NETWORK.frozen  # the trap
    assert not any(PictureFault.FROZEN in state.named for state in watched(streams[True]))


def test_a_frozen_one_is_named_from_whole_picture_to_whole_picture(streams: dict[bool, Frames]) -> None:
    states = list(watched(streams[False]))
    first = next(at for at, state in enumerate(states) if PictureFault.FROZEN in state.named)
    assert first / 8 <= 3 * GROUP / RATE
    assert all(PictureFault.FROZEN in state.named for state in states[first:])
    assert states[-1].faults[0].since <= 2 * GROUP / RATE + 3 / RATE
    healed = states[-1]
    for number, (pixels, _) in enumerate(streams[True][: GROUP + 24 : 6]):
        metrics = measure(np.roll(pixels, 9, axis=1), 0.18)
        keyed = number * 6 % GROUP == 0
        healed = step(healed, metrics, metrics.points, SECONDS + number / 4, patience=NETWORK, keyed=keyed)
    assert PictureFault.FROZEN not in healed.named


@pytest.mark.parametrize(("lives", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_the_self_test_compares_whole_pictures(streams: dict[bool, Frames], lives: bool, verdict: Verdict) -> None:
    result = frozen(playing(streams[lives][2 * GROUP :]))
    assert result.verdict is verdict
    assert result.limits is not None and result.limits.fail == 0.5


def test_the_self_test_does_not_judge_where_whole_pictures_are_rare(tmp_path: Path) -> None:
    result = frozen(playing(coded(tmp_path / "rare.mp4", True, 10 * RATE)))
    assert result.verdict is Verdict.SKIPPED
    assert "key frame" in result.remedy.en and "关键帧" in result.remedy.zh


def playing(frames: Frames) -> Watch:
    """A camera that shows one after the other; its time is theirs."""
    shown = [0]

    def grab() -> Image:
        shown[0] += 1
        return Image(frames[shown[0] - 1][0], shown[0] / RATE, shown[0])

    def facts() -> dict[str, str]:
        return {"frames": str(shown[0]), "keys": str(sum(bool(key) for _, key in frames[: shown[0]]))}

    return Watch(grab, facts, lambda: shown[0] / RATE)
