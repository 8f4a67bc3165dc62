"""``./studio`` with a made-up machine around it: a PATH of stubs, a Python that only pretends to install.

What is proved here is what the launcher decides and says. That the real thing works on a real bare machine is
proved by ``tests/bare/run.sh``.
"""

import os
import resource
import shutil
import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from agent.__main__ import COMMANDS
from tests.processes import ROOT

TOOLS = "sh env cat cksum chmod date dirname flock head ln mkdir mv readlink rm sed tail tee touch"
PASSES = "#!/bin/sh\nexit 0\n"

PYTHON = """#!/bin/sh
case "$*" in
    *'version_info <'*) [ ! -e "$FAKE/old" ] ;;
    *ensurepip*) [ ! -e "$FAKE/bare" ] ;;
    *version_info*) echo python3.12-venv ;;
    --version) echo Python 3.12.1 ;;
    '-m venv '*)
        echo venv >>"$FAKE/log"
        mkdir -p "$3/bin"
        ln -s "$(readlink -f "$0")" "$3/bin/python"
        ln -s "$(readlink -f "$0")" "$3/bin/python3" ;;
    *'pip install'*)
        echo "pip ${*#*off }" >>"$FAKE/log"
        if [ -p "$FAKE/gate" ]; then cat "$FAKE/gate" >/dev/null; fi
        if [ -e "$FAKE/offline" ]; then echo 'ERROR: no route to the index'; exit 1; fi
        bin=$(dirname "$0")
        echo '#!/bin/sh
echo "agent in $PWD: $*"; exit 3' >"$bin/studio-agent"
        chmod +x "$bin/studio-agent" ;;
esac
"""


class Machine:
    """A checkout and the few programs its PATH has. Programs are scripts; what they did is in ``log``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "check out"  # a space in the path is a path, too
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir(parents=True)
        shutil.copytree(ROOT / "requirements", self.checkout / "requirements")
        for name in ("studio", "pyproject.toml"):
            shutil.copy2(ROOT / name, self.checkout / name)
        for tool in TOOLS.split():
            found = shutil.which(tool)
            assert found, f"this machine has no {tool}"
            self.program(tool).symlink_to(found)
        self.has("python3", PYTHON)
        self.has("id", "#!/bin/sh\necho 1000\n")

    def program(self, name: str) -> Path:
        place = self.folder / "bin" / name
        place.parent.mkdir(exist_ok=True)
        return place

    def has(self, name: str, script: str) -> None:
        self.program(name).write_text(script)
        self.program(name).chmod(0o755)

    def mark(self, name: str) -> Path:
        (self.folder / name).touch()
        return self.folder / name

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.folder / "bin"), "FAKE": str(self.folder), "PYTHONPATH": "/ros"}
        return subprocess.Popen(
            [self.checkout / "studio", *words],
            cwd=self.elsewhere,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def studio(self, *words: str) -> tuple[int, str, str]:
        with self.start(*words) as process:
            said, told = process.communicate(timeout=60)
        return process.returncode, said, told

    def log(self) -> list[str]:
        place = self.folder / "log"
        return place.read_text().splitlines() if place.exists() else []

    def installed(self, name: str = "venv") -> int:
        return sum(line.startswith(name) for line in self.log())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def test_it_is_posix_sh() -> None:
    for shell in ("sh", "dash", "bash"):
        if found := shutil.which(shell):
            subprocess.run([found, "-n", ROOT / "studio"], check=True)
    assert (ROOT / "studio").read_text().startswith("#!/bin/sh\n")
    assert os.access(ROOT / "studio", os.X_OK)
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_it_names_every_command_there_is(machine: Machine) -> None:
    said = " ".join(machine.studio("help")[1:])
    assert [name for name in COMMANDS if f" {name} " not in said] == []


def test_alone_it_says_what_there_is_and_does_nothing(machine: Machine) -> None:
    code, said, told = machine.studio()
    assert (code, told) == (0, "")
    assert "./studio demo" in said
    assert "./studio test" in said
    assert not machine.log()
    assert not (machine.checkout / ".venv").exists()


def test_first_use_installs_and_hands_over_words_folder_and_exit_code(machine: Machine) -> None:
    code, said, told = machine.studio("run", "-c", "my studio.toml")
    assert said == f"agent in {machine.elsewhere}: run -c my studio.toml\n"
    assert code == 3
    assert "making .venv with Python 3.12.1" in told
    requirements, itself = machine.log()[1:]
    assert requirements == f"pip --require-hashes -r {machine.checkout}/requirements/run.txt"
    assert itself == f"pip --no-deps --no-build-isolation -e {machine.checkout}"


def children_spent() -> float:
    """Seconds of processor time that ended processes of ours have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_later_start_is_silent_and_quick(machine: Machine) -> None:
    machine.studio("setup")
    before, spent = machine.log(), [children_spent()]
    for _ in range(10):
        assert machine.studio("watch")[2] == ""
        spent.append(children_spent())
    assert machine.log() == before
    # processor time, and the best of ten: what it costs, not what else this machine does
    assert min(after - earlier for earlier, after in pairwise(spent)) < 0.05


def test_changed_requirements_are_brought_in_without_starting_anew(machine: Machine) -> None:
    machine.studio("setup")
    with (machine.checkout / "requirements/run.txt").open("a") as file:
        file.write("# changed\n")
    assert "up to date" in machine.studio("setup")[2]
    assert (machine.installed("venv"), machine.installed("pip")) == (1, 4)


def test_a_moved_checkout_is_made_anew(machine: Machine) -> None:
    machine.studio("setup")
    machine.checkout = machine.checkout.rename(machine.folder / "moved")
    assert "making .venv" in machine.studio("setup")[2]
    assert machine.log()[-1].endswith(f"-e {machine.checkout}")


def test_another_python_behind_the_same_name_is_made_anew(machine: Machine) -> None:
    machine.program("python3").rename(machine.program("python3.11"))
    machine.studio("setup")
    machine.program("python3.11").rename(machine.program("python3.12"))  # a system upgrade
    assert "making .venv" in machine.studio("setup")[2]
    assert machine.studio("setup")[2] == ""


def test_an_installation_that_failed_says_why_and_is_repaired_by_the_next_start(machine: Machine) -> None:
    offline = machine.mark("offline")
    code, said, told = machine.studio("devices")
    assert (code, said) == (69, "")
    assert "ERROR: no route to the index" in told
    assert "the same command tries again" in told
    offline.unlink()
    code, said, told = machine.studio("devices")
    assert (code, machine.installed("venv")) == (3, 2)


def test_an_installation_that_was_killed_is_repaired_by_the_next_start(machine: Machine) -> None:
    os.mkfifo(machine.folder / "gate")
    with machine.start("devices") as process:
        with (machine.folder / "gate").open("w"):  # opens when pip has come this far
            process.kill()
        process.wait(timeout=60)
    (machine.folder / "gate").unlink()
    assert machine.studio("devices")[0] == 3
    assert machine.installed("venv") == 2


def test_two_at_once_install_once(machine: Machine) -> None:
    os.mkfifo(machine.folder / "gate")
    with machine.start("first") as first, ExitStack() as until:
        until.enter_context((machine.folder / "gate").open("w"))  # the first is in pip now, and stays there
        (machine.folder / "gate").unlink()
        with machine.start("second") as second:
            assert second.stderr
            assert "waiting" in second.stderr.readline()
            assert first.poll() is None
            until.close()
            assert first.communicate(timeout=60)[0].endswith("first\n")
            assert second.communicate(timeout=60)[0].endswith("second\n")
    assert machine.installed("venv") == 1


@pytest.mark.parametrize("what", ["old", "none"])
def test_no_python_that_is_new_enough(machine: Machine, what: str) -> None:
    if what == "old":
        machine.mark("old")
    else:
        machine.program("python3").unlink()
    code, _, told = machine.studio("demo")
    assert code == 69
    assert told == f"studio: needs Python 3.11 or newer; here: {'Python 3.12.1' if what == 'old' else 'none'}\n"


@pytest.mark.parametrize(
    ("sudo", "line"),
    [
        (None, "su -c 'apt-get update && apt-get install -y --no-install-recommends python3.12-venv'"),
        ("exit 1", "sudo apt-get update && sudo apt-get install -y --no-install-recommends python3.12-venv"),
    ],
)
def test_who_may_not_install_is_told_the_one_line(machine: Machine, sudo: str | None, line: str) -> None:
    machine.mark("bare")
    machine.has("apt-get", PASSES)
    if sudo:
        machine.has("sudo", f"#!/bin/sh\n{sudo}\n")  # it would ask for a password
    code, _, told = machine.studio("demo")
    assert code == 69
    assert told.splitlines()[1:] == [line]
    assert not (machine.checkout / ".venv").exists()


def test_without_apt_it_names_what_is_missing(machine: Machine) -> None:
    machine.mark("bare")
    code, _, told = machine.studio("demo")
    assert code == 69
    assert "python3.12-venv" in told
    assert "apt-get" not in told


@pytest.mark.parametrize("who", ["root", "sudo"])
def test_who_may_install_need_do_nothing(machine: Machine, who: str) -> None:
    machine.mark("bare")
    # lists as old as the machine's image: the first try fails, after an update it works
    machine.has(
        "apt-get",
        '#!/bin/sh\necho "apt $1" >>"$FAKE/log"\ncase $1 in update) touch "$FAKE/fresh" ;;\n'
        'install) [ -e "$FAKE/fresh" ] || exit 100; rm "$FAKE/bare" ;; esac\n',
    )
    if who == "root":
        machine.has("id", "#!/bin/sh\necho 0\n")
    else:
        machine.has("sudo", '#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\ncase $1 in true) ;; *) exec "$@" ;; esac\n')
    code, _, told = machine.studio("demo")
    assert code == 3
    assert "installing with apt: python3.12-venv" in told
    assert [line for line in machine.log() if line.startswith("apt")] == ["apt install", "apt update", "apt install"]


def test_for_tests_all_that_is_missing_is_in_one_line(machine: Machine) -> None:
    machine.mark("bare")
    machine.has("apt-get", PASSES)
    machine.has("mosquitto", PASSES)
    machine.has("mosquitto_pub", PASSES)
    code, _, told = machine.studio("test")
    assert code == 69
    assert "--no-install-recommends python3.12-venv ffmpeg openssl" in told


def test_the_tests_close_with_one_line_of_counts(machine: Machine) -> None:
    for tool in ("mosquitto", "mosquitto_pub", "ffmpeg", "openssl", "ip"):
        machine.has(tool, PASSES)
    machine.studio("setup")
    tools = machine.checkout / ".venv/bin"
    for tool in ("ruff", "mypy", "lint-imports"):
        (tools / tool).write_text(PASSES)
        (tools / tool).chmod(0o755)
    (tools / "pytest").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pytest -p no:cacheprovider "$@"\n')
    (tools / "pytest").chmod(0o755)
    own = machine.checkout / "test_own.py"
    own.write_text("def test_a(): pass\ndef test_b(): pass\n")

    code, said, _ = machine.studio("test", str(own))
    assert said.splitlines()[-1] == "6 passed, 0 failed"  # four checks of the code and two tests
    assert code == 0

    own.write_text("def test_a(): pass\ndef test_b(): assert not 1\n")
    (tools / "mypy").write_text("#!/bin/sh\necho 'types do not fit'\nexit 1\n")
    code, said, _ = machine.studio("test", str(own))
    assert "types do not fit" in said
    assert "floors   ok" in said  # goes on after a failing step
    assert said.splitlines()[-1] == "4 passed, 2 failed"
    assert code == 1

    own.unlink()
    assert machine.studio("test", str(own))[1].splitlines()[-1] == "3 passed, 2 failed"  # pytest itself is a failure
