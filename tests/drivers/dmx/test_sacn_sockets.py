"""The sACN input on this machine's loopback: the library ``sacn`` heard by us, and our output by our input."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import sacn
from sacn.sending import sender_socket_udp

from drivers.base import Heard
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn import Sacn, SacnOptions, component
from drivers.dmx.sacn_in import SacnIn, SacnInOptions
from drivers.errors import DeviceMissing, LinkLost
from drivers.real.host import RealHost
from tests.waiting import PATIENCE

UNIVERSE = 41000 + os.getpid() % 10000
"""Our own, for others may test on this machine at the same time."""


@pytest.fixture(autouse=True)
def _port_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some other program on this machine may have 5568 for itself."""
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as probe:
        probe.bind(("::", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(codec, "PORT", port)
    monkeypatch.setattr(sender_socket_udp, "DEFAULT_PORT", port)


@contextmanager
def listening(**options) -> Iterator[SacnIn]:
    defaults = {"universes": (UNIVERSE, UNIVERSE + 1), "interface": "127.0.0.1", "sampling": 0}
    heard = SacnIn(SacnInOptions.model_validate(defaults | options), RealHost())
    heard.open()
    with closing(heard):
        yield heard


def until(device: SacnIn, wanted) -> Heard:
    """The first news that ``wanted`` likes."""
    clock = RealHost()
    end = clock.now() + PATIENCE
    while clock.now() < end:
        for heard in device.listen(0.5):
            if wanted(heard):
                return heard
    raise AssertionError("it was not heard")


def test_the_library_sacn_is_heard_and_its_end_too():
    with listening() as device:
        sender = sacn.sACNsender(bind_address="127.0.0.1", bind_port=0, source_name="library 灯", fps=40)
        sender.start()
        try:
            sender.activate_output(UNIVERSE)
            output = sender[UNIVERSE]
            output.multicast = True
            output.priority = 130
            for frame in (bytes(range(256)) * 2, bytes(512), b"\xff" * 512):
                output.dmx_data = tuple(frame)
                heard = until(device, lambda heard, frame=frame: heard.slots == frame)
                assert heard == Heard(UNIVERSE, frame, 130, sources=("library 灯",))
            sender.deactivate_output(UNIVERSE)
            assert until(device, lambda heard: heard.ended).ended == "terminated"
        finally:
            sender.stop()


def test_the_librarys_synchronisation_lets_two_universes_change_together():
    with listening() as device:
        sender = sacn.sACNsender(
            bind_address="127.0.0.1", bind_port=0, source_name="library", sync_universe=UNIVERSE + 2
        )
        sender.start()
        try:
            sender.manual_flush = True
            for universe in (UNIVERSE, UNIVERSE + 1):
                sender.activate_output(universe)
                sender[universe].multicast = True
            for level in range(1, 6):
                for universe in (UNIVERSE, UNIVERSE + 1):
                    sender[universe].dmx_data = (level,) * 512
                sender.flush()
                news = until(device, lambda heard, level=level: heard.slots == bytes((level,)) * 512)
                assert news.priority == 100
        finally:
            sender.stop()


def test_our_output_is_heard_by_our_input_with_priorities_and_synchronisation():
    options = SacnOptions(
        interface="lo",
        source_name="ours",
        priority=120,
        address_priority={"1-2": 150},
        synchronization=UNIVERSE + 3,
        on_close="terminate",
    )
    with listening(interface="lo") as device, closing(Sacn(options, RealHost())) as output:
        output.open()
        for level in (1, 2, 3):
            for universe in (UNIVERSE, UNIVERSE + 1):
                output.send(universe, bytes((level,)) * 3)
            output.flush()
            output.show()
            wanted = {
                universe: Heard(universe, bytes((level, level, 0)), 120, b"\x96\x96\0", ("ours",))
                for universe in (UNIVERSE, UNIVERSE + 1)
            }
            said: dict[int, Heard] = {}
            until(
                device, lambda heard, said=said, wanted=wanted: said.update({heard.universe: heard}) or said == wanted
            )
        output.close()
        assert until(device, lambda heard: heard.ended).ended == "terminated"


def test_our_own_output_is_not_taken_for_a_console():
    options = SacnOptions(interface="lo", source_name=f"ours {UNIVERSE}")
    host = RealHost()
    with listening(interface="lo", ignore=[component(options, host)]) as device, closing(Sacn(options, host)) as output:
        output.open()
        output.send(UNIVERSE, b"\7")
        console = Sacn(SacnOptions(interface="lo", source_name="console"), host)
        with closing(console):
            console.open()
            console.send(UNIVERSE, b"\1")
            assert until(device, lambda _: True).slots == b"\1"
        assert [reading.value for reading in device.readings() if reading.name == "sacn_sources"] == [1.0]


def test_ipv6_unicast_is_heard():
    with listening(multicast="ipv6") as device, closing(Sacn(SacnOptions(hosts=["::1"]), RealHost())) as output:
        output.open()
        output.send(UNIVERSE, b"\7" * 512)
        assert until(device, lambda _: True).slots == b"\7" * 512


def test_noise_on_the_port_is_nothing_and_close_ends_a_pending_listen():
    with listening() as device, closing(RealHost().udp(interface="lo")) as noise:
        for size in (0, 1, 100, 638, 1144, 9000):
            noise.send(os.urandom(size), (codec.group(UNIVERSE), codec.PORT))
        assert device.listen(0.05) == ()
        ended = threading.Event()

        def wait() -> None:
            with pytest.raises(LinkLost):
                device.listen(PATIENCE)
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        device.close()
        waiting.join(PATIENCE)
        assert ended.is_set()
        with pytest.raises(LinkLost):
            device.listen(0)


def test_a_card_that_is_not_there_is_missing():
    with pytest.raises(DeviceMissing, match="none7"), listening(interface="none7"):
        pass
