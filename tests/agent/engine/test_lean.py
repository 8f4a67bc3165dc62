"""What an engine does not carry along."""

from pathlib import Path

from tests.agent.engine.rooms import dimmers, listener, sacn, side
from tests.waiting import until


def loaded(pid):
    """Files that are mapped into a process."""
    return Path(f"/proc/{pid}/maps").read_text()


async def test_an_engine_that_plays_has_neither_openssl_nor_the_services_libraries_loaded(tmp_path):
    with listener("127.0.71.74") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.74")}, dimmers(4)) as daemon:
            await daemon.ready()
            await until(lambda: heard.last())
            files = loaded(daemon.client.pid)
            assert "numpy" in files
            for name in ("libcrypto", "libssl", "_ssl.", "_asyncio", "_sqlite3", "cv2"):
                assert name not in files, name
