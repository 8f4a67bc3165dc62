"""kill -9 of the service in the middle of a lamp's fade: real processes, a lamp on a pseudo-terminal."""

import time
from itertools import pairwise

import pytest

from agent.lighting.lamps import BEAT, EXCHANGE
from tests.drivers.lamps.wires import Box, Controller, Terminal
from tests.processes import end_engines
from tests.scenarios.floor import Service
from tests.waiting import PATIENCE, free_port

CONFIG = """
[agent]
site = "killed"
name = "room"
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
[safety]
slew_on_air = {rate}
[lighting]
start_look = "up"
[buses.line]
driver = "{driver}"
options = {{ port = "{port}" }}
[fixtures.lamp]
profile = "generic/{profile}"
personality = "{personality}"
bus = "line"
unit = 1
[looks.up]
fade = 8.0
levels = {{ lamp = {{ intensity = 1.0 }} }}
"""
RATE = 0.2
"""Share of full per second."""


class Lamp:
    """What a device on the terminal was told, and when."""

    def __init__(self, device, level):
        self.device, self.level = device, level
        self.told = []

    def __call__(self, data):
        before = self.level(self.device)
        answers = self.device(data)
        if self.level(self.device) != before:
            self.told.append((time.monotonic(), self.level(self.device)))
        return answers

    def wait(self, level):
        until = time.monotonic() + PATIENCE
        while self.level(self.device) < level:
            assert time.monotonic() < until, self.told[-3:]
            time.sleep(0.005)


@pytest.mark.parametrize("driver", ["modbus", "line"])
def test_killed_in_a_fade_a_lamp_holds_and_goes_on_from_where_it_is(tmp_path, driver):
    if driver == "modbus":
        lamp = Lamp(Box({0: 0}), lambda box: box.registers[0] / 1000)
        kind = {"profile": "modbus-dimmer", "personality": "0-1000"}
    else:
        lamp = Lamp(Controller(), lambda device: device.levels.get(1, 0) / 255)
        kind = {"profile": "ascii-controller", "personality": "8ch"}
    with Terminal(lamp) as far:
        config = tmp_path / "studio.toml"
        config.write_text(CONFIG.format(broker=free_port(), rate=RATE, driver=driver, port=far.name, **kind))
        service = Service(config, tmp_path / "agent.log")
        try:
            lamp.wait(0.3)
            service.kill()
            fell = len(lamp.told)
            left, heard = lamp.level(lamp.device), far.bytes
            assert 0.3 <= left < 0.9, "in the middle of its fade"
            service = Service(config, tmp_path / "agent.log")
            lamp.wait(1.0)
        finally:
            service.kill()
            end_engines(tmp_path)
    assert far.bytes > heard
    levels = [0.0, *(level for _, level in lamp.told)]
    assert levels == sorted(levels), "never back, never dark"
    step = RATE * (BEAT + 2 * EXCHANGE) + 1 / 255
    assert max(b - a for a, b in pairwise(levels)) <= step
    assert lamp.told[fell][1] - left <= step, "it began where the lamp was"
    (begun, low), (done, high) = lamp.told[fell], lamp.told[-1]
    assert high == 1.0
    assert done - begun >= (high - low) / RATE - EXCHANGE - BEAT, "the rest of the way at the limit"
