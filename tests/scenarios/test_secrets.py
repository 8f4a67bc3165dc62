"""Secrets stay where they are: every one is a canary, everything is used, and nothing that leaves the agent sings."""

import base64
import html
import json
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.agent.cli.shell import Running, studio
from tests.brokers import Mosquitto, Plain, said, saying
from tests.drivers.real.guarded import BASIC, Guarded

UP = "studio/v1/hall/a/up"
BROKER, CAMERA = 'canary-1 of:the"broker/ü@?', 'canary-2 of:the"camera/ü@?'

CONFIG = """
[agent]
site = "hall"
name = "a"
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
username = "hall"
password_file = "secrets/broker"
[air]
source = "never"
[cameras.front]
options = {{ source = "{source}", username = "studio", password_file = "secrets/camera" }}
"""


def forms(secret: str, user: str) -> set[bytes]:
    """A secret as it is, and as it would look in an address, a page, a JSON text or a header."""
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret), repr(secret)[1:-1]}
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {base64.b64encode(text.encode()).decode().rstrip("=") for text in (secret, f"{user}:{secret}")}
    return {text.encode() for text in texts} | {secret[:8].encode()}


MISPLACED = (
    ('username = "hall"', f'username = "hall"\npassword = {json.dumps(BROKER)}'),
    ('host = "127.0.0.1"', f"host = {json.dumps(f'mqtt://hall:{BROKER}@127.0.0.1')}"),
    ('username = "studio"', f'username = "studio", pwd = {json.dumps(CAMERA)}'),
    ('username = "studio"', f'username = "studio", api_key = {json.dumps(CAMERA)}'),
    ("http://", f"http://{quote(CAMERA, safe='')}@"),
    ('", username', f'/live?user=studio&pwd={quote(CAMERA, safe="")}&size=2", username'),
)
"""What stands in the configuration, and what somebody made of it who did not know of password_file."""

ALL = forms(BROKER, "hall") | forms(CAMERA, "studio")


def heard(*texts: str | bytes) -> list[bytes]:
    """The canaries that sing in any of them."""
    return [each for text in texts for each in ALL if each in (text.encode() if isinstance(text, str) else text)]


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    camera = Guarded(BASIC, secret=CAMERA)
    yield camera
    camera.close()


@pytest.fixture
def broker(tmp_path: Path, start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    tool = shutil.which("mosquitto_passwd")
    assert tool, "mosquitto_passwd belongs to the package mosquitto"
    users = tmp_path / "users"
    for name, word, more in (("hall", BROKER, ["-c"]), ("desk", "desk", [])):
        subprocess.run([tool, "-b", *more, str(users), name, word], check=True, capture_output=True)
    users.chmod(0o644)  # Debian's mosquitto reads it as its own user
    return start_mosquitto("allow_anonymous false", f"password_file {users}")


@pytest.fixture
def file(tmp_path: Path, broker: Mosquitto, guarded: Guarded) -> Path:
    home = tmp_path / "home"
    (home / "secrets").mkdir(parents=True)
    for name, secret in (("broker", BROKER), ("camera", CAMERA)):
        (home / "secrets" / name).write_text(f"{secret}\n")
        (home / "secrets" / name).chmod(0o600)
    file = home / "studio.toml"
    file.write_text(CONFIG.format(broker=broker.port, source=f"http://{guarded.place}"))
    return file


@pytest.fixture
def service(file: Path) -> Iterator[Running]:
    running = Running(("run", "-c", file, "--log-level", "debug"))
    yield running
    running.kill()


@pytest.fixture
def desk(broker: Mosquitto, plain: Callable[..., Plain]) -> Plain:
    return plain(broker.port, username="desk", password="desk").subscribe("#")


def told(desk: Plain, wanted: Callable[[Any], Any]) -> dict[str, Any]:
    return said(desk.wait(saying(f"{UP}/state/camera/front", wanted)))


def asked(desk: Plain, verb: str, name: str, state: str = "succeeded") -> dict[str, Any]:
    """A command of the desk's, and how it ended."""
    desk.publish(f"studio/v1/hall/a/down/cmd/{verb}/{name}", "")
    return said(desk.wait(saying(f"{UP}/cmd/{verb}/{name}", lambda a: a["state"] == state)))


def told_from_afar(desk: Plain, name: str) -> list[bytes]:
    """All that is in a support bundle made now, and the configuration as it is read from afar."""
    found = asked(desk, "config.get", f"g{name}")["result"]
    assert found["parts"] == 1 and "cameras" in json.loads(found["json"])
    assert "versions" in asked(desk, "config.versions", f"v{name}")["result"]
    bundle = asked(desk, "support.bundle", f"b{name}")["result"]
    with tarfile.open(bundle["path"]) as tar:
        files = [(entry.name.rpartition("/")[2], tar.extractfile(entry)) for entry in tar]
        read = {name: content.read() for name, content in files if content is not None}
    assert b'"front"' in read["configuration.json"] and read["log.txt"] and sorted(read) == bundle["holds"]
    return [found["json"].encode(), *read.values()]


def test_no_secret_leaves(file: Path, desk: Plain, guarded: Guarded, service: Running) -> None:
    assert told(desk, lambda s: s["health"] == "ok")["details"]["source"] == f"http://{guarded.place}"
    assert guarded.right(guarded.answers[-1], "GET", "/live")
    outputs = []
    for words in (
        ("check-config", file),
        ("devices", "-c", file, "--json"),
        ("devices", "-c", file),
        ("selftest", "-c", file, "--json", "--html", file.with_name("r.html"), "--junit", file.with_name("r.xml")),
    ):
        ran = studio(*words)
        assert ran.stdout and ran.returncode in (0, 1, 2), ran.stderr  # what it finds is another matter
        outputs += [ran.stdout, ran.stderr]
    assert '"CAM-01"' in outputs[-2] and file.with_name("r.html").stat().st_size > 1000

    # a password in the address, whole or encoded: refused by all three, shown by none; the old configuration goes on
    good = file.read_text()
    outputs += told_from_afar(desk, "good")
    for number, word in enumerate((CAMERA.replace('"', ""), quote(CAMERA, safe=""))):
        file.write_text(good.replace("http://", f"http://studio:{word}@"))
        for words in (("check-config", file), ("run", "-c", file)):
            ran = studio(*words)
            assert (ran.returncode, ran.stderr.count("\n")) == (78, 1), ran.stderr
            assert "cameras.front.options.source" in ran.stderr and "password_file" in ran.stderr
            outputs += [ran.stdout, ran.stderr]
        refused = asked(desk, "reload", f"r{number}", "failed")
        assert "password_file" in refused["message"]["en"]
        outputs += told_from_afar(desk, f"address-{number}")

    # and where a beginner would write it: the file is read from afar as it is, right or not
    for number, misplaced in enumerate(MISPLACED):
        file.write_text(good.replace(*misplaced))
        ran = studio("check-config", file)
        assert ran.returncode == 78, misplaced
        asked(desk, "reload", f"m{number}", "failed")
        outputs += [ran.stdout, ran.stderr, *told_from_afar(desk, f"misplaced-{number}")]
    file.write_text(good)
    asked(desk, "reload", "last")

    assert service.end(signal.SIGTERM) == 0
    assert any('"level": "debug"' in line for line in service.lines)
    ours = [path for path in file.parent.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    assert {"studio.toml", "r.html", "r.xml"} <= {path.name for path in ours}
    assert [path for path in ours if path.suffix == ".sqlite"]
    found = {path.name: heard(path.read_bytes()) for path in ours}
    assert {name for name, canaries in found.items() if canaries} == set()
    assert [(text[:3000], heard(text)) for text in outputs if heard(text)] == []
    assert heard(*service.lines) == []
    topics = [(message.topic, bytes(message.payload)) for message in desk.heard]
    assert {name for name, _ in topics} >= {f"{UP}/report", f"{UP}/state/camera/front", f"{UP}/inventory"}
    assert [name for name, body in topics if heard(name, body)] == []


def test_a_password_file_that_is_not_there_is_a_camera_that_is_not_there(
    file: Path, desk: Plain, request: pytest.FixtureRequest
) -> None:
    secret = file.parent / "secrets" / "camera"
    kept = secret.rename(secret.with_name("aside"))
    checked = studio("check-config", file)
    assert checked.returncode == 78
    assert f"cameras.front.options.password_file – {secret} cannot be read here" in checked.stderr
    service: Running = request.getfixturevalue("service")
    state = told(desk, lambda s: s["health"] == "offline")
    assert state["reason"] == f"password_file: {secret} cannot be read here: No such file or directory"
    assert "mode 0600" in state["remedy"]
    kept.rename(secret)
    told(desk, lambda s: s["health"] == "ok")
    assert service.process.poll() is None
