"""A virtual studio made after a configuration."""

from pathlib import Path

import pytest

from config.load import load
from config.model import StudioConfig
from config.problems import ConfigError
from drivers import registry
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import furnish, twin_factory

EXAMPLES = sorted((Path(__file__).parents[3] / "config" / "examples").glob("*.toml"))


def config(**tables: object) -> StudioConfig:
    return StudioConfig.model_validate({"agent": {"site": "here", "name": "studio"}, **tables})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_driver_of_an_example_opens_in_its_virtual_studio(example):
    loaded = load(example, {})
    studio = furnish(loaded, ManualClock())
    sections = [*loaded.outputs.items(), *loaded.cameras.items(), *loaded.probes.items()]
    for name, section in sections:
        spec = registry.find(section.driver)
        device = spec.make(spec.options.model_validate(section.options), studio)
        identity = device.open()
        assert identity.model, name
        device.close()
        assert name in studio.twins
    assert set(studio.world.lamps) == set(loaded.fixtures)
    assert studio.in_use() == []


def test_frames_reach_the_twin_the_listeners_and_the_lamps_under_their_universe():
    studio = furnish(
        config(
            outputs={"widget-1": {"driver": "enttec-pro", "universes": [7], "options": {"port": "/dev/ttyUSB9"}}},
            fixtures={
                "key": {"profile": "generic/dimmer", "personality": "8bit", "universe": 7, "address": 3, "role": "key"}
            },
        ),
        ManualClock(),
    )
    heard = []
    studio.frame_listeners.append(lambda universe, frame: heard.append((universe, frame[:3])))
    spec = registry.find("enttec-pro")
    driver = spec.make(spec.options(port="/dev/ttyUSB9"), studio)
    driver.open()
    dark = studio.world.lights(studio.now())[0][1]
    driver.send(7, bytes((0, 0, 255)))
    studio.clock.advance(60)
    light = studio.world.lights(studio.now())[0][1]
    assert heard == [(7, b"\0\0\xff")]
    assert studio.twins["widget-1"].frames == {7: b"\0\0\xff" + bytes(21)}
    assert sum(light) > sum(dark)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as caught:
        furnish(
            config(
                outputs={
                    "one": {"driver": "entec-pro", "universes": [1]},
                    "two": {"driver": "artnet", "universes": [2], "options": {"hots": "a"}},
                },
                probes={"line": {"driver": "stamp"}},
            )
        )
    assert [problem.where for problem in caught.value.problems] == [
        "outputs.one.driver",
        "outputs.two.options.hots",
        "probes.line.options.host",
    ]


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_built_in_driver_has_a_twin(name):
    assert callable(twin_factory(registry.find(name)))
