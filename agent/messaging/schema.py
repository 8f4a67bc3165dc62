"""Everything on the wire as one JSON Schema document, for ``studio-agent schema`` and for programs of others. Pure."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agent.messaging.commands import ARGS, MAX_BYTES, MAX_DEPTH, Envelope
from agent.messaging.lifecycle import NEXT, SAID
from agent.messaging.topics import ROOT, TABLE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REF = "#/$defs/{model}"


def definitions(reference: str) -> dict[str, Any]:
    """The schema of every payload and of every verb's arguments, by the model's name. ``reference``: how they point to
    each other, with ``{model}`` in it."""
    modes: dict[type[BaseModel], Literal["validation", "serialization"]] = {}
    for row in TABLE:
        modes[row.payload] = "serialization" if row.direction == "up" else "validation"
    for args in ARGS.values():
        modes[args] = "validation"
    _, found = models_json_schema(list(modes.items()), ref_template=reference)
    known: dict[str, Any] = found["$defs"]
    return known


def document(version: str = "") -> dict[str, Any]:
    """The topics, the commands with their arguments, the life cycle, the reason codes, and a schema of each payload.

    ``topics[].payload`` and ``commands.<verb>.args`` point into ``$defs``. What the agent sends may grow: receivers
    ignore what they do not know. What it is sent may not: unknown keys are refused.
    """
    return {
        "$schema": DIALECT,
        "$id": "urn:studio-edge-agent:v1",
        "title": "Studio Edge Agent on MQTT",
        "version": version,
        "topics": [
            {
                "name": row.name,
                "topic": f"{ROOT}/{{site}}/{{agent}}/{row.pattern}",
                "direction": row.direction,
                "qos": row.qos,
                "retained": row.retained,
                "payload": {"$ref": REF.format(model=row.payload.__name__)},
                "description": row.meaning,
            }
            for row in TABLE
        ],
        "commands": {
            verb: {"description": (args.__doc__ or "").strip(), "args": {"$ref": REF.format(model=args.__name__)}}
            for verb, args in ARGS.items()
        },
        "envelope": {"$ref": REF.format(model=Envelope.__name__)},
        "limits": {"bytes": MAX_BYTES, "depth": MAX_DEPTH},
        "states": {str(state or "start"): sorted(after) for state, after in NEXT.items()},
        "reasons": {code: {"en": text.en, "zh": text.zh} for code, text in SAID.items()},
        "$defs": definitions(REF),
    }
