"""Slots that a shipped profile fixes (strobe, fan, effects) have their value, whatever is commanded or heard."""

import random

import numpy as np
import pytest

from agent.lighting.catchup import CatchUp
from agent.lighting.console import Console
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from config.units import SLOTS
from firmware_profiles.library import load
from firmware_profiles.patch import Patched

LIBRARY = load()


def modes():
    for name in LIBRARY.names():
        for profile in LIBRARY.named(name):
            for mode, personality in profile.personalities.items():
                if personality.footprint and not (personality.line or personality.modbus):
                    yield pytest.param(profile, mode, id=f"{name}-{mode}")


def fixed(personality):
    """Offsets of the slots that the profile fixes."""
    return [
        offset + byte for offset, slot in personality._placed() if slot.fixed is not None for byte in range(slot.width)
    ]


@pytest.mark.parametrize(("profile", "mode"), list(modes()))
def test_no_noise_of_a_console_and_no_command_moves_a_fixed_slot(profile, mode):
    chance, personality = random.Random(mode), profile.personalities[mode]
    light = Patched("one", profile, personality, mode, 1, 1, "key", personality.footprint)
    rig = Rig({"one": light}, rate=0.35, present={}, show=lambda scene: None)
    part = Score(rig.scene, (1,)).whole()
    wire = part.frames(0.0)[0]
    led = CatchUp(part, 0, wire.tobytes(), 0.0)
    still = fixed(personality)
    for beat in range(40):
        slots = bytes(chance.randrange(256) for _ in range(SLOTS))
        led.aim(part, Console("in", ("desk",), 150, slots, b"\1" * SLOTS, limited=beat % 2 == 0))
        frame, _ = led.frame(part, beat / 44, wire)
        assert [frame[each] for each in still] == [personality.constants[each] for each in still]
        wire = whole = np.frombuffer(frame, np.uint8)
        assert not whole[personality.footprint :].any(), "nor one that nobody patched"
