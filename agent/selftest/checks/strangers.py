"""NET-20: does somebody else send light on our universes? Two controllers on one universe fight over every lamp, and
each looks healthy by itself. Listens for two seconds; needs the right to capture.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from agent.selftest.catalogue import CATALOGUE
from agent.selftest.desk import Desk
from agent.selftest.step import Group, Step
from config.model import OutputSection
from config.units import Text
from drivers.base import Limits, Result, Verdict
from drivers.dmx import artnet_codec, sacn_codec
from drivers.errors import NotSupported
from drivers.host import Datagram

SECONDS = 2.0
"""Every source repeats an unchanged frame within 1 s (Art-Net 4: 4 s at most, E1.31: 1 s)."""
STRANGERS = Limits(fail=1)
UDP_HEADER = 8


class Stranger(NamedTuple):
    """Somebody who sends a universe of ours. ``name`` where the protocol tells it."""

    protocol: str
    address: str
    universe: int
    name: str = ""
    priority: int | None = None


def steps(desk: Desk) -> list[Step]:
    """One listening per interface that is up; only where an output goes over the network."""
    sacn, artnet = ours(desk.around.config.outputs)
    if not sacn and not artnet:
        return []
    up = [each for each in desk.around.host.interfaces() if each.up and each.name != "lo"]
    own = {address.partition("/")[0] for each in desk.around.host.interfaces() for address in each.addresses}

    def check(interface: str) -> Callable[[], Result]:
        def listen() -> Result:
            try:
                seen = desk.around.host.sniff(interface, SECONDS)
            except NotSupported as error:
                said = Text(f"May not listen: {error.reason}.", f"无抓包权限：{error.reason}。")
                return Result(Verdict.SKIPPED, said, Text(error.remedy, "授予程序 CAP_NET_RAW 权限（见部署文档）。"))
            return judge(strangers(seen, own, sacn, artnet), sorted(sacn | set(artnet.values())))

        return listen

    deadline = SECONDS * len(up) + 12
    return [desk.blocking("NET-20", Group("network", each.name), check(each.name), deadline=deadline) for each in up]


def ours(outputs: Mapping[str, OutputSection]) -> tuple[set[int], dict[int, int]]:
    """The sACN universes we send, and the Art-Net Port-Addresses with our universe for each."""
    sacn: set[int] = set()
    artnet: dict[int, int] = {}
    for section in outputs.values():
        if section.driver == "sacn":
            sacn |= set(section.universes)
        elif section.driver == "artnet":
            offset = int(section.options.get("port_address_offset", 0))
            artnet |= {universe + offset: universe for universe in section.universes}
    return sacn, artnet


def strangers(seen: Iterable[Datagram], own: set[str], sacn: set[int], artnet: Mapping[int, int]) -> list[Stranger]:
    """Who else sends them. ``own``: this machine's addresses."""
    found: dict[Stranger, None] = {}
    for datagram in seen:
        address = datagram.source[0]
        if address in own or len(datagram.data) <= UDP_HEADER:
            continue
        to, body = int.from_bytes(datagram.data[2:4], "big"), datagram.data[UDP_HEADER:]
        if to == sacn_codec.PORT:
            packet = sacn_codec.decode(body)
            live = isinstance(packet, sacn_codec.Data) and not packet.preview and not packet.terminated
            if isinstance(packet, sacn_codec.Data) and live and packet.universe in sacn:
                found[Stranger("sACN", address, packet.universe, packet.source_name, packet.priority)] = None
        elif to == artnet_codec.PORT:
            frame = artnet_codec.decode(body)
            if isinstance(frame, artnet_codec.Dmx) and frame.port_address in artnet:
                found[Stranger("Art-Net", address, artnet[frame.port_address])] = None
    return list(found)


def judge(found: list[Stranger], universes: list[int]) -> Result:
    """One stranger is one too many."""
    evidence = {"strangers": [each._asdict() for each in found], "universes": universes}
    if not found:
        said = Text("Nobody else sends our universes.", "没有其他设备发送我们的域。")
        return Result(Verdict.PASS, said, value=0, unit="sources", limits=STRANGERS, evidence=evidence)
    named = ", ".join(f"{s.name or s.protocol} {s.address} (universe {s.universe})" for s in found)
    said = Text(f"Others send our universes: {named}.", f"其他设备在发送我们的域：{named}。")
    return Result(Verdict.FAIL, said, CATALOGUE["NET-20"].remedy, len(found), "sources", STRANGERS, evidence)
