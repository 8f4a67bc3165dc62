"""Clauses for one kind of driver. The number is that of the list in ``drivers/testing/__init__.py``."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from config.units import Attribute
from drivers.base import Heard, Quality
from drivers.errors import DriverError
from drivers.registry import DriverSpec, Kind
from drivers.testing.bench import Bench, Clause
from drivers.virtual.twin import Fault
from firmware_profiles.render import resolution


def the_twin_holds_exactly_the_frame(spec: DriverSpec) -> None:
    """7: the first zeros too (a light that is on must go off), short and full frames, each universe its own."""
    bench = Bench(spec)
    bench.device.open()
    universes = bench.studio.universes["twin"]
    for size in (512, 1, 24, 512):
        for frame in (bytes(size), bytes((7 * slot + size) % 255 + 1 for slot in range(size))):
            for universe in universes:
                mine = bytes((value + universe - 1) % 256 for value in frame)
                bench.device.send(universe, mine)
                bench.holds(universe, mine)
                assert len(bench.twin.frames[universe]) >= size, "slots were cut off"
    assert set(bench.twin.frames) == set(universes), "frames went to other universes"
    bench.put_away()


def refresh_keeps_receivers_alive(spec: DriverSpec) -> None:
    """7: within what E1.11, Art-Net and E1.31 allow."""
    refresh = Bench(spec).device.refresh
    assert 1 <= refresh.max_hz <= 44, "DMX512 carries at most 44 full frames a second"
    assert 0 < refresh.keepalive < 2.5, "receivers give a source up after 2.5 s"
    assert refresh.repeats >= 1, "a frame is sent at least once"


def what_is_sent_is_heard(spec: DriverSpec) -> None:
    """7: exactly, and again when it changes; nothing when nobody sends; an end when the sender leaves or is lost."""
    bench = Bench(spec)
    bench.device.open()
    with bench.within(1.5 * bench.timeout, "listening to nobody"):
        assert not bench.device.listen(bench.timeout), "something was heard, but nobody sent"
    for size in (512, 24, 512):
        for universe in bench.studio.universes["twin"]:
            mine = bytes((7 * slot + size + universe) % 255 + 1 for slot in range(size))
            bench.twin.say(universe, mine)
            assert bench.hears(universe)[:size] == mine, f"universe {universe} was not heard as it was sent"
    universe = bench.studio.universes["twin"][0]
    bench.twin.leave()
    assert 0 < bench.device.lost_after <= 60, "how long a sender may be silent is not said"
    until = bench.studio.now() + bench.device.lost_after + 1.0
    ends: list[Heard] = []
    while not ends and bench.studio.now() < until:
        ends = [heard for heard in bench.device.listen(0.5) if heard.universe == universe and heard.ended]
    assert ends, "a sender that is gone is still believed"
    assert not ends[0].slots and not ends[0].sources, "nobody sends, yet there are levels"
    bench.put_away()


def pictures_are_new_and_in_order(spec: DriverSpec) -> None:
    """7: monotone times and numbers, height x width x 3 of 8 bit."""
    bench = Bench(spec)
    bench.device.open()
    images = [bench.device.grab() for _ in range(4)]
    for before, after in pairwise(images):
        assert after.captured > before.captured and after.number > before.number, "a picture was given twice"
    for image in images:
        assert image.pixels.ndim == 3 and image.pixels.shape[2] == 3, f"a picture of shape {image.pixels.shape}"
        assert image.pixels.dtype == "uint8", f"a picture of {image.pixels.dtype}"
        assert image.captured <= bench.studio.now(), "a picture from the future"
    bench.put_away()


def every_packet_has_a_stamp(spec: DriverSpec) -> None:
    """7: in order, none twice, none from the future; watching ends in time and shows no picture."""
    bench = Bench(spec)
    bench.device.open()
    bench.device.stamps()
    with bench.within(0.41, "watching for 0.4 s"):
        bench.device.watch(bench.studio.now() + 0.4)
    stamps = bench.device.stamps()
    assert len(stamps) > 1, "nothing came within 0.4 s, or nobody counted it"
    for before, after in pairwise(stamps):
        assert after.time > before.time, "stamps are out of order"
    assert stamps[-1].time <= bench.studio.now(), "a packet from the future"
    assert not bench.device.stamps(), "a packet was stamped twice"
    assert bench.device.grab().captured >= stamps[-1].time - 0.1, "watching made the next picture an old one"
    bench.put_away()


def readings_are_numbers_with_units(spec: DriverSpec) -> None:
    """7: monotone times, NaN exactly when MISSING; a silent far end is a MISSING reading."""
    bench = Bench(spec)
    bench.device.open()
    rounds = [list(bench.device.sample()) for _ in range(3)]
    bench.twin.fault(Fault.SILENCE)
    rounds.append(list(bench.device.sample()))
    assert any(each.quality is Quality.MISSING for each in rounds[-1]), "silence was not reported as MISSING"
    last = 0.0
    for readings in rounds:
        assert readings, "a sample without a reading"
        for reading in readings:
            assert reading.name and reading.unit, f"{reading} lacks name or unit"
            assert (reading.value != reading.value) == (reading.quality is Quality.MISSING), f"{reading} is not honest"
        newest = max(reading.time for reading in readings)
        assert newest >= last, "time ran backwards"
        last = newest
    bench.put_away()


def what_is_applied_is_shown_and_can_be_read(spec: DriverSpec) -> None:
    """7: within the profile's resolution, or not readable at all; what cannot be a level never reaches the wire."""
    bench = Bench(spec)
    bench.device.open()
    lamp, personality = bench.lamp, bench.personality
    assert lamp is not None and personality is not None
    for attribute, channel in personality.channels.items():
        for level in (channel.lowest, (channel.lowest + channel.highest) / 2, channel.highest):
            step = resolution(personality, attribute, level)
            lamp.apply({Attribute.INTENSITY: 1.0, attribute: level})
            shown, read = bench.twin.shown["lamp"], lamp.read()
            assert abs(shown[attribute] - level) <= step, f"applied {attribute} {level}, it shows {shown}"
            assert read is None or abs(read[attribute] - level) <= step, f"applied {level}, read {read}"
    before = dict(bench.twin.shown)
    for wrong in (2.0, -0.1, float("nan"), float("inf")):
        with pytest.raises(DriverError):
            lamp.apply({Attribute.INTENSITY: wrong})
    assert bench.twin.shown == before, "a level that cannot be has reached the wire"
    bench.put_away()


BY_KIND: dict[Kind, Sequence[Clause]] = {
    Kind.OUTPUT: (the_twin_holds_exactly_the_frame, refresh_keeps_receivers_alive),
    Kind.INPUT: (what_is_sent_is_heard,),
    Kind.CAMERA: (pictures_are_new_and_in_order, every_packet_has_a_stamp),
    Kind.PROBE: (readings_are_numbers_with_units,),
    Kind.BUS: (what_is_applied_is_shown_and_can_be_read,),
}
