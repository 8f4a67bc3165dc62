"""Trust in the whole agent: the documented recipe, a key that is withdrawn, and secrets that stay where they are."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.messaging.client import SIGNED_FOR, Client
from agent.messaging.moments import Moment, Times
from agent.messaging.topics import Topics
from agent.messaging.trust.file import verify
from agent.messaging.trust.gate import Gate
from agent.messaging.trust.keys import HmacKey, signer
from config.load import load
from tests.agent.app.conftest import House
from tests.brokers import Plain, said, saying
from tests.processes import ROOT
from tests.waiting import PATIENCE, until

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
CANARY = "canary-7d1f-of-the-desk-0c55"


@pytest.fixture
def listed(house: House) -> House:
    """A house with one issuer, the desk."""
    key = house.folder / "desk.key"
    key.write_text(CANARY + "\n")
    key.chmod(0o600)
    with house.file.open("a", encoding="utf-8") as file:
        file.write(f'\n[trust.issuers.desk]\nrole = "operator"\nkey_file = "{key}"\n')
    return house


def recipe() -> str:
    return PAGE.split("```python\n")[1].split("```")[0]


async def test_the_recipe_of_the_page_is_understood_once(listed: House, plain: Callable[..., Plain]) -> None:
    async with listed.running() as agent:
        await until(agent.bus.online.is_set)
        desk = plain(listed.port).subscribe(f"{agent.topics.prefix}/up/#")

        async def run(name: str, code: str) -> str:
            command = (sys.executable, "-c", code.replace("1883", str(listed.port)), name)
            process = await asyncio.create_subprocess_exec(*command, cwd=listed.folder)
            assert await process.wait() == 0
            topic = agent.topics.answer("lights.set", name)
            final = saying(topic, lambda answer: answer["state"] in ("succeeded", "rejected"))
            answer = said(await asyncio.to_thread(desk.wait, final))
            return str(answer["code"] or answer["state"])

        assert await run("a", recipe()) == "succeeded"
        assert agent.rig.scene.levels("key", agent.now())["intensity"] == pytest.approx(0.35)
        assert await run("b", recipe().replace("0.35, ", "0.36").replace("sha256).hex", "sha512).hex")) == "untrusted"
        status = await asyncio.to_thread(desk.wait, saying(agent.topics.status))
        assert said(status)["trust"] == "listed"
        signed = saying(agent.topics.audit, lambda r: r["id"] == "a" and r["state"] == "succeeded" and r["signed"])
        await asyncio.to_thread(desk.wait, signed)
    assert verify(listed.folder / "state/trust.sqlite").faults == ()


async def test_send_signs_and_a_reload_withdraws_the_key(
    listed: House, plain: Callable[..., Plain], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listed.running() as agent:
        await until(agent.bus.online.is_set)
        for name, value in listed.environ.items():  # as the shell would find the same broker
            monkeypatch.setenv(name, value)
        words = ["send", "ping", "-c", str(listed.file), "--issuer", "desk", "--json"]
        keyed = [*words, "--key", str(listed.folder / "desk.key")]

        async def send(words: list[str]) -> tuple[int, str]:
            code = await asyncio.to_thread(main, words)
            return code, capfd.readouterr().out.strip().splitlines()[-1]

        assert (await send(keyed))[0] == 0
        code, last = await send(words)
        assert code == 2 and json.loads(last)["code"] == "untrusted"
        desk = plain(listed.port).subscribe(agent.topics.status)
        listed.change('role = "operator"\nkey_file', 'role = "viewer"\nkey_file')
        listed.change("[trust.issuers.desk]", "[trust.issuers.other]")
        await agent.reload()
        code, last = await send(keyed)
        assert code == 2 and json.loads(last)["code"] == "untrusted"
        listed.file.write_text(listed.file.read_text().split("[trust.issuers.other]")[0])
        await agent.reload()
        await asyncio.to_thread(desk.wait, saying(agent.topics.status, lambda status: status["trust"] == "open"))
        assert (await send(words))[0] == 0


async def test_what_is_signed_for_later_lives_until_then(listed: House) -> None:
    async with listed.running() as agent:
        await until(agent.bus.online.is_set)
        key = signer(listed.folder / "desk.key")
        later = Times(execute_at=Moment(10 * SIGNED_FOR, ahead=True))
        async with (
            Client(agent.config.mqtt, issuer="desk", key=key) as client,
            aclosing(client.send("demo", "studio", "ping", times=later)) as answers,
        ):
            states = [(await anext(answers)).state.value for _ in range(2)]
        assert states == ["accepted", "scheduled"]


async def test_a_key_that_others_may_read_keeps_only_its_issuer_out(
    listed: House, capfd: pytest.CaptureFixture[str]
) -> None:
    (listed.folder / "desk.key").chmod(0o644)
    assert main(["check-config", str(listed.file)]) == 78
    assert "trust.issuers.desk.key_file" in capfd.readouterr().err
    async with listed.running() as agent:
        assert agent.trust.gate.mode == "listed"
        assert (await listed.send("ping", {}, issuer="desk")).code == "untrusted"


async def test_no_secret_leaves_its_file(
    listed: House, plain: Callable[..., Plain], capfd: pytest.CaptureFixture[str]
) -> None:
    """The canary is looked for in everything that comes out of the service: messages, its log at its most talkative,
    the state folder, dumps, what a person is shown."""
    config = load(listed.file, listed.environ)
    topics = Topics(config.agent.site, config.agent.name)
    ears = plain(listed.port).subscribe("#")
    log = listed.folder / "log"
    words = ("-m", "agent", "run", "-c", str(listed.file), "--virtual", "--log-level", "debug")
    with log.open("wb") as stderr:
        service = await asyncio.create_subprocess_exec(
            sys.executable, *words, cwd=ROOT, env={**os.environ, **listed.environ}, stdout=stderr, stderr=stderr
        )
    try:
        await asyncio.to_thread(ears.wait, saying(topics.status, lambda status: status["ready"]))
        codes = []
        for key in (None, HmacKey(CANARY.encode()), HmacKey(b"another secret of the desk")):
            async with Client(config.mqtt, issuer="desk", key=key) as client:
                for verb, args in (("ping", {}), ("reload", {}), ("selftest.start", {"only": ["AGT-*"]})):
                    codes += [a.code async for a in client.send("demo", "studio", verb, args) if a.final]
        assert codes == ["untrusted"] * 3 + [None, "forbidden", None] + ["untrusted"] * 3
        service.send_signal(signal.SIGHUP)
        await until(lambda: b"config.reloaded" in log.read_bytes())
    finally:
        service.terminate()
        await asyncio.wait_for(service.wait(), PATIENCE)
    main(["audit", "show", "--last", "1000", "--file", str(listed.folder / "state/trust.sqlite")])
    main(["check-config", str(listed.file)])
    shown = capfd.readouterr()
    gate = Gate(topics, None, wall=None, mono=None, on_air=None)  # type: ignore[arg-type]
    gate.use(config.trust, {"desk": HmacKey(CANARY.encode())})
    out = [log.read_bytes()] + [
        text.encode() for text in (shown.out, shown.err, repr(config), config.model_dump_json(), repr(vars(gate)))
    ]
    out += [message.topic.encode() + message.payload for message in ears.heard]
    out += [path.read_bytes() for path in (listed.folder / "state").rglob("*") if path.is_file()]
    whole = b"".join(out)
    assert all(word in whole for word in (b"command.accepted", b"hmac-sha256", b"untrusted")), (
        "there is something there"
    )
    raw = CANARY.encode()
    for spelling in (raw, raw.hex().encode(), base64.b64encode(raw), repr(raw).encode()):
        assert not [text[:200] for text in out if spelling in text]


def test_scripts_of_the_page_are_shell(tmp_path: Path) -> None:
    scripts = [part.split("```")[0] for part in PAGE.split("```sh\n")[1:]]
    assert len(scripts) == 3
    for script in scripts:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True, timeout=60)
    subprocess.run(["sh", "-e"], input=scripts[0], text=True, check=True, timeout=60, cwd=tmp_path, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"desk.key", "service.pem", "service.pub"}
