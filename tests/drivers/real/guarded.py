"""A camera that wants to know who asks."""

import base64
import hashlib
import re
import socket
import threading
from contextlib import suppress

import cv2
import numpy as np

from tests.waiting import PATIENCE

SECRET = 'se cret:"/ü@?'
"""All that an address, a header or a quoted string could trip over."""
BASIC = 'Basic realm="camera"'


class Guarded:
    """A camera that lets nobody in without the right answer to ``challenges``; speaks HTTP. ``answers`` are the
    Authorization headers it got. One client at a time."""

    def __init__(self, *challenges: str, secret: str = SECRET) -> None:
        self.challenges = challenges
        self._secret = secret
        self._stopped = threading.Event()
        self.answers: list[str] = []
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}/live"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError):
                    client.settimeout(PATIENCE)
                    self._one(client)

    def _one(self, client: socket.socket) -> None:
        """One request."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (more := client.recv(4096))
            if not more:
                return
        asked = data.decode()
        self.requests.append(asked.split("\r\n")[0])
        given = re.search(r"^Authorization: (.*)\r$", asked, re.MULTILINE)
        if given:
            self.answers.append(given[1])
        if given and self.right(given[1], asked.split()[0], asked.split()[1]):
            self._stream(client)
            return
        wanted = "".join(f"WWW-Authenticate: {each}\r\n" for each in self.challenges)
        client.sendall(f"HTTP/1.1 401 Unauthorized\r\n{wanted}Content-Length: 0\r\n\r\n".encode())

    def _stream(self, client: socket.socket) -> None:
        """Noise, so that no picture is like the one before, until the reader hangs up."""
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n")
        random = np.random.default_rng(1)
        while not self._stopped.wait(0.04):  # a camera's pace
            done, jpeg = cv2.imencode(".jpg", random.integers(60, 120, (90, 160, 3), np.uint8))
            assert done
            client.sendall(b"Content-Type: image/jpeg\r\n\r\n" + jpeg.tobytes() + b"\r\n--b\r\n")

    def right(self, given: str, method: str, uri: str) -> bool:
        """Whether this ``Authorization`` proves that the password is known."""
        if given.startswith("Basic "):
            return BASIC in self.challenges and base64.b64decode(given[6:]).decode() == f"studio:{self._secret}"
        said = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', given)}

        def digest(text: str) -> str:
            return hashlib.new("sha256" if said.get("algorithm") == "SHA-256" else "md5", text.encode()).hexdigest()

        middle = f":{said['nc']}:{said['cnonce']}:{said['qop']}:" if "qop" in said else ":"
        proof = digest(f"studio:camera:{self._secret}") + f":77f0{middle}" + digest(f"{method}:{uri}")
        return said["uri"] == uri and said["response"] == digest(proof)

    def close(self) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
