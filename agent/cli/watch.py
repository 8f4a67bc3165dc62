"""``studio-agent watch [FILTER…]``: an agent's topics, decoded, one line each; ``--live`` is the full-screen view."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.parser import NoConfig, complain, config_argument
from agent.cli.send import Misspelt, agent_arguments, broker_of, clock

if TYPE_CHECKING:
    from agent.messaging.gaps import Gaps
    from agent.messaging.message import Message
    from agent.messaging.topics import Topics
    from config.broker import MqttSection

LONG = 300
"""Characters of one value that a line shows; ``--json`` and ``--raw`` show all."""
NAMES = ("name", "verb", "code", "id", "key")
"""Where the entries of a list say what they are called."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "filters",
        nargs="*",
        metavar="FILTER",
        help="a kind of topic (status, tele, alert, cmd, state/fixture/key …) or a whole MQTT filter; default: all",
    )
    config_argument(parser)
    agent_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help='{"topic": …, "payload": …} lines, nothing left out')
    form.add_argument("--raw", action="store_true", help="topic and payload as they are")
    form.add_argument("--live", action="store_true", help="full screen")
    parser.add_argument("--language", choices=("en", "zh", "both"), default="both", help="of --live")


def run(options: argparse.Namespace) -> int:
    """Until Ctrl-C; 64 for a filter of no topic, or --live without a terminal or with filters; 69 when the broker
    cannot be had or is lost."""
    if options.live and not sys.stdout.isatty():
        complain(
            "studio-agent watch: --live needs a terminal to draw on: for a pipe leave it out (lines) or use --json"
        )
        return os.EX_USAGE
    if options.live and options.filters:
        complain("studio-agent watch: --live shows everything: leave the filters out")
        return os.EX_USAGE
    try:
        mqtt, site, agent = broker_of(options.config, options.site, options.agent)
    except NoConfig as error:
        complain(error)
        return error.code
    from agent.messaging.topics import Topics

    topics = Topics(site, agent)
    if options.live:
        from agent.cli.view.live import watch_live

        return asyncio.run(watch_live(mqtt, topics, options.language))
    form = "json" if options.json else "raw" if options.raw else "lines"
    try:
        wanted = filters(options.filters, topics)
    except Misspelt as error:
        complain(f"studio-agent watch: {error}")
        return os.EX_USAGE
    return asyncio.run(_watch(mqtt, wanted, form))


def filters(words: Sequence[str], topics: "Topics") -> list[str]:
    """MQTT filters from what a person types: whole ones as they are, others below ``up/`` of the agent. Raises
    Misspelt for one of these that is no topic's."""
    if not words:
        return [topics.up, topics.down]
    found = []
    for word in words:
        if word.startswith(("studio/", "$", "#", "+")):
            found.append(word)
        else:
            below = word if word.startswith(("up/", "down/")) else f"up/{word}"
            _known(word, below)
            whole = below.rstrip("/")
            found.append(f"{topics.prefix}/{whole}" + ("" if whole.endswith("#") else "/#"))  # a/# is a itself, too
    return found


def _known(word: str, below: str) -> None:
    """Raises Misspelt when no topic of the table can match ``below``, its own or one beneath it."""
    from agent.messaging.topics import TABLE
    from config.problems import nearest

    asked = below.rstrip("/").split("/")
    for row in TABLE:
        levels = row.pattern.split("/")
        fits = all(a in (level, "+", "#") or level.startswith("{") for a, level in zip(asked, levels, strict=False))
        if fits and len(asked) <= len(levels) + (asked[-1] == "#"):
            return
    starts = [row.pattern.partition("/{")[0].removeprefix("up/") for row in TABLE]
    raise Misspelt(f"no topic is called {word!r} – {nearest(word, list(dict.fromkeys(starts)))}")


async def _watch(mqtt: "MqttSection", wanted: Sequence[str], form: str) -> int:
    from agent.messaging.client import Client
    from agent.messaging.dial import NoConnection
    from agent.messaging.gaps import Gaps

    gaps = Gaps()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        async with Client(mqtt, issuer="watch") as client:
            async for message in client.watch(*wanted):
                print(shown(message, form), flush=True)
                if said := missing(message, gaps):
                    complain(f"studio-agent watch: {said}")
    except asyncio.CancelledError:
        return os.EX_OK
    except NoConnection as error:
        complain(f"studio-agent watch: no broker: {error.reason}")
        return os.EX_UNAVAILABLE
    return os.EX_OK


def missing(message: "Message", gaps: "Gaps") -> str:
    """What is to be said about messages before this one that did not come; mostly nothing."""
    try:
        found = json.loads(message.payload)
        return gaps.see(message.topic, str(found["boot"]), int(found["nth"]))
    except (ValueError, TypeError, KeyError):
        return ""


def shown(message: "Message", form: str) -> str:
    """One message as one line."""
    body = message.payload.decode("utf-8", "replace")
    if form == "raw":
        return f"{message.topic} {body}"
    try:
        found: Any = json.loads(body) if body else None
    except ValueError:
        found = body
    if form == "json":
        return json.dumps({"topic": message.topic, "retained": message.retain, "payload": found}, ensure_ascii=False)
    from agent.messaging.topics import parse

    known = parse(message.topic)
    name = message.topic
    if known is not None:
        name = message.topic.removeprefix(f"studio/v1/{known.site}/{known.agent}/")
    kept = "•" if message.retain else " "
    ts = found.get("ts", "") if isinstance(found, dict) else ""
    return f"{clock(str(ts))} {kept} {name:34} {_said(found)}"


def _said(found: Any) -> str:
    """``key=value`` of everything but the header; texts in English, a list of tables by the names in it."""
    from agent.messaging.header import HEADER

    if found is None:
        return "(emptied)"
    if not isinstance(found, dict):
        return str(found)
    parts = []
    for key, value in found.items():
        if key in HEADER or value is None or value in ("", {}, []):
            continue
        if isinstance(value, dict) and value.keys() == {"en", "zh"}:
            parts.append(f"{key}={value['en']!r}")
        elif isinstance(value, dict):
            parts += [f"{key}.{inner}={_short(each)}" for inner, each in value.items()]
        else:
            parts.append(f"{key}={_short(value)}")
    return " ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return "[" + ", ".join(_called(each) for each in value) + "]"
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return said if len(said) <= LONG else said[: LONG - 1] + "…"


def _called(entry: dict[str, Any]) -> str:
    """What an entry of a list is called, with what it says to people; one without a name as JSON."""
    name = next((str(entry[key]) for key in NAMES if key in entry), None)
    text = entry.get("text")
    if name is None:
        return _short(entry)
    return f"{name} {text['en']!r}" if isinstance(text, dict) and "en" in text else name
