"""The book of alerts: what people said about them, over a restart."""

from agent.health.book import Book

DAY = 86400.0


def test_what_was_said_outlives_a_restart_and_only_changes_are_written(tmp_path):
    path = tmp_path / "alerts.json"
    book = Book(path)
    book.load()
    book.save()()
    assert not path.exists(), "nothing was said"
    book.acknowledge("camera.front.offline", "anna")
    book.silence("network.*", "ben", 2 * DAY, "the router is exchanged")
    book.save()()
    later = Book(path)
    later.load()
    assert later.acknowledged("camera.front.offline") == "anna"
    silence = later.silenced("network.uplink.loss", DAY)
    assert (silence.by, silence.reason) == ("ben", "the router is exchanged")
    assert later.lapse(3 * DAY) == ["network.*"] and later.patterns() == []
    later.over(["camera.front.offline"])
    later.save()()
    path_after = path.read_bytes()
    later.save()()
    assert path.read_bytes() == path_after and b"anna" not in path_after


def test_what_is_said_while_it_is_written_is_written_the_next_time(tmp_path):
    book = Book(tmp_path / "alerts.json")
    book.acknowledge("a", "anna")
    write = book.save()
    book.acknowledge("b", "ben")
    write()
    assert b"ben" not in (tmp_path / "alerts.json").read_bytes()
    book.save()()
    assert b"ben" in (tmp_path / "alerts.json").read_bytes()


def test_a_disk_that_takes_nothing_costs_only_the_restart(tmp_path):
    (tmp_path / "alerts.json.new").mkdir()
    book = Book(tmp_path / "alerts.json")
    book.acknowledge("a", "anna")
    book.save()()
    assert book.acknowledged("a") == "anna"


def test_a_damaged_book_is_begun_anew(tmp_path):
    (tmp_path / "alerts.json").write_text("{")
    book = Book(tmp_path / "alerts.json")
    book.load()
    assert book.patterns() == []
