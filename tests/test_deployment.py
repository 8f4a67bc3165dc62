"""The files for a studio's machine: service unit, udev rules, broker."""

import asyncio
import configparser
import ipaddress
import json
import os
import re
import shutil
import subprocess
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from agent.__main__ import COMMANDS, main
from agent.cli.parser import SYSTEM
from agent.messaging.topics import Topics
from config.load import load
from config.model import AgentSection
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Mosquitto, Plain
from tests.processes import ROOT

UNIT = ROOT / "config/systemd/studio-agent.service"
DROP_INS = sorted((ROOT / "config/systemd/drop-in").glob("*.conf"))
PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
SECRETS = {"one": "red", "desk": "green", "viewer": "blue", "two": "grey"}


class Every(dict):
    """Keeps all values of a key that a unit file gives several times."""

    def __setitem__(self, key: str, value: object) -> None:
        if key in self and isinstance(value, list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def unit(file: Path) -> dict[str, dict[str, list[str]]]:
    """Section → key → words of all its lines."""
    parser = configparser.RawConfigParser(dict_type=Every, strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(file.read_text(encoding="utf-8"))
    return {name: {key: text.split() for key, text in parser[name].items()} for name in parser.sections()}


# --- the service -----------------------------------------------------------------------------------------------------


def test_the_unit_starts_the_agent_that_there_is() -> None:
    service = unit(UNIT)["Service"]
    program, command, *words = service["ExecStart"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Path(program).name in project["scripts"]
    assert Path(program).parent.parts[-2:] == (".venv", "bin")
    assert str(Path(program).parents[2]) in PAGE
    assert command in COMMANDS
    assert words == ["-c", str(SYSTEM)]
    assert service["ConfigurationDirectory"] == [SYSTEM.parent.name]
    assert Path("/var/lib", *service["StateDirectory"]) == AgentSection.model_fields["state_dir"].default
    assert (
        Path("/var/lib", *service["StateDirectory"]) == load(ROOT / "config/examples/studio.toml", {}).agent.state_dir
    )
    assert service["Type"] == ["notify"]
    assert int(service["WatchdogSec"][0]) >= 5
    assert service["User"] == ["studio-agent"]
    assert "useradd --system --no-create-home --shell /usr/sbin/nologin studio-agent" in PAGE


def test_what_is_not_tried_again_are_exit_codes_that_mean_so(tmp_path: Path) -> None:
    codes = {int(code) for code in unit(UNIT)["Service"]["RestartPreventExitStatus"]}
    assert codes == {os.EX_USAGE, os.EX_NOINPUT, os.EX_CANTCREAT, os.EX_CONFIG}
    table = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").split("## Exit codes")[1]
    assert not [code for code in codes if f"\n| {code} |" not in table]
    assert main(["run", "-c", str(tmp_path / "none.toml")]) == os.EX_NOINPUT
    (tmp_path / "bad.toml").write_text("[agent]\n")
    assert main(["run", "-c", str(tmp_path / "bad.toml")]) == os.EX_CONFIG
    assert main(["run", "--no-such-option"]) == os.EX_USAGE


def test_the_unit_is_tight() -> None:
    service = unit(UNIT)["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ["CAP_NET_RAW"]
    assert service["DevicePolicy"] == ["closed"]
    assert service["ProtectSystem"] == ["strict"]
    on = ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "MemoryDenyWriteExecute", "ProtectClock")
    assert [key for key in on if service[key] != ["yes"]] == []
    # The output engine outlives the agent and keeps its beat.
    assert service["KillMode"] == ["process"] and service["LimitRTPRIO"] == ["20"]
    assert service["SystemCallFilter"][-1] == "sched_setscheduler"
    # What the agent needs: serial, cameras, netlink for interfaces, packets for pings and for seeing other sources.
    assert {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"} == set(service["RestrictAddressFamilies"])
    analyze = shutil.which("systemd-analyze")
    if analyze:  # not on every machine; its verdict is in docs/deployment.md
        words = [analyze, "security", "--offline=true", "--threshold=20", str(UNIT)]
        found = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert found.returncode == 0, found.stdout[-300:] + found.stderr


@pytest.mark.parametrize("file", DROP_INS, ids=lambda path: path.name)
def test_drop_ins_change_only_what_they_say(file: Path) -> None:
    assert f"drop-in/{file.name}" in PAGE
    changes = unit(file)
    assert changes.keys() == {"Service"}
    for address in changes["Service"].get("IPAddressAllow", []):
        assert address == "localhost" or ipaddress.ip_network(address)


def test_the_page_speaks_of_files_that_are_there() -> None:
    scripts = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    named = {path for script in scripts for path in re.findall(r"(?<![\w/.])config/[\w./-]+", script)}
    assert len(named) >= 5
    assert not [path for path in named if not (ROOT / path).exists()]
    for script in scripts:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True, timeout=60)


# --- udev ------------------------------------------------------------------------------------------------------------


def test_udev_rules_have_the_form_of_rules() -> None:
    pair = re.compile(r'([A-Z]+)(\{[\w./-]+\})?(==|!=|\+=|:=|=)"([^"]*)"')
    matches = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "ATTRS", "TEST", "KERNEL"}
    assigns = {"GROUP", "MODE", "ENV", "ATTR"}
    rules = [
        line
        for line in (ROOT / "config/udev/99-studio-agent.rules").read_text().splitlines()
        if line and line[0] != "#"
    ]
    assert len(rules) >= 4
    groups = set()
    for rule in rules:
        parts = [pair.fullmatch(part) for part in rule.split(", ")]
        assert None not in parts, rule
        found = [part.groups() for part in parts if part is not None]
        assert all(op in ("==", "!=") for key, _, op, _ in found if key in matches), rule
        assert {key for key, _, _, _ in found} <= matches | assigns, rule
        assert any(op == "=" for _, _, op, _ in found), f"changes nothing: {rule}"
        groups |= {value for key, _, _, value in found if key == "GROUP"}
    assert groups == set(unit(UNIT)["Service"]["SupplementaryGroups"]), "the service is in the groups of its devices"


# --- the broker ------------------------------------------------------------------------------------------------------


@pytest.fixture
def broker(start_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto with studio.conf and acl as shipped; only folder, port and persistence are the test's."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    tool = shutil.which("mosquitto_passwd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert tool, "mosquitto_passwd belongs to the package mosquitto"
    for name, secret in SECRETS.items():
        subprocess.run([tool, "-b", str(passwords), name, secret], check=True, timeout=60, capture_output=True)
    shutil.copy(ROOT / "config/mosquitto/acl", tmp_path / "acl")
    text = (ROOT / "config/mosquitto/studio.conf").read_text(encoding="utf-8").replace("/etc/mosquitto", str(tmp_path))
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "listener", "persistence"))]
    assert "allow_anonymous false" in lines
    yield start_mosquitto(*lines)


def join(plain: Callable[..., Plain], broker: Mosquitto, name: str) -> Plain:
    return plain(broker.port, username=name, password=SECRETS[name])


def topics_heard(client: Plain) -> list[str]:
    return [message.topic for message in client.heard]


async def test_an_agent_and_its_desk_work_with_the_shipped_files(
    broker: Mosquitto, plain: Callable[..., Plain], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRETS["one"])
    secret.chmod(0o600)
    agent = await SmallAgent(broker.port, tmp_path, username="one", password_file=str(secret)).start()
    try:
        assert (await agent.bus.round_trip()).delivered is not None
        desk = join(plain, broker, "desk").subscribe("studio/v1/hall/#", "studio/reply/desk/#")
        desk.publish(agent.topics.command("ping", "p1"), "", ResponseTopic="studio/reply/desk/1")
        answered = lambda m: m.topic == "studio/reply/desk/1" and json.loads(m.payload)["state"] == "succeeded"  # noqa: E731
        await asyncio.to_thread(desk.wait, answered)
        await asyncio.to_thread(desk.wait, lambda m: m.topic == agent.topics.status and m.retain)
    finally:
        await agent.stop()


def test_nobody_writes_where_he_has_no_business(broker: Mosquitto, plain: Callable[..., Plain]) -> None:
    one, two = Topics("hall", "one"), Topics("hall", "two")
    desk = join(plain, broker, "desk").subscribe("studio/v1/hall/#")
    stolen = join(plain, broker, "two").subscribe(f"{two.prefix}/down/#", f"{one.prefix}/#", "#")
    viewer = join(plain, broker, "viewer").subscribe("studio/v1/hall/#")
    for client in (stolen, viewer):
        client.publish(one.event, "{}")
        client.publish(one.status, "{}", retain=True)
        client.publish(one.command("lights.set", "theft"), "{}")
        client.publish(one.air, "{}", retain=True)
    stolen.publish(two.event, "own")  # the last of its messages: what was allowed before it would have come before it
    desk.wait(lambda m: m.topic == two.event)
    viewer.publish(one.event, "{}")
    desk.publish(one.command("ping", "end"), "")
    desk.wait(lambda m: m.topic == one.command("ping", "end"))
    assert topics_heard(desk) == [two.event, one.command("ping", "end")]
    desk.publish(two.command("ping", "mine"), "")
    stolen.wait(lambda m: m.topic == two.command("ping", "mine"))
    assert set(topics_heard(stolen)) == {two.command("ping", "mine")}, (
        "it hears what is below its own down/, nothing else"
    )
    assert topics_heard(viewer) == [two.event], "it hears what agents say, not what they are told"


@pytest.mark.parametrize("login", [None, ("one", "guess"), ("nobody", "red")])
def test_nobody_comes_in_without_his_password(broker: Mosquitto, login: tuple[str, str] | None) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    if login is not None:
        client.username_pw_set(*login)
    told = threading.Event()
    reasons = []

    def connected(_c: object, _u: object, _f: object, reason: object, _p: object) -> None:
        reasons.append(reason)
        told.set()

    client.on_connect = connected
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        assert told.wait(30)
        assert str(reasons[0]) in ("Not authorized", "Bad user name or password")
    finally:
        with suppress(OSError):
            client.disconnect()
        client.loop_stop()
