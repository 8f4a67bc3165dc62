"""Saved looks and cue lists: versions, what they shadow, bounds, damaged files."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agent.lighting import showfile
from agent.lighting.showfile import KEEP, MAX_BYTES, Full, ShowFile
from config.show import CueListSection, CueSection, LookSection
from config.units import Attribute

LIGHT = Attribute.INTENSITY
AT = "2030-01-01T12:00:00.000Z"


def look(level, name="key"):
    return LookSection(levels={name: {LIGHT: level}})


@pytest.fixture
def show(tmp_path):
    return made(tmp_path)


def made(folder):
    show = ShowFile(folder, lambda: {"warm": look(0.1)}, dict)
    show.read()
    return show


def put(shelf, name, body, at=AT, why=""):
    versions = shelf.next(name, body, at=at, by="desk", why=why)
    shelf.write(name, versions)
    shelf.take(name, versions)
    return versions[-1]


def test_a_saved_look_counts_over_the_files_and_its_deletion_shows_that_again(show, tmp_path):
    assert show.looks.get("warm").origin == "config" and show.looks.get("cold") is None
    put(show.looks, "warm", look(0.5), why="too dark")
    found = show.looks.get("warm")
    assert (found.origin, found.shadows, found.body, found.version.why) == ("saved", True, look(0.5), "too dark")
    put(show.looks, "cold", look(0.2))
    again = made(tmp_path)
    assert again.looks.all() == show.looks.all() and list(again.looks.all()) == ["cold", "warm"]
    put(again.looks, "warm", None)
    put(again.looks, "cold", None)
    assert again.looks.get("warm").body == look(0.1) and again.looks.get("cold") is None
    assert [version.number for version in made(tmp_path).looks.versions("warm")] == [1, 2]


def test_only_so_many_versions_are_kept_and_numbers_go_on(show, tmp_path):
    for n in range(KEEP + 5):
        put(show.looks, "warm", look(n / 100))
    kept = made(tmp_path).looks.versions("warm")
    assert [version.number for version in kept] == list(range(6, KEEP + 6)) and kept[-1].body == look((KEEP + 4) / 100)


def test_what_is_too_much_is_refused_and_changes_nothing(show, monkeypatch):
    monkeypatch.setattr(showfile, "MOST", 2)
    huge = LookSection(levels={f"light-{n}": {LIGHT: 0.123456} for n in range(MAX_BYTES // 20)})
    with pytest.raises(Full, match="bytes of 64000"):
        put(show.looks, "huge", huge)
    put(show.looks, "a", look(0.1))
    put(show.looks, "b", look(0.2))
    with pytest.raises(Full, match="2 are saved already"):
        put(show.looks, "c", look(0.3))
    assert list(show.looks.all()) == ["a", "b", "warm"]


def test_what_was_deleted_longest_ago_makes_room(show, tmp_path, monkeypatch):
    monkeypatch.setattr(showfile, "MOST", 3)
    for name, at in (("a", "2030-01-01"), ("b", "2030-01-03"), ("c", "2030-01-02")):
        put(show.looks, name, look(0.1))
        put(show.looks, name, None, at=at)
    put(show.looks, "d", look(0.4))
    for each in (show, made(tmp_path)):
        assert [name for name in "abcd" if each.looks.versions(name)] == ["b", "c", "d"]


def test_a_write_that_fails_leaves_what_was(show, tmp_path):
    put(show.looks, "warm", look(0.5))
    (tmp_path / "show/look.warm.json.new").mkdir()
    with pytest.raises(OSError):
        put(show.looks, "warm", look(0.9))
    assert show.looks.get("warm").body == look(0.5) == made(tmp_path).looks.get("warm").body


def test_a_cue_list_is_kept_beside_a_look_of_the_same_name(show, tmp_path):
    cues = CueListSection(cues=(CueSection(number=1.5, look="warm", label="Türen 开门", follow=3.0),))
    put(show.looks, "main", look(0.5))
    put(show.lists, "main", cues)
    again = made(tmp_path)
    assert again.lists.get("main").body == cues and again.looks.get("main").body == look(0.5)


def damage(path, old, new):
    """In place, the first time it is there."""
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    return path.read_bytes()


def numbers(shelf, name="warm"):
    return [version.number for version in shelf.versions(name)]


@pytest.mark.parametrize(
    ("old", "new", "whole"),
    [
        (b'"number":3', b'"number":3' + bytes(64), [1, 2, 4]),
        (b'"key":{"intensity":0.4}', b'"key":{"intensity":"x"}', [1, 2, 3]),
        (b'"number":2', b'"nummer":2', [1, 3, 4]),
        ("开".encode(), "开".encode()[:2], [2, 3, 4]),
        (b'{"versions":[', b"", [1, 2, 3, 4]),
        (b"", b"", None),
    ],
)
def test_the_versions_that_are_whole_are_used_and_the_damaged_file_is_kept(show, tmp_path, old, new, whole):
    for n in range(1, 5):
        put(show.looks, "warm", look(n / 10), why='he said {"number":9} \u00e4 开')
    path = tmp_path / "show/look.warm.json"
    if whole is None:  # the disk was full, or the power went: a file that ends in the middle of its last version
        path.write_bytes(path.read_bytes()[:-30])
        whole, bad = [1, 2, 3], path.read_bytes()
    else:
        bad = damage(path, old, new)
    again = made(tmp_path)
    assert numbers(again.looks) == whole and again.looks.get("warm").body == look(whole[-1] / 10)
    assert (again.looks.damaged["warm"].kept_as, again.looks.damaged["warm"].fresh) == (
        "look.warm.json.damaged-1",
        True,
    )
    assert (tmp_path / "show/look.warm.json.damaged-1").read_bytes() == bad
    later = made(tmp_path)
    assert numbers(later.looks) == whole and not later.looks.damaged["warm"].fresh, "a restart forgets no alert"
    put(later.looks, "warm", look(0.9))
    assert later.looks.damaged["warm"].over and numbers(later.looks) == [*whole, whole[-1] + 1]
    last = made(tmp_path)
    assert not last.looks.damaged and last.looks.get("warm").body == look(0.9)
    assert (tmp_path / "show/look.warm.json.damaged-1.seen").read_bytes() == bad, "nothing is lost"


def test_a_second_damage_is_put_beside_the_first(show, tmp_path):
    path = tmp_path / "show/look.warm.json"
    for n in range(1, 4):
        put(show.looks, "warm", look(n / 10))
        path.write_bytes(b"\0" * n)
        show = made(tmp_path)
        assert show.looks.get("warm").origin == "config" and not show.looks.versions("warm")
    show.looks.settle("warm")
    assert not made(tmp_path).looks.damaged
    found = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert found == {f"look.warm.json.damaged-{n}.seen": b"\0" * n for n in range(1, 4)}


def test_what_is_whole_is_used_although_the_disk_takes_nothing(show, tmp_path):
    put(show.looks, "warm", look(0.5))
    put(show.looks, "warm", look(0.6))
    damage(tmp_path / "show/look.warm.json", b"0.6", b"0.6.")
    (tmp_path / "show/look.warm.json.new").mkdir()
    for _ in range(2):  # at the next start, too
        assert made(tmp_path).looks.get("warm").body == look(0.5)
    (tmp_path / "show/look.warm.json.new").rmdir()
    again = made(tmp_path)
    again.looks.settle("warm")
    assert made(tmp_path).looks.get("warm").body == look(0.5) and not made(tmp_path).looks.damaged


def test_a_cue_list_goes_back_to_its_version_that_is_whole(show, tmp_path):
    cues = [CueListSection(cues=(CueSection(number=n, label=str(n)), CueSection(number=n + 1))) for n in (1, 2)]
    for each in cues:
        put(show.lists, "main", each)
    damage(tmp_path / "show/cues.main.json", b'"label":"2"', b'"label":2')
    again = made(tmp_path)
    assert again.lists.get("main").body == cues[0] and numbers(again.lists, "main") == [1]
    assert again.lists.damaged.keys() == {"main"} and not again.looks.damaged


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode)), st.integers(0, 400), st.booleans())
def test_whatever_lies_in_the_folder_the_rest_is_read(noise, where, cut):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        show = made(folder)
        put(show.looks, "good", look(0.5))
        put(show.looks, "bad", look(0.5))
        whole = (folder / "show/look.bad.json").read_bytes()
        bad = folder / "show/look.bad.json"
        bad.write_bytes(whole[:where] + noise + (b"" if cut else whole[where:]))
        there = bad.read_bytes()
        (folder / "show/look.Not A Name.json").write_bytes(whole)
        with capture_logs() as logs:
            again = made(folder)
        assert again.looks.get("good").body == look(0.5)
        damaged = {Path(entry["path"]).name for entry in logs if entry["event"] == "show.damaged"}
        assert "look.Not A Name.json" in damaged
        if "look.bad.json" in damaged:
            assert (folder / "show/look.bad.json.damaged-1").read_bytes() == there and again.looks.damaged.keys() == {
                "bad"
            }
        else:
            assert again.looks.get("bad") is not None
        put(again.looks, "bad", look(0.7))
        assert made(folder).looks.get("bad").body == look(0.7) and not made(folder).looks.damaged
