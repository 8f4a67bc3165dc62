"""sd_notify as a service manager hears it: a real datagram socket."""

import asyncio
import contextlib
import socket

import pytest

from agent.runtime.systemd import keep_alive, notify, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """The manager's end of the socket, and the agent's environment pointing to it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"\0studio-test-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address)
        ear.settimeout(20.0)
        monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
        yield ear


def test_a_state_reaches_the_manager(manager):
    notify("READY=1")
    assert manager.recv(100) == b"READY=1"


def test_without_a_manager_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notify("READY=1")
    assert watchdog_interval() is None


def test_a_manager_that_is_gone_is_no_reason_to_stop(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("WATCHDOG=1")


async def test_the_watchdog_is_fed_until_the_agent_ends(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    feeding = asyncio.create_task(keep_alive())
    heard = [await asyncio.to_thread(manager.recv, 100) for _ in range(3)]
    feeding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await feeding
    assert heard == [b"WATCHDOG=1"] * 3


async def test_a_manager_that_keeps_no_watchdog_is_not_fed(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "nonsense")
    await asyncio.wait_for(keep_alive(), 20.0)
