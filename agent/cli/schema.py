"""``studio-agent schema``: what goes over the wire, for programs of others."""

import argparse
import json
import os

from agent import __version__


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--asyncapi", action="store_true", help="as an AsyncAPI 3.1 document")
    parser.add_argument("--prometheus", action="store_true", help="a configuration for the Prometheus MQTT exporter")
    parser.add_argument("--telegraf", action="store_true", help="an input for Telegraf")
    parser.add_argument("--markdown-topics", action="store_true", help="only the table of topics, as Markdown")


def run(options: argparse.Namespace) -> int:
    if options.markdown_topics:
        from agent.messaging.topics import table

        print(table(), end="")
    elif options.prometheus or options.telegraf:
        from agent.messaging import exporters

        print(exporters.prometheus() if options.prometheus else exporters.telegraf(), end="")
    elif options.asyncapi:
        from agent.messaging import asyncapi

        print(json.dumps(asyncapi.document(__version__), indent=2, ensure_ascii=False))
    else:
        from agent.messaging.schema import document

        print(json.dumps(document(__version__), indent=2, ensure_ascii=False))
    return os.EX_OK
