"""The reference picture: what is told against it, what is not, and its file."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.baseline import Baseline, Portrait, against, judge, portrait, take
from drivers.camera.baseline_file import from_json, to_json
from drivers.camera.faults import PictureFault
from drivers.camera.metrics import noise, sample, sharpness
from tests.drivers.camera.relit import HEIGHT, WIDTH, Moment, Room, shoot

SIZE = (WIDTH, HEIGHT)
LIT = {"lamp-0": 0.5, "lamp-1": 0.4, "lamp-2": 0.3, "lamp-3": 0.5}


def numbers(pixels: Picture, before: Picture) -> Portrait:
    middle = (WIDTH // 4, HEIGHT // 4, WIDTH // 2, HEIGHT // 2)
    points = sample(pixels)
    return portrait(points, SIZE, sharpness(pixels, middle), noise(sample(before), points))


class Studio:
    """A room before a camera."""

    def __init__(self, name: str) -> None:
        self.random = np.random.default_rng(11)
        self.room = Room.made(self.random, name=name)
        self.moment = Moment(LIT, gain=0.6)
        self.reference = take([self.look() for _ in range(5)], "2026-03-01T19:00:00Z")

    def look(self, moment: Moment | None = None, blur: float = 0.0) -> Portrait:
        pair = [shoot(self.room, moment or self.moment, self.random) for _ in range(2)]
        if blur:
            pair = [cv2.GaussianBlur(pixels, (0, 0), blur) for pixels in pair]
        return numbers(*pair)

    def faults(
        self, seen: Portrait, named: tuple[PictureFault, ...] = (), lamps_moved: bool = False
    ) -> set[PictureFault]:
        says = judge(against(self.reference, seen), named, lamps_moved=lamps_moved)
        return {fault for fault, judged in says.items() if judged.holds}


@pytest.fixture(params=["astronaut", "coffee", "chelsea", "coins"])
def studio(request: pytest.FixtureRequest) -> Studio:
    return Studio(request.param)


def test_the_same_picture_has_no_fault_nor_has_one_that_somebody_walked_into(studio: Studio) -> None:
    for _ in range(10):
        assert studio.faults(studio.look()) == set()
    assert studio.faults(studio.look(studio.moment.but(person=(60, 30)))) <= {PictureFault.DEFOCUS}


def test_a_bumped_camera_is_moved(studio: Studio) -> None:
    seen = studio.look(studio.moment.but(aim=(9, 2)))
    assert PictureFault.MOVED in studio.faults(seen)
    shift = against(studio.reference, seen).shift
    assert shift.right == pytest.approx(-100 * 9 / WIDTH, abs=0.8)
    little = judge(against(studio.reference, studio.look(studio.moment.but(aim=(2, 0)))))[PictureFault.MOVED]
    assert little.holds and little.slight


def test_defocus_is_not_hidden_by_noise_nor_made_by_less_light(studio: Studio) -> None:
    assert PictureFault.DEFOCUS in studio.faults(studio.look(blur=2.0))
    darker = studio.look(studio.moment.but(gain=0.36))
    assert PictureFault.DEFOCUS not in studio.faults(darker)


def test_who_has_left_is_not_out_of_focus() -> None:
    """Whoever sat in the middle had more edges than the wall behind."""
    studio = Studio("coffee")
    seen = studio.look()
    busy = replace(seen, grey=seen.grey.copy(), sharpness=5 * seen.sharpness)
    busy.grey[:] = np.random.default_rng(1).integers(30, 200, busy.grey.shape)
    studio.reference = take([busy], "")
    assert judge(against(studio.reference, seen))[PictureFault.DEFOCUS].holds is None
    assert judge(against(studio.reference, replace(busy, sharpness=seen.sharpness)))[PictureFault.DEFOCUS].holds


def test_a_camera_that_pans_has_no_noise_to_compare(studio: Studio) -> None:
    """What moves changes from picture to picture, as noise does."""
    panned = replace(studio.look(studio.moment.but(aim=(9, 2))), noise=9.0)
    assert judge(against(studio.reference, panned))[PictureFault.NOISE].holds is None
    assert judge(against(studio.reference, replace(studio.look(), noise=9.0)))[PictureFault.NOISE].holds


def test_a_sheet_of_paper_before_half_of_the_picture_is_no_white_balance(studio: Studio) -> None:
    zones = studio.look().zones.copy()
    zones[:, :, 4:13] = np.log2(np.array([0.45, 0.5, 0.6], np.float32))[:, None, None]
    seen = replace(studio.look(), zones=zones)
    assert PictureFault.WHITE_BALANCE not in studio.faults(seen)


def test_noise_rise(studio: Studio) -> None:
    assert PictureFault.NOISE in studio.faults(studio.look(studio.moment.but(noise=7.0)))
    assert PictureFault.NOISE not in studio.faults(studio.look(studio.moment.but(noise=1.3)))


@pytest.mark.parametrize("white", [(1.16, 1.0, 0.9), (0.88, 1.0, 1.12), (0.88, 1.05, 0.88)])
def test_a_white_balance_that_drifts_unless_lamps_were_told_to(
    studio: Studio, white: tuple[float, float, float]
) -> None:
    seen = studio.look(studio.moment.but(white=white))
    assert PictureFault.WHITE_BALANCE in studio.faults(seen)
    assert PictureFault.WHITE_BALANCE not in studio.faults(seen, lamps_moved=True)
    little = studio.look(studio.moment.but(white=(1.02, 1.0, 0.99)))
    assert PictureFault.WHITE_BALANCE not in studio.faults(little)


@pytest.mark.parametrize(("times", "fault"), [(0.4, PictureFault.UNDER), (2.3, PictureFault.OVER)])
def test_a_stop_from_the_reference(times: float, fault: PictureFault) -> None:
    studio = Studio("astronaut")
    studio.moment = studio.moment.but(gain=0.35)
    studio.reference = take([studio.look() for _ in range(5)], "")
    seen = studio.look(studio.moment.but(gain=0.35 * times))
    assert studio.faults(seen) >= {fault}
    assert fault not in studio.faults(seen, lamps_moved=True)


def test_a_named_fault_is_let_go_of_later_than_it_is_taken_up() -> None:
    studio = Studio("coffee")
    seen = studio.look()
    change = replace(against(studio.reference, seen), noise=2.3)
    assert judge(change)[PictureFault.NOISE].holds is False
    assert judge(change, {PictureFault.NOISE})[PictureFault.NOISE].holds is True
    unknown = judge(replace(change, noise=math.nan), {PictureFault.NOISE})
    assert unknown[PictureFault.NOISE].holds is None


def test_another_shape_is_no_comparison() -> None:
    studio = Studio("coffee")
    with pytest.raises(ValueError, match="the reference is of 160 x 90"):
        against(studio.reference, replace(studio.look(), size=(640, 480)))
    assert against(studio.reference, replace(studio.look(), size=(1920, 1080))).shift.far < 1
    with pytest.raises(ValueError, match="at least one"):
        take([], "")


def test_the_file_brings_back_the_same_and_holds_no_more_than_a_grey_miniature() -> None:
    reference = replace(Studio("coffee").reference, noise=math.nan)
    again = from_json(to_json(reference))
    assert math.isnan(again.noise)
    assert replace(again, noise=0.0) == replace(reference, noise=0.0)
    assert len(json.loads(to_json(reference))["grey"]) <= 64 * 36


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("{", "this is no reference picture"),
        ("[]", "no reference picture of version 1"),
        ('{"version": 2}', "no reference picture of version 1"),
        ('{"version": 1}', "damaged"),
    ],
)
def test_a_bad_file_is_one_clear_sentence(broken: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_json(broken)


@pytest.mark.parametrize(
    ("name", "value"),
    [("grey", [0] * 3), ("grey", [300] * 2304), ("zones", None), ("level", None), ("size", [0, 9]), ("noise", "x")],
)
def test_a_damaged_number_is_found(name: str, value: object) -> None:
    plain = json.loads(to_json(EXAMPLE)) | {name: value}
    with pytest.raises(ValueError, match="damaged"):
        from_json(json.dumps(plain))


EXAMPLE = Baseline("", SIZE, (0,) * 2304, (0.0,) * 432, 90.0, 10.0, 1.0)
