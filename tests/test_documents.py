"""The documents tell the truth: tables are what the code says, examples run, commands are understood."""

import asyncio
import importlib
import inspect
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from agent.__main__ import COMMANDS, main
from agent.cli import send
from agent.cli.parser import Parser
from agent.messaging import examples, topics
from agent.messaging.commands import ARGS, read_args, read_envelope
from agent.messaging.payloads import AirMessage
from agent.selftest.catalogue import CATALOGUE, OF_DRIVERS
from agent.selftest.engine import run
from docs import make, typed
from docs.fields import fields
from drivers import registry
from drivers.base import Impact
from firmware_profiles import library
from tests.agent.app.conftest import House
from tests.agent.selftest.rooms import room
from tests.brokers import Mosquitto, Plain
from tests.firmware_profiles.importers import builders
from tests.processes import ROOT
from tests.waiting import until

DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
LAUNCHER = ("setup", "test", "bench", "fmt")
"""Words that `./studio` answers itself; tests/test_launcher.py has them."""


def blocks(page: str, language: str) -> list[str]:
    """What stands in fences of that language on a page."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)
    return [text for spoken, text in fences if spoken == language]


# --- tables ----------------------------------------------------------------------------------------------------------


def test_no_page_is_stale() -> None:
    pages = ", ".join(path.name for path in make.stale())
    assert not pages, f"{pages}: the code says something else now; run {make.COMMAND}"


def test_every_table_is_on_a_page_that_names_the_command() -> None:
    on = {name: re.findall(r"<!-- make: ([\w-]+) -->", text) for name, text in PAGES.items()}
    assert sorted(name for names in on.values() for name in names) == sorted(make.BLOCKS)
    assert not [page for page, names in on.items() if names and make.COMMAND not in PAGES[page]]


def test_every_verb_has_an_example_as_typed_and_as_sent() -> None:
    assert typed.EXAMPLES.keys() == examples.COMMANDS.keys() == ARGS.keys()
    for verb, words in typed.EXAMPLES.items():
        assert read_args(ARGS[verb], send.parse(verb, shlex.split(words))) == read_args(
            ARGS[verb], examples.COMMANDS[verb]
        )


def test_links_lead_somewhere() -> None:
    def anchors(text: str) -> set[str]:
        heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}

    lost = []
    for page, text in PAGES.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("https://"):
                continue
            file, _, anchor = target.partition("#")
            path = (DOCS / file) if file else DOCS / page
            if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
                lost.append(f"{page}: {target}")
    assert not lost


def test_the_index_names_every_page() -> None:
    assert not [page for page in PAGES if page != "README.md" and f"({page})" not in PAGES["README.md"]]


# --- the self-test's page ------------------------------------------------------------------------------------------


def checks() -> dict[str, dict[str, str]]:
    return tomllib.loads((DOCS / "checks.toml").read_text(encoding="utf-8"))


def test_the_catalogue_is_whole() -> None:
    assert sorted(checks()) == sorted({*CATALOGUE, *OF_DRIVERS}), "docs/checks.toml and the catalogue differ"


def test_remedies_of_drivers_are_those_that_the_drivers_give() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "drivers").rglob("*.py")))
    own = {name: more for name, more in checks().items() if name not in CATALOGUE}
    assert own.keys() == set(OF_DRIVERS)
    assert not [(name, more[lang]) for name, more in own.items() for lang in ("en", "zh") if more[lang] not in sources]


async def test_units_limits_and_impact_are_those_of_a_real_run(tmp_path: Path) -> None:
    async with room(tmp_path, exposure={"camera": "front", "fixtures": ["key"]}) as studio:
        report = await run(
            studio.around, "full", ["SER-*", "WID-*", "DMX-*", "CAM-*", "NET-0*", "SYS-*", "AGT-*", "LGT-*:back"]
        )
    told = checks()
    compared = set()
    for check in report.checks:
        assert (check.impact is Impact.VISIBLE) == check.id.startswith("LGT"), check.id
        limits = make.limits_of(told[check.id])
        if check.value is None or limits is None or (check.limits.warn is None and check.limits.fail is None):
            continue
        said = (check.limits.warn, check.limits.fail, check.limits.below, check.unit)
        assert said == (limits.warn, limits.fail, limits.below, told[check.id]["unit"]), check.id
        compared.add(check.id)
    assert {"SER-03", "WID-01", "DMX-02", "CAM-02", "CAM-06", "NET-02", "SYS-02", "AGT-01", "LGT-05"} <= compared


class Bounds(BaseModel):
    inside: Annotated[float, Field(ge=0, le=1)] = 1
    above: Annotated[float, Field(gt=0, le=1)] = 1
    below: Annotated[int, Field(ge=0, lt=5)] = 1
    between: Annotated[float, Field(gt=0, lt=5)] = 1
    narrower: Annotated[float, Field(ge=-20, le=20)] = Field(1, gt=0)


def test_a_bound_that_is_left_out_is_shown_as_such() -> None:
    rows = [line.split(" | ")[1] for line in fields(Bounds).splitlines()[2:]]
    assert rows == [
        "number, 0…1",
        "number, above 0, at most 1",
        "whole number, at least 0, below 5",
        "number, above 0, below 5",
        "number, above 0, at most 20",
    ]


# --- commands and configurations -----------------------------------------------------------------------------------


def shown() -> Iterator[tuple[str, list[str]]]:
    """Every `./studio …` or `studio-agent …` on any page, as words after the program."""
    for page, text in PAGES.items():
        lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
        lines += re.findall(r"`(\./studio [^`]+)`", re.sub(r"\s*\n\s*", " ", text))
        for line in lines:
            found = re.search(r"(?:\./studio|bin/studio-agent) ([a-z].*)", line)
            if found:
                words = shlex.split(re.split(r" && | \|", found[1])[0], comments=True)
                yield page, words


def test_every_command_that_is_shown_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    wrong, count = [], 0
    for page, words in shown():
        if words[0] in LAUNCHER or {"COMMAND", "…"} & set(words):
            continue
        count += 1
        assert words[0] in COMMANDS, f"{page}: {words}"
        module = importlib.import_module(COMMANDS[words[0]][0])
        parser = Parser(prog="studio-agent")
        module.arguments(parser)
        try:
            options = parser.parse_args(words[1:])
            if words[0] == "send":
                read_args(ARGS[options.verb], send.parse(options.verb, options.words))
        except (SystemExit, send.Misspelt) as error:
            wrong.append(f"{page}: {shlex.join(words)}: {error} {capsys.readouterr().err}")
    assert not wrong
    assert count > 30


def test_check_config_says_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["check-config", "config/examples/studio.toml"]) == 0
    assert capsys.readouterr().out in blocks("configuration.md", "")
    whole = blocks("configuration.md", "toml")[0]
    assert whole.strip() in (ROOT / "config/examples/minimal.toml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("studio.toml").write_text(whole, encoding="utf-8")
    assert main(["check-config", "studio.toml"]) == 0
    capsys.readouterr()
    Path("studio.toml").write_text(whole.replace("address = 1\n", "address = 513\n"), encoding="utf-8")
    assert main(["check-config", "studio.toml"]) == 78
    assert capsys.readouterr().err in blocks("configuration.md", "")


def test_the_profile_of_the_page_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/tube.toml").write_text(blocks("profiles.md", "toml")[0], encoding="utf-8")
    personality = library.load((tmp_path / "profiles",)).find("acme/tube-2").personalities["6ch"]
    assert personality.footprint == 6, "the mode is called 6ch"
    whole = blocks("configuration.md", "toml")[0].replace("generic/bicolour-panel", "acme/tube-2").replace("2ch", "6ch")
    file = tmp_path / "studio.toml"
    file.write_text(whole.replace("[outputs", 'profile_dirs = ["profiles"]\n\n[outputs', 1), encoding="utf-8")
    assert main(["check-config", str(file)]) == 0
    assert main(["profile", "show", "acme/tube-2", "-c", str(file)]) == 0
    assert "6ch" in capsys.readouterr().out


def test_the_profile_commands_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_AGENT_CONFIG", str(ROOT / "config/examples/minimal.toml"))
    monkeypatch.chdir(tmp_path)
    builders.saved(tmp_path, builders.ofl({"Dimmer": builders.DIMMER}, ("8 bit", ["Dimmer"])))
    builders.gdtf(tmp_path, ("8 bit", [builders.channel("1", "Dimmer")]))
    for script in blocks("profiles.md", "sh"):
        for line in script.splitlines():
            assert main(shlex.split(line)[1:]) == 0
    assert "generic/bicolour-panel" in capsys.readouterr().out
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.toml")) == [
        "profiles/acme/tube-2.toml",
        "site/acme-lights/tube-2.toml",
    ]


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_options_of_drivers_as_shown_are_valid(name: str) -> None:
    options = tomllib.loads(PAGES["configuration.md"].split(f"### `{name}`")[1].split("```toml\n")[1].split("```")[0])
    registry.find(name).options.model_validate(options.get("options", {}))


# --- MQTT ------------------------------------------------------------------------------------------------------------


def test_every_message_on_the_page_is_one_that_the_agent_takes() -> None:
    seen = set()
    for block in blocks("mqtt.md", "json"):
        topic, _, body = block.partition("\n")
        found = topics.parse(topic)
        assert found is not None, topic
        if found.row.name == "air":
            AirMessage.model_validate_json(body)
        else:
            read_args(ARGS[found.parts["verb"]], read_envelope(body.encode()).args)
        seen.add(found.parts.get("verb", "air"))
    assert seen == {*ARGS, "air"}


@pytest.fixture
async def house(tmp_path: Path, mosquitto: Mosquitto) -> House:
    return House(tmp_path, mosquitto.port)


async def example(number: int, port: int) -> str:
    """Run a Python example of the page as it stands, but for the port; what it printed."""
    code = blocks("mqtt.md", "python")[number]
    assert "1883" in code
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code.replace("1883", str(port)), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0
    return out.decode()


async def test_the_examples_of_the_page_do_what_it_says(house: House, plain: Callable[..., Plain]) -> None:
    async with house.running() as agent:
        await until(agent.bus.online.is_set)
        said = await example(0, house.port)
        assert "\n".join(line.rstrip() for line in said.splitlines()) == blocks("mqtt.md", "")[1].strip()
        assert agent.rig.scene.levels("key", agent.now())["intensity"] == pytest.approx(0.3)
        again = await example(0, house.port)
        assert [line.split()[0] for line in again.splitlines()] == ["succeeded"]
        assert (await example(1, house.port)).splitlines()[-1] == "order 66 succeeded"
        block = next(b for b in blocks("mqtt.md", "json") if "reply_to" in b)
        desk = plain(house.port, version="3.1.1").subscribe("studio/reply/desk")
        topic, _, body = block.partition("\n")
        desk.publish(topic, body)
        await asyncio.to_thread(desk.wait, lambda m: json.loads(m.payload)["state"] == "succeeded")


# fmt: off
APART = (
    "exposure.commission", "exposure.prove", "camera.lock", "camera.calibrate",
    "selftest.start", "maintenance.accept", "maintenance.rebaseline", "identify",
    "lights.stop", "lights.stop.reset", "lights.master", "lights.blackout", "lights.restore", "look.delete",
    "look.history", "look.rollback", "cue.back", "cue.delete", "cue.rollback", "config.propose", "config.apply",
    "config.rollback", "report.get", "alert.ack", "alert.unsilence",
)
# fmt: on
"""Commands that take long, that leave others no light to move, or that need another before: they have own tests."""


async def test_commands_numbers_and_alerts_of_the_pages_are_those_of_a_running_agent(
    house: House, plain: Callable[..., Plain]
) -> None:
    async with house.running() as agent:
        await until(agent.bus.online.is_set)
        ears = plain(house.port).subscribe(f"{agent.topics.prefix}/up/tele/#")
        house.air(False)
        quick = {verb: words for verb, words in typed.EXAMPLES.items() if verb not in APART}
        answers = await asyncio.gather(
            *(house.send(verb, send.parse(verb, shlex.split(words))) for verb, words in quick.items())
        )
        # three of them want the same lights at once: who comes last has them
        refused = {a.verb: a.code for a in answers if a.state != "succeeded" and a.code != "superseded"}
        # the demo's widget has no RDM; one of the three may find the line still taken by another
        assert {refused.pop(verb) for verb in ("rdm.survey", "rdm.identify", "rdm.set")} <= {"unsupported", "busy"}
        assert refused.pop("camera.thumbnail") == "unsupported", "the demo's pictures stay where they are"
        assert refused == dict.fromkeys(("selftest.cancel", "command.cancel"), "unknown-target")
        for number in ("cpu_percent", "frames", "ev_stops", "rtt_p50_ms"):
            await asyncio.to_thread(ears.wait, lambda m, number=number: number in json.loads(m.payload))
        table = PAGES["mqtt.md"].split("<!-- make: numbers -->")[1].split("<!-- end -->")[0]
        sent = {name for m in ears.heard for name in json.loads(m.payload)} - make.HEADER
        assert sent == set(re.findall(r"^\| `([a-z0-9_]+)`", table, re.MULTILINE))
        told = re.findall(r"^\| `([a-z]+(?:\.NAME)?\.[a-z-]+)`", PAGES["operations.md"], re.MULTILINE)
        keys = {condition.key for condition in agent.herald.conditions()}
        assert keys
        assert not {key for key in keys if not any(fnmatchcase(key, t.replace("NAME", "*")) for t in told)}


def test_this_file_looks_at_every_python_and_message_block() -> None:
    assert len(blocks("mqtt.md", "python")) == 2
    assert "example(1" in inspect.getsource(test_the_examples_of_the_page_do_what_it_says)
