"""A door in front of a broker that a test can shut: a plain TCP proxy on loopback."""

import contextlib
import socket
import threading


class Door:
    """Passes bytes to ``127.0.0.1:target`` while it is open. :meth:`cut` ends every connection at once; while it is
    ``dark`` everything is swallowed, as by a cable that was pulled."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.open = True
        self.dark = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._pairs: list[socket.socket] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Nobody comes in, and who is in goes out."""
        self.open = False
        self.cut()

    def cut(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for end in pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._admit(near)

    def _admit(self, near: socket.socket) -> None:
        if self.open:
            with contextlib.suppress(OSError):
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5.0)
                far.settimeout(None)
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._pairs += [near, far]
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(here, there), daemon=True).start()
                return
        near.close()

    def _pass(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                if not self.dark:
                    there.sendall(data)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        here.close()
