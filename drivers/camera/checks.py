"""Self-test of a camera on itself (CAM-01…05, CAM-07…10, CAM-12 of docs/selftest.md). All passive: they only look.

Each check grabs pictures for as long as it needs and no longer: a camera that is fine is done after two pictures,
only a broken one, or one that seldom sends a whole picture, takes the full time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from config.units import SILENT, Text
from drivers.base import Check, Image, Limits, Result, Verdict
from drivers.camera.baseline import Baseline
from drivers.camera.checks_against import CHECKS, TITLES
from drivers.camera.faults import FROZEN_BELOW, KEYS_ALIKE
from drivers.camera.metrics import difference, measure, sample

SECONDS = 2.0
KEYS_SECONDS = 6.0
"""The same, where only one picture in a second or four is coded by itself."""

RATE = Limits(warn=0.95, fail=0.80, below=True)
CHANGE = Limits(fail=FROZEN_BELOW, below=True)
KEYS_CHANGE = Limits(fail=KEYS_ALIKE, below=True)
DARK = Limits(fail=98.0)
EXPOSED = Limits(warn=1.0, fail=5.0)
AGE = Limits(warn=0.5, fail=2.0)


@dataclass(frozen=True, slots=True)
class Watch:
    """How a check sees its camera: the next picture, the source's facts, the clock, the show's reference."""

    grab: Callable[[], Image]
    describe: Callable[[], Mapping[str, str]]
    now: Callable[[], float]
    reference: Baseline | None = None


def all_of(watch: Watch, subject: str, size: tuple[int, int] | None, fps: float | None) -> Sequence[Check]:
    """The checks of one camera; ``size`` and ``fps`` as configured, or ``None``."""

    def check(ident: str, en: str, zh: str, run: Callable[[], Result], takes: float = SECONDS) -> Check:
        return Check(ident, subject, Text(en, zh), run, deadline=takes + 4.0)

    own = (
        check("CAM-01", "Camera found, right format", "找到摄像机，格式正确", lambda: found(watch, size)),
        check("CAM-02", "Frame rate", "帧率", lambda: rate(watch, fps)),
        check("CAM-03", "Picture not frozen", "画面未冻结", lambda: frozen(watch), KEYS_SECONDS),
        check("CAM-04", "Picture not black", "画面非全黑", lambda: black(watch)),
        check("CAM-05", "Clipped and crushed areas", "过曝与死黑面积", lambda: exposed(watch)),
        check("CAM-12", "Age of the newest different picture", "最新变化画面的时延", lambda: age(watch)),
    )
    if (reference := watch.reference) is None:
        return own
    more = [
        Check(ident, subject, TITLES[ident], partial(run, watch.grab, reference), deadline=SECONDS + 4.0)
        for ident, run in CHECKS.items()
    ]
    return (*own[:-1], *more, own[-1])


def found(watch: Watch, size: tuple[int, int] | None) -> Result:
    height, width = watch.grab().pixels.shape[:2]
    facts = dict(watch.describe())
    if size is not None and size != (width, height):
        return Result(
            Verdict.FAIL,
            Text(
                f"{width}x{height} instead of {size[0]}x{size[1]}",
                f"分辨率为 {width}x{height}，应为 {size[0]}x{size[1]}",
            ),
            Text(
                "Set the camera's resolution, or check that it is the right camera.",
                "设置摄像机分辨率，或确认是否接错摄像机。",
            ),
            evidence=facts,
        )
    return Result(
        Verdict.PASS, Text(f"{width}x{height} pictures come in", f"收到 {width}x{height} 画面"), evidence=facts
    )


def rate(watch: Watch, fps: float | None) -> Result:
    """Pictures per second against the nominal rate: configured, or the source's own word, or, where a source has
    none (MJPEG), the rate its median interval stands for; then the ratio tells of gaps."""
    first = watch.grab()
    before = int(watch.describe().get("frames", first.number))
    stamps = [first.captured]
    until = watch.now() + SECONDS
    last = first
    while watch.now() < until:
        last = watch.grab()
        stamps.append(last.captured)
    taken = int(watch.describe().get("frames", last.number)) - before
    measured = taken / (stamps[-1] - stamps[0]) if len(stamps) > 1 else 0.0
    intervals = np.diff(stamps)
    declared = fps or float(watch.describe().get("fps", 0.0))
    nominal = declared or (1.0 / float(np.median(intervals)) if len(intervals) else 0.0)
    ratio = measured / nominal if nominal else float("nan")
    verdict = RATE.judge(ratio)
    return Result(
        verdict,
        Text(f"{measured:.1f} of {nominal:.1f} pictures per second", f"每秒 {measured:.1f} 帧，标称 {nominal:.1f} 帧"),
        _unless_pass(
            verdict,
            "Use a lower mode or a USB 3 port; check the network to the camera and its shutter time.",
            "降低分辨率或改用 USB 3 接口；检查到摄像机的网络和快门时间。",
        ),
        value=ratio,
        unit="of nominal",
        limits=RATE,
        evidence={
            "fps": measured,
            "nominal": nominal,
            "nominal_from": "configured or source" if declared else "median interval",
            "interval_p95_ms": float(np.percentile(intervals, 95) * 1000) if len(intervals) else None,
        },
    )


def frozen(watch: Watch) -> Result:
    """Where pictures are coded from those before, only the ones coded by themselves count: the others repeat what
    stands still bit for bit, of a sound camera, too."""
    watch.grab()  # of a stream that has just begun, the first is a whole one
    before, change = sample(watch.grab().pixels), 0.0
    keys = _keys(watch)
    limits, seconds = (CHANGE, SECONDS) if keys is None else (KEYS_CHANGE, KEYS_SECONDS)
    whole, until = 0, watch.now() + seconds
    while limits.judge(change) is not Verdict.PASS and watch.now() < until:
        after = sample(watch.grab().pixels)
        if keys is not None and keys == (keys := _keys(watch)):
            continue
        if keys is None or whole:
            change = max(change, difference(before, after))
        before, whole = after, whole + 1
    if keys is not None and whole < 2:
        said = Text(
            f"The stream sends a whole picture less than twice in {seconds:g} s: nothing to compare.",
            f"视频流在 {seconds:g} 秒内不足两个关键帧，无法比较。",
        )
        remedy = Text(
            "Set the camera's encoder to a key frame (I picture) every 1 or 2 s.",
            "将摄像机编码器的关键帧（I 帧）间隔设为 1 至 2 秒。",
        )
        return Result(Verdict.SKIPPED, said, remedy)
    verdict = limits.judge(change)
    return Result(
        verdict,
        Text("The picture lives.", "画面正常变化。")
        if verdict is Verdict.PASS
        else Text(f"The picture stood still for {seconds:g} s.", f"画面已静止 {seconds:g} 秒。"),
        _unless_pass(verdict, "Restart the camera or its encoder; replug it.", "重启摄像机或编码器；重新插拔。"),
        value=change,
        unit="codes",
        limits=limits,
    )


def _keys(watch: Watch) -> str | None:
    """How many pictures came that were coded by themselves; ``None``: all are, as far as the source tells."""
    facts = watch.describe()
    keys = facts.get("keys")
    return None if keys is None or keys == facts.get("frames") else keys


def black(watch: Watch) -> Result:
    def bright(image: Image) -> float:
        return measure(image.pixels, 0.18).dark

    share, until = bright(watch.grab()), watch.now() + SECONDS
    while share >= 98.0 and watch.now() < until:
        share = min(share, bright(watch.grab()))
    verdict = DARK.judge(share)
    return Result(
        verdict,
        Text(f"{share:.0f} % of the picture is dark", f"画面暗部占 {share:.0f} %"),
        _unless_pass(
            verdict,
            "Take the lens cap off; check iris and the input; are the lights on?",
            "取下镜头盖；检查光圈和输入；灯光是否打开？",
        ),
        value=share,
        unit="%",
        limits=DARK,
    )


def exposed(watch: Watch) -> Result:
    seen = measure(watch.grab().pixels, 0.18)
    worst = max(seen.clipped, seen.crushed)
    verdict = EXPOSED.judge(worst)
    return Result(
        verdict,
        Text(
            f"{seen.clipped:.1f} % clipped, {seen.crushed:.1f} % crushed",
            f"过曝 {seen.clipped:.1f} %，死黑 {seen.crushed:.1f} %",
        ),
        _unless_pass(
            verdict,
            "Close the iris or dim the key light."
            if seen.clipped >= seen.crushed
            else "Open the iris or add fill light.",
            "收小光圈或调暗主光。" if seen.clipped >= seen.crushed else "开大光圈或增加补光。",
        ),
        value=worst,
        unit="% of area",
        limits=EXPOSED,
        evidence={"clipped": seen.clipped, "crushed": seen.crushed, "p1": seen.p1, "p50": seen.p50, "p99": seen.p99},
    )


def age(watch: Watch) -> Result:
    """Waits for two pictures that differ; the age is that of the newer one when it has been handed over. Where pictures
    are coded from those before, the newest is taken as it is: it may rightly be the same."""
    began = watch.now()
    watch.grab()
    before = watch.grab()
    points, newest = sample(before.pixels), None if _keys(watch) is None else before
    while newest is None and watch.now() < began + SECONDS + 0.5:
        after = watch.grab()
        now_points = sample(after.pixels)
        if difference(points, now_points) > FROZEN_BELOW:
            newest = after
        points = now_points
    value = watch.now() - (newest.captured if newest else before.captured)
    verdict = AGE.judge(value)
    return Result(
        verdict,
        Text(f"The newest different picture is {value:.2f} s old.", f"最新变化画面已有 {value:.2f} 秒。"),
        _unless_pass(verdict, "Restart the camera; check the network to it.", "重启摄像机；检查到摄像机的网络。"),
        value=value,
        unit="s",
        limits=AGE,
    )


def _unless_pass(verdict: Verdict, en: str, zh: str) -> Text:
    return SILENT if verdict is Verdict.PASS else Text(en, zh)
