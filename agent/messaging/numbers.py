"""Every number the agent measures: its unit, what it means, and what OpenTelemetry calls it. Pure.

A telemetry payload is flat, so a generic exporter (a Prometheus MQTT exporter, Telegraf's ``mqtt_consumer``) reaches
each number by its topic and the key alone. Units are UCUM codes (``ms``, ``%``, ``MiB``, ``1`` for none), as in
OpenTelemetry's metric conventions.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Number(NamedTuple):
    """One number. ``kind``: *counter* only grows until the agent starts anew. ``otel`` is the OpenTelemetry name where
    its conventions have one; ``scale`` turns our unit into theirs (× scale)."""

    unit: str
    meaning: str
    kind: Literal["gauge", "counter"] = "gauge"
    otel: str = ""
    otel_unit: str = ""
    scale: float = 1.0


NUMBERS: Mapping[str, Mapping[str, Number]] = {
    "lighting": {
        "frames": Number("{frame}", "DMX frames sent, all outputs.", "counter"),
        "frame_rate_hz": Number("Hz", "Frames a second and universe over the last 5 s, summed over the outputs."),
        "late_p50_ms": Number("ms", "Lateness of due frames, median; the worst output."),
        "late_p99_ms": Number("ms", "Lateness of due frames, 99th percentile; the worst output."),
        "widest_gap_ms": Number("ms", "Longest pause between two frames in the last 5 s; the worst output."),
        "outputs_offline": Number("{output}", "Outputs that do not drive their lights."),
    },
    "exposure": {
        "ev_stops": Number("{stop}", "Exposure against the target: 0 is right, −1 half the light."),
        "luminance": Number("1", "Mean linear luminance of the picture, 0…1."),
        "p1_code": Number("1", "1st percentile of the picture's codes, 0…255."),
        "p50_code": Number("1", "Median of the picture's codes, 0…255."),
        "p99_code": Number("1", "99th percentile of the picture's codes, 0…255."),
        "clipped_percent": Number("%", "Pixels at the upper end: burnt out."),
        "crushed_percent": Number("%", "Pixels at the lower end: drowned."),
        "mired": Number("{mired}", "Colour of the picture's whites as correlated colour temperature, 10⁶/K."),
        "age_ms": Number("ms", "Age of the picture these numbers are of."),
        "trim_stops": Number(
            "{stop}", "How far the loop's first light is from the operator's look; only where a loop looks on."
        ),
    },
    "network": {
        "rtt_ms": Number("ms", "Newest round trip."),
        "rtt_p50_ms": Number("ms", "Round trip over the last minute, median."),
        "rtt_p95_ms": Number("ms", "Round trip over the last minute, 95th percentile."),
        "rtt_max_ms": Number("ms", "Longest round trip of the last minute."),
        "jitter_ms": Number("ms", "Interarrival jitter after RFC 3550, 6.4.1."),
        "loss_percent": Number("%", "Probes of the last minute without an answer."),
        "outage_s": Number("s", "Longest time without a reply in the last minute."),
        "probes": Number("{probe}", "Probes sent in the last minute."),
        "lost": Number("{probe}", "Of these, lost."),
    },
    "host": {
        "cpu_percent": Number(
            "%", "Processor time of the agent; 100 is one core.", "gauge", "process.cpu.utilization", "1", 0.01
        ),
        "rss_mib": Number("MiB", "Memory of the agent.", "gauge", "process.memory.usage", "By", 1048576.0),
        "load_1m": Number("1", "Load of the machine, one minute.", "gauge", "system.cpu.load_average.1m", "1"),
        "clock_offset_ms": Number("ms", "How far the machine's clock is off, as the kernel's clock discipline has it."),
        "clock_error_ms": Number("ms", "Its largest possible error by the kernel's account."),
        "clock_synchronised": Number("1", "1: something keeps the clock (NTP, PTP); 0: nothing does."),
        "loop_lag_ms": Number("ms", "How late the event loop came to its last tick."),
        "messages_in_per_s": Number("{message}/s", "Messages from the broker."),
        "messages_out_per_s": Number("{message}/s", "Messages to the broker."),
        "unsent": Number("{message}", "States and steps of commands that had no connection.", "counter"),
        "outbox_waiting": Number("{message}", "Messages the broker does not have yet."),
        "outbox_dropped": Number("{message}", "Messages given up, past their age or budget.", "counter"),
        "outbox_refused": Number("{message}", "Messages the broker refused, set aside.", "counter"),
        "commands_rejected": Number("{command}", "Commands turned down.", "counter"),
    },
}
"""Group of the topic ``up/tele/<group>[/<name>]`` → number → what it is."""


def otel_name(group: str, name: str) -> str:
    """What OpenTelemetry calls it: the conventions' name, else ``studio.<group>.<name without its unit>``."""
    number = NUMBERS[group][name]
    if number.otel:
        return number.otel
    for tail in ("_percent", "_per_s", "_stops", "_code", "_ms", "_hz", "_s"):
        if name.endswith(tail):
            name = name.removesuffix(tail)
            break
    return f"studio.{group}.{name}"


def schema(group: str) -> dict[str, Any]:
    """JSON Schema of the numbers of one group, each with ``unit`` beside its type."""
    return {
        "type": "object",
        "properties": {
            name: {
                "type": ["number", "null"],
                "description": number.meaning,
                "unit": number.unit,
                "x-kind": number.kind,
                "x-opentelemetry": otel_name(group, name),
            }
            for name, number in NUMBERS[group].items()
        },
    }
