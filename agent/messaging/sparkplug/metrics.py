"""Which metrics there are: the node's, and those of each kind of device. Pure; the documents are made from it.

A light, output, camera or probe is a device called ``<kind>-<name>``, since names are unique only within their kind.
Metric names are folders and words; the last word of a measured number is its name in telemetry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.messaging.numbers import NUMBERS
from agent.messaging.payloads import Inventory
from agent.messaging.sparkplug.payload import DataType

NODE = ""
"""The node itself, where a device's id stands otherwise."""
REBIRTH = "Node Control/Rebirth"
DEVICE_REBIRTH = "Device Control/Rebirth"
BDSEQ = "bdSeq"
LEVEL = "Levels/"
TARGET = "Targets/"
UNITS = {"cct": "K"}
"""Units of a light's attributes as UCUM codes; the others are shares of full light."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. ``writable``: a host may write it. ``unit`` is a UCUM code, told as property ``engUnit``."""

    name: str
    datatype: DataType
    meaning: str
    unit: str = ""
    writable: bool = False


def _numbers(folder: str, group: str) -> tuple[Definition, ...]:
    return tuple(
        Definition(
            f"{folder}/{name}",
            DataType.INT64 if number.kind == "counter" else DataType.DOUBLE,
            number.meaning,
            number.unit,
        )
        for name, number in NUMBERS[group].items()
    )


LAST_COMMAND = (
    Definition("Last Command/Id", DataType.STRING, "Its id in the journal and on the agent's own topics."),
    Definition("Last Command/Metric", DataType.STRING, "What was written; on the node with the device before it."),
    Definition("Last Command/Result", DataType.STRING, "`succeeded`, `failed`, `cancelled` or `rejected`."),
    Definition("Last Command/Code", DataType.STRING, "Why it was not done: `on-air`, `out-of-range` …"),
    Definition("Last Command/Message", DataType.STRING, "The same for people."),
)
_DEVICE = (
    Definition(DEVICE_REBIRTH, DataType.BOOLEAN, "Write true: this device is born anew.", writable=True),
    Definition("Health", DataType.STRING, "`ok`; a device that is `offline` is dead (DDEATH)."),
    *LAST_COMMAND,
)
_IDENTITY = (
    Definition("Reason", DataType.STRING, "Why it was offline last; empty when it never was."),
    Definition("Properties/Hardware Model", DataType.STRING, "As the device says."),
    Definition("Properties/FW", DataType.STRING, "Its firmware."),
    Definition("Properties/Serial", DataType.STRING, "Its serial number."),
    Definition("Properties/Driver", DataType.STRING, "The agent's driver."),
)

NODE_METRICS: tuple[Definition, ...] = (
    Definition(REBIRTH, DataType.BOOLEAN, "Write true: all births are told again.", writable=True),
    Definition("Node Control/Look", DataType.STRING, "Write the name of a look: it is applied.", writable=True),
    Definition("Node Control/Self-Test", DataType.STRING, "Write `quick` or `full`: it is run.", writable=True),
    Definition("Properties/Software", DataType.STRING, "The program."),
    Definition("Properties/Version", DataType.STRING, "Its version."),
    Definition("Properties/Mode", DataType.STRING, "`real`, or `virtual` for a simulated studio."),
    Definition("Properties/Looks", DataType.STRING, "Names of the looks, with spaces between."),
    Definition("Air/On Air", DataType.BOOLEAN, "What the agent acts on: unknown counts as on air."),
    Definition("Air/Known", DataType.BOOLEAN, "Whether somebody has said so, freshly."),
    Definition("Air/Source", DataType.STRING, "Who said so."),
    Definition("Alerts/Count", DataType.INT32, "Alerts that fire.", "{alert}"),
    Definition("Alerts/Critical", DataType.INT32, "Of these, critical ones.", "{alert}"),
    Definition("Alerts/Warning", DataType.INT32, "Of these, warnings.", "{alert}"),
    Definition("Alerts/Latest", DataType.STRING, "The latest one that began to fire, in English."),
    Definition("Self-Test/Id", DataType.STRING, "The latest self-test."),
    Definition("Self-Test/Verdict", DataType.STRING, "Its verdict."),
    Definition("Self-Test/Depth", DataType.STRING, "`quick` or `full`."),
    Definition("Self-Test/Seconds", DataType.DOUBLE, "How long it took.", "s"),
    Definition("Self-Test/Worst", DataType.STRING, "Checks that failed or came near, with spaces between."),
    *_numbers("Host", "host"),
    *_numbers("Lighting", "lighting"),
    Definition("Sparkplug/Waiting", DataType.INT64, "Messages of the past that wait to be sent.", "{message}"),
    Definition("Sparkplug/Dropped", DataType.INT64, "Messages of the past given up, over budget.", "{message}"),
    *LAST_COMMAND,
)

FIXTURE: tuple[Definition, ...] = (
    *_DEVICE,
    Definition("Reason", DataType.STRING, "Why its output was offline last."),
    Definition("Device Control/Fade", DataType.DOUBLE, "Written with a level: seconds to get there.", "s", True),
    Definition("Device Control/Release", DataType.BOOLEAN, "Write true: let go of the light.", writable=True),
    Definition("Device Control/Identify", DataType.BOOLEAN, "Write true: it shows itself for 5 s.", writable=True),
    Definition("Held By", DataType.STRING, "Who holds it; empty when nobody does."),
    Definition("Held At", DataType.STRING, "With which priority."),
    Definition("Fade Remaining", DataType.DOUBLE, "Seconds to the end of the running fade.", "s"),
    Definition("Properties/Role", DataType.STRING, "key, fill, back or practical."),
    Definition("Properties/Profile", DataType.STRING, "The profile it is driven by."),
)
"""A light has ``Levels/<attribute>`` and ``Targets/<attribute>`` besides: see :func:`levels`."""

KINDS: Mapping[str, tuple[Definition, ...]] = {
    "fixture": FIXTURE,
    "output": (*_DEVICE, *_IDENTITY),
    "camera": (
        *_DEVICE,
        *_IDENTITY,
        *_numbers("Picture", "exposure"),
        Definition("Exposure/Mode", DataType.STRING, "`watch`, `advise` or `hold`.", writable=True),
        Definition("Exposure/Target", DataType.DOUBLE, "Linear luminance to hold, 0…1.", "1", True),
        Definition("Exposure/Error", DataType.DOUBLE, "Off target by so many stops.", "{stop}"),
        Definition("Exposure/Holding", DataType.BOOLEAN, "Whether the loop moves lights now."),
        Definition("Exposure/Reason", DataType.STRING, "Why it does not."),
    ),
    "probe": (*_DEVICE, *_IDENTITY, *_numbers("Network", "network")),
}
"""Kind of device → its metrics."""


def levels(attributes: Iterable[str]) -> tuple[Definition, ...]:
    """The metrics of a light's attributes: what it shows, and where it goes."""
    return tuple(
        each
        for name in attributes
        for each in (
            Definition(LEVEL + name, DataType.DOUBLE, "What it shows; write to set it.", UNITS.get(name, "1"), True),
            Definition(TARGET + name, DataType.DOUBLE, "Where it goes.", UNITS.get(name, "1")),
        )
    )


def device_id(kind: str, name: str) -> str:
    """Unique within the node (``tck-id-topic-structure-namespace-unique-device-id``)."""
    return f"{kind}-{name}"


def devices(inventory: Inventory) -> dict[str, tuple[Definition, ...]]:
    """Every device with all its metrics, in the configuration's order."""
    found = {
        device_id("fixture", each.name): (*KINDS["fixture"], *levels(each.attributes)) for each in inventory.fixtures
    }
    return found | {device_id(each.kind, each.name): KINDS[each.kind] for each in inventory.devices}


def table() -> str:
    """All metrics as Markdown tables, for the documents."""
    parts = [
        "### The node: NBIRTH, NDATA, NCMD\n\n"
        + _rows((Definition(BDSEQ, DataType.INT64, "Pairs this birth with its death; only in NBIRTH."), *NODE_METRICS))
    ]
    titles = {"fixture": "a light", "output": "a DMX output", "camera": "a camera", "probe": "a network probe"}
    for kind, known in KINDS.items():
        more = levels(("<attribute>",)) if kind == "fixture" else ()
        parts.append(f"### Device `{kind}-<name>`: {titles[kind]}\n\n" + _rows((*known, *more)))
    return "\n".join(parts)


def _rows(known: Iterable[Definition]) -> str:
    lines = ["| Metric | Type | Unit | Write | Meaning |", "| --- | --- | --- | --- | --- |"]
    for each in known:
        unit = f"`{each.unit}`" if each.unit else "–"
        write = "yes" if each.writable else "–"
        lines.append(f"| `{each.name}` | {_TYPES[each.datatype]} | {unit} | {write} | {each.meaning} |")
    return "\n".join(lines) + "\n"


_TYPES = {
    DataType.INT32: "Int32",
    DataType.INT64: "Int64",
    DataType.DOUBLE: "Double",
    DataType.BOOLEAN: "Boolean",
    DataType.STRING: "String",
}
