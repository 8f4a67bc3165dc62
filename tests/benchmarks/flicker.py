"""Flicker over moving pictures: found, how exactly, at what cost; false alarms; two other ways on the same clips.

The clips are photographs that are panned, tilted, zoomed, turned, shaken, cut and exposed up and down, each with a
cut-out that moves in front (``tests/moving_pictures.py``). With the folder of real clips in ``STUDIO_BENCH_CLIPS``
(video files of a still or moving camera, no flicker in them), the same is done over those.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera import flicker, rolling
from drivers.camera.flicker import THRESHOLD, FlickerWatch, Report
from drivers.camera.flicker_cause import flicker_free, look, standing
from drivers.camera.metrics import SRGB, linear_to_srgb
from tests.benchmarks.row import Row, p50
from tests.moving_pictures import MOVES, Clip, Fixture, Lamp, encoded, play

MAINS = Lamp(100, 0.01)
Frames = list[tuple[Picture, float]]


def run(folder: Path) -> list[Row]:
    cv2.setNumThreads(1)
    return [*mains(folder), *others(), *still(), *cost(), *real()]


def mains(folder: Path) -> list[Row]:
    """1 % at 100 Hz, 30 fps, 1/250 s."""
    clips = [Clip(move, number, seed=11) for number in range(3) for move in MOVES]
    clean = [list(play(clip)) for clip in clips[::2]] + [encoded(clip, folder) for clip in clips[1:8:2]]
    clean += [list(play(replace(clip, photograph=clip.photograph + 4))) for clip in clips[1::2]]
    lit = [list(play(replace(clip, lamp=MAINS))) for clip in clips]
    calm = [watched(frames) for frames in clean]
    seen = [watched(frames) for frames in lit]
    rows = found("flicker, 1 % at 100 Hz over moving pictures", seen, 100, f"{len(lit)} clips of 46 pictures, 30 fps")
    false = sum(report.flicker is not None for report in calm)
    rows.append(
        Row(
            "… false alarms",
            f"{false} of {len(calm)}",
            "0",
            false == 0,
            f"strongest {max(report.strength for report in calm):.1f} dB, threshold {THRESHOLD:g}; 4 of them MPEG-4",
        )
    )
    rows += peers(clean, lit, 0.02, "cuts, pans and shakes among them")
    return rows


def others() -> list[Row]:
    """Other lamps and rates, those that do not stand still."""
    cases = [
        (Lamp(95.3, 0.01), 25.0, 1 / 250),
        (Lamp(120, 0.01), 25.0, 1 / 250),
        (Lamp(100, 0.01), 29.97, 1 / 250),
        (Lamp(400, 0.01), 30.0, 1 / 1000),
        (Lamp(400, 0.02), 29.97, 1 / 500),
        (Lamp(1000, 0.01), 30.0, 1 / 2000),
        (Lamp(1000, 0.05, duty=0.4), 29.97, 1 / 2000),
    ]
    errors, missed = [], 0
    for number, (lamp, fps, exposure) in enumerate(cases):
        readout = 0.015 + 0.002 * number
        clip = Clip(MOVES[number % 5], number, lamp, fps, exposure=exposure, readout=readout, seed=2)
        report = watched(list(play(clip)), readout, exposure)
        missed += report.flicker is None
        if report.flicker is not None:
            errors.append(abs(report.flicker.frequency - lamp.frequency))
    total = len(errors) + missed
    right = sum(error <= 0.05 for error in errors)
    return [
        Row(
            "flicker of 95.3…1000 Hz, 1…5 %, 25…30 fps",
            f"{len(errors)} of {total}, {right} within 0.05 Hz",
            "",
            None,
            f"read-out 15…27 ms; error at most {max(errors):.3f} Hz",
        )
    ]


def still() -> list[Row]:
    """Bands that stand: 100 Hz at 25 fps, one of two lights, by two exposures."""
    found, false, cases = 0, 0, 6
    for number in range(cases):
        cone = Fixture(1.0, None, 0.3 + 0.08 * number, 0.3)
        clip = Clip("presenter", number, fps=25, frames=16, seed=3, rig=(Fixture(0.8, None, 0.7, 0.5), cone))
        lit = replace(clip, rig=(clip.rig[0], replace(cone, lamp=Lamp(100, 0.05, phase=0.17 * number))))
        (hiding,) = flicker_free(100, 1 / 150, 1 / 90)
        for each in (clip, lit):
            looks = [
                look(pixels for pixels, _ in play(replace(each, exposure=exposure, seed=seed)))
                for exposure, seed in ((1 / 250, 3), (hiding, 4))
            ]
            bands = standing(*looks, 25, readout=each.readout)
            false += bands is not None and each is clip
            found += bands is not None and each is lit and bands.frequency == 100
    return [
        Row(
            "standing bands, 5 % at 100 Hz, 25 fps, by two exposures",
            f"{found} of {cases}, {false} false",
            "0 false",
            false == 0 and found > 0,
            "one of two lights, 16 pictures each; the presenter has moved in between",
        )
    ]


def cost() -> list[Row]:
    frames = [np.random.default_rng(i).integers(0, 256, (1080, 1920, 3), dtype=np.uint8) for i in range(24)]
    watch = FlickerWatch(readout=0.02)
    took, looked = [], []
    for number in range(120):
        begun = time.perf_counter()
        watch.collect(frames[number % len(frames)], number / 30)
        took.append((time.perf_counter() - begun) * 1e3)
    for _ in range(20):
        begun = time.perf_counter()
        watch.report()
        looked.append((time.perf_counter() - begun) * 1e3)
    return [
        Row("flicker, taking in a 1080p picture", f"{p50(took):.2f} ms", "≤ 0.4 ms", p50(took) <= 0.4, "median of 120"),
        Row("… a report on 46", f"{p50(looked):.1f} ms", "≤ 60 ms", p50(looked) <= 60, "median of 20"),
    ]


def real() -> list[Row]:
    """Clips somebody filmed, if their folder is given."""
    folder = os.environ.get("STUDIO_BENCH_CLIPS")
    if not folder:
        return []
    clips = [list(read(path))[-flicker.FRAMES :] for path in sorted(Path(folder).glob("*.m*"))]
    clips = [clip for clip in clips if len(clip) >= flicker.FEWEST]
    drawn = [[flickering(*each, 0.028) for each in clip] for clip in clips]
    calm = [watched(clip, 0.028) for clip in clips]
    return [
        *found(
            "flicker, 1 % at 100 Hz over real clips",
            [watched(clip, 0.028) for clip in drawn],
            100,
            "read-out 28 ms drawn over them",
        ),
        Row(
            "… false alarms",
            f"{sum(report.flicker is not None for report in calm)} of {len(calm)}",
            "0",
            not any(report.flicker for report in calm),
            f"strongest {max(report.strength for report in calm):.1f} dB",
        ),
        *peers(clips, drawn, 0.028, ""),
    ]


# --- parts -----------------------------------------------------------------------------------------------------------


def watched(frames: Frames, readout: float = 0.02, exposure: float = 1 / 250) -> Report:
    watch = FlickerWatch(readout=readout, exposure=exposure)
    for pixels, captured in frames:
        watch.collect(pixels, captured)
    return watch.report()


def found(what: str, reports: list[Report], hertz: float, how: str) -> list[Row]:
    seen = [report.flicker for report in reports if report.flicker is not None]
    errors = sorted(abs(each.frequency - hertz) for each in seen)
    right = sum(error <= 0.05 for error in errors)
    depth = p50([each.modulation or 0 for each in seen])
    return [
        Row(what, f"{len(seen)} of {len(reports)}", "≥ 95 %", len(seen) >= 0.95 * len(reports), how),
        Row(
            "… frequency",
            f"{right} of {len(seen)} within 0.05 Hz",
            "all",
            right == len(seen),
            f"median error {p50(errors):.3f}, worst {errors[-1]:.3f} Hz; modulation {depth:.2f} % (median)",
        ),
    ]


def peers(clean: list[Frames], lit: list[Frames], readout: float, how: str) -> list[Row]:
    """Two other ways on the same clips, with the lowest threshold that gives no false alarm in the clean ones."""
    rows = []
    for name, profiles in (("row means, FFT", plain), ("median over columns of levels, FFT", levels)):
        limit = max(peak(profiles(frames), readout)[0] for frames in clean)
        hits = [peak(profiles(frames), readout) for frames in lit]
        right = sum(height > limit and abs(hertz - 100) < 1 for height, hertz in hits)
        said = f"threshold {limit:.0f} dB, the highest of the clean clips" + (f", {how}" if how else "")
        rows.append(Row(f"… {name}", f"{right} of {len(lit)}", "", None, said))
    return rows


def stack(frames: Frames) -> npt.NDArray[np.uint8]:
    return np.stack([rolling.sample(pixels) for pixels, _ in frames])


def plain(frames: Frames) -> npt.NDArray[np.float64]:
    return SRGB[stack(frames)].mean(axis=2)


def levels(frames: Frames) -> npt.NDArray[np.float64]:
    """Logarithm less each point's median over time; the median over columns."""
    light = np.log2(np.maximum(SRGB, SRGB[2]))[stack(frames)]
    return np.median(light - np.median(light, axis=0), axis=2)


def peak(profiles: npt.NDArray[np.float64], readout: float) -> tuple[float, float]:
    """dB over the median power, and the frequency, at 30 fps."""
    profiles = profiles - profiles.mean(axis=0)
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    pictures, rows = profiles.shape
    power = np.abs(np.fft.fft2(profiles * np.hanning(pictures)[:, None] * np.hanning(rows))) ** 2
    power = power[:, 1 : rows // 2]
    at, spacing = np.unravel_index(int(power.argmax()), power.shape)
    alias = float(np.fft.fftfreq(pictures, 1 / 30)[at])
    height = 10 * np.log10(power[at, spacing] / max(float(np.median(power)), 1e-12))
    return float(height), alias + 30 * round(((1 + spacing) / readout - alias) / 30)


def read(path: Path) -> Iterator[tuple[Picture, float]]:
    capture = cv2.VideoCapture(str(path))
    fps, number = capture.get(cv2.CAP_PROP_FPS) or 30.0, 0
    while True:
        more, pixels = capture.read()
        if not more:
            return
        yield pixels, number / fps
        number += 1


def flickering(pixels: Picture, when: float, readout: float) -> tuple[Picture, float]:
    height = len(pixels)
    light = SRGB[pixels] * MAINS.seen(when + np.arange(height) / height * readout, 1 / 250)[:, None, None]
    dither = np.random.default_rng(round(when * 1000)).random(light.shape)
    return np.clip(255 * linear_to_srgb(light) + dither, 0, 255).astype(np.uint8), when
