"""Whatever anybody does to the lights in whatever order: the slew limit, the strongest claim, no jump, the way home."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.app import keeper
from agent.lighting.claims import Priority
from agent.lighting.cues import NoCue
from agent.lighting.masters import GRAND
from config.units import EMITTERS
from tests.agent.lighting.stages import CCT, FIXTURES, GROUPS, LIGHT, LOOK, RED, Stage

CUES = (
    {"number": 1, "levels": {"key": {LIGHT: 1.0, CCT: 3200.0}, "back": {LIGHT: 0.0}}, "up": 1.0, "down": 3.0},
    {"number": 2, "look": "wash", "delay": 0.7, "follow": 1.5, "mark": True},
    {
        "number": 3,
        "levels": {"colour": {LIGHT: 1.0, RED: 1.0}, "key": {LIGHT: 0.0}},
        "up": 0.0,
        "follow": 0.4,
        "mark": True,
    },
    {"number": 4, "levels": {"fill": {LIGHT: 0.9}, "colour": {RED: 0.0}}, "up": 2.0},
)
WASH = {"key": {LIGHT: 0.2, CCT: 6500.0}, "fill": {LIGHT: 0.8}, "colour": {LIGHT: 0.5, RED: 0.5}}
PRIORITIES = [priority for priority in Priority if priority is not Priority.STOP]
ACTIONS = [
    *("claim", "claim", "release", "lapse", "look", "go", "go", "back", "goto", "list released", "hold"),
    *("grand", "submaster", "blackout", "restore", "stop", "reset", "on air", "restart", "reload"),
]

MOVES = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS),
        st.sampled_from(sorted(FIXTURES)),
        st.floats(0, 1),
        st.sampled_from(PRIORITIES),
        st.sampled_from([0.0, 0.3, 2.0]),
        st.sampled_from([0.01, 0.1, 0.5, 3.0]),
    ),
    min_size=1,
    max_size=30,
)


def act(stage, what, light, level, priority, fade):
    """One thing that somebody does. What the verbs refuse while lights are stopped is not done either."""
    rig, now = stage.rig, stage.now
    if rig.stopped and what in (
        "look",
        "go",
        "back",
        "goto",
        "list released",
        "grand",
        "submaster",
        "blackout",
        "restore",
    ):
        return
    try:
        match what:
            case "claim":
                able = FIXTURES[light].personality.attributes
                levels = {LIGHT: level, **{a: 1.0 - level for a in able if a in EMITTERS}}
                if CCT in able:
                    levels[CCT] = 2700.0 + 3800.0 * level
                lease = 1.0 if fade == 2.0 else None
                rig.claim(f"owner-{priority}", priority, {light: levels}, now=now, fade=fade, lease=lease)
            case "release":
                rig.release(now, priority=priority, fade=fade)
            case "lapse":
                rig.lapse(now)
            case "look":
                rig.apply_look({light: {LIGHT: level}}, now=now, fade=fade)
            case "go":
                stage.playback.go("main", now)
            case "goto":
                stage.playback.go("main", now, 1 + int(level * 3.9))
            case "back":
                stage.playback.back("main", now)
            case "list released":
                stage.playback.release("main", now, fade)
            case "hold" if "main" in stage.playback.playing:
                stage.playback.hold("main", now)
            case "grand":
                rig.dim(level, now=now, fade=fade)
            case "submaster":
                rig.dim(level, now=now, fade=fade, group="front" if fade else "room")
            case "blackout":
                rig.black_out("desk", now=now, fade=fade)
            case "restore":
                rig.restore(now=now, fade=fade)
            case "stop":
                rig.stop("desk", now)
            case "reset":
                rig.reset(now, fade)
            case "on air":
                stage.rate = 0.35 if level < 0.5 else 0.6
                rig.limit(stage.rate, now)
            case "restart":
                stage.restart()
            case "reload":
                masters = rig.masters
                shown = keeper.taken_over(rig, FIXTURES, now)
                stage.rig = stage.made(present=shown, masters=masters.levels, blackout=masters.blackout)
                keeper.carry(rig, stage.rig, now)
    except NoCue:
        pass


def under_test(rig):
    return {claim.fixture for claim in rig.claims(Priority.TEST)}


@settings(max_examples=120, deadline=None)
@given(MOVES)
def test_whatever_is_done_light_is_continuous_and_slew_limited_and_the_strongest_has_it(moves):
    stage = Stage(*CUES, wash=WASH)
    for what, light, level, priority, fade, wait in moves:
        before = stage.all()
        in_test = under_test(stage.rig)
        act(stage, what, light, level, priority, fade)
        # a restart or a reload ends tests: those lights were being moved for nobody to see
        still = {name for name in FIXTURES if what not in ("restart", "reload") or name not in in_test}
        for name in still:
            for attribute, value in stage.all()[name].items():
                assert abs(value - before[name][attribute]) < 1e-9, (what, name, attribute)
        for (name, attribute), fade_ in stage.rig.scene.fades.items():
            claims = [c for p in Priority for c in stage.rig.claims(p) if c.key == (name, attribute)]
            scale = stage.rig.masters.scale(name) if stage.rig.masters.carries_light((name, attribute)) else 1.0
            if claims:
                best = max(claims, key=lambda claim: (claim.priority, claim.order))
                goal = best.level if best.priority >= Priority.TEST else best.level * scale
            else:
                goal = stage.rig.wanted(name)[attribute] * scale
            assert abs(fade_.end - goal) < 1e-9, (what, name, attribute)
        shown = {name: stage.light(name) for name in FIXTURES}
        for _ in range(5):
            stage.wait(wait / 5)
            for name, was in shown.items():
                shown[name] = stage.light(name)
                assert abs(shown[name] - was) <= stage.rate * wait / 5 + 1e-9, (what, name)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_whatever_was_done_when_all_have_let_go_and_masters_are_full_a_look_is_whole(moves):
    stage = Stage(*CUES, wash=WASH)
    for what, light, level, priority, fade, wait in moves:
        act(stage, what, light, level, priority, fade)
        stage.wait(wait)
    stage.rig.reset(stage.now)
    stage.playback.release("main", stage.now)
    stage.rig.release(stage.now)
    assert not [claim for priority in Priority for claim in stage.rig.claims(priority)] and stage.playback.due is None
    stage.wait(9.0)
    held = stage.all()
    stage.restart(after=9.0)
    stage.wait(9.0)
    for name, levels in held.items():  # and a restart changes nothing
        assert all(abs(stage.all()[name][a] - level) < 1e-9 for a, level in levels.items())
    for group in (GRAND, *GROUPS):
        stage.rig.dim(1.0, now=stage.now, fade=0.0, group=group)
    stage.rig.restore(now=stage.now, fade=0.0)
    stage.wait(9.0)
    for name in FIXTURES:
        assert stage.all()[name] == stage.rig.wanted(name)
    stage.rig.apply_look(LOOK, now=stage.now, fade=0.0)
    stage.wait(9.0)
    assert {name: stage.all()[name] for name in LOOK} == LOOK
    assert {name: stage.rig.look(name) for name in LOOK} == LOOK
