"""Lamps in the small world: DMX in, light out."""

import pytest

from config.model import StudioConfig
from config.units import Attribute
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import settle
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.world import HOMES, World, colour, white
from firmware_profiles.library import find
from firmware_profiles.render import render

CONFIG = StudioConfig.model_validate(
    {
        "agent": {"site": "s", "name": "a"},
        "fixtures": {
            "key": {"profile": "generic/dimmer", "personality": "8bit", "universe": 1, "address": 1, "role": "key"},
            "fill": {"profile": "generic/dimmer", "personality": "8bit", "universe": 1, "address": 10, "role": "fill"},
            "back": {
                "profile": "generic/dimmer",
                "personality": "16bit",
                "universe": 2,
                "address": 512 - 1,
                "role": "back",
            },
        },
        "cameras": {"main": {"options": {"source": "/dev/video0"}}},
    }
)


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


@pytest.fixture
def world(studio: VirtualStudio) -> World:
    return settle(studio, CONFIG)


def frame(**slots: int) -> bytes:
    """Slots of universe 1: key at 1, fill at 10."""
    data = bytearray(24)
    data[0], data[9] = slots.get("key", 0), slots.get("fill", 0)
    return bytes(data)


def light(world: World, name: str, after: float = 1.0) -> float:
    clock = world.clock
    assert isinstance(clock, ManualClock)
    clock.advance(after)
    return {lamp.name: given[1] for lamp, given in world.lights(clock.now())}[name]


def test_a_frame_moves_the_lamps_at_its_addresses(studio: VirtualStudio, world: World) -> None:
    assert light(world, "key") == 0
    studio.took(1, frame(key=255, fill=128))
    studio.took(2, b"\0" * 510 + b"\x80\x00")
    assert light(world, "key") == pytest.approx(1.0, rel=0.01)
    assert 0 < light(world, "fill") < 0.6
    assert 0 < light(world, "back") < 0.6
    studio.took(1, b"\xff")  # a short frame: the slots that are missing are dark
    assert light(world, "fill") == pytest.approx(0, abs=1e-3)
    assert light(world, "key") == pytest.approx(1.0, rel=0.01)


def test_a_step_takes_its_time(studio: VirtualStudio, world: World) -> None:
    lamp = world.lamps["key"]
    lamp.lag = 0.1
    studio.took(1, frame(key=255))
    told = studio.now()
    assert light(world, "key", 0.1) == pytest.approx(0.632, abs=0.01)
    assert light(world, "key", 0.2) == pytest.approx(0.950, abs=0.01)
    studio.took(1, frame())
    assert light(world, "key", 0.1) == pytest.approx(0.95 * 0.368, abs=0.01)
    assert lamp.light(told + 0.1)[1] == pytest.approx(0.632, abs=0.01)  # a camera looks a moment back
    assert lamp.light(told - 0.1) == (0, 0, 0)


def test_a_warm_lamp_gives_less(studio: VirtualStudio, world: World) -> None:
    world.lamps["key"].droop = 0.1
    studio.took(1, frame(key=255))
    cold, warm = light(world, "key", 1), light(world, "key", 900)
    assert warm == pytest.approx(0.9 * cold, rel=0.01)


def test_dead_dim_and_stuck_lamps_and_their_healing(studio: VirtualStudio, world: World) -> None:
    studio.took(1, frame(key=255, fill=255))
    world.fault("key", "dim", gain=0.6)
    assert light(world, "key") == pytest.approx(0.6, rel=0.01)
    world.fault("key", "dead")
    assert light(world, "key") == 0
    world.fault("fill", "stuck")
    studio.took(1, frame())
    assert light(world, "fill") == pytest.approx(1, rel=0.01)
    world.heal("fill")
    world.heal("key")
    studio.took(1, frame(key=255))
    assert light(world, "key") == pytest.approx(1, rel=0.01)
    assert light(world, "fill") == pytest.approx(0, abs=1e-3)


def test_swapped_addresses_answer_for_each_other(studio: VirtualStudio, world: World) -> None:
    world.swap("key", "fill")
    studio.took(1, frame(key=255))
    assert light(world, "key") == 0
    assert light(world, "fill") == pytest.approx(1, rel=0.01)
    world.swap("fill", "key")
    studio.took(1, frame(key=255))
    assert light(world, "key") == pytest.approx(1, rel=0.01)


def test_an_unknown_fixture_is_refused(world: World) -> None:
    with pytest.raises(KeyError):
        world.fault("floor", "dead")
    with pytest.raises(ValueError, match="sulking"):
        world.fault("key", "sulking")


def test_colour_follows_the_temperature() -> None:
    warm, neutral, cold = white(2800), white(5600), white(9000)
    assert warm[0] > warm[1] > warm[2]
    assert neutral == pytest.approx((1, 1, 1), abs=1e-6)
    assert cold[0] < cold[1] < cold[2]
    for each in (warm, neutral, cold):
        assert 0.2126 * each[0] + 0.7152 * each[1] + 0.0722 * each[2] == pytest.approx(1)


def test_a_bicolour_panel_and_an_rgbw_panel_give_their_colour() -> None:
    panel = find("generic/bicolour-panel")
    personality = next(iter(panel.personalities.values()))
    assert Attribute.CCT in personality.attributes
    warm = colour({Attribute.INTENSITY: 0.5, Attribute.CCT: 3200})
    assert warm[0] > warm[2]
    assert colour({Attribute.INTENSITY: 0.5}) == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)
    red = colour({Attribute.RED: 1, Attribute.GREEN: 0, Attribute.BLUE: 0, Attribute.WHITE: 0})
    assert red[0] > 10 * red[1] > 0
    daylight = colour({Attribute.INTENSITY: 0.5, Attribute.CIE_X: 0.3306, Attribute.CIE_Y: 0.3390})
    assert daylight == pytest.approx((0.5, 0.5, 0.5), abs=0.01)
    blue = colour({Attribute.INTENSITY: 1.0, Attribute.CIE_X: 0.15, Attribute.CIE_Y: 0.06})
    assert blue[2] > 5 * max(blue[:2])
    assert colour({Attribute.INTENSITY: 0, Attribute.WHITE: 1}) == (0, 0, 0)
    assert render(personality, {Attribute.INTENSITY: 0})[0] == 0


def test_lamps_stand_where_their_role_says_and_not_on_each_other() -> None:
    fixtures = {
        f"p{number}": CONFIG.fixtures["key"].model_copy(update={"role": "practical", "address": number + 20})
        for number in range(3)
    }
    world = settle(
        VirtualStudio(ManualClock()), CONFIG.model_copy(update={"fixtures": dict(CONFIG.fixtures) | fixtures})
    )
    assert world.lamps["key"].place == HOMES["key"][0]
    assert len({world.lamps[name].place for name in fixtures}) == 3


def test_the_configured_camera_is_there(studio: VirtualStudio, world: World) -> None:
    assert [device.device for device in studio.video_devices()] == ["/dev/video0"]
    source = studio.camera("/dev/video0")
    pixels, captured = source.read(1)
    assert pixels.shape == (360, 640, 3)
    assert captured <= studio.now()
