"""The loader: what is right comes through, what is wrong is told, all of it, in words for people."""

from pathlib import Path

import pytest

from config.load import load, read
from config.problems import ConfigError
from config.source import LARGEST

GOOD = """\
[agent]
site = "riverside"
name = "studio-a"

[outputs.widget-1]
driver = "enttec-pro"
universes = [1]
options = { port = "/dev/ttyUSB0" }

[fixtures.key]
profile = "generic/bicolour-panel"
personality = "2ch"
universe = 1
address = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "studio.toml"
    path.write_text(GOOD)
    return path


def wrong(file: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """The lines of the error for a file with that text, without the folder."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    return str(caught.value).replace(f"{file.parent}/", "").splitlines()


def test_a_good_file_comes_through_with_defaults(file):
    config = load(file, {})
    assert config.agent.site == "riverside"
    assert config.outputs["widget-1"].options == {"port": "/dev/ttyUSB0"}
    assert config.mqtt.port == 1883
    assert config.exposure is None


MISTAKES = [
    ("misspelt key", ("name =", "nmae ="), "studio.toml:3: agent.nmae – unknown key – did you mean 'name'?"),
    (
        "misspelt table",
        ("[outputs.", "[output."),
        "studio.toml:5: output – unknown key – did you mean 'outputs'?",
    ),
    (
        "misspelt key in a nested table",
        ("address = 1", "address = 1\nrool = 'key'"),
        "studio.toml:15: fixtures.key.rool – unknown key – did you mean 'role'?",
    ),
    (
        "number in quotes",
        ("address = 1", 'address = "1"'),
        'studio.toml:14: fixtures.key.address – a whole number is expected, not "1" – without quotes: 1',
    ),
    (
        "truth where a number belongs",
        ("address = 1", "address = true"),
        "studio.toml:14: fixtures.key.address – a whole number is expected, not true",
    ),
    (
        "address past the universe",
        ("address = 1", "address = 513"),
        "studio.toml:14: fixtures.key.address – 513 is too high – 512 or less",
    ),
    (
        "list left out",
        ("[1]", "1"),
        "studio.toml:7: outputs.widget-1.universes – a list is expected, not 1 – in brackets: [1]",
    ),
    (
        "wrong item in a list",
        ("[1]", '["1"]'),
        'studio.toml:7: outputs.widget-1.universes[0] – a whole number is expected, not "1" – without quotes: 1',
    ),
    (
        "empty list",
        ("[1]", "[]"),
        "studio.toml:7: outputs.widget-1.universes – is empty – at least 1 item",
    ),
    (
        "name that cannot be",
        ("[fixtures.key]", '[fixtures."Key light"]'),
        'studio.toml:10: fixtures."Key light" – "Key light" cannot be a name – \'key-light\', say: '
        "lower-case letters, digits, - and _, at most 63, beginning with a letter or digit",
    ),
    (
        "missing key",
        ('driver = "enttec-pro"\n', ""),
        "studio.toml:5: outputs.widget-1.driver – is missing – give it: Driver name: enttec-pro, artnet, sacn, …",
    ),
    (
        "role that does not exist",
        ("address = 1", 'address = 1\nrole = "fil"'),
        "studio.toml:15: fixtures.key.role – \"fil\" is not one of the choices – did you mean 'fill'?",
    ),
    (
        "universe twice",
        ("[1]", "[1, 1]"),
        "studio.toml:7: outputs.widget-1.universes – 1 is there twice – name each one once",
    ),
    (
        "key twice",
        ("address = 1", "address = 1\naddress = 2"),
        "studio.toml:15: column 12 – not valid TOML: this key is there already – each table and key only once",
    ),
    (
        "password in the file",
        ("[outputs.", '[mqtt]\npassword = "hunter2"\n[outputs.'),
        "studio.toml:6: mqtt.password – unknown key – did you mean 'password_file'?",
    ),
]


@pytest.mark.parametrize(("change", "told"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_typical_mistake_is_told_once_in_these_words(file, change, told):
    assert wrong(file, GOOD.replace(*change, 1)) == [told]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("table", ["[alerts]\nrtt_ms", "[mqtt]\nkeepalive", "[probes.p]\ndriver='icmp'\noptions.x"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(file, number, table):
    [line] = wrong(file, f"{GOOD}{table} = {number}\n")
    assert "is not a usable number – a finite number" in line


def test_a_date_is_told_by_the_key_and_not_taken_for_a_text(file):
    assert wrong(file, GOOD.replace('"studio-a"', "2026-01-01")) == [
        "studio.toml:3: agent.name – 2026-01-01 is a date or time, and no key takes one – in quotes, if a text is meant"
    ]


def test_all_mistakes_are_told_at_once_in_the_files_order(file):
    lines = wrong(
        file, '[agent]\nsite = "A"\nlanguage = "fr"\n[mqtt]\nport = 0\n[fixtures.key]\nuniverse = "1"\n[looks.a]\n'
    )
    assert [line.split(" ")[1] for line in lines] == [
        "agent.name",
        "agent.site",
        "agent.language",
        "mqtt.port",
        "fixtures.key.profile",
        "fixtures.key.personality",
        "fixtures.key.address",
        "fixtures.key.universe",
        "looks.a.levels",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[agent\n", "studio.toml:1: column 7 – not valid TOML"),
        ('[agent]\nsite = "x\n', "studio.toml:2: column 10 – not valid TOML"),
        ("a = [1,\n\n2", "studio.toml:3: end of file – not valid TOML"),
        ("a = " + "[" * 5000, "studio.toml: file – is nested too deeply"),
        ("a = 0x" + "f" * 6000, "studio.toml:1: a – the number is too large"),
    ],
)
def test_what_is_not_toml_is_told_with_its_place(file, text, told):
    assert any(line.startswith(told) for line in wrong(file, text))


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path):
    for path, why in [
        (tmp_path / "none.toml", "cannot be read: No such file or directory"),
        (tmp_path, "is not a plain file"),
        (Path("nul\0byte"), "cannot be read: not a path"),
    ]:
        with pytest.raises(ConfigError, match=why):
            load(path, {})


def test_a_file_that_is_no_text_or_too_large_is_refused(file):
    file.write_bytes(b"[agent]\nsite = '\xff'\n")
    with pytest.raises(ConfigError, match=r"studio.toml:2: file – is not UTF-8 text"):
        load(file, {})
    file.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(ConfigError, match="is larger than"):
        load(file, {})


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(file):
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(file, {}).agent.name == "studio-a"


def test_relative_paths_count_from_the_files_folder(file, monkeypatch):
    text = GOOD.replace(
        "[outputs", 'state_dir = "state"\nprofile_dirs = ["p"]\n[air]\nsource="file"\nfile="air"\n[outputs'
    )
    file.write_text(text + "[mqtt]\nusername = 'a'\npassword_file = '/etc/pw'\n[mqtt.tls]\nca_file = 'tls/ca.pem'\n")
    monkeypatch.chdir(file.parent)
    for path in (file, Path(file.name)):
        config = load(path, {})
        assert config.agent.state_dir == file.parent / "state"
        assert config.agent.profile_dirs == (file.parent / "p",)
        assert config.air.file == file.parent / "air"
        assert config.mqtt.password_file == Path("/etc/pw")
        assert config.mqtt.tls is not None
        assert config.mqtt.tls.ca_file == file.parent / "tls/ca.pem"


def test_what_is_left_of_a_faulty_file_serves_the_next_floor(file):
    file.write_text(GOOD.replace("address = 1", "address = 0") + "[looks.a]\nfade = -1\nlevels = { key = {} }\n")
    reading = read(file, {})
    assert len(reading.problems) == 2
    assert reading.config is not None
    assert list(reading.config.outputs) == ["widget-1"]
    assert reading.config.fixtures["key"].personality == "2ch"
    assert reading.config.looks["a"].fade == 2.0
    assert reading.lost == {("fixtures", "key", "address"), ("looks", "a", "fade")}


def test_one_lost_table_does_not_take_its_neighbours_with_it(file):
    text = GOOD + GOOD[GOOD.index("[fixtures") :].replace("fixtures.key", "fixtures.Key").replace("address", "adress")
    file.write_text(text)
    reading = read(file, {})
    assert reading.config is not None
    assert list(reading.config.fixtures) == ["key"]
