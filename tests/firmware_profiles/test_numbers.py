"""The numbers of every shipped mode: exact at the ends, never backwards, coarse and fine always halves of one value."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.channel import Channel
from firmware_profiles.curves import Curve
from firmware_profiles.render import decode, render

MODES = {
    f"{profile.name}:{'/'.join(r.since or '' for r in profile.match.firmware)}:{name}": mode
    for profile in library.load().shelves[-1].profiles
    for name, mode in profile.personalities.items()
}
CHANNELS = {
    f"{name}:{channel.attribute or f'emitter {at}'}": (mode, channel)
    for name, mode in MODES.items()
    for at, channel in enumerate((*mode.channels.values(), *mode.emitters))
}
KINDS = sorted(
    {channel for _, channel in CHANNELS.values()}, key=lambda c: (c.attribute or "", c.first, c.last, c.coarse)
)


def value(channel: Channel, slots: bytes) -> int:
    """What stands on the wire in a channel's place."""
    return slots[channel.coarse] if channel.fine is None else slots[channel.coarse] << 8 | slots[channel.fine]


@pytest.mark.parametrize("name", CHANNELS)
def test_the_ends_are_exact(name):
    _, channel = CHANNELS[name]
    assert (channel.raw(channel.start), channel.raw(channel.end)) == (channel.first, channel.last)
    assert (channel.level(channel.first), channel.level(channel.last)) == (channel.start, channel.end)
    assert channel.raw(channel.start - 1e-15) == channel.first == channel.raw(channel.start + 1e-15)
    dark, full = channel.curve.light(0.0), channel.curve.light(1.0)
    assert (dark, full, channel.curve.slot(0.0), channel.curve.slot(1.0)) == (0.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize("curve", Curve)
@given(one=st.floats(0, 1), other=st.floats(0, 1))
@example(one=0.0, other=5e-324)
@example(one=1.0, other=1 - 2**-53)
def test_a_curve_and_its_inverse_rise(curve, one, other):
    low, high = sorted((one, other))
    assert 0 <= curve.light(low) <= curve.light(high) <= 1
    assert 0 <= curve.slot(low) <= curve.slot(high) <= 1


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(KINDS), st.floats(0, 1), st.floats(0, 1))
def test_more_is_never_less(channel, one, other):
    low, high = sorted((one, other))
    before, after = (channel.raw(channel.start + share * (channel.end - channel.start)) for share in (low, high))
    assert channel.first <= before <= after <= channel.last


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(CHANNELS)), st.data())
def test_every_value_can_be_reached_and_its_halves_are_one_number(name, data):
    mode, channel = CHANNELS[name]
    near = [channel.first, channel.first + 1, channel.last - 1, channel.last]
    raw = data.draw(st.sampled_from(near) | st.integers(channel.first, channel.last))
    assert channel.raw(channel.level(raw)) == raw
    if channel.attribute is not None:
        assert value(channel, render(mode, {channel.attribute: channel.level(raw)})) == raw


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(MODES)), st.data())
def test_a_fade_up_never_steps_back_on_the_wire(name, data):
    mode = MODES[name]
    told = {a: data.draw(st.floats(*mode.ranges[a]), str(a)) for a in mode.attributes if a is not Attribute.INTENSITY}
    if Attribute.INTENSITY not in mode.ranges:
        return
    begin = data.draw(st.floats(0, 1))
    steps = [*(begin * step / 20 for step in range(21)), *(1 - 2.0**-n for n in range(1, 54)), 1.0]
    frames = [render(mode, {**told, Attribute.INTENSITY: level}) for level in sorted(steps)]
    moved = [*mode.emitters, *(c for a, c in mode.channels.items() if a is Attribute.INTENSITY)]
    for earlier, later in pairwise(frames):
        assert all(value(channel, earlier) <= value(channel, later) for channel in moved)
    low, high = mode.ranges[Attribute.INTENSITY]
    assert decode(mode, frames[0])[Attribute.INTENSITY] == low
    assert decode(mode, frames[-1])[Attribute.INTENSITY] >= high * 0.98
