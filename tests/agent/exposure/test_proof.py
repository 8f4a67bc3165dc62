"""A tenth of each light, and the picture says who answered: on the honest virtual camera."""

import pytest

from agent.exposure.commissioning.proof import Proven
from agent.exposure.commissioning.refusals import Refused
from tests.closed import ClosedStudio


def studio(fixtures=("key", "fill", "back")):
    made = ClosedStudio(fixtures=fixtures)
    assert not isinstance(made.commission(), Refused)
    return made


def test_sound_lights_are_proven_and_stand_where_they_stood():
    room = studio()
    before = {name: room.level(name) for name in ("key", "fill", "back")}
    found = room.prove()
    assert isinstance(found, Proven) and found.sound
    assert all(answer.own == pytest.approx(1.0, abs=0.1) for answer in found.answers.values()), found
    assert {name: room.level(name) for name in before} == before


@pytest.mark.parametrize(("fault", "kind"), [("dead", "dead"), ("dim", "dim")])
def test_a_light_that_is_dead_or_dim_is_named_and_no_other(fault, kind):
    room = studio()
    room.world.fault("fill", fault)
    room.run(1)
    found = room.prove()
    assert {name: answer.kind for name, answer in found.answers.items() if answer.kind not in ("ok", "bright")} == {
        "fill": kind
    }
    assert "fill" in found.answers["fill"].said.en and not found.sound


def test_swapped_addresses_are_a_ring():
    room = studio()
    room.world.swap("key", "back")
    room.run(1)
    found = room.prove()
    assert {name: answer.kind for name, answer in found.answers.items()} == {
        "key": "wrong-address",
        "fill": "ok",
        "back": "wrong-address",
    }
    assert [set(ring) for ring in found.swapped] == [{"key", "back"}]


def test_broken_off_it_asks_for_the_look_and_nothing_else():
    from agent.exposure.commissioning.instructions import Set
    from agent.exposure.commissioning.proof import Proof
    from agent.exposure.commissioning.run import lights_of

    room = studio()
    plan = Proof(lights_of(room.rig, room.loop.fixtures), room.loop.transport, room.rate, 0.5)
    plan.reply([room.picture() for _ in range(16)])
    plan.abort("on-air")
    assert isinstance(plan.instruction, Set)
    assert plan.instruction.levels == {name: room.level(name) for name in room.loop.fixtures}
