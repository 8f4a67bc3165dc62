"""A camera's address with its secret: put together here, while it is opened, and shown to nobody.

http, https   a request without, then as the server's 401 asks: Digest (RFC 7616), else Basic (RFC 7617)
rtsp, rtsps   before the host, percent-encoded (RFC 3986 3.2.1): FFmpeg answers the challenge (and we, asking why not)
any           where the address says {username} and {password}: cameras that want them in the query
"""

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from config.files import read_secret
from config.problems import ConfigError
from drivers.errors import DeviceMissing, Why
from drivers.host import Login, shown_url

MANUAL = "look the stream's own address up in the camera's manual"

_CHALLENGE = re.compile(r"(?:^|,\s*)(Basic|Digest)\s+", re.IGNORECASE)
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_DIGESTS: Mapping[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


@dataclass(frozen=True, slots=True)
class Address:
    """``url`` is what to ask for, ``shown`` what people and topics may see of it."""

    url: str = field(repr=False)
    shown: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def whole(self) -> str:
        """With name and password in it, for a library that takes them nowhere else."""
        scheme, _, rest = self.url.partition("://")
        login = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.username else ""
        return f"{scheme}://{login}{rest}"

    def proof(self, challenges: str, uri: str, method: str = "GET") -> str:
        """The ``Authorization`` that is asked for. DeviceMissing: nobody was named, or another kind is asked for."""
        if not self.username:
            remedy = "give username and password_file in the camera's options"
            raise DeviceMissing(f"{self.shown} wants a name and a password", remedy, why=Why.NOT_LET_IN)
        answer = self.authorization(challenges, uri, method)
        if answer is None:
            asked_for = challenges.partition(" ")[0] or "nothing that is named"
            said = f"{self.shown} wants another proof: {asked_for[:20]}"
            raise DeviceMissing(said, "set it to Digest or Basic", why=Why.NOT_LET_IN)
        return answer

    def not_let_in(self) -> DeviceMissing:
        """What to raise when the proof was not good enough."""
        return DeviceMissing(
            f"{self.shown} refuses this name or password",
            "correct username, or what is in password_file",
            why=Why.NOT_LET_IN,
        )

    def authorization(self, challenges: str, uri: str, method: str = "GET") -> str | None:
        """The ``Authorization`` of a request for ``uri``, as ``WWW-Authenticate`` asks; ``None``: for neither."""
        _, *words = _CHALLENGE.split(challenges)
        asked = list(zip((word.lower() for word in words[::2]), words[1::2], strict=True))
        for scheme, text in asked:
            said = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}
            digest = _DIGESTS.get(said.get("algorithm", "MD5").upper()) if scheme == "digest" else None
            if digest is not None and "auth" in re.split(r"[,\s]+", said.get("qop", "auth")):
                return self._digest(digest, said, f"{method}:{uri}", uri)
        if not any(scheme == "basic" for scheme, _ in asked):
            return None
        return f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"

    def _digest(self, digest: Callable[[bytes], str], said: Mapping[str, str], asked: str, uri: str) -> str:
        """RFC 7616 3.4; without ``qop`` as RFC 2069 had it, which old cameras still speak."""
        realm, nonce = said.get("realm", ""), said.get("nonce", "")
        who = digest(f"{self.username}:{realm}:{self.password}".encode())
        what = digest(asked.encode())
        fields = {"username": self.username.replace("\\", "\\\\").replace('"', '\\"'), "realm": realm, "nonce": nonce}
        fields |= {"uri": uri} | {name: said[name] for name in ("opaque",) if name in said}
        bare = f"algorithm={said['algorithm']}, " if "algorithm" in said else ""
        proof = f"{who}:{nonce}:{what}"
        if "qop" in said:
            fields["cnonce"] = secrets.token_hex(8)
            bare += "qop=auth, nc=00000001, "
            proof = f"{who}:{nonce}:00000001:{fields['cnonce']}:auth:{what}"
        fields["response"] = digest(proof.encode())
        return f"Digest {bare}" + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def declined(shown: str, status: int) -> DeviceMissing:
    """What to raise when a camera answers that it does not give its stream: HTTP and RTSP count alike."""
    if status in (404, 410):
        return DeviceMissing(f"{shown}: no such stream there (the camera answers {status})", MANUAL, why=Why.NOT_FOUND)
    if status == 403:
        remedy = "look at the camera's access list"
        return DeviceMissing(f"{shown} lets nobody in from here (it answers 403)", remedy, why=Why.NOT_ALLOWED)
    remedy = "too many viewers, or the camera is still starting? then it comes by itself; else switch it off and on"
    return DeviceMissing(f"{shown} does not give its stream: it answers {status}", remedy, why=Why.TURNED_DOWN)


def join(source: str, login: Login) -> Address:
    """The address of a network source. DeviceMissing, without the secret in it, when its file cannot be read."""
    password = ""
    if login.password_file is not None:
        try:
            password = read_secret(login.password_file, "password_file")
        except ConfigError as error:
            problem = error.problems[0]
            said = f"{problem.where}: {problem.why}"
            raise DeviceMissing(said, problem.right, why=Why.NO_PASSWORD) from None
    url = source.replace("{username}", quote(login.username, safe="")).replace("{password}", quote(password, safe=""))
    if url != source:
        return Address(url, shown_url(source))
    return Address(source, shown_url(source), login.username, password)
