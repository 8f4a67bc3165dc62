"""``studio-agent audit verify | show``: the chain of decisions on commands; also while the agent runs."""

import argparse
import json
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

from agent.cli.parser import NoConfig, complain, config_argument, load


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verify", "show"), help="follow the whole chain; print its newest records")
    config_argument(parser)
    parser.add_argument("--file", type=Path, metavar="FILE", help="this one instead of the configuration's agent's")
    parser.add_argument("--known", type=_known, metavar="N:HASH", help="verify: a record as the control room kept it")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="show: so many (default: 20)")
    parser.add_argument("--json", action="store_true", help="show: each record as one JSON line")


def _known(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: the number and the hash of a record, 41:9c…")
    return int(found[1]), found[2]


def run(options: argparse.Namespace) -> int:
    """0 whole, 1 it was changed, 66 there is none, 78 no configuration."""
    from agent.messaging.trust import file

    try:
        path = options.file or load(options.config, os.environ)[1].agent.state_dir / file.NAME
    except NoConfig as error:
        complain(error)
        return error.code
    try:
        if options.what == "show":
            for record in file.read(path, max(1, options.last)):
                print(json.dumps(record, ensure_ascii=False) if options.json else _line(record))
            return os.EX_OK
        verdict = file.verify(path, options.known)
    except (OSError, sqlite3.Error) as error:
        complain(f"studio-agent audit: {path}: {getattr(error, 'strerror', None) or error}")
        return os.EX_NOINPUT
    for fault in verdict.faults:
        complain(f"{path}: {fault}")
    whole = "changed" if verdict.faults else "whole"
    print(f"{path}: {verdict.records} records, {verdict.first}…{verdict.last}, {whole}; newest hash {verdict.hash}")
    return int(bool(verdict.faults))


def _line(record: dict[str, Any]) -> str:
    who = f"{record['issuer'] or '?'} ({record['role'] or 'no role'}{', signed' if record['signed'] else ''})"
    why = f"  {record['code']}: {record['reason']}" if record["code"] else ""
    return f"{record['n']:>6}  {record['at']}  {who} {record['verb']} {record['id']}  {record['state']}{why}"
