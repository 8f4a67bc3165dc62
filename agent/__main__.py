"""``studio-agent``: finds the command that is named and hands over. Only that command's module is loaded."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from agent.cli import streams

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("agent.cli.run", "the service"),
    "demo": ("agent.cli.demo", "a virtual studio with its own broker, live in this terminal"),
    "check-config": ("agent.cli.check_config", "every fault of a configuration, without hardware"),
    "devices": ("agent.cli.devices", "what is really connected"),
    "selftest": ("agent.cli.selftest", "prove lights, cameras, network and broker"),
    "commission": ("agent.cli.commission", "measure what each light does to the picture, for the automatic fill light"),
    "send": ("agent.cli.send", "send a command to an agent and see its answers"),
    "watch": ("agent.cli.watch", "an agent's topics, decoded; --live is the full-screen view"),
    "audit": ("agent.cli.audit", "who asked for what, and whether the record of it is whole"),
    "profile": ("agent.cli.profile", "the light models it knows; check one, import one"),
    "schema": ("agent.cli.schema", "everything on the wire as JSON Schema"),
    "fleet": ("agent.cli.fleet", "the MQTT side of many agents at one broker, with figures"),
    "reflector": ("agent.cli.reflector", "something for the STAMP probe to measure against"),
}
"""Command → module with ``arguments(parser)`` and ``run(options) -> int``, and its line in the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code (sysexits.h; ``selftest`` has 0…3 as monitoring plug-ins do)."""
    streams.speakable()
    try:
        try:
            code = _named(list(sys.argv[1:] if argv is None else argv))
        except SystemExit as ended:  # argparse: --help, usage
            code = ended.code if isinstance(ended.code, int) else os.EX_OK
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `… | head` has seen enough
        streams.unheard()
        return os.EX_OK
    except OSError as error:
        if error.errno not in streams.FULL or error.filename is not None:
            raise
        streams.unheard()
        print(f"studio-agent: standard output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        return os.EX_IOERR
    return code


def _named(words: list[str]) -> int:
    if words[:1] in (["--version"], ["-V"]):
        from agent.cli.version import text

        print(text())  # noqa: T201 - it is what was asked for
        return os.EX_OK
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())  # noqa: T201
        return os.EX_OK if words else os.EX_USAGE
    if words[0] not in COMMANDS:
        from config.problems import nearest

        said = f"studio-agent: there is no command {words[0]!r} – {nearest(words[0], list(COMMANDS))}"
        print(said, file=sys.stderr)  # noqa: T201
        return os.EX_USAGE
    return _run(words[0], words[1:])


def usage() -> str:
    """The list of commands."""
    lines = [f"  {name:14}{says}" for name, (_, says) in COMMANDS.items()]
    return "\n".join(
        ["usage: studio-agent COMMAND …", "", *lines, "", "  COMMAND --help more about one; --version what this is"]
    )


def _run(command: str, words: Sequence[str]) -> int:
    from agent.cli.parser import Parser

    module_name, says = COMMANDS[command]
    module = importlib.import_module(module_name)
    parser = Parser(prog=f"studio-agent {command}", description=f"{says[0].upper()}{says[1:]}.")
    module.arguments(parser)
    return int(module.run(parser.parse_args(words)))


if __name__ == "__main__":
    sys.exit(main())
