"""Another scene is told from other light, on photographs."""

from dataclasses import replace

import numpy as np
import pytest

from agent.exposure.loop import aim
from agent.exposure.transport.matrix import zones_of
from drivers.camera.metrics import measure
from tests.agent.exposure.optical import transport
from tests.drivers.camera.relit import PHOTOGRAPHS, Moment, Room, shoot

LEVEL = 0.4
ROOMS = {name: Room.made(np.random.default_rng(7), 3, name) for name in PHOTOGRAPHS}
LAMPS = tuple(ROOMS["coffee"].fields)
USUAL = Moment(dict.fromkeys(LAMPS, LEVEL), day=0.15, gain=0.7)


def zones(room, moment):
    random = np.random.default_rng(3)
    return np.mean([zones_of(measure(shoot(room, moment, random), 1.0)) for _ in range(2)], axis=0).ravel()


def unlike(known, seen):
    return float(np.nanquantile(aim._unexplained(known, seen, np.full(len(LAMPS), LEVEL)), aim.ALIKE))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_other_light_is_the_same_scene_and_every_other_photograph_another(name):
    room, dark = ROOMS[name], dict.fromkeys(LAMPS, 0.0)
    ambient = zones(room, replace(USUAL, levels=dark))
    columns = {lamp: (zones(room, replace(USUAL, levels={**dark, lamp: 0.5})) - ambient) / 0.5 for lamp in LAMPS}
    known = transport(columns, ambient)
    lit = [replace(USUAL, day=day) for day in (0.03, 0.6, 1.0)]
    lit += [replace(USUAL, levels={**USUAL.levels, LAMPS[0]: 0.1}), replace(USUAL, person=(40, 30))]
    assert max(unlike(known, zones(room, moment)) for moment in lit) < 0.2 * aim.UNLIKE
    others = [unlike(known, zones(other, USUAL)) for each, other in ROOMS.items() if each != name]
    assert min(others) > 1.3 * aim.UNLIKE
