"""Program start → lights under control, → first telemetry at the broker."""

import json
from pathlib import Path

from tests.benchmarks.row import Row, p50
from tests.benchmarks.studio import BASE, studio

RUNS = 7


def run(folder: Path) -> list[Row]:
    """The first frame at the widget and the first telemetry at a subscriber, over several starts after one to warm
    the file cache. Times from just before the process is started."""
    light, told = [], []
    with studio(folder / "startup", camera=False) as bench:
        for _ in range(RUNS + 1):
            bench.control.forget()
            lines = len(bench.widget.lines)
            begun = bench.start()
            first = json.loads(bench.widget.wait_line(lambda line: '"slots"' in line, since=lines))
            number = bench.control.wait(lambda m: m.topic.startswith(f"{BASE}/up/tele/"))
            told.append(bench.control.at[bench.control.heard.index(number)] - begun)
            light.append(first["time"] - begun)
            assert bench.service is not None
            bench.service.end()
    light, told = light[1:], told[1:]
    how = f"service process, widget on a pty, Mosquitto; {RUNS} starts"
    return [
        Row(
            "start → lights under control",
            f"{p50(light):.2f} s (max {max(light):.2f})",
            "≤ 1.5 s",
            p50(light) <= 1.5,
            how,
        ),
        Row("start → first telemetry at the broker", f"{p50(told):.2f} s (max {max(told):.2f})", "", None, how),
    ]
