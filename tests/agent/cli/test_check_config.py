"""check-config tells every fault there is, and none that only follows from another."""

import contextlib
import io
import itertools
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.__main__ import main
from tests.firmware_profiles.shapes import file as profile_file
from tests.processes import ROOT

EXAMPLE = re.sub("(?m)^#.*\n", "", (ROOT / "config/examples/studio.toml").read_text(encoding="utf-8"))
LAMPS = (ROOT / "config/examples/lamps.toml").read_text(encoding="utf-8")


class Fault(NamedTuple):
    """``old`` → ``new`` in the example is told at ``where``. ``takes``: what nobody knows any more; ``needs``: what
    must be known to find it; both by any word that two faults share."""

    where: str
    old: str
    new: str
    takes: str = ""
    needs: str = ""


FAULTS = [
    Fault("agent.language", 'language = "both"', 'language = "fr"'),
    Fault("agent.site", 'site = "riverside"', 'site = "River Side"'),
    Fault("agent.nmae", 'name = "studio-a"', 'nmae = "studio-a"'),
    Fault("agent.profile_dirs", "[mqtt]", 'profile_dirs = ["/nonexistent"]\n[mqtt]'),
    Fault("mqtt.port", "port = 1883", "port = 0"),
    Fault("mqtt", "keepalive = 15 ", 'password_file = "x"\nkeepalive = 15 '),
    Fault("mqtt.protocol", 'protocol = "auto"', "protocol = 5"),
    Fault("air.source", 'source = "mqtt"', 'source = "mqt"'),
    Fault("air.fresh", "fresh = 10.0", "fresh = nan"),
    Fault("safety.slew_on_air", "slew_on_air = 0.35", "slew_on_air = 0.7"),
    Fault("lighting.start_look", 'start_look = "show"', 'start_look = "shwo"'),
    Fault("outputs.widget-1.driver", 'driver = "enttec-pro"', 'driver = "enttec"', "widget driver"),
    Fault("outputs.widget-1.universes", "universes = [1]", "universes = [1, 1]"),
    Fault("outputs.widget-1.universes[1]", "universes = [1]", "universes = [1, 1.5]", "universes"),
    Fault("outputs.widget-1.options.prt", 'port = "usb', 'prt = 3, port = "usb', needs="widget driver"),
    Fault("outputs.grid.driver", 'driver = "sacn"\n', "", "grid"),
    Fault("outputs.grid.options.cid", "universes = [2]", 'universes = [2]\noptions = {cid = "x"}', "", "grid"),
    Fault("outputs.grid.univrses", "universes = [2]", "univrses = [2]", "universes"),
    Fault("fixtures.key.address", 'address = 1\nrole = "key"', 'address = 513\nrole = "key"'),
    Fault("fixtures.key.role", 'role = "key"', 'role = "kee"'),
    Fault("fixtures.key.firmware", 'role = "key"', 'role = "key"\nfirmware = "new"', "key mode"),
    Fault(
        "fixtures.fill.profile", '[fixtures.fill]\nprofile = "generic/', '[fixtures.fill]\nprofile = "gneric/', "fill"
    ),
    Fault("fixtures.fill.universe", "universe = 1\naddress = 5", "universe = 7\naddress = 5", "", "universes"),
    Fault("fixtures.back.personality", 'personality = "16bit"', 'personality = "16 bit"', "back mode"),
    Fault("fixtures.back.adress", "address = 9", "adress = 9"),
    Fault("fixtures.wall.address", 'address = 1\nrole = "practical"', 'address = 509\nrole = "practical"'),
    Fault("fixtures.wall.role", 'role = "practical"', "role = 1979-05-27"),
    Fault(
        'looks."Show 1".fade', "[looks.soft]\nfade = 5.0", '[looks."Show 1"]\nlevels = {}\nfade = -5.0\n[looks.soft]'
    ),
    Fault("looks.soft.levels.key.cct", "cct = 4300 }\nfill", "cct = 900 }\nfill", "", "key mode"),
    Fault("looks.soft.levels.back.red", "back = { intensity = 0.2", "back = { red = 0.2", "", "back mode"),
    Fault("looks.soft.levels.wal", "wall = { intensity = 0.15", "wal = { intensity = 0.15"),
    Fault("looks.standby.levels.key.intensity", "key = { intensity = 0.0 }", 'key = { intensity = "0" }'),
    Fault("looks.standby.levels.fill.glow", "fill = { intensity = 0.1, cct = 3200", "fill = { glow = 0.1, cct = 3200"),
    Fault("cameras.cam-1.rate", "rate = 8.0", "rate = 0"),
    Fault("cameras.cam-1.options", 'options = { source = "/dev/video0" }', "options = 3"),
    Fault("exposure.camera", 'camera = "cam-1"', 'camera = "cam-2"'),
    Fault("exposure.fixtures", 'fixtures = ["fill"]', 'fixtures = ["fil"]'),
    Fault("exposure.delay", "delay = 2 ", "delay = 99999999999999999999 "),
    Fault("probes.gateway.driver", 'driver = "icmp"', 'driver = "sacn"'),
    Fault("prob.reserve", "[probes.uplink]", "[prob.reserve]\n[probes.uplink]"),
    Fault("probes.uplink.options.port", "port = 862", "port = 70000"),
    Fault("probes.ingest.interval", "interval = 5.0", "interval = true"),
    Fault("alerts.rtt_ms", "rtt_ms = 250.0", "rtt_ms = -1"),
    Fault("telemetry", EXAMPLE[EXAMPLE.index("[telemetry]") :], "telemetry = 3"),
]
BESIDES = {'looks."Show 1".fade': {'looks."Show 1"'}, "prob.reserve": {"prob", "prob.reserve.driver"}}
"""A name that is wrong is told as well, and what is wrong in its table under the name as it stands in the file."""


def told(text: str) -> list[str]:
    """The places that check-config tells."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
        file = Path(folder) / "studio.toml"
        file.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            code = main(["check-config", str(file)])
    lines = said.getvalue().splitlines()
    assert code == (78 if lines else 0)
    return [re.sub(r"^\S+\.toml:(\d+:)? (.*?) – .*", r"\2", line) for line in lines]


def wheres(faults: list[Fault]) -> list[str]:
    names = [fault.where for fault in faults if fault.where != "prob.reserve"]
    return sorted([*names, *itertools.chain(*(BESIDES.get(fault.where, ()) for fault in faults))])


def apply(faults: list[Fault]) -> tuple[str, list[Fault]]:
    """The example with as many of the faults as can be told beside each other."""
    text, done = EXAMPLE, []
    for fault in faults:
        taken = {each.takes for each in done if each.takes}
        needed = {each.needs for each in done if each.needs}
        if text.count(fault.old) != 1 or fault.needs in taken or fault.takes in needed:
            continue
        if fault.where == "telemetry":
            text = f"telemetry = 3\n{text.replace(fault.old, '')}"
        else:
            text = text.replace(fault.old, fault.new)
        done.append(fault)
    return text, done


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.where for fault in FAULTS])
def test_each_fault_alone(fault: Fault) -> None:
    text, done = apply([fault])
    assert done == [fault]
    assert sorted(told(text)) == wheres(done)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.where for fault in FAULTS])
def test_each_fault_is_said_in_chinese_too(
    fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(apply([fault])[0], encoding="utf-8")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    chinese = check(file, capsys)
    assert all(re.search("[\u4e00-\u9fff]", line) for line in chinese), chinese
    monkeypatch.setenv("COLUMNS", "200")
    both = check(file, capsys)
    assert len(both) == 2 * len(chinese), both
    assert [line.split(" – ")[1:] for line in chinese] == [line.strip().split(" – ") for line in both[1::2]]


def test_a_file_without_a_fault_is_said_in_the_persons_language_or_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studio.toml"

    def said(language: str = "both") -> str:
        file.write_text(EXAMPLE.replace('language = "both"', f'language = "{language}"'), encoding="utf-8")
        assert main(["check-config", str(file)]) == 0
        return capsys.readouterr().out.replace(f"{file.parent}/", "")

    assert said().startswith("studio.toml: ok – ") and said("zh").startswith("studio.toml：正常 – ")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert said().startswith("studio.toml：正常 – ") and said("en").startswith("studio.toml: ok – ")
    assert main(["check-config", str(tmp_path / "none.toml")]) == 66
    assert "没有该文件" in capsys.readouterr().err


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.permutations(FAULTS), st.integers(2, len(FAULTS)))
def test_any_faults_together_are_told_all_at_once_and_no_other(faults: list[Fault], count: int) -> None:
    text, done = apply(faults[:count])
    assert sorted(told(text)) == wheres(done)


def check(file: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of check-config, without the folder."""
    code = main(["check-config", str(file)])
    lines = capsys.readouterr().err.replace(f"{file.parent}/", "").splitlines()
    assert code == (78 if lines else 0)
    return lines


def sited(folder: Path, profile: str = "generic/dimmer") -> Path:
    """The example with a folder of profiles of its own, and one light of this profile; the file's path."""
    (folder / "profiles").mkdir()
    file = folder / "studio.toml"
    text = EXAMPLE.replace("[mqtt]", 'profile_dirs = ["profiles"]\n[mqtt]').replace("generic/dimmer", profile)
    file.write_text(text, encoding="utf-8")
    return file


def test_three_outputs_and_one_fault_do_not_hide_a_universe_nobody_carries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "studio.toml"
    more = '[outputs.third]\ndriver = "artnet"\nuniverses = [3, 3]\noptinos = { host = "192.0.2.7" }\n[fixtures.key]'
    text = EXAMPLE.replace("[fixtures.key]", more).replace('driver = "sacn"', 'driver = "sacnn"')
    file.write_text(text.replace("universe = 2", "universe = 4"))
    assert [line.split(" – ")[0].split(": ")[1] for line in check(file, capsys)] == [
        "outputs.grid.driver",
        "outputs.third.universes",
        "outputs.third.optinos",
        "fixtures.wall.universe",
    ]


def test_every_broken_profile_of_the_site_is_told_by_line_once_used_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sited(tmp_path)
    (tmp_path / "profiles/good.toml").write_text(profile_file())
    assert check(file, capsys) == []
    (tmp_path / "profiles/a.toml").write_text(profile_file(model='"a"', titel="1", source='""'))
    (tmp_path / "profiles/b.toml").write_text(profile_file(model='"b"') + "[personalities.1ch]\n")
    unused = [
        "profiles/a.toml:4: source – is empty – at least 1 character",
        "profiles/a.toml:5: titel – unknown key – did you mean 'title'?",
        "profiles/b.toml:8: column 19 – not valid TOML: the table personalities.1ch is there twice – "
        "each table and key only once",
    ]
    assert check(file, capsys) == unused
    file.write_text(file.read_text().replace("generic/dimmer", "acme/a"))
    at = file.read_text().splitlines().index('profile = "acme/a"') + 1
    assert check(file, capsys) == [
        f"studio.toml:{at}: fixtures.back.profile – the file of this profile is broken: "
        "profiles/a.toml:4: source – is empty – at least 1 character (and 1 more) – mend that file",
        *unused,
    ]


def test_a_folder_of_profiles_that_is_not_there_is_told_once_and_not_by_each_light(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sited(tmp_path, "acme/tube")
    (tmp_path / "profiles").rmdir()
    assert check(file, capsys) == [
        "studio.toml:8: agent.profile_dirs – there is no folder profiles – create it or correct the path"
    ]


def test_a_name_that_cannot_be_is_no_cover_for_what_is_wrong_below_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(
        '[agent]\nsite = "s"\nname = "n"\n[Output."Widget 1"]\ndriver = "enttec"\nuniverses = [1]\n'
        '[fixtures."Key light"]\nprofile = "generic/dimer"\npersonality = "8bit"\nuniverse = 2\naddress = 1.0\n'
        "[looks.show.levels]\nkey-light.intensity = 1\n"
    )
    names = "lower-case letters, digits, - and _, at most 63, beginning with a letter or digit"
    assert check(file, capsys) == [
        "studio.toml:4: Output – unknown key – did you mean 'outputs'?",
        f'studio.toml:4: Output."Widget 1" – "Widget 1" cannot be a name – \'widget-1\', say: {names}',
        "studio.toml:5: Output.\"Widget 1\".driver – no driver is called 'enttec' – did you mean 'enttec-pro'?",
        f'studio.toml:7: fixtures."Key light" – "Key light" cannot be a name – \'key-light\', say: {names}',
        "studio.toml:8: fixtures.\"Key light\".profile – there is no profile 'generic/dimer' – "
        "did you mean 'generic/dimmer'?",
        'studio.toml:10: fixtures."Key light".universe – no output carries universe 2 – '
        "one of: 1; or add it to an output's universes",
        'studio.toml:11: fixtures."Key light".address – a whole number is expected, not 1.0 – without a point: 1',
    ]


def test_what_is_not_a_file_that_can_be_read_is_66(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name, why in [
        ("", "is not a plain file"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("a" * 300, "cannot be read: File name too long"),
        ("none", "there is no such file"),
    ]:
        assert main(["check-config", str(tmp_path / name)]) == 66
        assert why in capsys.readouterr().err


def test_a_folder_of_profiles_may_hold_the_configuration_and_must_not_have_an_impossible_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sited(tmp_path)
    monkeypatch.chdir(tmp_path)
    file.write_text(file.read_text().replace('["profiles"]', '["."]'))
    assert main(["check-config", "studio.toml"]) == 0
    capsys.readouterr()
    file.write_text(file.read_text().replace('["."]', f'["{"a" * 300}"]'))
    [line] = check(file, capsys)
    assert "agent.profile_dirs – there is no folder aaa" in line


def test_what_is_nested_too_deeply_is_told_by_its_key_beside_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "studio.toml"
    deep = f"[outputs.grid]\noptions = {{ a = {'[' * 250}{']' * 250} }}"
    file.write_text(EXAMPLE.replace("[outputs.grid]", deep).replace("port = 1883", "port = 0"))
    lines = check(file, capsys)
    assert lines[0] == "studio.toml:10: mqtt.port – 0 is too low – 1 or more"
    assert [line for line in lines if "is nested too deeply – a flatter structure" in line] == [lines[1]]
    assert ": outputs.grid.options.a[0]" in lines[1]


def test_what_a_variable_brought_is_told_by_its_name_on_every_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(EXAMPLE)
    for key, value in [("FIXTURES__WALL__UNIVERSE", "7"), ("OUTPUTS__GRID__OPTIONS", "{ port = 1 }")]:
        monkeypatch.setenv(f"STUDIO_AGENT__{key}", value)
    assert [line.split(" – ")[0] for line in check(file, capsys)] == [
        "studio.toml: fixtures.wall.universe (from STUDIO_AGENT__FIXTURES__WALL__UNIVERSE)",
        "studio.toml: outputs.grid.options.port (from STUDIO_AGENT__OUTPUTS__GRID__OPTIONS)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [("channel = 1", "channel = 9", "fixtures.wall.channel"), ("unit = 3", "unit = 250", "fixtures.wall.unit")],
)
def test_a_place_on_a_bus_that_cannot_be_is_told_at_its_own_key_and_line(
    old: str, new: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = LAMPS.replace(old, new, 1)
    file = tmp_path / "studio.toml"
    file.write_text(text, encoding="utf-8")
    assert main(["check-config", str(file)]) == 78
    line = 1 + text[: text.index(new)].count("\n")
    assert capsys.readouterr().err.startswith(f"{file}:{line}: {where} – ")
