"""``studio-agent devices``: what is really connected to this machine.

Ports in use are left alone: a port is opened exclusively or not at all. Art-Net is asked by directed broadcast on this
machine's own networks only. Needs no root; what could not be looked at is said, with the reason.
"""

import argparse
import dataclasses
import ipaddress
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.parser import NoConfig, answers, complain, config_argument, console, find, load

if TYPE_CHECKING:
    from config.model import StudioConfig
    from drivers.host import Host, Interface, SerialPort

ANSWER_WITHIN = 1.2
"""Seconds to wait for Art-Net nodes: current editions answer after a random 0…1 s."""
WIDGET = "enttec-pro"


def arguments(parser: argparse.ArgumentParser) -> None:
    config_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--passive",
        action="store_true",
        help="only list, ask nothing (a widget that holds a look without an agent stops when it is asked who it is)",
    )
    parser.add_argument("--interface", action="append", metavar="NAME", help="ask Art-Net nodes only here")


def run(options: argparse.Namespace) -> int:
    """0, whatever was found; 66 or 78 for a configuration that was named and cannot be used."""
    from drivers.real.host import RealHost

    config = None
    if find(options.config, os.environ) is not None:
        try:
            config = load(options.config, os.environ)[1]
        except NoConfig as error:
            complain(error)
            if options.config is not None:
                return error.code
    found = look(RealHost(), config, asking=not options.passive, only=options.interface)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        show(found)
    return os.EX_OK


def look(
    host: "Host", config: "StudioConfig | None", *, asking: bool = True, only: Sequence[str] | None = None
) -> dict[str, Any]:
    """Everything there is, JSON-able. ``only``: names of interfaces to ask Art-Net nodes on."""
    notes: list[str] = []
    ours = config is not None and answers(config.agent.state_dir / "control.sock")
    interfaces = host.interfaces()
    if not interfaces:
        notes.append("network interfaces: this system does not tell them")
    return {
        "serial": [_serial(host, port, names, asking, ours) for port, names in _ports(host, config)],
        "cameras": [*_cameras(host), *_sources(config)],
        "artnet": list(_nodes(host, interfaces, only, notes)) if asking else [],
        "asked": asking,
        "interfaces": [dataclasses.asdict(each) for each in interfaces],
        "notes": notes,
    }


def _ports(host: "Host", config: "StudioConfig | None") -> "Iterator[tuple[SerialPort, list[str]]]":
    """The machine's ports and those the configuration names, with the outputs that use them."""
    from drivers.host import SerialPort

    wanted: dict[str, list[str]] = {}
    for name, output in config.outputs.items() if config else ():
        if isinstance(output.options.get("port"), str):
            wanted.setdefault(output.options["port"], []).append(name)
    for port in host.serial_ports():
        names = [word for key in (port.port, port.stable) for word in wanted.pop(key, [])]
        yield port, names
    for key, names in wanted.items():
        yield SerialPort(key, key, "named by the configuration"), names


def _serial(host: "Host", port: "SerialPort", names: list[str], asking: bool, ours: bool) -> dict[str, Any]:
    found: dict[str, Any] = {**dataclasses.asdict(port), "outputs": names, "answer": None, "note": ""}
    if not asking:
        found["note"] = "not asked"
    elif port.vendor_id is None and not names:
        found["note"] = "not asked: no USB adapter, and no output uses it"
    else:
        found |= _ask(host, port.port)
        if ours and names and "in use" in found["note"]:
            found["note"] = "in use by the running studio-agent (its state: studio-agent watch)"
    return found


def _ask(host: "Host", port: str) -> dict[str, Any]:
    from drivers.errors import DriverError
    from drivers.registry import find as find_driver

    spec = find_driver(WIDGET)
    widget = spec.make(spec.options(port=port), host)  # type: ignore[call-arg]
    try:
        who = widget.open()
    except DriverError as error:
        return {"note": f"{error.reason}{' – ' + error.remedy if error.remedy else ''}"}
    finally:
        widget.close()
    return {"answer": {"model": who.model, "firmware": who.firmware, "serial": who.serial, **who.details}}


def _cameras(host: "Host") -> Iterator[dict[str, Any]]:
    for device in host.video_devices():
        note = ""
        if device.device.startswith("/dev/") and not os.access(device.device, os.R_OK | os.W_OK):
            note = "may not be opened – add this user to the group video"
        yield {**dataclasses.asdict(device), "note": note}


def _sources(config: "StudioConfig | None") -> Iterator[dict[str, Any]]:
    from drivers.host import shown_url

    for name, camera in config.cameras.items() if config else ():
        source = camera.options.get("source")
        if isinstance(source, str) and "://" in source:
            shown = shown_url(source)
            yield {"device": shown, "stable": shown, "name": name, "note": "named by the configuration, not opened"}


def _nodes(
    host: "Host", interfaces: "Sequence[Interface]", only: Sequence[str] | None, notes: list[str]
) -> Iterator[dict[str, Any]]:
    from drivers.dmx.artnet import poll
    from drivers.errors import DriverError

    seen: set[tuple[str, int]] = set()
    for interface in interfaces:
        if not interface.up or (interface.name not in only if only else interface.name == "lo"):
            continue
        for target in _broadcasts(interface):
            try:
                nodes = poll(host, ANSWER_WITHIN, target)
            except DriverError as error:
                notes.append(f"Art-Net on {interface.name}: {error.reason}")
                continue
            fresh = [node for node in nodes if (node.address, node.bind_index) not in seen]
            seen |= {(node.address, node.bind_index) for node in fresh}
            yield from ({**dataclasses.asdict(node), "interface": interface.name} for node in fresh)
    absent = sorted(set(only or ()) - {each.name for each in interfaces})
    notes.extend(f"Art-Net on {name}: there is no such interface" for name in absent)


def _broadcasts(interface: "Interface") -> Iterator[str]:
    for address in interface.addresses:
        if ":" not in address:
            network = ipaddress.IPv4Interface(address).network
            if network.prefixlen < 31:
                yield str(network.broadcast_address)


def show(found: dict[str, Any]) -> None:
    """For people: what is to be copied into a configuration stands on a line of its own and is never cut."""
    from rich.padding import Padding
    from rich.text import Text

    paper = console(highlight=False, markup=False)

    def section(title: str, entries: Iterable[tuple[str, Sequence[str]]], nothing: str) -> None:
        paper.print(title, style="bold")
        several = list(entries)
        for name, facts in several:
            paper.print(f"  {name}", soft_wrap=True)
            for fact in filter(None, facts):
                paper.print(Padding(Text(fact, "dim"), (0, 0, 0, 6), expand=False))
        if not several:
            paper.print(f"  {nothing}")
        paper.print()

    section("Serial ports", ((each["stable"], _port(each)) for each in found["serial"]), "none")
    section("Cameras", ((each["stable"], _camera(each)) for each in found["cameras"]), "none found in this machine")
    section("Art-Net nodes", ((node["address"], (_node(node),)) for node in found["artnet"]), _no_nodes(found))
    section("Network interfaces", ((each["name"], _interface(each)) for each in found["interfaces"]), "none")
    for note in found["notes"]:
        paper.print(f"not looked at: {note}")


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _port(port: dict[str, Any]) -> Sequence[str]:
    who, used = port["answer"], ", ".join(port["outputs"])
    what = "" if port["description"] == "n/a" else port["description"]
    said = port["note"]
    if who is not None:
        said = f"answers: {who['model']} {who['firmware']}, serial number {who['serial'] or 'not told'}"
    place = port["port"] if port["port"] != port["stable"] else ""
    return (_joined(place, what, f"output {used}" if used else ""), said)


def _camera(camera: dict[str, Any]) -> Sequence[str]:
    place = camera["device"] if camera["device"] != camera["stable"] else ""
    return (_joined(place, camera["name"]), camera["note"])


def _node(node: dict[str, Any]) -> str:
    universes = ", ".join(map(str, node["outputs"]))
    plural = "s" * (len(node["outputs"]) != 1)
    return _joined(
        node["short_name"],
        f"firmware {node['firmware']}",
        f"universe{plural} {universes}" if universes else "no universe",
        f"on {node['interface']}",
    )


def _no_nodes(found: dict[str, Any]) -> str:
    return "none answered" if found["asked"] else "not asked (--passive)"


def _interface(interface: dict[str, Any]) -> Sequence[str]:
    errors = interface["errors"]
    return (
        _joined(
            "up" if interface["up"] else "down",
            f"{interface['speed']} Mbit/s" if interface["speed"] else "",
            f"{errors} error{'s' * (errors != 1)}",
        ),
        ", ".join(interface["addresses"]),
    )
