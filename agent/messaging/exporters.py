"""Ready-made configurations for generic exporters, made from the table of numbers. Pure.

Both take ``up/tele/…`` as it is: every number is a plain JSON number under one flat key.
"""

from agent.messaging.numbers import NUMBERS, otel_name
from agent.messaging.topics import ROOT


def prometheus(host: str = "localhost", port: int = 1883) -> str:
    """Configuration (YAML) of the Prometheus MQTT exporter (mqtt2prometheus; Debian: prometheus-mqtt-exporter).

    Metrics are ``studio_<group>_<number>``; label ``topic`` is the whole topic. The exporter tells
    sources apart by ``sensor`` alone, which therefore names the group, too.
    """
    lines = [
        "# Made by: studio-agent schema --prometheus",
        "mqtt:",
        f"  server: tcp://{host}:{port}",
        f"  topic_path: {ROOT}/+/+/up/tele/#",
        f'  device_id_regex: "{ROOT}/(?P<deviceid>.*)"',
        "  qos: 0",
        "cache:",
        "  timeout: 2m",
        "metrics:",
    ]
    for group, known in NUMBERS.items():
        for name, number in known.items():
            help_text = f"{number.meaning} Unit: {number.unit}.".replace('"', "'")
            lines += [
                f"  - prom_name: studio_{group}_{name}",
                f"    mqtt_name: {name}",
                f'    help: "{help_text}"',
                f"    type: {number.kind}",
            ]
    return "\n".join(lines) + "\n"


def telegraf(host: str = "localhost", port: int = 1883) -> str:
    """A Telegraf input (TOML): measurement ``studio_<group>``, tags site, agent, name."""
    blocks = (
        f'[[inputs.mqtt_consumer]]\n  servers = ["tcp://{host}:{port}"]\n'
        f'  topics = ["{ROOT}/+/+/up/tele/{group}/+"]\n  qos = 0\n  name_override = "studio_{group}"\n'
        f'  data_format = "json"\n  json_time_key = "ts"\n  json_time_format = "2006-01-02T15:04:05.999Z07:00"\n'
        f'  [[inputs.mqtt_consumer.topic_parsing]]\n    topic = "{ROOT}/+/+/up/tele/{group}/+"\n'
        '    tags = "_/_/site/agent/_/_/_/name"\n'
        for group in NUMBERS
    )
    return "# Made by: studio-agent schema --telegraf\n" + "\n".join(blocks)


def table(group: str) -> list[tuple[str, str, str, str]]:
    """Rows (number, unit, OpenTelemetry name, meaning) of one group, for the documents."""
    rows = []
    for name, number in NUMBERS[group].items():
        otel = f"`{otel_name(group, name)}`"
        if number.otel:
            otel += f" ({number.otel_unit})" if number.scale == 1.0 else f" ({number.otel_unit}, × {number.scale:.10g})"
        rows.append((f"`{name}`", f"`{number.unit}`", otel, number.meaning))
    return rows
