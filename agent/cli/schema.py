"""``studio-agent schema``: what goes over the wire, for programs of others."""

import argparse
import json
import os

from agent import __version__


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown-topics", action="store_true", help="only the table of topics, as Markdown")


def run(options: argparse.Namespace) -> int:
    if options.markdown_topics:
        from agent.messaging.topics import table

        print(table(), end="")
    else:
        from agent.messaging.schema import document

        print(json.dumps(document(__version__), indent=2, ensure_ascii=False))
    return os.EX_OK
