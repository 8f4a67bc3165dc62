"""Real photographs relit: each lamp by itself, and all of them in sum."""

import numpy as np
import pytest
import skimage.data

from drivers.camera.metrics import measure
from drivers.errors import DeviceMissing
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import furnish
from drivers.virtual.photograph import PhotoScene, load, photo
from drivers.virtual.relief import FLAGGED, Relief
from drivers.virtual.sensor import Sensor
from drivers.virtual.world import HOMES
from tests.drivers.virtual.stand import Stand
from tests.drivers.virtual.test_world import CONFIG

SIZE = (320, 180)
KEY, FILL, BACK = (HOMES[role][0] for role in ("key", "fill", "back"))
USUAL = {"key": 0.7, "fill": 0.4, "back": 0.5}


def bgr(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.fixture(scope="module")
def motorcycle() -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        left, _, disparity = skimage.data.stereo_motorcycle()
    return bgr(left), disparity


@pytest.fixture(scope="module")
def scene(motorcycle: tuple[np.ndarray, np.ndarray]) -> Relief:
    return photo(*motorcycle)(*SIZE)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "motorcycle"])
def test_any_photograph_is_as_bright_as_the_drawn_room(name: str, motorcycle: tuple) -> None:
    maker = photo(*motorcycle) if name == "motorcycle" else photo(bgr(getattr(skimage.data, name)()))
    stand = Stand(maker, SIZE, roles=("key", "fill", "back"))
    stand.world.daylight = 0.1
    stand.light(**USUAL)
    seen = measure(stand.picture(9), 0.18)
    assert seen.ev == pytest.approx(0, abs=0.1)
    assert seen.clipped < 6
    assert stand.camera.sensor._stage.albedo.max() <= 0.95


def test_light_adds_between_lamps_pixel_by_pixel(motorcycle: tuple) -> None:
    stand = Stand(photo(*motorcycle), SIZE, roles=("key", "fill", "back"))
    sensor: Sensor = stand.camera.sensor
    alone = []
    for name, level in USUAL.items():
        stand.light(**{name: level})
        alone.append(sensor.light(stand.clock.now()).copy())
    stand.light(**USUAL)
    assert np.allclose(sensor.light(stand.clock.now()), sum(alone), rtol=1e-3, atol=1e-6)
    signatures = np.array([each.mean(axis=2).ravel() for each in alone])
    signatures /= np.linalg.norm(signatures, axis=1, keepdims=True)
    assert (signatures @ signatures.T)[np.triu_indices(3, 1)].max() < 0.99  # each lamp has a form of its own


def test_what_is_near_is_lit_more_by_the_square_of_the_distance(scene: Relief) -> None:
    flat = np.full(SIZE[::-1], 100.0, np.float32)
    flat[:, 160:] = 25.0
    wall = PhotoScene(np.full((*SIZE[::-1], 3), 128, np.uint8), flat, *SIZE)
    field = wall.field("key", (0.0, 0.0, 2.6)).reshape(SIZE[::-1])
    near, far = field[90, 150], field[90, 169]
    floor = 0.03
    assert (near - floor) / (far - floor) == pytest.approx((3.8**2 + 0.15) / (2.0**2 + 0.15), rel=0.1)
    assert wall.figure[:, 20:140].min() == 1.0
    assert wall.figure[:, 180:].max() == 0.0
    assert 0.1 < scene.figure.mean() < 0.9


def test_unknown_depth_is_filled_from_around_it(motorcycle: tuple, scene: Relief) -> None:
    photograph, disparity = motorcycle
    assert not np.isfinite(disparity).all()
    assert np.isfinite(scene.field("key", KEY)).all()
    holes = np.where(np.random.default_rng(1).random(disparity.shape) < 0.3, np.nan, disparity)
    filled = PhotoScene(photograph, holes, *SIZE)
    assert np.abs(filled._z - scene._z).mean() < 0.03
    assert scene._z.min() >= -1.21
    assert scene._z.max() <= 0.61
    assert (scene._z > FLAGGED).mean() > 0.1


def test_without_depth_a_presenter_stands_before_a_wall(motorcycle: tuple) -> None:
    form = photo(motorcycle[0])(*SIZE)
    key, fill = (form.field(role, place).reshape(SIZE[::-1]) for role, place in (("key", KEY), ("fill", FILL)))
    cheeks = [np.s_[60:80, 140:150], np.s_[60:80, 170:180]]
    assert key[cheeks[0]].mean() > 1.3 * key[cheeks[1]].mean()  # the key stands left
    assert fill[cheeks[0]].mean() < fill[cheeks[1]].mean()
    back = form.field("back", BACK).reshape(SIZE[::-1])
    assert back[10:40, 10:60].mean() < 0.2 * key[10:40, 10:60].mean()


def test_slow_shading_is_halved_in_stops_and_detail_stays() -> None:
    falling = np.exp2(np.linspace(1, -1, 320))[None, :, None] * 0.25
    stripes = 1 + 0.3 * (np.arange(180)[:, None, None] // 2 % 2)
    linear = np.broadcast_to(falling * stripes, (180, 320, 3))
    photograph = np.round(255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
    albedo = photo(photograph.astype(np.uint8))(*SIZE).albedo.reshape(180, 320, 3)[..., 1]
    fall = np.log2(albedo[:, 60].mean() / albedo[:, 260].mean())
    assert fall == pytest.approx(0.5 * 2 * 200 / 319, rel=0.15)
    assert abs(np.log(albedo[90, 160] / albedo[88, 160])) == pytest.approx(np.log(1.3), rel=0.1)


@pytest.mark.parametrize("size", [(64, 48), (1000, 300), (33, 77)])
def test_any_shape_is_cut_from_the_middle(motorcycle: tuple, size: tuple[int, int]) -> None:
    made = photo(*motorcycle)(*size)
    assert made.albedo.shape == (size[0] * size[1], 3)
    assert made.field("fill", FILL).shape == (size[0] * size[1],)


def test_what_is_no_photograph_or_no_depth_is_refused(motorcycle: tuple) -> None:
    photograph, disparity = motorcycle
    with pytest.raises(ValueError, match="8 bit"):
        photo(photograph[..., 0])(*SIZE)
    with pytest.raises(ValueError, match="8 bit"):
        photo(photograph.astype(np.float32))(*SIZE)
    with pytest.raises(ValueError, match="height and width"):
        photo(photograph, disparity[1:])(*SIZE)
    with pytest.raises(ValueError, match="unknown everywhere"):
        photo(photograph, np.zeros_like(disparity))(*SIZE)


def test_a_file_becomes_what_the_studios_cameras_see(tmp_path, motorcycle: tuple) -> None:
    import cv2

    file = tmp_path / "set.png"
    assert cv2.imwrite(str(file), motorcycle[0])
    studio = furnish(CONFIG, ManualClock(), scene=load(file))
    seen = studio.camera("/dev/video0").read(1)[0]
    plain = furnish(CONFIG, ManualClock()).camera("/dev/video0").read(1)[0]
    assert np.abs(seen.astype(int) - plain).mean() > 10
    for wrong in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(DeviceMissing):
            load(wrong)
    file.write_bytes(b"no picture")
    with pytest.raises(DeviceMissing, match="no photograph"):
        load(file)
