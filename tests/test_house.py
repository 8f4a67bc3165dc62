"""The house itself: what must hold for every file, whoever wrote it."""

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import agent
from tests.processes import ROOT

FLOORS = ("agent", "drivers", "firmware_profiles", "config")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LONGEST = 350  # lines: what is longer has two subjects and is two files


def files(*patterns: str) -> list[Path]:
    """What git tracks or would track here: no caches, no ``.venv``."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [path for name in sorted(filter(None, listed.split("\0"))) if (path := ROOT / name).is_file()]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def pins(name: str) -> dict[str, list[str]]:
    """Project → its pinned lines (two when the pin differs by Python version) of one requirements file."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip("\\").strip())
            found.setdefault(requirement.name, []).append(str(requirement))
    return found


def version_of(pin: str) -> str:
    (specifier,) = Requirement(pin).specifier
    assert specifier.operator == "==", f"{pin} is not pinned"
    return specifier.version


def test_no_python_file_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in files("*.py")}
    assert len(lengths) > 10, "git lists no Python files: this test looks at nothing"
    too_long = [f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST]
    assert not too_long, f"more than {LONGEST} lines: these are two files each"


def test_every_floor_and_every_room_of_the_agent_has_a_readme() -> None:
    rooms = [ROOT / floor for floor in FLOORS]
    rooms += sorted({path.parent for path in files("agent/*/*.py")})
    assert not [f"{room.relative_to(ROOT)}/README.md" for room in rooms if not (room / "README.md").is_file()]


def test_nothing_else_lies_at_the_top() -> None:
    known = {*FLOORS, "tests", "docs", ".ci", "requirements"}
    top = {path.relative_to(ROOT).parts[0] for path in files() if path.parent != ROOT}
    assert top <= known


def test_no_file_names_a_package_index_or_a_home_folder() -> None:
    # Where packages come from is said by each machine's own pip and apt settings. The words are put together here so
    # that this file does not find itself.
    hosts = [b"pypi." + b"org", b"pythonhosted." + b"org", b"deb.debian." + b"org", b"registry.npmjs." + b"org"]
    # A folder begins at a slash that nothing stands before: studio/v1/home/… is a topic.
    places = [rb"(?<!\w)" + place for place in (b"/root" + b"/", b"/home/[a-z]+" + b"/", b"/Users" + b"/")]
    forbidden = re.compile(b"|".join([*map(re.escape, hosts), *places]))
    found = {str(path.relative_to(ROOT)): forbidden.findall(path.read_bytes()) for path in files()}
    assert not {name: hits for name, hits in found.items() if hits}


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_requirements_are_pinned_and_hashed_and_name_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert not re.search(r"https?:|index-url|find-links|trusted-host|file:", text)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 10
    assert not [block for block in blocks if not re.match(r"[\w.-]+==[\w.]+ .*\n.*--hash=sha256:[0-9a-f]{64}", block)]


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    pinned = pins("run.txt")
    extras = chain.from_iterable(PROJECT["project"]["optional-dependencies"].values())
    direct = [*PROJECT["project"]["dependencies"], *extras, *PROJECT["build-system"]["requires"]]
    for wanted in map(Requirement, direct):
        assert wanted.name in pinned, f"requirements/run.txt does not pin {wanted}: docs/development.md says how"
        for pin in pinned[wanted.name]:
            assert wanted.specifier.contains(version_of(pin)), f"{pin} is outside of {wanted}"


def test_the_tools_for_tests_are_pinned_and_agree_with_what_runs() -> None:
    run, dev = pins("run.txt"), pins("dev.txt")
    asked = [
        Requirement(line) for line in (ROOT / "requirements/dev.in").read_text().splitlines() if line[:1].isalpha()
    ]
    assert {wanted.name for wanted in asked} <= dev.keys()
    differ = {name: (run[name], dev[name]) for name in run.keys() & dev.keys() if run[name] != dev[name]}
    assert not differ, "one .venv cannot hold both"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_on_every_python_each_project_has_one_pin(python: str) -> None:
    where = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    for name, lines in (pins("run.txt") | pins("dev.txt")).items():
        marks = [Requirement(line).marker for line in lines]
        fitting = [mark for mark in marks if mark is None or mark.evaluate(where)]
        assert len(fitting) == (0 if name == "colorama" else 1), f"{name} on Python {python}"


def test_the_version_is_said_in_one_place() -> None:
    assert "version" in PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "agent.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z.]+\d*)?", agent.__version__)
    said = re.compile(rf"""version\s*=\s*["']?{re.escape(agent.__version__)}\b""")
    assert names([path for path in files("*.py", "*.toml", "studio") if said.search(path.read_text())]) == []


def test_tests_are_never_left_out() -> None:
    # A skipped or an expected failure hides what nobody looks at again; a missing tool is installed by ./studio test.
    marks = re.compile(r"(?m)^\s*@?pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
    assert names([path for path in files("tests/*.py", "drivers/testing*.py") if marks.search(path.read_text())]) == []
