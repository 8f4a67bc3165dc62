"""The agent as an AsyncAPI 3.1 document, made from the topic table and the payload models. Pure.

The document describes the agent: what it *sends* (``up/``) and *receives* (``down/``). Each verb is a channel of its
own, so that a client generated from the document has typed arguments. Answers go to the MQTT 5 response topic, which is
a reply with a dynamic address (AsyncAPI 3.1, Operation Reply Object).
"""

from typing import Any

from agent.messaging import numbers
from agent.messaging.commands import ARGS, MAX_BYTES, Envelope
from agent.messaging.examples import COMMANDS, said
from agent.messaging.payloads import Telemetry
from agent.messaging.schema import definitions
from agent.messaging.topics import ONLY, ROOT, TABLE, Row

VERSION = "3.1.0"
REF = "#/components/schemas/{model}"

LEVELS = {
    "site": "Place or customer, `agent.site` of the configuration.",
    "agent": "The agent, `agent.name` of the configuration.",
    "name": "Name of the fixture, device or camera in the configuration.",
    "group": "Group of numbers.",
    "kind": "light, level, exposure, look, identify, release or selftest.",
    "key": "Key of the alert.",
    "verb": "The command's verb.",
    "id": "The command's id, chosen by whoever sends it.",
}


def document(version: str = "") -> dict[str, Any]:
    """The whole document; ``version`` is the agent's."""
    schemas = _schemas()
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for row in TABLE:
        if row.name == "command":
            for verb in ARGS:
                name = _camel(f"{verb}.command")
                messages[name] = _command(verb)
                channels[name] = _channel(row, name, {"verb": verb})
                operations[f"receive{_upper(name)}"] = _receive(row, name) | {"reply": _reply()}
            continue
        for group in numbers.NUMBERS if row.payload is Telemetry else ("",):
            name = _camel(f"tele.{group}" if group else row.name)
            messages[name] = _message(row, group)
            fixed = {"group": group, "name": ONLY.get(group, "{name}")} if group else {}
            channels[name] = _channel(row, name, fixed)
            operation = _receive(row, name) if row.direction == "down" else _send(row, name)
            operations[f"{operation['action']}{_upper(name)}"] = operation
    channels["reply"] = {
        "address": None,
        "title": "Where answers go",
        "description": "The MQTT 5 response topic of the command; before MQTT 5 its `reply_to`.",
        "messages": {"answer": {"$ref": "#/components/messages/answer"}},
    }
    return {
        "asyncapi": VERSION,
        "id": "urn:studio-edge-agent:v1",
        "info": {
            "title": "Studio Edge Agent",
            "version": version or "0",
            "description": "Lights, cameras, network and self-test of a livestream studio, on MQTT. "
            "Receivers ignore fields they do not know; in what is sent to the agent unknown keys are refused. "
            f"A command is at most {MAX_BYTES} bytes.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "The site's broker; MQTT 3.1.1 does, too.",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "1883"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas, "messages": messages},
    }


def _schemas() -> dict[str, Any]:
    found = definitions(REF)
    for group in numbers.NUMBERS:
        found[f"Telemetry{_upper(group)}"] = {
            "title": f"Telemetry, {group}",
            "allOf": [{"$ref": REF.format(model=Telemetry.__name__)}, numbers.schema(group)],
        }
    return found


def _message(row: Row, group: str) -> dict[str, Any]:
    model = f"Telemetry{_upper(group)}" if group else row.payload.__name__
    return {
        "name": row.payload.__name__,
        "title": row.meaning.replace("`", ""),
        "contentType": "application/json",
        "payload": {"$ref": REF.format(model=model)},
        "examples": [{"name": "example", "payload": said(row, group)}],
    }


def _command(verb: str) -> dict[str, Any]:
    args = ARGS[verb]
    payload = {
        "allOf": [
            {"$ref": REF.format(model=Envelope.__name__)},
            {"type": "object", "properties": {"args": {"$ref": REF.format(model=args.__name__)}}},
        ]
    }
    return {
        "name": verb,
        "title": (args.__doc__ or "").strip(),
        "contentType": "application/json",
        "correlationId": {
            "description": "MQTT 5 correlation data; it comes back as it was sent.",
            "location": "$message.header#/correlationData",
        },
        "payload": payload,
        "examples": [{"name": "example", "payload": {"args": dict(COMMANDS[verb]), "issuer": "console-1"}}],
    }


def _channel(row: Row, message: str, fixed: dict[str, str]) -> dict[str, Any]:
    address = f"{ROOT}/{{site}}/{{agent}}/{row.pattern}"
    for level, value in fixed.items():
        address = address.replace(f"{{{level}}}", value)
    levels = [level[1:-1] for level in address.split("/") if level.startswith("{")]
    return {
        "address": address,
        "description": row.meaning,
        "parameters": {level: {"description": LEVELS[level]} for level in levels},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _send(row: Row, name: str) -> dict[str, Any]:
    return _operation("send", row, name)


def _receive(row: Row, name: str) -> dict[str, Any]:
    return _operation("receive", row, name)


def _operation(action: str, row: Row, name: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": row.meaning.replace("`", ""),
        "bindings": {"mqtt": {"qos": row.qos, "retain": row.retained, "bindingVersion": "0.2.0"}},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }


def _reply() -> dict[str, Any]:
    return {
        "address": {
            "description": "The response topic of the command.",
            "location": "$message.header#/responseTopic",
        },
        "channel": {"$ref": "#/channels/reply"},
        "messages": [{"$ref": "#/channels/reply/messages/answer"}],
    }


def _camel(name: str) -> str:
    """``lights.set.command`` → ``lightsSetCommand``."""
    first, *rest = name.replace("-", ".").split(".")
    return first + "".join(_upper(word) for word in rest)


def _upper(word: str) -> str:
    return word[:1].upper() + word[1:]
