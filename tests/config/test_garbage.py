"""Whatever stands in the file or the environment: the loader gives a configuration or a ConfigError."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.files import read_secret
from config.load import read
from config.model import StudioConfig
from config.problems import ConfigError
from firmware_profiles.patch import survey
from tests.chinese import english_only

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
"""The machine may be busy: how long an example takes says nothing about the loader."""

WORDS = st.sampled_from(
    [*StudioConfig.model_fields, "site", "name", "universes", "driver", "options", "levels", "key", "tls", "intensity"]
)
KEYS = st.one_of(WORDS, st.text(max_size=6))
LEAVES = st.one_of(
    st.text(max_size=8),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from(["enttec-pro", "generic/dimmer", "8bit", "a"]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


def toml(value: Any) -> str:
    """A value in TOML (inline)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner) for inner in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def settle(content: bytes, environ: dict[str, str]) -> None:
    """Load it the way check-config does; anything but a ConfigError is the test's failure."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(content)
        file.flush()
        reading = read(Path(file.name), environ)
        more = survey(reading.config, lost=reading.lost)[1] if reading.config is not None else []
        error = reading.error(more)
    assert (error is None) == (not reading.problems and not more)
    assert error is not None or reading.config is not None
    if error is not None:
        assert all(problem.why and problem.where for problem in error.problems)
        assert len(set(error.problems)) == len(error.problems)
        assert not english_only(error.problems)


@PATIENT
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf[agent]")
@example(b"a = 1979-05-27T07:32:00Z")
def test_bytes(content):
    settle(content, {})


@PATIENT
@given(st.text(alphabet="[]{}='\"\n.,ab01#_-:\\ ", max_size=80))
def test_toml_shaped_noise(text):
    settle(text.encode(), {})


@PATIENT
@given(st.dictionaries(WORDS, TREES, max_size=4))
@example({"agent": {"site": "a", "name": "b"}, "looks": {"a": {"levels": {"key": {"intensity": [1]}}}}})
@example({"agent": {"site": "a", "name": "b"}, "fixtures": [{"key": 1}]})
@example({"agent": [], "outputs": {"a": {"driver": "x", "universes": ["1"]}}})
def test_any_tree_of_values(tree):
    text = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in tree.items())
    settle(text.encode("utf-8", "replace"), {})


@PATIENT
@given(st.dictionaries(st.text("ABMQT_", max_size=20).map("STUDIO_AGENT__{}".format), st.text(max_size=20), max_size=4))
def test_any_environment(environ):
    settle(b"[agent]\nsite = 'a'\nname = 'b'\n", environ)


@PATIENT
@given(st.binary(max_size=40))
def test_any_secret(content):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            assert read_secret(Path(file.name)) in content.decode()
        except ConfigError as error:
            assert not english_only(error.problems)
