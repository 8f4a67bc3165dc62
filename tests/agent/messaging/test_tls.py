"""The agent at a real Mosquitto over TLS, with certificates of our own making."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Mosquitto
from tests.certificates import issue
from tests.waiting import until

Make = Callable[..., SmallAgent]


@pytest.fixture
def tls_broker(
    request: pytest.FixtureRequest,
    ours: Path,
    start_mosquitto: Callable[..., Mosquitto],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Mosquitto:
    """A Mosquitto that asks for a client certificate; the parameter is the newest TLS it speaks."""
    newest = request.param
    settings = tmp_path / "openssl.cnf"
    settings.write_text(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = limits\n"
        f"[limits]\nMinProtocol = TLSv1\nMaxProtocol = {newest}\nCipherString = DEFAULT:@SECLEVEL=0\n"
    )
    monkeypatch.setenv("OPENSSL_CONF", str(settings))  # for the broker: this process read its own long ago
    return start_mosquitto(
        *(["tls_version tlsv1.1"] if newest == "TLSv1.1" else []),
        f"cafile {ours / 'ca.crt'}",
        f"certfile {ours / 'broker.crt'}",
        f"keyfile {ours / 'broker.key'}",
        "require_certificate true",
        "use_identity_as_username true",
    )


def tls(authority: Path, own: Path | None) -> dict[str, Path]:
    """The configuration's table: whom we trust, and our own certificate."""
    one = {} if own is None else {"cert_file": own / "one.crt", "key_file": own / "one.key"}
    return {"ca_file": authority / "ca.crt", **one}


both = pytest.mark.parametrize("tls_broker", ["TLSv1.2", "TLSv1.3"], indirect=True)


@both
async def test_a_client_certificate_lets_the_agent_in(tls_broker: Mosquitto, ours: Path, small_agent: Make) -> None:
    agent = await small_agent(tls_broker.port, tls=tls(ours, ours)).start()
    assert (await agent.bus.round_trip()).delivered is not None
    assert agent.bus.health.reason == "" and agent.bus.health.protocol == "5"
    log = (tls_broker.folder / "mosquitto.log").read_text()
    assert "as studio:hall:one (p5" in log and "u'one'" in log  # the name in its certificate


@both
async def test_without_a_client_certificate_the_refusal_is_named(
    tls_broker: Mosquitto, ours: Path, small_agent: Make
) -> None:
    agent = await small_agent(tls_broker.port, tls=tls(ours, None)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused"
    assert f"127.0.0.1:{tls_broker.port}: TLS: " in agent.bus.health.reason
    assert "it wants a client certificate: mqtt.tls.cert_file" in agent.bus.health.reason
    assert not agent.bus.counters["connected"]


@both
async def test_a_certificate_renewed_on_disk_is_used_by_the_next_connection(
    tls_broker: Mosquitto, ours: Path, strange: Path, small_agent: Make, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(strange, own)
    agent = await small_agent(tls_broker.port, tls=tls(ours, own)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused" and "unknown ca" in agent.bus.health.reason
    for name in ("one.crt", "one.key"):
        shutil.copy(ours / name, own / name)
    await until(agent.bus.online.is_set)
    assert agent.bus.health.reason == ""


@both
async def test_a_broker_of_another_authority_is_not_believed(
    tls_broker: Mosquitto, ours: Path, strange: Path, small_agent: Make
) -> None:
    agent = await small_agent(tls_broker.port, tls=tls(strange, ours)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused" and "certificate verify failed" in agent.bus.health.reason


@pytest.mark.parametrize("tls_broker", ["TLSv1.1"], indirect=True)
async def test_tls_below_1_2_is_refused(tls_broker: Mosquitto, ours: Path, small_agent: Make) -> None:
    agent = await small_agent(tls_broker.port, tls=tls(ours, ours)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused" and "protocol version" in agent.bus.health.reason


async def test_certificates_that_cannot_be_used_are_named(
    mosquitto: Mosquitto, ours: Path, strange: Path, small_agent: Make
) -> None:
    mixed = {"ca_file": ours / "ca.crt", "cert_file": ours / "one.crt", "key_file": strange / "one.key"}
    agent = await small_agent(mosquitto.port, tls=mixed).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused" and "mqtt.tls: certificate or key" in agent.bus.health.reason


async def test_a_key_that_others_may_read_is_refused(
    mosquitto: Mosquitto, ours: Path, small_agent: Make, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(ours, own)
    (own / "one.key").chmod(0o640)
    agent = await small_agent(mosquitto.port, tls=tls(ours, own)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused"
    assert f"mqtt.tls.key_file: others than its owner may use {own / 'one.key'}" in agent.bus.health.reason


@both
async def test_our_certificate_has_ended(tls_broker: Mosquitto, ours: Path, small_agent: Make, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(ours, own)
    issue(own, "one", "clientAuth", days=-1)
    agent = await small_agent(tls_broker.port, tls=tls(ours, own)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused"
    assert "it finds our certificate out of date: renew mqtt.tls.cert_file" in agent.bus.health.reason
    for name in ("one.crt", "one.key"):
        shutil.copy(ours / name, own / name)
    await until(agent.bus.online.is_set)


async def test_the_brokers_certificate_has_ended_or_our_clock_is_wrong(
    ours: Path, start_mosquitto: Callable[..., Mosquitto], small_agent: Make, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(ours, theirs)
    issue(theirs, "broker", "serverAuth", days=-1)
    broker = start_mosquitto(f"certfile {theirs / 'broker.crt'}", f"keyfile {theirs / 'broker.key'}")
    agent = await small_agent(broker.port, tls=tls(ours, None)).start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert agent.bus.health.state == "refused"
    assert "renew the broker's certificate, or set this machine's clock: it says 20" in agent.bus.health.reason
