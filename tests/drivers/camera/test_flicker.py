"""Rolling bands over moving photographs: found, named and measured; and nothing where there is nothing."""

from dataclasses import replace

import numpy as np
import pytest

from drivers.camera.flicker import FEWEST, FlickerWatch, Report, candidates, per_cent
from drivers.camera.rolling import true_times
from tests.moving_pictures import Clip, Lamp, encoded, play

SMALL = (320, 180)


def watched(clip: Clip, **options: object) -> Report:
    watch = FlickerWatch(**{"readout": clip.readout, "exposure": clip.exposure, "frames": clip.frames, **options})
    for pixels, captured in play(clip):
        watch.collect(pixels, captured)
    return watch.report()


@pytest.mark.parametrize(("move", "photograph"), [("presenter", 0), ("pan", 4), ("tilt", 2)])
def test_one_per_cent_at_100_hz_is_found_over_moving_pictures_and_nothing_without_it(
    move: str, photograph: int
) -> None:
    clip = Clip(move, photograph, Lamp(100, 0.01), size=SMALL)
    seen = watched(clip).flicker
    assert seen is not None
    assert seen.frequency == pytest.approx(100, abs=0.05)
    assert seen.modulation == pytest.approx(1.0, abs=0.25)
    assert seen.alternatives == ()
    assert watched(replace(clip, lamp=None)).flicker is None


@pytest.mark.parametrize(
    "clip",
    [
        Clip("cut", 0, size=SMALL),
        Clip("shake", 1, size=SMALL),
        Clip("exposure", 3, size=SMALL),
        Clip("zoom", 5, size=SMALL, coding="raw"),
        Clip("rotate", 8, size=SMALL, noise=3.0),
    ],
    ids=lambda clip: clip.move,
)
def test_no_false_alarm_of(clip: Clip) -> None:
    assert watched(clip).flicker is None


def test_no_false_alarm_of_encoded_pictures(tmp_path) -> None:
    watch = FlickerWatch(readout=0.02)
    for pixels, captured in encoded(Clip("pan", 6, size=SMALL), tmp_path):
        watch.collect(pixels, captured)
    assert watch.report().flicker is None


@pytest.mark.parametrize(
    ("lamp", "fps", "exposure", "readout"),
    [
        (Lamp(95.3, 0.02), 25.0, 1 / 250, 0.015),
        (Lamp(120, 0.02), 25.0, 1 / 500, 0.03),
        (Lamp(400, 0.02), 29.97, 1 / 1000, 0.022),
        (Lamp(1000, 0.1, duty=0.3), 30.0, 1 / 2000, 0.018),
    ],
)
def test_other_frequencies_and_rates(lamp: Lamp, fps: float, exposure: float, readout: float) -> None:
    seen = watched(Clip("presenter", 2, lamp, fps, exposure=exposure, readout=readout, size=SMALL)).flicker
    assert seen is not None
    assert seen.frequency == pytest.approx(lamp.frequency, abs=0.05)


def test_deep_flicker_is_measured_and_stands_over_the_line_for_low_risk() -> None:
    seen = watched(Clip("presenter", 2, Lamp(100, 0.4), exposure=1 / 500, size=SMALL)).flicker
    assert seen is not None
    assert seen.modulation == pytest.approx(40, rel=0.15)
    assert seen.limit == pytest.approx(8, abs=0.01)
    assert seen.evidence()["low_risk_percent"] == 8
    assert seen.evidence()["modulation_percent"] > 8


def test_stamps_that_jitter_and_frames_that_drop() -> None:
    clip = Clip("presenter", 4, Lamp(100, 0.02), jitter=0.002, drops=0.08, size=SMALL, seed=2)
    report = watched(clip)
    assert report.flicker is not None
    assert report.flicker.frequency == pytest.approx(100, abs=4 * report.flicker.sd)
    assert report.flicker.sd < 0.15
    assert report.fps == pytest.approx(30, abs=0.05)


def test_a_camera_that_reads_from_the_bottom() -> None:
    watch = FlickerWatch(readout=-0.02)
    for pixels, captured in play(Clip("presenter", 0, Lamp(95.3, 0.02), size=SMALL)):
        watch.collect(pixels[::-1], captured)
    seen = watch.report().flicker
    assert seen is not None
    assert seen.frequency == pytest.approx(95.3, abs=0.05)


def test_unknown_read_out_gives_candidates_mains_first_and_the_read_out_each_stands_for() -> None:
    clip = Clip("presenter", 0, Lamp(100, 0.02), readout=0.022, size=SMALL)
    seen = watched(clip, readout=None).flicker
    assert seen is not None
    assert seen.frequency == pytest.approx(100, abs=0.05)
    assert seen.readout == pytest.approx(0.022, rel=0.05)
    assert seen.alternatives
    assert all(abs((f - seen.frequency) / 30 - round((f - seen.frequency) / 30)) < 1e-6 for f in seen.alternatives)
    odd = candidates(5.3, 2.1, 30.0)
    assert pytest.approx(95.3) in odd
    assert len(odd) > 1, "nobody can know which it is"


def test_a_read_out_that_is_not_known_well_enough_leaves_alternatives() -> None:
    assert candidates(10.0, 20.0, 30.0, readout=0.02, error=0.001) == (pytest.approx(1000),)
    assert set(candidates(10.0, 20.0, 30.0, readout=0.02, error=0.05)) >= {970.0, 1000.0, 1030.0}


def test_bands_that_stand_are_not_reported_as_something_else() -> None:
    assert watched(Clip("presenter", 0, Lamp(120, 0.05), 30.0, size=SMALL)).flicker is None


def test_weak_bands_are_measured_at_a_known_frequency() -> None:
    def bands(lamp: Lamp | None, level: float):
        watch = FlickerWatch(readout=0.02)
        for pixels, captured in play(Clip("presenter", 0, lamp, size=SMALL, level=level)):
            watch.collect(pixels, captured)
        return watch, watch.report().flicker

    watch, seen = bands(Lamp(100, 0.02), 1.0)
    assert seen is not None
    strong = watch.bands(seen)
    assert strong.contrast == pytest.approx(2 * np.sinc(0.4), rel=0.15)
    none, _ = bands(None, 0.5)
    weak = none.bands(seen)
    assert weak.contrast < 5 * weak.sd < 0.3 * strong.contrast
    assert weak.light == pytest.approx(strong.light / 2, rel=0.1)


def test_a_report_comes_every_so_often_and_bursts_are_asked_for() -> None:
    watch = FlickerWatch(readout=0.02, every=10, frames=FEWEST)
    frames = [pixels for pixels, _ in play(Clip("presenter", 0, frames=FEWEST, size=SMALL))]
    assert watch.wants(0.0)
    reports = [watch.step(pixels, number / 30) for number, pixels in enumerate(frames)]
    assert [report is not None for report in reports] == [False] * (FEWEST - 1) + [True]
    assert not watch.wants(1.0)
    assert watch.step(frames[0], 1.0) is None
    assert watch.wants(11.0)
    assert watch.step(frames[1], 11.0) is None, "the last burst is forgotten"
    with pytest.raises(ValueError, match="too few"):
        watch.report()


def test_cuts_do_not_hide_bands() -> None:
    assert all(watched(Clip("cut", number, Lamp(100, 0.01), size=SMALL)).flicker is not None for number in (0, 6, 7))


def test_a_window_begins_anew_when_no_picture_came_for_long() -> None:
    watch = FlickerWatch(readout=0.02)
    frames = [pixels for pixels, _ in play(Clip("presenter", 0, frames=20, size=SMALL))]
    for number, pixels in enumerate(frames):
        watch.collect(pixels, number / 30)
    assert watch.report().frames == 20
    watch.collect(frames[0], 5.0)
    with pytest.raises(ValueError, match="too few"):
        watch.report()


@pytest.mark.parametrize("modulation", [0.01, 0.3, 0.9])
def test_per_cent_of_a_sine_from_the_fundamental_of_its_logarithm(modulation: float) -> None:
    angle = 2 * np.pi * np.arange(4096) / 4096
    stops = 2 * np.abs(np.mean(np.log2(1 + modulation * np.sin(angle)) * np.exp(-1j * angle)))
    assert per_cent(float(stops)) == pytest.approx(100 * modulation, rel=1e-3)


def test_doubled_pictures_and_other_sizes_are_taken_in_their_stride() -> None:
    clip = Clip("presenter", 0, Lamp(100, 0.02), size=SMALL, frames=40)
    watch = FlickerWatch(readout=0.02)
    watch.collect(np.zeros((48, 64, 3), np.uint8), 0.0)
    for number, (pixels, captured) in enumerate(play(clip)):
        watch.collect(pixels, captured)
        if number % 5 == 0:
            watch.collect(pixels, captured + 0.001)
    seen = watch.report().flicker
    assert seen is not None
    assert seen.frequency == pytest.approx(100, abs=0.05)


def test_tiny_black_and_burnt_pictures_say_nothing() -> None:
    random = np.random.default_rng(0)
    for pictures in (
        [np.zeros((270, 480, 3), np.uint8) + np.uint8(number % 2) for number in range(20)],
        [random.integers(252, 256, (270, 480, 3), dtype=np.uint8) for _ in range(20)],
        [random.integers(0, 256, (9, 16, 3), dtype=np.uint8) for _ in range(20)],
        [random.integers(0, 256, (1, 1, 3), dtype=np.uint8) for _ in range(20)],
    ):
        watch = FlickerWatch(readout=0.02)
        for number, pixels in enumerate(pictures):
            watch.collect(pixels, number / 30)
        try:
            assert watch.report().flicker is None
        except ValueError as error:
            assert "too few" in str(error)


def test_frames_without_a_beat_are_said_to_have_none() -> None:
    random = np.random.default_rng(1)
    times = np.cumsum(random.uniform(0.02, 0.08, 46))
    watch = FlickerWatch(readout=0.02)
    for (pixels, _), captured in zip(play(Clip("presenter", 0, Lamp(100, 0.05), size=SMALL)), times, strict=True):
        watch.collect(pixels, float(captured))
    report = watch.report()
    assert report.flicker is None
    assert report.fps == 0


def test_true_times_find_the_beat_behind_jitter_and_gaps() -> None:
    random = np.random.default_rng(3)
    number = np.flatnonzero(random.random(80) > 0.2)
    true = 5 + number / 29.97
    stamped = true + 0.003 * random.standard_normal(len(true))
    beat = true_times(np.stack([stamped[:-1], stamped[1:]], axis=1))
    assert beat is not None
    times, rate, sd = beat
    assert rate == pytest.approx(29.97, abs=4 * sd)
    assert 0.005 < sd < 0.05
    assert np.diff(times[:, 0]) == pytest.approx(np.diff(true[:-1]), abs=0.001)
    assert true_times(np.stack([true[:-1], true[1:]], axis=1), fps=30.0)[1] == pytest.approx(29.97, abs=1e-6)


def test_pictures_between_two_bursts_are_no_part_of_the_next() -> None:
    """They come at the pace of measuring: a report of them alone would be of 8 pictures a second."""
    watch = FlickerWatch(readout=0.02, every=10, frames=FEWEST)
    frames = [pixels for pixels, _ in play(Clip("presenter", 0, frames=4 * FEWEST, size=SMALL))]
    for number in range(FEWEST):
        watch.step(frames[number], number / 30)
    for number in range(FEWEST, 2 * FEWEST):
        assert watch.step(frames[number], 8.6 + (number - FEWEST) / 8) is None
    reports = [watch.step(frames[2 * FEWEST + number], 10.55 + number / 30) for number in range(FEWEST)]
    assert [report is not None for report in reports] == [False] * (FEWEST - 1) + [True]
    assert reports[-1] is not None
    assert reports[-1].fps == pytest.approx(30, rel=0.01)
