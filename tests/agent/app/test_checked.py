"""What keeps the service from starting, and what does not."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.app.devices import checked
from config.load import load
from config.problems import ConfigError
from tests.firmware_profiles.shapes import file as profile_file


def studio(folder: Path, profile: str) -> Path:
    (folder / "profiles").mkdir()
    (folder / "profiles/tube.toml").write_text(profile_file(source='""'))
    file = folder / "studio.toml"
    file.write_text(
        '[agent]\nsite = "s"\nname = "n"\nprofile_dirs = ["profiles"]\n'
        '[outputs.net]\ndriver = "sacn"\nuniverses = [1]\n'
        f'[fixtures.key]\nprofile = "{profile}"\npersonality = "8bit"\nuniverse = 1\naddress = 1\n'
    )
    return file


def test_a_broken_profile_that_no_light_uses_is_only_logged(tmp_path: Path) -> None:
    file = studio(tmp_path, "generic/dimmer")
    with capture_logs() as logs:
        assert list(checked(load(file, {}), str(file))) == ["key"]
    [entry] = logs
    assert (entry["event"], entry["log_level"]) == ("profile.broken", "warning")
    assert entry["why"] == f"{tmp_path}/profiles/tube.toml:4: source – is empty – at least 1 character"


def test_a_broken_profile_that_a_light_uses_is_told_with_its_fault(tmp_path: Path) -> None:
    file = studio(tmp_path, "acme/tube")
    with pytest.raises(ConfigError) as caught:
        checked(load(file, {}), str(file))
    [problem] = caught.value.problems
    assert problem.where == "fixtures.key.profile"
    assert f"broken: {tmp_path}/profiles/tube.toml:4: source – is empty" in problem.why


def test_an_output_that_cannot_be_searched_by_rdm_is_told(tmp_path: Path) -> None:
    file = studio(tmp_path, "generic/dimmer")
    file.write_text(file.read_text() + '[rdm]\nsurvey = ["net", "nett"]\n')
    with pytest.raises(ConfigError) as caught:
        checked(load(file, {}), str(file))
    told = [(each.where, each.why) for each in caught.value.problems]
    assert told == [
        ("rdm.survey", "net has no RDM: sacn cannot do it"),
        ("rdm.survey", "there is no output 'nett'"),
    ]
