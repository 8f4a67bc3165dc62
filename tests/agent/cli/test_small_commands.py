"""The commands that only look things up."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.__main__ import COMMANDS
from agent.cli.version import commit
from tests.agent.cli.shell import environment, studio
from tests.processes import ROOT, Child
from tests.waiting import PATIENCE

GOOD = """
[agent]
site = "hall"
name = "a"
[outputs.widget]
driver = "enttec-pro"
universes = [1]
options = { port = "/dev/nothing" }
[fixtures.key]
profile = "generic/dimmer"
personality = "8bit"
universe = 1
address = 1
"""

BAD = """[agent]
site = "hall"
name = "a"
[outputs.widget]
driver = "enttec-pr"
universes = [1]
[fixtures.key]
profile = "generic/dimmer"
personality = "8bit"
universe = 1
adress = 1
[fixtures.fill]
profile = "generic/dimer"
personality = "8bit"
universe = 1
address = 4
"""


def test_version_names_the_program_the_commit_and_what_it_stands_on() -> None:
    said = studio("--version")
    lines = said.stdout.splitlines()
    assert said.returncode == 0
    assert lines[0].startswith(f"studio-agent {__version__}")
    names = [line.split()[0] for line in lines[1:]]
    assert names[:3] == ["python", "paho-mqtt", "pydantic"]
    assert "missing" not in said.stdout


def test_version_loads_nothing_heavy() -> None:
    heavy = "asyncio argparse pydantic numpy cv2 structlog rich scapy serial paho importlib.metadata"
    code = (
        "import sys; from agent.__main__ import main; main(['--version']);"
        f"print('loaded', [m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_the_commit_is_read_from_a_checkout_a_work_tree_and_packed_refs(tmp_path: Path) -> None:
    git = tmp_path / "main" / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert commit(tmp_path / "main") == ""
    (git / "packed-refs").write_text("# pack-refs\n0123456789abcdef0123 refs/heads/main\n")
    assert commit(tmp_path / "main") == "0123456789ab"
    (git / "refs" / "heads" / "main").write_text("fedcba9876543210fedc\n")
    assert commit(tmp_path / "main") == "fedcba987654"
    tree = git / "worktrees" / "side"
    tree.mkdir(parents=True)
    (tree / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / "commondir").write_text("../..\n")
    (tmp_path / "side").mkdir()
    (tmp_path / "side" / ".git").write_text(f"gitdir: {tree}\n")
    assert commit(tmp_path / "side") == "fedcba987654"
    assert commit(tmp_path) == ""


def test_without_a_command_the_commands_are_listed() -> None:
    said = studio()
    assert said.returncode == 64
    assert all(name in said.stdout for name in COMMANDS)


def test_a_misspelt_command_gets_the_nearest_name() -> None:
    said = studio("chek-config")
    assert (said.returncode, said.stderr) == (
        64,
        "studio-agent: there is no command 'chek-config' – did you mean 'check-config'?\n",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_refuses_unknown_options_as_usage(command: str) -> None:
    assert studio(command, "--help").stdout.startswith(f"usage: studio-agent {command}")
    assert studio(command, "--no-such-option").returncode == 64


def test_a_sound_configuration_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(GOOD)
    said = studio("check-config", file)
    counts = "1 fixture, 1 output, 0 cameras, 0 probes, 0 looks, 0 cue lists; exposure off"
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{file}: ok – {counts}\n", "")


def test_every_fault_of_a_configuration_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(BAD)
    said = studio("check-config", file)
    assert said.returncode == 78
    assert said.stderr.splitlines() == [
        f"{file}:5: outputs.widget.driver – no driver is called 'enttec-pr' – did you mean 'enttec-pro'?",
        f"{file}:11: fixtures.key.adress – unknown key – did you mean 'address'?",
        f"{file}:13: fixtures.fill.profile – there is no profile 'generic/dimer' – did you mean 'generic/dimmer'?",
    ]


def test_the_worst_of_several_files_is_the_exit_code(tmp_path: Path) -> None:
    good, bad, missing = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "missing.toml"
    good.write_text(GOOD)
    bad.write_text(BAD)
    assert studio("check-config", good, missing).returncode == 66
    assert studio("check-config", missing, bad, good).returncode == 78
    assert studio("check-config", missing).stderr == f"{missing}: there is no such file\n"


def test_the_schema_is_json_schema_and_the_topics_a_table() -> None:
    document = json.loads(studio("schema").stdout)
    assert document["$schema"].startswith("https://json-schema.org/")
    assert document["version"] == __version__
    assert "lights.set" in document["commands"]
    assert "| `down/cmd/<verb>/<id>` | 1 | no | – | Envelope |" in studio("schema", "--markdown-topics").stdout


def test_profiles_are_listed_and_shown(tmp_path: Path) -> None:
    listed = studio("profile", "list", cwd=tmp_path).stdout
    assert "generic/dimmer                  16bit, 8bit\n" in listed
    shown = studio("profile", "show", "generic/bicolour-panel", cwd=tmp_path).stdout
    assert "2ch – 2 slots: intensity, CCT, 2 slots\n      1  intensity 0…1\n      2  cct 2700…6500 K\n" in shown
    missing = studio("profile", "show", "generic/dimer", cwd=tmp_path)
    assert (missing.returncode, missing.stderr) == (
        66,
        "there is no profile 'generic/dimer' – did you mean 'generic/dimmer'?\n",
    )


def test_the_site_s_own_profiles_are_listed_too(tmp_path: Path) -> None:
    own = tmp_path / "profiles" / "acme"
    own.mkdir(parents=True)
    text = (ROOT / "firmware_profiles" / "data" / "generic" / "dimmer.toml").read_text()
    (own / "tube.toml").write_text(text.replace('"generic"', '"acme"').replace('model = "dimmer"', 'model = "tube"'))
    file = tmp_path / "studio.toml"
    file.write_text(GOOD.replace('name = "a"', 'name = "a"\nprofile_dirs = ["profiles"]'))
    assert "acme/tube" in studio("profile", "list", "-c", file).stdout


def test_check_config_looks_at_the_files_it_names(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    secret = tmp_path / "password"
    file.write_text(GOOD + '[mqtt]\nusername = "a"\npassword_file = "password"\n')
    missing = studio("check-config", file)
    assert missing.returncode == 78
    assert f"{file}:16: mqtt.password_file – {secret} cannot be read here: No such file" in missing.stderr
    secret.write_text("open")
    secret.chmod(0o644)
    assert f"(mode 0644) – chmod 600 {secret}" in studio("check-config", file).stderr
    secret.chmod(0o600)
    assert studio("check-config", file).returncode == 0


def test_two_outputs_do_not_send_one_universe_over_one_wire(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    again = GOOD.replace(
        "[fixtures.key]", "[outputs.again]\n" + GOOD.split("[outputs.widget]\n")[1].split("[fix")[0] + "[fixtures.key]"
    )
    file.write_text(again)
    said = studio("check-config", file)
    assert said.returncode == 78
    assert "outputs.again.options.port – outputs.widget has /dev/nothing already" in said.stderr
    file.write_text(again.replace("/dev/nothing", "/dev/other", 1))  # a second way to the same lights
    assert studio("check-config", file).returncode == 0


def test_the_broker_runs_on_without_a_standard_input_to_watch() -> None:
    how = {"env": environment(), "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    broker = Child(sys.executable, "-m", "agent.cli.broker", **how)
    port = int(broker.wait_line(bool).split()[1])
    # its answer to a CONNECT of MQTT 3.1.1 shows that it is past its own beginning
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        line.sendall(bytes.fromhex("100d00044d51545404020000000161"))
        assert line.recv(4) == bytes.fromhex("20020000")
    assert broker.process.poll() is None
    assert broker.end() == 0
    assert len(broker.lines) == 1


@pytest.mark.parametrize("words", [["--help"], ["schema"], ["profile", "list"], ["devices", "--passive"]])
def test_a_reader_that_has_seen_enough_is_no_fault(words: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        said = subprocess.run(
            [sys.executable, "-m", "agent", *words], cwd=tmp_path, env=environment(), stdout=writer,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["schema"], ["devices", "--passive"]])
def test_a_full_disk_behind_standard_output_is_one_sentence(words: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "agent", *words], cwd=tmp_path, env=environment(), stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    told = "studio-agent: standard output cannot be written: No space left on device\n"
    assert (said.returncode, said.stderr) == (os.EX_IOERR, told)


@pytest.mark.parametrize("words", [["--help"], ["send", "--help"], ["schema"], ["profile", "show", "generic/dimmer"]])
def test_a_locale_that_knows_ascii_only_ends_no_command(words: list[str], tmp_path: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = subprocess.run(
        [sys.executable, "-m", "agent", *words], cwd=tmp_path, env=environment(**plain), capture_output=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (said.returncode, said.stderr) == (0, b"")
    assert "…" in said.stdout.decode("utf-8") or words == ["schema"]
