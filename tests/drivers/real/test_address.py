"""Cameras that want to know who asks: what goes over the wire, and that nobody else hears of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.errors import DeviceMissing
from drivers.host import Login
from drivers.real.address import Address
from drivers.real.video import MjpegSource, open_source
from tests.drivers.real.guarded import BASIC, SECRET, Guarded
from tests.waiting import PATIENCE

DIGEST = 'Digest realm="camera", nonce="77f0", qop="auth,auth-int", opaque="5c"'
SHA = 'Digest realm="camera", algorithm=SHA-256, nonce="77f0", qop="auth"'
OLD = 'Digest realm="camera", nonce="77f0"'


@pytest.fixture
def guarded() -> Iterator[Callable[..., Guarded]]:
    cameras: list[Guarded] = []

    def make(*challenges: str) -> Guarded:
        cameras.append(Guarded(*challenges))
        return cameras[-1]

    yield make
    for each in cameras:
        each.close()


@pytest.fixture
def login(tmp_path: Path) -> Login:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n", encoding="utf-8")
    file.chmod(0o600)
    return Login("studio", file)


@pytest.mark.parametrize(
    ("challenges", "kind"),
    [
        ((BASIC,), "Basic "),
        ((DIGEST,), "Digest "),
        ((SHA,), "Digest algorithm=SHA-256"),
        ((OLD,), "Digest "),
        ((BASIC, DIGEST), "Digest "),
        ((f"{SHA}, {BASIC}",), "Digest algorithm=SHA-256"),
        (('Digest realm="camera", algorithm=SHA-512-256, nonce="1", qop="auth"', BASIC), "Basic "),
        (('Digest realm="camera", nonce="1", qop="auth-int"', BASIC), "Basic "),
    ],
)
def test_the_best_proof_that_is_asked_for_is_given(
    guarded: Callable[..., Guarded], login: Login, challenges: tuple[str, ...], kind: str
) -> None:
    camera = guarded(*challenges)
    source = open_source(f"http://{camera.place}?stream=1", login)
    assert isinstance(source, MjpegSource)
    assert source.read(PATIENCE)[0].shape == (90, 160, 3)
    source.close()
    assert [answer[: len(kind)] for answer in camera.answers] == [kind]
    assert camera.requests == ["GET /live?stream=1 HTTP/1.1"] * 2
    assert SECRET not in camera.answers[0] or kind == "Basic "


def test_where_the_address_says_so_they_go_into_the_query(guarded: Callable[..., Guarded], login: Login) -> None:
    camera = guarded(BASIC)
    with pytest.raises(DeviceMissing, match="wants a name and a password") as caught:
        open_source(f"http://{camera.place}?usr={{username}}&pwd={{password}}", login)
    assert camera.requests == ["GET /live?usr=studio&pwd=se%20cret%3A%22%2F%C3%BC%40%3F HTTP/1.1"]
    assert camera.answers == [] and "cret" not in str(caught.value)


def test_the_wrong_password_and_none_are_two_things(guarded: Callable[..., Guarded], login: Login) -> None:
    camera = guarded(BASIC)
    with pytest.raises(DeviceMissing, match="wants a name and a password") as caught:
        open_source(f"http://{camera.place}")
    assert caught.value.remedy == "give username and password_file in the camera's options"
    assert login.password_file is not None
    login.password_file.write_text("canary")
    with pytest.raises(DeviceMissing, match="refuses this name or password") as caught:
        open_source(f"http://{camera.place}", login)
    assert "canary" not in str(caught.value)


def test_a_proof_that_is_not_known_here_is_named(guarded: Callable[..., Guarded], login: Login) -> None:
    camera = guarded("Negotiate")
    with pytest.raises(DeviceMissing, match="wants another proof: Negotiate"):
        open_source(f"http://{camera.place}", login)


@pytest.mark.parametrize(
    ("mode", "content", "why"),
    [(0o644, "canary", "mode 0644"), (0o600, "", "holds no secret"), (None, "", "No such file")],
)
def test_a_password_file_that_cannot_be_used_is_a_camera_that_is_not_there(
    guarded: Callable[..., Guarded], tmp_path: Path, mode: int | None, content: str, why: str
) -> None:
    file = tmp_path / "password"
    if mode is not None:
        file.write_text(content)
        file.chmod(mode)
    camera = guarded(BASIC)
    with pytest.raises(DeviceMissing, match=why) as caught:
        open_source(f"http://{camera.place}", Login("studio", file))
    assert caught.value.reason.startswith("password_file: ") and caught.value.remedy
    assert "canary" not in str(caught.value) and camera.requests == []


def test_an_address_shows_no_secret() -> None:
    address = Address("http://camera/?pwd=canary", "http://camera/", "admin", "canary")
    assert "canary" not in f"{address} {address!r}"
    assert address.whole == "http://admin:canary@camera/?pwd=canary"


def test_the_digest_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of RFC 2617, 3.5."""
    monkeypatch.setattr("drivers.real.address.secrets.token_hex", lambda _: "0a4f113b")
    address = Address("http://www.nowhere.org", "", "Mufasa", "Circle Of Life")
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    said = address.authorization(challenge, "/dir/index.html")
    assert said is not None and 'response="6629fae49393a05397450978507c4ef1"' in said
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in said
