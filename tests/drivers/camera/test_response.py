"""Response curves found again from noisy 8-bit JPEG pictures of a camera whose curve is known."""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drivers.camera.metrics import SRGB, measure
from drivers.camera.response import Refused, Response, Why, find
from drivers.camera.response_file import load, save
from tests.drivers.camera.bracket import CURVES, scene, shoot, slog3

STOPS = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0)


@cache
def light() -> np.ndarray:
    return scene("astronaut.png", 480, 270)


@cache
def found(name: str) -> Response:
    return find([shoot(light(), stops, CURVES[name], seed) for seed, stops in enumerate(STOPS)], STOPS)


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_found_again(name: str) -> None:
    response = found(name)
    assert response.tables.shape == (3, 256)
    assert response.tables[:, 255] == pytest.approx(1.0)
    assert (np.diff(response.tables) >= 0).all()
    assert response.error < 0.02
    assert response.pictures == len(STOPS)
    # A step of one stop anywhere is one stop, by the table: the camera's true curve says which codes it is between.
    dark = np.geomspace(1 / 200, 0.47, 200)
    scale = np.arange(256)
    for table in response.tables:
        stops = np.log2(np.maximum(table, 1e-9))
        one, other = 255 * CURVES[name](dark), 255 * CURVES[name](2 * dark)
        seen = one >= 16
        off = np.abs(np.interp(other, scale, stops) - np.interp(one, scale, stops) - 1)[seen]
        assert off.mean() < 0.02
        assert off.max() < 0.08


@pytest.mark.parametrize("name", CURVES)
def test_other_pictures_of_that_camera_are_metered_right(name: str) -> None:
    for stops in (-3.5, -2.5):  # darker than where anything clips
        before, after = (shoot(light(), at, CURVES[name], 77) for at in (stops, stops + 0.5))
        step = measure(after, 0.18, curve=found(name).tables).ev - measure(before, 0.18, curve=found(name).tables).ev
        assert step == pytest.approx(0.5, abs=0.5 * 0.05)
        if name == "bt709":
            assumed = measure(after, 0.18, curve=SRGB).ev - measure(before, 0.18, curve=SRGB).ev
            assert abs(assumed - 0.5) > 0.5 * 0.1


def test_the_error_says_what_assuming_srgb_would_cost() -> None:
    assert found("srgb").assumed_error < 0.02
    assert found("bt709").assumed_error > 0.15


def test_order_and_zero_of_the_exposures_do_not_matter_and_useless_pictures_are_left_out() -> None:
    stops = [*STOPS, -11.0, 9.0]
    pictures = [shoot(light(), at, CURVES["gamma 1.8"], 5) for at in stops]
    shuffled = [3, 7, 0, 5, 2, 6, 1, 4]
    response = find([pictures[at] for at in shuffled], [stops[at] + 12.5 for at in shuffled])
    assert response.pictures == len(STOPS)
    assert response.evidence["left_out"] == 2
    assert response.error < 0.02


def refused(pictures: list[np.ndarray], stops: list[float]) -> Refused:
    with pytest.raises(Refused) as caught:
        find(pictures, stops)
    for text in caught.value.says:
        assert text
    return caught.value


def test_auto_exposure_is_refused() -> None:
    encode = CURVES["srgb"]
    answers = (0.0, 0.4)  # share of each step that auto exposure lets pass
    for answer in answers:
        held = [shoot(light(), -2 + answer * (at + 2), encode, seed) for seed, at in enumerate(STOPS)]
        error = refused(held, list(STOPS))
        assert error.why is Why.AUTO_EXPOSURE
        assert error.evidence["answer"] == pytest.approx(answer, abs=0.1)
    # It may wake only in the middle: three steps that show nothing.
    real = (-4.0, -3.0, -2.0, -2.0, -2.0, -2.0)
    part = [shoot(light(), at, encode, seed) for seed, at in enumerate(real)]
    error = refused(part, list(STOPS))
    assert error.why is Why.AUTO_EXPOSURE
    assert error.evidence["answer"] < 0.5
    assert "auto exposure" in str(error)


def test_steps_that_contradict_each_other_are_refused() -> None:
    for real in ((-4.0, -3.0, -2.0, -1.6, -0.6, 0.4), (-4.0, -3.0, -1.7, -0.7, 0.3, 1.3)):
        error = refused([shoot(light(), at, CURVES["srgb"], seed) for seed, at in enumerate(real)], list(STOPS))
        assert error.why is Why.UNEVEN
        assert error.evidence["error"] == pytest.approx(abs(real[3] - real[2] - 1 or real[2] - real[1] - 1), abs=0.25)
        assert (error.evidence["from_stops"], error.evidence["to_stops"]) in ((-2.0, -1.0), (-3.0, -2.0))


def test_a_log_profile_is_refused_with_the_way_out() -> None:
    error = refused([shoot(light(), at, slog3, seed) for seed, at in enumerate(STOPS)], list(STOPS))
    assert error.why is Why.AUTO_EXPOSURE
    assert "log profile" in error.says.en
    assert "Log" in error.says.zh


def test_several_pictures_of_each_exposure_are_welcome() -> None:
    stops = [at for at in STOPS for _ in range(2)]
    response = find([shoot(light(), at, CURVES["srgb"], seed) for seed, at in enumerate(stops)], stops)
    assert response.pictures == len(stops)
    assert response.error < 0.02


def test_a_moving_scene_is_refused_and_a_hand_in_the_corner_is_not() -> None:
    for share, moves in ((0.5, True), (0.02, False)):
        shifted = light().copy()
        width = round(480 * share)
        shifted[:, :width] = light()[::-1, :width]
        pictures = [shoot(shifted if at == -1 else light(), at, CURVES["srgb"], seed) for seed, at in enumerate(STOPS)]
        if moves:
            error = refused(pictures, list(STOPS))
            assert error.why is Why.MOVING
            assert error.evidence["moved_percent"] > 8
        else:
            assert find(pictures, STOPS).error < 0.02


def test_too_few_too_bright_and_too_dark_are_refused() -> None:
    encode = CURVES["srgb"]

    def shot(stops: list[float], offset: float = 0.0) -> list[np.ndarray]:
        return [shoot(light(), at + offset, encode, 3) for at in stops]

    few = [-2.0, -1.0, 0.0]
    assert refused(shot(few), few).why is Why.FEW
    close = [-1.0, -0.9, -0.8, -0.7, -0.6]
    assert refused(shot(close), close).why is Why.FEW
    same = [-1.0] * 5
    assert refused(shot(same), same).why is Why.FEW
    assert refused([], []).why is Why.FEW
    five = [0.0, 1.0, 2.0, 3.0, 4.0]
    bright = refused(shot(five, 8), five)
    assert bright.why is Why.CLIPPED
    assert bright.evidence["clipped_percent"] > 90
    assert refused(shot(five, -13), five).why is Why.DARK


def test_what_is_no_bracket_is_an_error() -> None:
    pixels = np.zeros((360, 640, 3), np.uint8)
    with pytest.raises(ValueError, match="each picture has one"):
        find([pixels], [0, 1])
    with pytest.raises(ValueError, match="finite"):
        find([pixels], [math.nan])
    with pytest.raises(ValueError, match="different sizes"):
        find([pixels, pixels[:180]], [0, 1])
    with pytest.raises(ValueError, match="too small"):
        find([pixels[:90, :90]] * 5, [0, 1, 2, 3, 4])
    with pytest.raises(ValueError, match="8 bits"):
        find([pixels.astype(np.uint16)] * 5, [0, 1, 2, 3, 4])


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    save(found("bt709"), path)
    again = load(path)
    assert np.allclose(again.tables, found("bt709").tables, rtol=1e-6)
    assert again.error == pytest.approx(found("bt709").error, abs=1e-6)
    assert again.evidence.keys() == found("bt709").evidence.keys()
    assert [entry.name for entry in tmp_path.iterdir()] == ["front.json"]
    assert path.stat().st_size < 20_000
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")


def test_a_bad_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "front.json"
    save(found("bt709"), path)
    good = json.loads(path.read_text())
    falling = [list(reversed(table)) for table in good["tables"]]
    bad = {
        "not JSON": "{",
        "no camera response: not": "[" * 100_000,
        "its format": "[1, 2]",
        "its version is 2": json.dumps({**good, "version": 2}),
        "3 x 256": json.dumps({**good, "tables": good["tables"][:2]}),
        "do not rise": json.dumps({**good, "tables": falling}),
        "end at 1.0": json.dumps({**good, "tables": [[0.5 * value for value in table] for table in good["tables"]]}),
        "error": json.dumps({name: value for name, value in good.items() if name != "error"}),
        "is no camera response": json.dumps({**good, "tables": "x"}),
        "calibrate the camera again": json.dumps({**good, "evidence": {"x": []}}),
    }
    for why, text in bad.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=why):
            load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no camera response"):
        load(path)
    path.write_text(json.dumps(good).replace(str(good["tables"][0][9]), "NaN", 1))
    with pytest.raises(ValueError, match="do not rise"):
        load(path)
