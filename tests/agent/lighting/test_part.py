"""Arrays and profiles say the same: what outputs send is what the scene has, light by light."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.fade import Fade
from agent.lighting.part import Change, Few, Part
from agent.lighting.rig import Rig
from agent.lighting.scene import Scene
from agent.lighting.score import Score
from agent.lighting.sheet import lay_out
from config.units import Attribute
from firmware_profiles.curves import Curve, Measured
from firmware_profiles.library import load
from firmware_profiles.patch import Patched
from tests.agent.lighting.rooms import fixtures
from tests.firmware_profiles.shapes import mode

LIBRARY = load()
SHIPPED = [
    (profile, mode) for name in LIBRARY.names() for profile in LIBRARY.named(name) for mode in profile.personalities
]
FEW = fixtures()


def light(name, profile, mode, universe=1, address=1):
    personality = profile.personalities[mode]
    return Patched(name, profile, personality, mode, universe, address, "key", personality.footprint)


LIBRARY_DIMMER = light("d", LIBRARY.find("generic/dimmer"), "8bit")


def score(scene, universes=(1,)):
    return Score(scene, universes)


def levels(personality):
    """Levels within each attribute's range, and a little beyond, as a live frame may ask."""
    return st.fixed_dictionaries(
        {attribute: st.floats(low - 0.1, high + 0.1) for attribute, (low, high) in personality.ranges.items()}
    )


@pytest.mark.parametrize(("profile", "mode"), SHIPPED, ids=lambda each: getattr(each, "name", each))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_shipped_profile_is_rendered_alike(profile, mode, data):
    fixture = light("one", profile, mode, address=5)
    shown = data.draw(levels(fixture.personality))
    scene = Scene({"one": fixture}, {("one", a): Fade(v, v) for a, v in shown.items()}, lambda key: 1.0)
    part = score(scene).whole()
    assert part.frames(0.0)[0].tobytes() == scene.frame(1, 0.0)


@pytest.mark.parametrize("curve", [*Curve, Measured(((0, 0), (0.1, 0), (0.6, 0.2), (1, 1)))], ids=str)
@settings(max_examples=20, deadline=None)
@given(level=st.floats(0, 1), now=st.floats(0, 12), wide=st.booleans())
def test_every_curve_is_rendered_alike_at_any_moment_of_a_fade(curve, level, now, wide):
    dimmer = FEW["back" if wide else "key"]
    shape = {"points": curve.points} if isinstance(curve, Measured) else {"curve": curve}
    personality = mode({"attribute": "intensity", "bits": 16 if wide else 8, **shape})
    fixture = replace(dimmer, personality=personality, footprint=personality.footprint)
    key = (fixture.name, Attribute.INTENSITY)
    scene = Scene({fixture.name: fixture}, {key: Fade(0.2, level, 1.0, 10.0)}, lambda key: 1.0)
    assert near(score(scene).whole().frames(now)[0], scene.frame(1, now))
    assert score(scene).whole().frames(99.0)[0].tobytes() == scene.frame(1, 99.0)


@pytest.mark.parametrize("curve", [*Curve, Measured(((0, 0), (0.1, 0), (0.6, 0.2), (1, 1)))], ids=str)
@settings(max_examples=20, deadline=None)
@given(slots=st.binary(min_size=2, max_size=2), wide=st.booleans(), mired=st.booleans())
def test_what_slots_mean_is_found_for_many_at_once_as_the_profile_says_it(curve, slots, wide, mired):
    dimmer = FEW["back" if wide else "key"]
    shape = {"points": curve.points} if isinstance(curve, Measured) else {"curve": curve}
    if mired:
        shape = {"attribute": "cct", "span": [6500, 2700], "scale": "mired"}
    personality = mode({"attribute": "intensity", "bits": 16 if wide else 8, **shape})
    fixture = replace(dimmer, personality=personality, footprint=personality.footprint)
    channel = next(iter(personality.channels.values()))
    sheet, _ = lay_out({fixture.name: fixture}, (7, 1))
    frame = bytearray(512)
    frame[fixture.address - 1 : fixture.last] = slots[: fixture.footprint]
    assert sheet.decoded(1, bytes(frame)).tolist() == pytest.approx([channel.read(slots)], rel=1e-12)


def near(slots, frame):
    """Alike, but for one step of an 8-bit slot or a 16-bit pair on the way of a fade."""
    ours, theirs = slots.tobytes(), frame
    pairs = [int.from_bytes(ours[i : i + 2]) - int.from_bytes(theirs[i : i + 2]) for i in range(0, 512, 2)]
    return all(abs(pair) in (0, 1, 256) for pair in pairs) or ours == theirs


STEPS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from(sorted(FEW)), st.floats(0, 1), st.floats(0, 5)), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_a_part_made_of_changes_is_the_part_made_whole(steps):
    rig = Rig(FEW, rate=0.6, present={}, show=lambda scene: None)
    following = score(rig.scene)
    part = following.whole()
    now = 0.0
    for pause, name, level, fade in steps:
        now += pause
        rig.claim("hand", Priority.MANUAL, {name: {Attribute.INTENSITY: level}}, now=now, fade=fade)
        news = following.follow(rig.scene)
        assert isinstance(news, Few | None)
        part = part if news is None else part.changed(news, now)
        for when in (now, now + 0.3, now + 20.0):
            assert near(part.frames(when)[0], rig.scene.frame(1, when))
        assert part.frames(now + 20.0)[0].tobytes() == rig.scene.frame(1, now + 20.0)
        assert part.settled == pytest.approx(rig.scene.settled if rig.scene.settled > now else part.settled)
    assert (score(rig.scene).whole().still == part.still).all()


def test_many_lights_on_their_way_are_rounded_as_their_profile_rounds_them():
    """A step more or less, between a command that few lights obey and one that many do, would be a step too fast."""
    chance = Random(3)
    first = replace(LIBRARY_DIMMER, universe=1)
    lights = {f"d{n}": replace(first, name=f"d{n}", address=n) for n in range(1, 201)}
    ways = {
        (name, Attribute.INTENSITY): Fade(chance.random(), chance.random(), chance.random(), chance.uniform(0.01, 30))
        for name in lights
    }
    scene = Scene(lights, ways, lambda key: 1.0)
    part = score(scene).whole()
    assert part.glides is not None and not part.few
    wrong = 0
    for when in np.linspace(0.0, 31.0, 400).tolist():
        ours, theirs = (
            np.frombuffer(each, np.uint8) for each in (part.frames(when)[0].tobytes(), scene.frame(1, when))
        )
        wrong += int((ours != theirs).sum())
    assert wrong <= 2  # of 80 000: ties that single precision decides otherwise


def test_who_missed_a_scene_is_given_all_of_the_next():
    rig = Rig(FEW, rate=0.6, present={}, show=lambda scene: None)
    following = score(rig.scene)
    part = following.whole()
    rig.claim("hand", Priority.MANUAL, {"key": {Attribute.INTENSITY: 0.5}}, now=0.0)
    rig.claim("hand", Priority.MANUAL, {"back": {Attribute.INTENSITY: 0.7}}, now=1.0)
    news = following.follow(rig.scene)
    assert isinstance(news, Few)
    assert part.changed(news, 1.0).frames(30.0)[0].tobytes() == rig.scene.frame(1, 30.0)


def test_another_limit_goes_along_and_another_patch_is_a_part_of_its_own():
    rig = Rig(FEW, rate=0.6, present={}, show=lambda scene: None)
    following = score(rig.scene)
    rig.limit(0.3, 0.0)
    news = following.follow(rig.scene)
    assert isinstance(news, Change) and news.rates is not None
    assert set(news.rates) == {0.3, 0.15, 0.125, 2000.0}, (
        "intensity, also beside colours, red's limit, colour temperature"
    )
    assert following.follow(rig.scene) is None
    assert isinstance(following.follow(Rig(FEW, rate=0.6, present={}, show=lambda scene: None).scene), Part)


def test_a_change_costs_what_it_moves_and_not_what_the_studio_has():
    """Of 64 universes only the rows that move are rendered again."""
    dimmer = FEW["back"]
    many = {f"{u}-{a}": replace(dimmer, name=f"{u}-{a}", universe=u, address=a) for u in range(1, 65) for a in (1, 101)}
    rig = Rig(many, rate=0.6, present={}, show=lambda scene: None)
    following = score(rig.scene, range(1, 65))
    part = following.whole()
    rig.claim("hand", Priority.MANUAL, {"7-101": {Attribute.INTENSITY: 1.0}}, now=0.0)
    news = following.follow(rig.scene)
    assert isinstance(news, Few) and len(news.fades) == 1
    after = part.changed(news, 0.0)
    assert np.flatnonzero((after.still != part.still).any(axis=1)).tolist() == [6]


def test_many_lights_moved_one_by_one_are_as_if_moved_at_once():
    many = {f"d{a}": replace(FEW["back"], name=f"d{a}", address=a) for a in range(1, 512, 4)}
    rig = Rig(many, rate=0.6, present={}, show=lambda scene: None)
    following = score(rig.scene)
    part, chance, now = following.whole(), Random(4), 0.0
    for _ in range(300):
        now += chance.choice((0.0, 0.01, 0.2, 3.0))
        lights = chance.sample(sorted(many), chance.choice((1, 1, 9)))
        wanted = {light: {Attribute.INTENSITY: chance.random()} for light in lights}
        rig.claim("hand", Priority.MANUAL, wanted, now=now, fade=chance.choice((0.0, 2.0)))
        if (news := following.follow(rig.scene)) is not None:
            part = part.changed(news, now)
        whole = score(rig.scene).whole()
        assert (part.still == whole.still).all() and (part.fades == whole.fades).all()
        assert near(part.frames(now + 0.05)[0], rig.scene.frame(1, now + 0.05))
        if now < rig.scene.settled:
            assert part.settled == rig.scene.settled
