"""What is told of consoles: who has a light, since when; and no more of it than anybody can read."""

from types import SimpleNamespace

from agent.app.desks import CALM, Desks
from agent.lighting.console import Console, Kept


def light(first, last, universe=1, bus=""):
    return SimpleNamespace(universe=universe, address=first, last=last, bus=bus)


def console(*sources, shares=()):
    return Console("net", sources, 150, bytes(8), b"\x96" * 8, shares=shares)


def test_each_light_says_who_has_it_and_since_when():
    desks = Desks()
    desks.hold({1: console("A")}, 10.0)
    desks.hold({1: console("A", "B", shares=(b"\1\1\0\0", b"\0\1\1\1"))}, 12.0)
    assert [desks.of(light(*each)) for each in ((1, 1), (2, 2), (3, 4), (7, 8))] == ["A", "A, B", "B", ""]
    assert [desks.since(light(*each)) for each in ((1, 1), (2, 2), (3, 4), (7, 8))] == [10.0, 10.0, 12.0, None]
    assert desks.of(light(1, 1, universe=2)) == desks.of(light(1, 1, bus="line")) == ""
    desks.hold({}, 13.0)
    desks.hold({1: console("A")}, 14.0)
    assert desks.since(light(1, 1)) == 14.0


def test_a_console_that_comes_and_goes_is_told_now_and_then_and_last_of_all_how_it_is():
    desks, told = Desks(), []
    for step in range(600):  # a minute at the edge of the loss time, ten looks a second
        now = step / 10
        desks.hold({1: console("A")} if step % 26 < 25 else {}, now)
        told += [(now, each.name) for each in desks.news(now)]
    assert 1 <= len(told) <= 60 / CALM + 1
    desks.hold({}, 60.0)
    told += [(now, each.name) for now in (60.0, 60.0 + CALM) for each in desks.news(now)]
    assert told[0] == (0.0, "console.takes") and told[-1][1] == "console.leaves"
    assert not list(desks.news(99.0))


def test_what_a_lost_one_left_behind_is_said_of_each_light_and_not_that_its_lights_fade_back():
    desks = Desks()
    desks.hold({1: console("A")}, 10.0)
    assert [each.name for each in desks.news(10.0)] == ["console.takes"]
    parts = (Kept("net", ("A",), 20.0, bytes(8), b"\1\1\0\0"), Kept("net", ("B",), 21.0, bytes(8), b"\0\0\1\0"))
    desks.hold({1: Console("net", (), 0, bytes(8), b"\1\1\1\0", kept=parts)}, 21.0)
    assert [(desks.kept(light(*each)) or parts[0]).sources for each in ((1, 2), (3, 3), (2, 3))] == [
        ("A",),
        ("B",),
        ("B",),
    ]
    assert desks.kept(light(4, 8)) is desks.kept(light(1, 1, universe=2)) is desks.kept(light(1, 1, bus="line")) is None
    assert desks.of(light(1, 3)) == "" and desks.since(light(1, 3)) is None
    (left,) = desks.news(10.0 + CALM)
    assert left.name == "console.leaves" and "stays" in left.said.en and "保留" in left.said.zh
    assert not list(desks.news(99.0))
