"""``studio-agent profile``: import, check, list and show as a person has them."""

import json
import unicodedata
from pathlib import Path

import pytest

from firmware_profiles import library
from tests.agent.cli.shell import studio
from tests.firmware_profiles.importers.builders import DIMMER, STROBE, channel, emitter, gdtf, ofl, saved

LIGHT = ofl(
    {"Dimmer": DIMMER, "Strobe": STROBE, "Red": emitter("Red"), "Red 2": emitter("Red")},
    ("8 bit", ["Dimmer", "Strobe"]),
    ("Pixels", ["Red", "Red 2"]),
    ("16 bit", ["Dimmer", "Dimmer fine"]),
)


def columns(text: str) -> int:
    """Columns of a terminal that the longest line takes."""
    return max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in text.splitlines())


def test_an_import_says_what_it_made_and_what_it_left_out(tmp_path: Path) -> None:
    file = saved(tmp_path, LIGHT)
    said = studio("profile", "import", file, cwd=tmp_path, COLUMNS="80")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == (
        "profiles/acme/tube-2.toml: acme/tube-2, 2 modes\n"
        "  8-bit – 2 slots: intensity\n"
        "  16-bit – 2 slots: intensity\n"
        "\n"
        "Not in this profile (mode: slots):\n"
        "  Strobe: strobe or shutter – held at 0 (Open)\n"
        "      8-bit: 2\n"
        "\n"
        "Modes that cannot be imported:\n"
        "  several channels drive red (Red, Red 2); a profile has one level per\n"
        "    attribute\n"
        "      Pixels\n"
        "\n"
        "Compare it with the light's manual. In the configuration:\n"
        '  profile_dirs = ["profiles"]\n'
        '  profile = "acme/tube-2"\n'
        '  personality = "8-bit"\n'
    )
    assert library.load([tmp_path / "profiles"]).find("acme/tube-2").personalities.keys() == {"8-bit", "16-bit"}


def test_an_import_never_writes_over_a_profile_unasked(tmp_path: Path) -> None:
    file, made = saved(tmp_path, LIGHT), tmp_path / "site" / "acme" / "tube-2.toml"
    assert studio("profile", "import", file, "-o", tmp_path / "site", "--mode", "16 bit").returncode == 0
    made.write_text(made.read_text() + "# measured by us\n")
    again = studio("profile", "import", file, "-o", tmp_path / "site")
    assert (again.returncode, again.stdout) == (73, "")
    assert again.stderr == f"{made}: is there already – --force writes over it, -o FOLDER puts it elsewhere\n"
    assert "# measured by us" in made.read_text()
    assert studio("profile", "import", file, "-o", tmp_path / "site", "--force").returncode == 0
    assert "# measured by us" not in made.read_text()
    assert [path.name for path in made.parent.iterdir()] == ["tube-2.toml"]


def test_an_import_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    file, text = saved(tmp_path, LIGHT), tmp_path / "notes.txt"
    text.write_text("a light")
    for words, code, said in (
        ([tmp_path / "no.json"], 66, f"{tmp_path}/no.json: file – cannot be read: No such file or directory – "),
        ([tmp_path / ("x" * 300)], 66, f"{tmp_path}/{'x' * 300}: file – cannot be read: File name too long – "),
        ([file, "--mode", "9"], 66, f"{file}: mode – there is no '9' – one of: '8 bit', 'Pixels', '16 bit'"),
        ([file, "--mode", "pixels"], 78, f"{file}: mode 'Pixels' – several channels drive red (Red, Red 2); "),
        ([text], 78, f"{text}: file – is neither JSON nor a zip archive – an Open Fixture Library or a GDTF file"),
        ([file, "-o", text], 73, f"{text}/acme/tube-2.toml: cannot be written: Not a directory – another folder: "),
    ):
        told = studio("profile", "import", *words, cwd=tmp_path)
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (code, "", 1), told
        assert told.stderr.startswith(said)
    assert not (tmp_path / "profiles").exists()


@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_everything_fits_into_eighty_columns_in_both_languages(tmp_path: Path, locale: str) -> None:
    long = {f"Some long channel {n}": {"capability": {"type": "Generic", "comment": "words " * 9}} for n in range(9)}
    fixture = ofl({"Dimmer": DIMMER, **long}, *((f"Mode {n} of many", ["Dimmer", *long]) for n in range(9)))
    said = studio("profile", "import", saved(tmp_path, fixture), cwd=tmp_path, COLUMNS="80", LC_ALL=locale)
    assert ("此配置文件未包含" if locale.startswith("zh") else "Not in this profile") in said.stdout
    config = tmp_path / "studio.toml"
    config.write_text('[agent]\nsite = "hall"\nname = "a"\nprofile_dirs = ["profiles"]\n')
    for words in (["list"], ["show", "acme/tube-2"]):
        shown = studio("profile", *words, "-c", config, cwd=tmp_path, COLUMNS="80", LC_ALL=locale)
        assert "mode-8-of-many" in shown.stdout, shown
        said.stdout += shown.stdout
    assert columns(said.stdout) <= 80
    assert ("固定为 0" if locale.startswith("zh") else "fixed at 0") in said.stdout


def test_gdtf_is_imported_too(tmp_path: Path) -> None:
    file = gdtf(tmp_path, ("Basic", [channel("1,2", "Dimmer"), channel("3", "Pan", Default="128/1")]))
    said = studio("profile", "import", file, "--vendor", "Acme & Co", cwd=tmp_path)
    assert "acme-co/tube-2, 1 mode\n  basic – 3 slots: intensity\n" in said.stdout
    assert "  Pan: movement – held at 128 (Pan 1)\n      basic: 3\n" in said.stdout


def test_check_tells_every_fault_by_line(tmp_path: Path) -> None:
    studio("profile", "import", saved(tmp_path, LIGHT), cwd=tmp_path)
    good = tmp_path / "profiles" / "acme" / "tube-2.toml"
    told = studio("profile", "check", good)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"{good}: ok – acme/tube-2; modes and their slots: 8-bit (2), 16-bit (2)\n"
    bad = tmp_path / "bad.toml"
    bad.write_text('vendor = "acme"\nmodel = "Tube 2"\ntitle = "T"\nsource = ""\n[personalities.m]\nslots = []\n')
    told = studio("profile", "check", bad, good, tmp_path / "none.toml")
    assert told.returncode == 78
    assert told.stdout.startswith(f"{good}: ok")
    lines = told.stderr.splitlines()
    assert [line.removeprefix(f"{bad}:").split(" – ")[0] for line in lines[:4]] == [
        "2: model",
        "4: source",
        "5: personalities.m.title",
        "6: personalities.m.slots",
    ]
    assert lines[4].startswith(f"{tmp_path}/none.toml: file – cannot be read")
    assert studio("profile", "check", tmp_path / "none.toml").returncode == 66
    assert studio("profile", "check", tmp_path / ("x" * 300)).returncode == 66


def test_show_tells_the_firmware_and_the_slots_in_use(tmp_path: Path) -> None:
    dimmer = {
        "capabilities": [
            {"dmxRange": [0, 9], "type": "Intensity", "brightness": "off"},
            {"dmxRange": [10, 255], "type": "Intensity"},
        ]
    }
    file = tmp_path / "acme-tube-2.json"
    file.write_text(json.dumps(ofl({"Dimmer": dimmer}, ("M", ["Dimmer"]))))
    studio("profile", "import", file, cwd=tmp_path)
    made = tmp_path / "profiles" / "acme" / "tube-2.toml"
    made.write_text(f'{made.read_text()}\n[match]\nfirmware = [{{ since = "2.0", before = "3.0" }}]\nunknown = true\n')
    config = tmp_path / "studio.toml"
    config.write_text('[agent]\nsite = "hall"\nname = "a"\nprofile_dirs = ["profiles"]\n')
    shown = studio("profile", "show", "acme/tube-2", "-c", config).stdout
    assert "firmware: ≥ 2.0 < 3.0, or not known\n" in shown
    assert "      1  intensity 0…1, DMX 10…255\n" in shown


def test_a_light_that_mixes_is_shown_with_its_emitters_and_what_it_is_told(tmp_path: Path) -> None:
    shown = studio("profile", "show", "generic/rgbww", cwd=tmp_path, COLUMNS="100").stdout
    assert "  mixed to: intensity 0…1, cct 2700…6500, tint -1…1\n" in shown
    assert "      1  red: xy 0.7 0.3, light 0.45\n" in shown
    assert "      4  warm: 2700 K, light 1\n" in shown
    own = tmp_path / "own.toml"
    slots = '{ attribute = "intensity", points = [[0, 0], [0.5, 0.2], [1, 1]] }'
    own.write_text(
        f'vendor = "a"\nmodel = "b"\ntitle = "c"\nsource = "d"\n[personalities.m]\ntitle = "e"\nslots = [{slots}]\n'
    )
    assert studio("profile", "check", own, cwd=tmp_path).returncode == 0
    own.write_text(own.read_text().replace("0.2]", "1.2]"))
    wrong = studio("profile", "check", own, cwd=tmp_path)
    assert wrong.returncode == 78 and "own.toml:7: personalities.m.slots[0].points[1][1]" in wrong.stderr


def test_a_light_without_dmx_is_shown_with_its_measured_curve(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "box.toml").write_text(
        'vendor = "a"\nmodel = "box"\ntitle = "c"\nsource = "d"\n[personalities.m]\ntitle = "e"\n'
        'slots = [{ attribute = "intensity", points = [[0, 0], [0.5, 0.2], [1, 1]] }]\n'
        "[personalities.m.modbus]\nvalues.intensity = { address = 7 }\n"
    )
    config = tmp_path / "studio.toml"
    config.write_text('[agent]\nsite = "hall"\nname = "a"\nprofile_dirs = ["profiles"]\n')
    shown = studio("profile", "show", "a/box", "-c", config, COLUMNS="100").stdout
    assert "intensity  0…1 = 0…255, curve of 3 points, register 7" in shown


def test_check_and_import_say_what_is_wrong_in_the_persons_language(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('vendor = "acme"\nmodel = 7\n')
    said = studio("profile", "check", bad, LC_ALL="zh_CN.UTF-8")
    assert said.returncode == 78 and f'{bad}:2: model – 应为文本，而不是 7 – 加引号："7"' in said.stderr
    both = studio("profile", "check", bad, COLUMNS="200").stderr
    assert 'a text is expected, not 7 – in quotes: "7"\n    应为文本，而不是 7 – 加引号："7"\n' in both
    foreign = studio("profile", "import", bad, LC_ALL="zh_CN.UTF-8")
    assert foreign.returncode == 78
    assert foreign.stderr == f"{bad}: 文件 – 既不是 JSON 也不是 zip 压缩包 – Open Fixture Library 或 GDTF 文件\n"
    assert studio("profile", "import", tmp_path / "no", LC_ALL="zh_CN").stderr.startswith(
        f"{tmp_path}/no: 文件 – 无法读取：没有该文件或目录"
    )
