"""Every number the agent measures: its unit, what it means, and what OpenTelemetry calls it. Pure.

A telemetry payload is flat, so a generic exporter (a Prometheus MQTT exporter, Telegraf's ``mqtt_consumer``) reaches
each number by its topic and the key alone. Units are UCUM codes (``ms``, ``%``, ``MiB``, ``1`` for none), as in
OpenTelemetry's metric conventions.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple


class Number(NamedTuple):
    """One number. ``kind``: *counter* only grows until the agent starts anew. ``otel`` is the OpenTelemetry name where
    its conventions have one; ``scale`` turns our unit into theirs (× scale). ``dead``: how far it may wander before it
    is worth a message by itself, unless the configuration says otherwise; ``None``: it never is."""

    unit: str
    meaning: str
    kind: Literal["gauge", "counter"] = "gauge"
    otel: str = ""
    otel_unit: str = ""
    scale: float = 1.0
    dead: float | None = 0.0


NUMBERS: Mapping[str, Mapping[str, Number]] = {
    "lighting": {
        "frames": Number("{frame}", "DMX frames sent, all outputs.", "counter", dead=None),
        "frame_rate_hz": Number(
            "Hz", "Frames a second and universe over the last 5 s, summed over the outputs.", dead=2.0
        ),
        "late_p50_ms": Number("ms", "Lateness of due frames, median; the worst output.", dead=1.0),
        "late_p99_ms": Number("ms", "Lateness of due frames, 99th percentile; the worst output.", dead=5.0),
        "widest_gap_ms": Number("ms", "Longest pause between two frames in the last 5 s; the worst output.", dead=10.0),
        "outputs_offline": Number("{output}", "Outputs that do not drive their lights."),
    },
    "exposure": {
        "ev_stops": Number("{stop}", "Exposure against the target: 0 is right, −1 half the light.", dead=0.05),
        "luminance": Number("1", "Mean linear luminance of the picture, 0…1.", dead=0.01),
        "log_mean": Number("1", "Geometric mean of its linear luminance, 0…1.", dead=0.01),
        "median": Number("1", "Median of its linear luminance, 0…1.", dead=0.01),
        "p1_code": Number("1", "1st percentile of the picture's codes, 0…255.", dead=4.0),
        "p50_code": Number("1", "Median of the picture's codes, 0…255.", dead=4.0),
        "p99_code": Number("1", "99th percentile of the picture's codes, 0…255.", dead=4.0),
        "clipped_percent": Number("%", "Pixels at the upper end: burnt out.", dead=0.5),
        "crushed_percent": Number("%", "Pixels at the lower end: drowned.", dead=0.5),
        "mired": Number("{mired}", "Colour of the picture's whites as correlated colour temperature, 10⁶/K.", dead=3.0),
        "duv": Number("1", "How far those whites are from the Planckian locus (CIE 1960): + greenish.", dead=0.002),
        "noise_codes": Number("1", "Noise of what stands still, standard deviation in codes.", dead=0.2),
        "sharpness": Number("1", "Variance of the Laplacian at the presenter, else in the middle.", dead=None),
        "presenter_stops": Number(
            "{stop}", "The presenter's zones against the target; null while no face is found.", dead=0.1
        ),
        "flicker_hz": Number("Hz", "Frequency of a light that flickers in the picture; null: none.", dead=0.2),
        "flicker_contrast_percent": Number("%", "Contrast of its bands.", dead=0.2),
        "age_ms": Number("ms", "Age of the picture these numbers are of.", dead=500.0),
        "trim_stops": Number(
            "{stop}",
            "How far the loop's first light is from the operator's look; only where a loop looks on.",
            dead=0.05,
        ),
        "mode": Number("1", "What that loop may do: 0 watch, 1 advise, 2 hold; only where a loop looks on."),
    },
    "network": {
        "rtt_ms": Number("ms", "Newest round trip.", dead=5.0),
        "rtt_p50_ms": Number("ms", "Round trip over the last minute, median.", dead=1.0),
        "rtt_p95_ms": Number("ms", "Round trip over the last minute, 95th percentile.", dead=2.0),
        "rtt_max_ms": Number("ms", "Longest round trip of the last minute.", dead=5.0),
        "jitter_ms": Number("ms", "Interarrival jitter after RFC 3550, 6.4.1.", dead=1.0),
        "loss_percent": Number("%", "Probes of the last minute without an answer.", dead=0.1),
        "outage_s": Number("s", "Longest time without a reply in the last minute.", dead=0.5),
        "probes": Number("{probe}", "Probes sent in the last minute.", dead=None),
        "lost": Number("{probe}", "Of these, lost."),
    },
    "host": {
        "cpu_percent": Number(
            "%",
            "Processor time of the agent; 100 is one core.",
            "gauge",
            "process.cpu.utilization",
            "1",
            0.01,
            dead=10.0,
        ),
        "rss_mib": Number("MiB", "Memory of the agent.", "gauge", "process.memory.usage", "By", 1048576.0, dead=4.0),
        "load_1m": Number(
            "1", "Load of the machine, one minute.", "gauge", "system.cpu.load_average.1m", "1", dead=0.5
        ),
        "clock_offset_ms": Number(
            "ms", "How far the machine's clock is off, as the kernel's clock discipline has it.", dead=1.0
        ),
        "clock_error_ms": Number("ms", "Its largest possible error by the kernel's account.", dead=50.0),
        "clock_synchronised": Number("1", "1: something keeps the clock (NTP, PTP); 0: nothing does."),
        "loop_lag_ms": Number("ms", "How late the event loop came to its last tick.", dead=5.0),
        "messages_in_per_s": Number("{message}/s", "Messages from the broker.", dead=5.0),
        "messages_out_per_s": Number("{message}/s", "Messages to the broker.", dead=5.0),
        "unsent": Number("{message}", "States and steps of commands that had no connection.", "counter"),
        "outbox_waiting": Number("{message}", "Messages the broker does not have yet.", dead=20.0),
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
