"""A small studio's file, and the commands that run on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.cli.shell import CONFIG, Running


@pytest.fixture(scope="package", autouse=True)
def in_english() -> Iterator[None]:
    """Whatever language and terminal the person has who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setenv("COLUMNS", "100")
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "studio.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def start(file: Path) -> Iterator[Callable[..., Running]]:
    """Start a command on the file: ``start("run", "--virtual")``."""
    begun: list[Running] = []

    def start(command: str, *words: str) -> Running:
        begun.append(Running((command, "-c", file, *words)))
        return begun[-1]

    yield start
    for each in begun:
        each.kill()
