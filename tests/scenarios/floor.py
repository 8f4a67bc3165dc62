"""A studio floor of real parts for the scenario tests: processes, a pseudo-terminal, sockets, a video stream."""

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import sacn

from config.load import load
from drivers.errors import DriverError
from drivers.virtual.furnish import furnish
from tests.processes import ROOT, Child
from tests.waiting import PATIENCE


class Widget(Child):
    """The ENTTEC twin on a pseudo-terminal, in its own process."""

    def __init__(self, link: Path, *extra: str) -> None:
        words = ("enttec-pro", "--link", link, "--print-frames", "--all", *extra)
        super().__init__(sys.executable, "-m", "drivers.virtual.serve", *words)
        self.link = link
        self.wait_line(lambda line: "ready" in line)

    @property
    def frames(self) -> list[bytes]:
        """Every frame taken so far."""
        return self.frames_since(0)

    def frames_since(self, line: int) -> list[bytes]:
        """Every frame from that line of output on."""
        return [bytes.fromhex(json.loads(text)["slots"]) for text in self.lines[line:] if '"slots"' in text]

    def wait_frame(self, wanted: Any, within: float = PATIENCE, since: int = 0) -> bytes:
        line = self.wait_line(
            lambda line: '"slots"' in line and wanted(bytes.fromhex(json.loads(line)["slots"])), within, since
        )
        return bytes.fromhex(json.loads(line)["slots"])


class Receiver:
    """An sACN receiver made by others (PyPI ``sacn``), unicast on loopback."""

    def __init__(self, universe: int) -> None:
        self.frames: list[tuple[int, ...]] = []
        self._door = threading.Condition()
        self._receiver = sacn.sACNreceiver(bind_address="127.0.0.1")
        self._receiver.start()

        @self._receiver.listen_on("universe", universe=universe)
        def took(packet: Any) -> None:
            with self._door:
                self.frames.append(tuple(packet.dmxData))
                self._door.notify_all()

    def wait_frame(self, wanted: Any, within: float = PATIENCE, since: int = 0) -> tuple[int, ...]:
        with self._door:
            found = self._door.wait_for(lambda: next((x for x in self.frames[since:] if wanted(x)), None), within)
        assert found is not None, [frame[:32] for frame in self.frames[-3:]]
        return found

    def close(self) -> None:
        self._receiver.stop()


class Stream(Child):
    """ffmpeg serving a video file as MJPEG over HTTP to one viewer."""

    def __init__(self, video: Path, port: int, copy: bool = False) -> None:
        coding = ("-c:v", "copy") if copy else ("-c:v", "mjpeg", "-q:v", "4")
        url = f"http://127.0.0.1:{port}/studio.mjpeg"
        super().__init__(
            *(
                "ffmpeg",
                "-hide_banner",
                "-loglevel",
                "error",
                "-nostdin",
                "-re",
                "-stream_loop",
                "-1",
                "-i",
                str(video),
            ),
            *("-an", *coding, "-f", "mpjpeg", "-listen", "1", url),
        )


class Playing:
    """Keeps the stream up: ffmpeg's server ends with its viewer, so it is started again until stopped.

    ``copy``: the file's own MJPEG is served as it is, which costs the machine next to nothing."""

    def __init__(self, video: Path, port: int, copy: bool = False) -> None:
        self._video, self._port, self._copy = video, port, copy
        self._stopped = threading.Event()
        self._keeper: threading.Thread | None = None
        self._child: Stream | None = None
        self.start()

    def start(self) -> None:
        self._stopped.clear()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            self._child = Stream(self._video, self._port, self._copy)
            while self._child.process.poll() is None and not self._stopped.wait(0.05):
                pass
            self._child.kill()

    def stop(self) -> None:
        self._stopped.set()
        if self._keeper is not None:
            self._keeper.join(PATIENCE)


def film(folder: Path, seconds: float = 4.0, rate: int = 25) -> Path:
    """A real video file (MJPEG in Matroska) of the virtual studio's presenter, with its camera's noise."""
    config = load(ROOT / "config/examples/demo.toml", {"STUDIO_AGENT__AGENT__STATE_DIR": str(folder)})
    studio = furnish(config)
    for universe in (1,):
        studio.took(universe, bytes([150, 0, 120, 0, 90, 120, 110, 0]) + bytes(504))
    source = studio.camera("virtual:cam-1")
    picture, _ = source.read(2.0)
    height, width = picture.shape[:2]
    path = folder / "studio.mkv"
    encoder = subprocess.Popen(
        [
            *("ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"),
            *("-s", f"{width}x{height}", "-r", str(rate), "-i", "-", "-c:v", "mjpeg", "-q:v", "3", str(path)),
        ],
        stdin=subprocess.PIPE,
    )
    assert encoder.stdin is not None
    for _ in range(int(seconds * rate)):
        with suppress(DriverError):
            picture, _ = source.read(2.0)
        encoder.stdin.write(picture.tobytes())
    encoder.stdin.close()
    assert encoder.wait(60) == 0
    source.close()
    return path


def reflector(port: int) -> Child:
    """A STAMP reflector as a process of its own, answering."""
    child = Child(sys.executable, "-m", "drivers.network.reflector", "--bind", "127.0.0.1", "--port", str(port))
    child.wait_line(lambda line: str(port) in line)
    return child


class Service(Child):
    """``studio-agent run`` as a process; its log is kept in a file."""

    def __init__(self, config: Path, log: Path) -> None:
        super().__init__(sys.executable, "-m", "agent", "run", "-c", config, log=log)
        self.log = log

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
