"""The AsyncAPI document: every topic and verb in it, every reference leads somewhere, every example is valid.

That the official parser takes it is checked by ``tests/acceptance/asyncapi.sh`` (it needs Node.js).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from agent.messaging import examples, numbers
from agent.messaging.asyncapi import document
from agent.messaging.commands import ARGS, read_args
from agent.messaging.topics import TABLE, Topics, parse

DOCUMENT = document("1.2.3")
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert isinstance(found, dict)


def test_every_topic_is_a_channel_and_every_verb_one_of_its_own() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values() if channel["address"]]
    assert len(addresses) == len(set(addresses))
    rows = set()
    for address in addresses:
        parsed = parse(address.replace("{", "").replace("}", ""))
        assert parsed is not None, address
        rows.add(parsed.row.name)
    assert rows == {row.name for row in TABLE}
    assert {Topics("{site}", "{agent}").command(verb, "{id}") for verb in ARGS} <= set(addresses)


def test_levels_that_vary_are_parameters_with_a_description() -> None:
    for channel in DOCUMENT["channels"].values():
        levels = {level[1:-1] for level in (channel["address"] or "").split("/") if level.startswith("{")}
        assert levels == set(channel.get("parameters", {}))
        assert all(each["description"] for each in channel.get("parameters", {}).values())


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("validator", [Draft7Validator, Draft202012Validator])
def test_every_example_is_valid_and_unknown_keys_in_commands_are_not(name: str, validator: Any) -> None:
    message = MESSAGES[name]
    schema = {"components": DOCUMENT["components"], **message["payload"]}
    checks = validator(schema)
    for example in message["examples"]:
        assert [error.message for error in checks.iter_errors(example["payload"])] == []
        if name.endswith("Command"):
            wrong = json.loads(json.dumps(example["payload"]))
            wrong["args"]["no-such-argument"] = 1
            assert list(checks.iter_errors(wrong))


@pytest.mark.parametrize("verb", ARGS)
def test_every_verb_has_an_example_the_agent_takes(verb: str) -> None:
    read_args(ARGS[verb], examples.COMMANDS[verb])


def test_answers_go_to_the_response_topic() -> None:
    for verb in ARGS:
        operation = next(o for o in DOCUMENT["operations"].values() if o["channel"]["$ref"].endswith(_command(verb)))
        assert operation["action"] == "receive"
        assert operation["reply"]["address"]["location"] == "$message.header#/responseTopic"


def _command(verb: str) -> str:
    first, *rest = verb.split(".")
    return first + "".join(word.capitalize() for word in rest) + "Command"


def test_names_of_numbers_say_their_unit_and_are_the_fields_own_elsewhere() -> None:
    tails = {"_ms": "ms", "_percent": "%", "_hz": "Hz", "_mib": "MiB", "_s": "s", "_per_s": "{message}/s"}
    for group, known in numbers.NUMBERS.items():
        for name, number in known.items():
            tail = max((t for t in tails if name.endswith(t)), key=len, default="")
            assert not tail or number.unit == tails[tail], (group, name)
    assert numbers.otel_name("network", "rtt_p95_ms") == "studio.network.rtt_p95"
    assert numbers.otel_name("host", "rss_mib") == "process.memory.usage"
    names = [numbers.otel_name(group, name) for group, known in numbers.NUMBERS.items() for name in known]
    assert len(names) == len(set(names))
