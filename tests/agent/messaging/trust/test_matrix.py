"""Every cell of command × role × air state, at a real Mosquitto with certificates and in the agent."""

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agent.messaging.bus import Bus
from agent.messaging.commands import ARGS
from agent.messaging.header import Stamp
from agent.messaging.trust.keys import HmacKey, signed
from agent.messaging.trust.policy import POLICY, Role
from config.broker import MqttSection
from config.trust import TrustSection
from tests.agent.messaging.trust.conftest import ARGUMENTS, TOPICS, Post
from tests.brokers import Mosquitto, Plain
from tests.processes import ROOT
from tests.waiting import PATIENCE, until

SHIPPED = ROOT / "config/mosquitto"
USERS = {"viewer": Role.VIEWER, "desk": Role.OPERATOR, "service": Role.MAINTENANCE, "chief": Role.ADMIN}
KEYS = {name: HmacKey(f"a secret of the {name}, long".encode()) for name in USERS}

# Written down once more, by hand: Viewer, Operator, Maintenance, Admin; off air, on air, and at the broker, which does
# not see arguments.
MATRIX = """
ping                        VOMA  VOMA  VOMA
lights.set                  -OMA  -OMA  -OMA
look.apply                  -OMA  -OMA  -OMA
lights.release              -OMA  -OMA  -OMA
lights.stop                 -OMA  -OMA  -OMA
lights.stop.reset           ---A  ---A  ---A
lights.master               -OMA  -OMA  -OMA
lights.blackout             -OMA  -OMA  -OMA
lights.restore              -OMA  -OMA  -OMA
submaster.set               -OMA  -OMA  -OMA
look.save                   -OMA  -OMA  -OMA
look.delete                 -OMA  -OMA  -OMA
look.history                VOMA  VOMA  VOMA
look.rollback               -OMA  -OMA  -OMA
cue.go                      -OMA  -OMA  -OMA
cue.back                    -OMA  -OMA  -OMA
cue.release                 -OMA  -OMA  -OMA
cue.save                    -OMA  -OMA  -OMA
cue.delete                  -OMA  -OMA  -OMA
cue.history                 VOMA  VOMA  VOMA
cue.rollback                -OMA  -OMA  -OMA
exposure.release            -OMA  -OMA  -OMA
exposure.set mode=watch     -OMA  -OMA  -OMA
exposure.set                -OMA  -OMA  -OMA
exposure.handback           -OMA  -OMA  -OMA
exposure.commission         -OMA  ----  -OMA
exposure.prove              -OMA  ----  -OMA
camera.thumbnail            --MA  --MA  --MA
camera.lock                 -OMA  ----  -OMA
camera.measure              VOMA  VOMA  VOMA
camera.reference            -OMA  -OMA  -OMA
camera.calibrate            --MA  ----  --MA
selftest.start              -OMA  -OMA  -OMA
selftest.cancel             -OMA  -OMA  -OMA
identify                    -OMA  ----  -OMA
rdm.survey                  -OMA  -OMA  -OMA
rdm.identify                -OMA  ----  -OMA
rdm.set                     --MA  ----  --MA
probe.now                   -OMA  -OMA  -OMA
report.list                 VOMA  VOMA  VOMA
report.get                  VOMA  VOMA  VOMA
maintenance.accept          --MA  --MA  --MA
maintenance.rebaseline      --MA  ----  --MA
maintenance.note            --MA  --MA  --MA
alert.ack                   -OMA  -OMA  -OMA
alert.silence               -OMA  -OMA  -OMA
alert.unsilence             -OMA  -OMA  -OMA
config.get                  --MA  --MA  --MA
config.validate             --MA  --MA  --MA
config.propose              ---A  ---A  ---A
config.apply                ---A  ----  ---A
config.versions             --MA  --MA  --MA
config.rollback             ---A  ----  ---A
profiles.list               VOMA  VOMA  VOMA
identity                    VOMA  VOMA  VOMA
log.level                   --MA  --MA  --MA
support.bundle              --MA  --MA  --MA
telemetry.set               --MA  --MA  --MA
reload                      --MA  --MA  --MA
command.cancel              -OMA  -OMA  -OMA
"""
CELLS = {
    found[1].strip(): (found[2], found[3], found[4])
    for found in re.finditer(r"^(\S.*?)\s{2,}(\S{4})\s+(\S{4})\s+(\S{4})$", MATRIX, re.MULTILINE)
}


def certificates(folder: Path, *words: str) -> None:
    command = [str(SHIPPED / "certificates.sh"), str(folder), *words]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as the script makes them: the authority, the broker, the agent, one for every role."""
    folder = tmp_path_factory.mktemp("papers")
    certificates(folder, "authority")
    certificates(folder, "broker", "127.0.0.1", "broker.lan")
    for name in (TOPICS.agent, *USERS):
        certificates(folder, "client", name)
    return folder


@pytest.fixture
def broker(start_mosquitto: Callable[..., Mosquitto], papers: Path, tmp_path: Path) -> Mosquitto:
    """A Mosquitto with studio-tls.conf and acl as shipped; only folder, port and persistence are the test's."""
    etc = tmp_path / "etc"
    (etc / "certs").mkdir(parents=True)
    shutil.copy(SHIPPED / "acl", etc / "acl")
    for name in ("ca.pem", "broker.pem", "broker.key"):
        shutil.copy(papers / name, etc / "certs" / name)
    if os.geteuid() == 0:  # it reads its key before it becomes another user, and its acl after
        etc.chmod(0o755)
    text = (SHIPPED / "studio-tls.conf").read_text(encoding="utf-8").replace("/etc/mosquitto", str(etc))
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "listener", "persistence"))]
    assert {"require_certificate true", "use_identity_as_username true", "tls_version tlsv1.2"} <= set(lines)
    return start_mosquitto(*lines)


@pytest.fixture
async def agent(broker: Mosquitto, papers: Path, post: Callable[..., Post]) -> AsyncIterator[Post]:
    """The agent at that broker, by its own certificate; its verbs only count."""
    made = post()
    trust = {name: {"role": role, "key_file": "/nowhere"} for name, role in USERS.items()}
    made.gate.use(TrustSection.model_validate({"issuers": trust, "live": 9999, "rare": 9999}), KEYS)
    made.now = time.time()
    own = {"cert_file": papers / "one.pem", "key_file": papers / "one.key"}
    tls = {"ca_file": papers / "ca.pem", **own}
    config = MqttSection.model_validate({"host": "127.0.0.1", "port": broker.port, "tls": tls})
    bus = Bus(config, TOPICS, Stamp(time.time, time.monotonic))
    bus.inbox.commands = made.dispatcher
    task = asyncio.create_task(bus.run())
    await until(bus.online.is_set)
    assert bus.health.reason == ""
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_the_matrix_has_every_cell() -> None:
    assert list(CELLS) == [row.case for row in POLICY]
    assert CELLS.keys() == ARGUMENTS.keys()


async def test_every_cell_at_the_broker_and_in_the_agent(
    agent: Post, broker: Mosquitto, papers: Path, plain: Callable[..., Plain]
) -> None:
    clients = {name: await asyncio.to_thread(plain, broker.port, tls=(papers, name)) for name in USERS}
    asserted = 0
    due: set[str] = set()

    def publish(by: str, issuer: str, case: str, name: str) -> bool:
        """Whether the broker takes it."""
        verb = case.split()[0]
        body = {"args": ARGUMENTS[case], "issuer": issuer}
        whole = signed(body, KEYS[issuer], now=agent.now, life=30, site="hall", agent="one", verb=verb, id=name)
        info = clients[by].publish_soon(TOPICS.command(verb, name), json.dumps(whole))
        info.wait_for_publish(PATIENCE)
        return info.mid not in clients[by].refused

    async def decided(name: str) -> str | None:
        answer = await until(lambda: next((a for a in agent.answers if a.id == name), None))
        return "accepted" if answer.state == "accepted" else answer.code

    for on_air in (False, True):
        agent.air = on_air
        for number, (case, cells) in enumerate(CELLS.items()):
            for place, user in enumerate(USERS):
                right = (
                    "accepted" if cells[on_air][place] != "-" else "on-air" if cells[0][place] != "-" else "forbidden"
                )
                own, brought = f"own-{user}-{number}-{int(on_air)}", f"brought-{user}-{number}-{int(on_air)}"
                taken = await asyncio.to_thread(publish, user, user, case, own)
                assert taken == (cells[2][place] != "-"), f"broker: {case}, {user}"
                if taken:
                    assert await decided(own) == right, f"agent: {case}, {user}, on air {on_air}"
                # and where the broker lets everything through, the agent decides the same
                assert await asyncio.to_thread(publish, "chief", user, case, brought)
                assert await decided(brought) == right, f"agent: {case}, {user}, on air {on_air}"
                due |= {name for name in ((own, brought) if taken else (brought,)) if right == "accepted"}
                asserted += 1
    assert asserted == len(POLICY) * len(Role) * 2
    await until(lambda: len(agent.counting.effects) >= len(due))
    assert {name for _, name in agent.counting.effects} == due and len(agent.counting.effects) == len(due)


async def test_a_retained_command_is_refused(
    agent: Post, broker: Mosquitto, papers: Path, plain: Callable[..., Plain]
) -> None:
    chief = await asyncio.to_thread(plain, broker.port, tls=(papers, "chief"))
    await asyncio.to_thread(chief.publish, TOPICS.command("ping", "r"), "{}", True)
    answer = await until(lambda: next((a for a in agent.answers if a.id == "r"), None))
    assert answer.code == "retained" and agent.counting.effects == []


def test_the_access_list_says_what_the_policy_says() -> None:
    """Every verb of a role is written down for its user, and none besides."""
    text = (SHIPPED / "acl").read_text(encoding="utf-8")
    allowed: dict[str, set[str]] = {}
    for part in text.split("\nuser ")[1:]:
        name, lines = part.split("\n", 1)
        allowed[name] = set(re.findall(r"^topic write studio/v1/hall/\+/down/cmd/([a-z.-]+)/\+$", lines, re.MULTILINE))
        if re.search(r"^topic write studio/v1/hall/\+/down/#$", lines, re.MULTILINE):
            allowed[name] = set(ARGS)
    for name, role in USERS.items():
        least = {row.verb for row in POLICY if row.off_air is not None and role.covers(row.off_air)}
        assert allowed[name] == least, name


@pytest.mark.parametrize("name", ["nobody", "other-authority"])
def test_who_has_no_paper_of_ours_stays_outside(broker: Mosquitto, papers: Path, tmp_path: Path, name: str) -> None:
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    if name == "other-authority":
        certificates(tmp_path / "theirs", "authority")
        certificates(tmp_path / "theirs", "client", "chief")
        context.load_cert_chain(tmp_path / "theirs/chief.pem", tmp_path / "theirs/chief.key")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as bare,
        context.wrap_socket(bare, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.sendall(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc")
        assert wrapped.recv(10) == b"", "no answer to CONNECT"
        raise ConnectionError("hung up")


def test_the_script_overwrites_nothing_and_keeps_keys_private(papers: Path) -> None:
    for key in papers.glob("*.key"):
        assert key.stat().st_mode & 0o077 == 0, key.name
    for words in (["authority"], ["broker", "127.0.0.1"], ["client", "desk"]):
        done = subprocess.run([SHIPPED / "certificates.sh", papers, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 73 and "is there already" in done.stderr
    for words in ([], ["client", "../x"], ["client", "Ä"], ["client", "broker"], ["broker", "a b"], ["broker"]):
        done = subprocess.run([SHIPPED / "certificates.sh", papers, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 64, words
