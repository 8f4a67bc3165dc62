"""White balance against Krystek's closed form (Color Res. Appl. 10, 1985), which knows nothing of our table."""

import math

import numpy as np
import pytest

from drivers.camera import colour
from drivers.camera.colour import correlated_temperature, white_balance
from firmware_profiles.locus import rec709, uv, xy

ILLUMINANTS = {  # x, y, kelvin, Duv (CIE 15:2018, table T.3; Duv by Ohno's spreadsheet)
    "A": (0.44758, 0.40745, 2856, 0.0),
    "D50": (0.34567, 0.35851, 5001, 0.0033),
    "D65": (0.31272, 0.32903, 6504, 0.0032),
}


def krystek(kelvin: np.ndarray) -> np.ndarray:
    """u and v of the locus, 1000...15000 K."""
    t = kelvin
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t**2) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t**2)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t**2) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t**2)
    return np.stack([u, v])


def light(u: float, v: float) -> tuple[float, float, float]:
    return rec709(xy((u, v)))


@pytest.mark.parametrize("duv", [-0.02, -0.01, 0.0, 0.01, 0.02])
def test_mired_and_duv_agree_with_krystek(duv: float) -> None:
    kelvin = 1e6 / np.arange(100.0, 500.0, 7.7)  # 2000 to 10 000 K
    points, ahead = krystek(kelvin), krystek(kelvin * 0.9999)
    along = ahead - points  # towards warm
    along /= np.hypot(*along)
    for (u, v), (along_u, along_v), t in zip(points.T, along.T, kelvin, strict=True):
        mired, distance = white_balance(light(u - duv * along_v, v + duv * along_u))
        assert mired == pytest.approx(1e6 / t, abs=0.9)
        assert distance == pytest.approx(duv, abs=0.0002)


@pytest.mark.parametrize("name", ILLUMINANTS)
def test_the_standard_illuminants(name: str) -> None:
    x, y, kelvin, duv = ILLUMINANTS[name]
    mired, distance = white_balance(light(*uv((x, y))))
    assert mired == pytest.approx(1e6 / kelvin, abs=0.3)
    assert distance == pytest.approx(duv, abs=0.0002)
    assert correlated_temperature(light(*uv((x, y)))) == pytest.approx(kelvin, rel=0.002)


def test_green_is_above_the_locus_and_magenta_below() -> None:
    assert white_balance((1.0, 1.1, 1.0))[1] > white_balance((1, 1, 1))[1] > white_balance((1.0, 0.9, 1.0))[1]


def test_brightness_does_not_matter_and_black_has_no_colour() -> None:
    assert white_balance((0.02, 0.015, 0.01)) == pytest.approx(white_balance((0.8, 0.6, 0.4)))
    for nothing in ((0.0, 0.0, 0.0), (math.nan, 0.5, 0.5)):
        assert all(math.isnan(number) for number in white_balance(nothing))
    assert math.isnan(correlated_temperature((0, 0, 0)))


def test_far_from_white_the_nearer_end_is_told() -> None:
    assert white_balance((1, 0, 0))[0] == 1000
    assert white_balance((0, 0, 1))[0] == 40


def test_the_nearest_point_is_the_nearest_of_all() -> None:
    random = np.random.default_rng(3)
    us, vs = np.array(colour._points()).T[:2]
    for _ in range(1000):
        u, v = uv(xy_of(random.random(3) ** random.uniform(0.2, 3)))
        far = np.hypot(u - us, v - vs)
        assert far[colour._nearest(u, v)] == pytest.approx(far.min(), abs=1e-12)


def xy_of(rgb: np.ndarray) -> tuple[float, float]:
    xyz = np.array(colour.XYZ) @ rgb
    return xyz[0] / xyz.sum(), xyz[1] / xyz.sum()
