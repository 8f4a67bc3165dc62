"""``python -m tests.benchmarks [NAME …]``: run the benchmarks and print one table.

Every load is bounded and stops by itself; all traffic stays on loopback. Figures are medians and p99 of what is said
beside them; machines differ, so look at targets and ratios, not at single numbers.
"""

import argparse
import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.row import Row

NAMES = (
    "startup",
    "command",
    "dmx",
    "sync",
    "idle",
    "metering",
    "naming",
    "holding",
    "shows",
    "flicker",
    "camera_faults",
    "seeing",
    "watching",
    "soak",
    "outbox",
    "faults",
    "fleet",
    "hostile",
    "safety",
    "chaos",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./studio bench", description="Measure what the product claims.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (default: all)")
    chosen = parser.parse_args().names or list(NAMES)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        print(f"no benchmark is called {unknown[0]!r}; one of: {', '.join(NAMES)}", file=sys.stderr)
        return os.EX_USAGE
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        for name in chosen:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            rows += importlib.import_module(f"tests.benchmarks.{name}").run(Path(folder))
    show(rows)
    return 0


def show(rows: list[Row]) -> None:
    table = Table(title=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for title in ("what", "measured", "target", "", "how"):
        table.add_column(title)
    for row in rows:
        met = "" if row.met is None else ("[green]met[/]" if row.met else "[red]missed[/]")
        table.add_row(row.what, row.measured, row.target, met, row.how)
    Console(width=None if sys.stdout.isatty() else 150).print(table)


if __name__ == "__main__":
    sys.exit(main())
