"""Checks of machine, network, broker and agent, each against a case it must pass and one it must not."""

import asyncio
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from agent.messaging.bus import Bus
from agent.messaging.header import Stamp
from agent.messaging.topics import Topics
from agent.messaging.trust.file import TrustFile
from agent.runtime import clock
from agent.selftest.catalogue import CATALOGUE, OF_DRIVERS
from agent.selftest.checks import agent as of_agent
from agent.selftest.checks import certificate, machine, strangers
from agent.selftest.checks.broker import round_trips
from agent.selftest.engine import plan, run
from agent.selftest.store import ReportStore
from config.broker import MqttSection
from config.model import OutputSection
from config.units import SILENT
from drivers.base import Verdict
from drivers.camera import checks_against
from drivers.dmx import artnet_codec, rdm_checks, sacn_codec
from drivers.host import Datagram, Interface
from tests.agent.selftest.rooms import config, failed, room, verdicts
from tests.agent.selftest.test_report import check, report
from tests.waiting import until

CERTIFICATES = Path(__file__).parent / "certificates"


# --- machine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (machine.Discipline(True, 0.4, 12.0), Verdict.PASS),
        (machine.Discipline(True, -80.0, 12.0), Verdict.MARGINAL),
        (machine.Discipline(True, 1500.0, 12.0), Verdict.FAIL),
        (machine.Discipline(False, 0.0, 16000.0), Verdict.FAIL),
    ],
)
def test_the_clock(found, verdict, tmp_path):
    mark = tmp_path / "synchronized"
    mark.touch()
    assert machine.clock(lambda: found, mark).verdict is verdict, "the kernel's word comes before the mark's"


@pytest.mark.parametrize(
    ("hours", "verdict"), [(0.5, Verdict.PASS), (8, Verdict.PASS), (10, Verdict.FAIL), (None, Verdict.SKIPPED)]
)
def test_the_clock_where_the_kernel_may_not_be_asked(hours, verdict, tmp_path):
    mark = tmp_path / "synchronized"
    if hours is not None:
        mark.touch()
        os.utime(mark, (mark.stat().st_mtime - hours * 3600,) * 2)
    result = machine.clock(lambda: None, mark)
    assert result.verdict is verdict
    assert (result.remedy != SILENT) == (verdict is Verdict.FAIL)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (machine.Discipline(True, 0.4, 12.0), Verdict.PASS),
        (machine.Discipline(True, 1500.0, 12.0), Verdict.FAIL),
        (machine.Discipline(False, 0.0, 16000.0), Verdict.SKIPPED),
        (None, Verdict.SKIPPED),
    ],
)
def test_in_a_virtual_studio_a_clock_that_nobody_keeps_does_not_matter_but_a_wrong_one_does(found, verdict, tmp_path):
    mark = tmp_path / "synchronized"
    mark.touch()
    os.utime(mark, (0, 0))
    result = machine.clock(lambda: found, mark, virtual=True)
    assert result.verdict is verdict
    assert ("no fault in a virtual studio" in result.said.en) == (verdict is Verdict.SKIPPED)


def test_this_machines_clock_can_be_asked():
    found = clock.discipline()
    assert found is None or found.largest_error >= 0


def test_the_disk_and_the_memory_of_this_machine_are_measured(tmp_path):
    assert 0 <= machine.disk(tmp_path).value <= 100
    written = machine.storage(tmp_path)
    assert written.value > 0
    assert list(tmp_path.iterdir()) == []
    assert 0 < machine.memory().value <= 100


def test_a_state_folder_that_is_not_there_fails_the_storage(tmp_path):
    result = machine.storage(tmp_path / "gone")
    assert result.verdict is Verdict.FAIL
    assert "No such file" in result.said.en


@pytest.mark.parametrize(
    ("card", "verdict"),
    [
        (Interface("eth0", True, speed=1000, packets=10_000), Verdict.PASS),
        (Interface("eth0", True, speed=None, packets=0), Verdict.PASS),
        (Interface("eth0", True, speed=10, packets=10_000), Verdict.MARGINAL),
        (Interface("eth0", True, speed=1000, packets=10_000, errors=20), Verdict.MARGINAL),
        (Interface("eth0", True, speed=1000, packets=10_000, errors=200), Verdict.FAIL),
        (Interface("eth0", False), Verdict.FAIL),
        (None, Verdict.FAIL),
    ],
)
def test_a_network_card(card, verdict):
    assert machine.link(card, "eth0").verdict is verdict


# --- other controllers -------------------------------------------------------------------------------------------


def udp(body, source, port):
    header = port.to_bytes(2, "big") * 2 + (len(body) + 8).to_bytes(2, "big") + b"\0\0"
    return Datagram(header + body, (source, port), 1.0)


def sacn(universe, source, options=0):
    packet = sacn_codec.Data(UUID(int=9), "old console", universe, bytes(512), 1, 120, options=options)
    return udp(packet.encode(), source, sacn_codec.PORT)


def artnet(port_address, source):
    return udp(artnet_codec.Dmx(port_address, bytes(512)).encode(), source, artnet_codec.PORT)


def test_strangers_on_our_universes_are_named_and_everybody_else_is_not():
    outputs = {
        "a": OutputSection(driver="sacn", universes=(1, 2)),
        "b": OutputSection(driver="artnet", universes=(5,), options={"port_address_offset": -1}),
        "c": OutputSection(driver="enttec-pro", universes=(7,)),
    }
    ours, ports = strangers.ours(outputs)
    assert (ours, ports) == ({1, 2}, {4: 5})
    seen = [
        sacn(1, "10.0.0.1"),  # ourselves
        sacn(2, "10.0.0.9"),
        sacn(2, "10.0.0.9"),
        sacn(3, "10.0.0.9"),
        sacn(1, "10.0.0.8", sacn_codec.PREVIEW),
        sacn(1, "10.0.0.7", sacn_codec.TERMINATED),
        artnet(4, "10.0.0.5"),
        artnet(5, "10.0.0.5"),
        udp(b"noise" * 40, "10.0.0.4", sacn_codec.PORT),
        Datagram(b"", ("10.0.0.3", 1), 1.0),
    ]
    found = strangers.strangers(seen, {"10.0.0.1"}, ours, ports)
    assert [(each.protocol, each.address, each.universe) for each in found] == [
        ("sACN", "10.0.0.9", 2),
        ("Art-Net", "10.0.0.5", 5),
    ]
    result = strangers.judge(found, [1, 2, 5])
    assert result.verdict is Verdict.FAIL
    assert "old console 10.0.0.9 (universe 2)" in result.said.en


async def test_a_second_console_is_heard_in_the_studio(tmp_path, monkeypatch):
    monkeypatch.setattr(strangers, "SECONDS", 1.5)
    outputs = {"net": {"driver": "sacn", "universes": [1]}}
    async with room(tmp_path, outputs=outputs) as studio:
        healthy = await run(studio.around, "quick", ["NET-20"])
        assert verdicts(healthy) == {"NET-20:studio0": Verdict.PASS}
        task = asyncio.create_task(run(studio.around, "quick", ["NET-20"]))
        body = sacn(1, "10.77.0.50").data[8:]
        while not task.done():
            studio.studio.inject(body, ("10.77.0.50", 5568), (sacn_codec.group(1), 5568))
            await asyncio.sleep(0.05)
        assert failed(task.result()) == {"NET-20:studio0"}


# --- broker ------------------------------------------------------------------------------------------------------


def test_a_certificates_end_is_read_in_both_of_its_notations():
    """As openssl prints them: Nov 20 01:55:46 2036 (UTCTime), Oct 30 01:55:46 2126 (GeneralizedTime)."""
    assert certificate.pem_not_after(CERTIFICATES / "short.pem") == 2110758946
    assert certificate.pem_not_after(CERTIFICATES / "long.pem") == 4948998946


@pytest.mark.parametrize("cut", [0, 1, 2, 10, 40, 100])
def test_what_is_no_certificate_is_a_value_error(cut):
    with pytest.raises(ValueError, match="not a certificate"):
        certificate.not_after(bytes([0x30, 0x82, 0x01, 0x81, 0x30] * 30)[:cut])


async def test_messages_to_ourselves_over_a_real_broker(mosquitto, tmp_path):
    def now():
        return asyncio.get_running_loop().time()

    section = MqttSection(host="127.0.0.1", port=mosquitto.port)
    bus = Bus(section, Topics("test", "room"), Stamp(lambda: 1.8e9, now))
    async with room(tmp_path, mqtt=section.model_dump()) as studio:
        around = replace(studio.around, bus=bus)
        service = asyncio.create_task(bus.run())
        try:
            await asyncio.wait_for(bus.online.wait(), 30)
            good = await run(around, "quick", ["MQT-*"])
            connected, carried = good.checks
            assert connected.verdict is Verdict.PASS
            assert carried.verdict in (Verdict.PASS, Verdict.MARGINAL)  # a busy machine may be slow
            assert carried.evidence["delivered"]
            mosquitto.stop()
            await until(lambda: not bus.online.is_set())
            bad = await run(around, "quick", ["MQT-*"])
            assert {check.verdict for check in bad.checks} == {Verdict.FAIL}
            assert "Not connected" in bad.checks[0].said.en
        finally:
            service.cancel()
            with suppress(asyncio.CancelledError):
                await service


async def test_a_bug_in_the_bus_is_no_verdict_on_the_broker():
    class Broken:
        async def round_trip(self, timeout):  # noqa: ASYNC109
            raise KeyError("bug")

    with pytest.raises(KeyError):
        await round_trips(Broken())


# --- the agent itself --------------------------------------------------------------------------------------------


def test_a_secret_that_others_may_read_fails(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("x")
    secret.chmod(0o600)
    made = config(tmp_path, mqtt={"username": "a", "password_file": str(secret)})
    assert of_agent.private(made, tmp_path).verdict is Verdict.PASS
    secret.chmod(0o640)
    result = of_agent.private(made, tmp_path)
    assert result.verdict is Verdict.FAIL
    assert str(secret) in result.said.en


@pytest.mark.parametrize(
    ("hours", "more", "verdict"),
    [
        (1, {}, Verdict.PASS),
        (30, {}, Verdict.MARGINAL),
        (100, {}, Verdict.FAIL),
        (1, {"depth": "quick"}, Verdict.OVERDUE),
        (1, {"only": ("LGT-*",)}, Verdict.OVERDUE),
    ],
)
def test_only_a_whole_full_test_counts_as_one(tmp_path, hours, more, verdict):
    store = ReportStore(tmp_path)
    store.append(report(check(Verdict.PASS), started="2026-01-02T00:00:00.000Z", **more))
    assert of_agent.last_full(store, 1767312000.0 + hours * 3600).verdict is verdict


def test_a_tampered_chain_fails(tmp_path):
    store = ReportStore(tmp_path)
    store.append(report(check(Verdict.PASS)))
    store.append(report(check(Verdict.PASS)))
    none = tmp_path / "trust.sqlite"
    assert of_agent.chains(store, none).verdict is Verdict.PASS
    oldest = min(store.folder.glob("*.json"))
    os.truncate(oldest, 100)
    result = of_agent.chains(store, none)
    assert result.verdict is Verdict.FAIL and oldest.name in result.said.en and oldest.name in result.said.zh


def test_a_changed_decision_fails_with_its_number(tmp_path):
    store, path = ReportStore(tmp_path), tmp_path / "trust.sqlite"
    file = TrustFile(path)
    file.open()
    file.write([{"what": f"decision {number}"} for number in range(9)], [], 0.0, 0)
    whole = of_agent.chains(store, path)  # also while it is open
    assert (whole.verdict, whole.evidence["audit_hash"]) == (Verdict.PASS, file.head[1]) and "9" in whole.said.en
    file.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("update audit set body = replace(body, 'decision', 'nothing') where n in (5, 7)")
        db.commit()
    result = of_agent.chains(store, path)
    assert result.verdict is Verdict.FAIL and "record 5 was changed" in result.said.en and "5" in result.said.zh
    assert [fault.split()[1] for fault in result.evidence["audit"]] == ["5", "7"] and result.remedy.zh
    path.write_bytes(b"no database " * 1000)
    assert of_agent.chains(store, path).verdict is Verdict.FAIL


async def test_every_planned_check_is_in_the_catalogue(tmp_path):
    outputs = {
        "widget": {"driver": "enttec-pro", "universes": [1], "options": {"port": "/dev/ttyUSB0"}},
        "node": {"driver": "artnet", "universes": [1], "options": {"host": "10.77.0.21"}},
        "net": {"driver": "sacn", "universes": [1]},
    }
    buses = {"dimmers": {"driver": "modbus", "options": {"port": "/dev/ttyUSB1"}}}
    wall = {"profile": "generic/modbus-dimmer", "personality": "0-255", "bus": "dimmers"}
    fixtures = config(tmp_path).model_dump(exclude_none=True)["fixtures"]
    more = {"outputs": outputs, "buses": buses, "fixtures": fixtures | {"wall": wall}}
    async with room(tmp_path, **more, exposure={"camera": "front", "fixtures": ["key"]}) as studio:
        planned = {each.id for depth in ("quick", "full") for each in plan(studio.around, depth)}
    planned |= set(rdm_checks.TITLES)  # the widget there cannot RDM
    planned |= set(checks_against.TITLES)  # no reference picture was taken
    assert planned == set(CATALOGUE) | set(OF_DRIVERS)
    assert all(part for entry in CATALOGUE.values() for text in entry for part in text)
