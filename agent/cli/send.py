"""``studio-agent send VERB [TARGETS…] [key=value …]``: one command over the broker, and every answer as it comes."""

import argparse
import asyncio
import json
import os
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from agent.cli.parser import YEAR, NoConfig, complain, config_argument, find, load, seconds

if TYPE_CHECKING:
    from agent.messaging.moments import Moment, Times
    from agent.messaging.payloads import Answer
    from agent.messaging.trust.keys import Signer
    from config.broker import MqttSection

EXIT = {"succeeded": 0, "failed": 1, "cancelled": 1, "rejected": 2}
PLAIN = {
    "look.apply": "look",
    **dict.fromkeys(("look.save", "look.delete", "look.history", "look.rollback"), "look"),
    "submaster.set": "group",
    "cue.go": "cue",
    **dict.fromkeys(("cue.back", "cue.release", "cue.save", "cue.delete", "cue.history", "cue.rollback"), "list"),
    "identify": "fixture",
    "exposure.set": "mode",
    **dict.fromkeys(
        ("camera.thumbnail", "camera.lock", "camera.measure", "camera.reference", "camera.calibrate"), "camera"
    ),
    "command.cancel": "id",
    **dict.fromkeys(("rdm.survey", "rdm.identify", "rdm.set"), "output"),
    "probe.now": "probe",
    "report.get": "id",
    "alert.ack": "key",
    "log.level": "level",
    "alert.silence": "pattern",
    "alert.unsilence": "pattern",
}
"""Verbs whose first bare word is this argument; of the others it is a target, or a check for selftest.start."""

WAIT = 120.0
EXPIRY = 30
"""Whole seconds the broker keeps a command for an agent that is away, where nothing else is said."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number as people write it, also where JSON does not know it: ``.3``, ``+1``, ``2.``."""


class Misspelt(ValueError):
    """The words do not make a command; the text says which and what would be right."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", metavar="VERB", help="lights.set, look.apply, exposure.set, selftest.start, ping, …")
    parser.add_argument(
        "words", nargs="*", metavar="TARGET | KEY=VALUE", help="key role:fill intensity=0.4 fade=2; text=@FILE"
    )
    config_argument(parser)
    agent_arguments(parser)
    parser.add_argument("--id", type=_id, help="the command's id: the same again has no second effect")
    expires = "not begun after so long; without: thrown away by an MQTT 5 broker that cannot deliver it within 30 s"
    parser.add_argument("--expires-in", "--expires", type=_seconds, metavar="SECONDS", help=expires)
    moment = "+SECONDS from now, or ISO 8601 with its zone"
    parser.add_argument("--not-before", type=_moment, metavar="TIME", help=f"wait at the agent until then: {moment}")
    parser.add_argument(
        "--execute-at", type=_moment, metavar="TIME", help="begun at that moment or not at all; as above"
    )
    parser.add_argument("--issuer", metavar="NAME", help="who you are (default: shell-USER); see trust.issuers")
    parser.add_argument("--key", type=Path, metavar="FILE", help="signs it: a secret for HMAC, or an Ed25519 key (PEM)")
    parser.add_argument(
        "--wait",
        type=seconds,
        default=WAIT,
        metavar="S",
        help=f"for the last answer, from its time on (default: {WAIT:g})",
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="to the agent on this machine, without a broker: who may use its socket is admin",
    )
    parser.add_argument("--json", action="store_true", help="each answer as one JSON line")


def _id(text: str) -> str:
    """Another id would be another topic, and nobody would answer."""
    from agent.messaging.commands import ID

    if not ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: an id is 1 to 64 of A-Z a-z 0-9 _ -")
    return text


def _seconds(text: str) -> int:
    """Whole seconds above zero: with 0 the broker would throw the command away at once."""
    if not text.isdecimal() or not 0 < int(text) <= YEAR:
        raise argparse.ArgumentTypeError(f"{text!r}: whole seconds, at least 1 and at most a year")
    return int(text)


def _moment(text: str) -> "Moment":
    from agent.messaging.moments import Moment

    try:
        return Moment.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _times(options: argparse.Namespace) -> "Times":
    """Raises Misspelt for times that contradict each other."""
    from agent.messaging.moments import Times

    times = Times(options.expires_in, options.not_before, options.execute_at)
    try:
        times.fields(time.time())
    except ValueError as error:
        raise Misspelt(str(error)) from None
    return times


def agent_arguments(parser: argparse.ArgumentParser) -> None:
    """``--site`` and ``--agent``."""
    parser.add_argument("--site", help="another site than the configuration's")
    parser.add_argument("--agent", help="another agent than the configuration's")


def run(options: argparse.Namespace) -> int:
    """0 succeeded, 1 failed or cancelled, 2 rejected, 64 misspelt, 69 no broker or no answer, 78 no usable key."""
    try:
        args, times = parse(options.verb, options.words), _times(options)
    except Misspelt as error:
        complain(f"studio-agent send: {error}")
        return os.EX_USAGE
    if options.local:
        return _at_home(args, times, options)
    try:
        mqtt, site, agent = broker_of(options.config, options.site, options.agent)
    except NoConfig as error:
        complain(error)
        return error.code
    key = None
    if options.key is not None:
        from agent.messaging.trust.keys import signer
        from config.problems import ConfigError

        try:
            key = signer(options.key)
        except ConfigError as error:
            complain(f"studio-agent send: {error}")
            return os.EX_CONFIG
    return asyncio.run(_send(mqtt, site, agent, args, key, times, options))


def _at_home(args: dict[str, Any], times: "Times", options: argparse.Namespace) -> int:
    if options.site or options.agent or options.key:
        complain("studio-agent send: --local is the agent of the configuration, and needs no key: leave the others out")
        return os.EX_USAGE
    try:
        _, config = load(options.config, os.environ)
    except NoConfig as error:
        complain(error)
        return error.code
    from agent.messaging.local import NAME

    return asyncio.run(_ask(config.agent.state_dir / NAME, args, times, options))


async def _ask(socket: Path, args: dict[str, Any], times: "Times", options: argparse.Namespace) -> int:
    from agent.messaging.local import ask

    begun = time.monotonic()
    state = ""
    now = time.time()
    more = times.fields(now) | ({"id": options.id} if options.id else {})
    wait = options.wait + times.ahead(now)
    try:
        async with asyncio.timeout(wait):
            async for answer in ask(socket, options.verb, args, issuer=_issuer(options), **more):
                print(answer.model_dump_json() if options.json else line(answer, time.monotonic() - begun), flush=True)
                state = answer.state.value
    except OSError as error:
        why = error.strerror or str(error) or f"no final answer in {wait:.4g} s"
        complain(f"studio-agent send: {socket}: {why} – does the agent run, and may you use its socket?")
        return os.EX_UNAVAILABLE
    return EXIT[state]


def _issuer(options: argparse.Namespace) -> str:
    return str(options.issuer or f"shell-{os.environ.get('USER', '') or os.getuid()}"[:40])


def broker_of(given: Path | None, site: str | None, agent: str | None) -> "tuple[MqttSection, str, str]":
    """The broker and whose topics: of the configuration, or of the words; with both site and agent given no file is
    needed and the broker is the one on this machine. Raises NoConfig."""
    for option, name in (("--site", site), ("--agent", agent)):
        if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
            raise NoConfig(
                f"{option} {name!r} is no name: 1 to 63 of a-z 0-9 _ -, the first a letter or digit", os.EX_USAGE
            )
    if site and agent and find(given, os.environ) is None:
        from config.broker import MqttSection

        return MqttSection(), site, agent
    _, config = load(given, os.environ)
    return config.mqtt, site or config.agent.site, agent or config.agent.name


def parse(verb: str, words: Sequence[str]) -> dict[str, Any]:
    """The command's arguments from the words a person types. Raises Misspelt."""
    from agent.messaging.commands import ARGS
    from config.problems import nearest
    from config.units import Attribute

    if verb not in ARGS:
        raise Misspelt(f"there is no command {verb!r} – {nearest(verb, list(ARGS))}")
    fields = ARGS[verb].model_fields
    levels: Any = fields["levels"].annotation if "levels" in fields else None
    attributes = [str(each) for each in Attribute] if get_args(levels)[:1] == (Attribute,) else []
    args: dict[str, Any] = {}
    bare: list[str] = []
    given: set[str] = set()
    for word in words:
        key, equals, text = word.partition("=")
        if equals and key in given:
            raise Misspelt(f"{verb}: {key} is given twice: say it once")
        given.add(key)
        if not equals:
            bare.append(word)
        elif key in fields:
            kind = fields[key].annotation
            if key == "text" and text.startswith("@"):
                text = _content(Path(text[1:]))
            args[key] = text.split(",") if "tuple" in str(kind) else text if kind is str else _value(text)
        elif key in attributes:
            args.setdefault("levels", {})[key] = _value(text)
        else:
            raise Misspelt(f"{verb} has no argument {key!r} – {nearest(key, [*fields, *attributes])}")
    if bare:
        target = PLAIN.get(verb) or next((name for name in ("targets", "only") if name in fields), None)
        if target is None or (target in PLAIN.values() and len(bare) > 1):
            raise Misspelt(f"{verb}: what is {bare[-1]!r}? Its arguments are {', '.join(fields) or 'none'}")
        if target in args:
            raise Misspelt(f"{verb}: {bare[0]!r} and {target}= both say {target}: say it once")
        number = "float" in str(fields[target].annotation)
        args[target] = _value(bare[0]) if number else bare[0] if target in PLAIN.values() else bare
    return args


def _content(file: Path) -> str:
    """``text=@studio.toml``: what is in that file, to the byte."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        why = "it is not in UTF-8"
    except OSError as error:
        why = error.strerror or str(error)
    raise Misspelt(f"text=@{file}: {why} – after text=@ comes the name of a text file")


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return float(text) if NUMBER.fullmatch(text) else text


async def _send(
    mqtt: "MqttSection",
    site: str,
    agent: str,
    args: dict[str, Any],
    key: "Signer | None",
    times: "Times",
    options: argparse.Namespace,
) -> int:
    from agent.messaging.client import Client
    from agent.messaging.dial import NoConnection

    begun = time.monotonic()
    state = ""
    wait = options.wait + times.ahead(time.time())
    how = {"id": options.id or "", "timeout": wait, "expiry": options.expires_in or EXPIRY, "times": times}
    try:
        async with Client(mqtt, issuer=_issuer(options), key=key) as client:
            async for answer in client.send(site, agent, options.verb, args, **how):
                print(answer.model_dump_json() if options.json else line(answer, time.monotonic() - begun), flush=True)
                state = answer.state.value
    except NoConnection as error:
        complain(f"studio-agent send: no broker: {error.reason}")
        return os.EX_UNAVAILABLE
    except TimeoutError:
        complain(
            f"studio-agent send: {site}/{agent} gave no{' final' if state else ''} answer in {wait:.4g} s – "
            "is it running, and at this broker? `studio-agent watch status` shows it"
        )
        return os.EX_UNAVAILABLE
    return EXIT[state]


def line(answer: "Answer", took: float) -> str:
    """An answer for people: when, state, why, what came of it. What is said of several things in both languages has a
    line each."""
    parts = [f"{took:7.3f} s  {answer.state.value:10}"]
    if answer.progress is not None and not answer.final:
        parts.append(f"{answer.progress * 100:3.0f} %")
    if answer.due and not answer.final:
        parts.append(f"due {clock(answer.due)}")
    if answer.code is not None:
        parts.append(answer.code.value)
    if answer.message is not None:
        parts.append(answer.message.en if answer.message.en == answer.message.zh else _both(answer.message))
    said = {key: value for key, value in answer.result.items() if _is_said(value)}
    plain = {key: value for key, value in answer.result.items() if key not in said}
    parts += [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    if answer.repeated:
        parts.append("(repeated: nothing was done anew)")
    each = (one for things in said.values() for one in things.values())
    return "\n".join(["  ".join(parts).rstrip(), *(f"{'':11}{one['en']} / {one['zh']}" for one in each)])


def _is_said(value: Any) -> bool:
    """Whether it is things by name that say something to people."""
    things = list(value.values()) if isinstance(value, dict) else []
    return bool(things) and all(isinstance(each, dict) and {"en", "zh"} <= each.keys() for each in things)


def _both(said: Any) -> str:
    return f"{said.en} / {said.zh}"


def clock(ts: str) -> str:
    """Local ``HH:MM:SS.mmm`` of a payload's time stamp; now, when it has none."""
    try:
        return datetime.fromisoformat(ts).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return datetime.now(UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
