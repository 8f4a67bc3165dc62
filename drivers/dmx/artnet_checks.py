"""The self-test step of an Art-Net output: do the nodes answer, and what do they do when they hear nobody?"""

from collections.abc import Callable, Sequence

from config.units import SILENT, Text
from drivers.base import Check, Limits, Result, Verdict
from drivers.dmx.artnet_nodes import GONE_AFTER
from drivers.dmx.artnet_reply import CONTINUOUS, RDM_OFF, Node
from drivers.errors import DriverError

REPLY_S = GONE_AFTER
"""A node that has not answered a poll after this long is gone (ArtPollReply)."""

LATE = Limits(warn=1.2, fail=REPLY_S)
"""Current editions answer after a random 0…1 s."""

Asked = Callable[[], tuple[float | None, Sequence[Node]]]
"""Seconds to the slowest answer (``None``: nobody answered), and who answered."""


def checks(subject: str, ask: Asked, missing: Callable[[], Sequence[int]]) -> Sequence[Check]:
    """NOD-01 of the catalogue. ``missing``: the Port-Addresses we send that no node lists."""
    title = Text("The Art-Net node answers a poll", "Art-Net节点应答轮询")
    return (Check("NOD-01", subject, title, lambda: node_answers(subject, ask, missing), deadline=REPLY_S + 1),)


def node_answers(subject: str, ask: Asked, missing: Callable[[], Sequence[int]]) -> Result:
    """Who answered, how fast, and whether every universe has a node; the state of every node's outputs and its
    fail-safe in the evidence."""
    try:
        took, nodes = ask()
    except DriverError as error:
        return Result(Verdict.FAIL, Text(error.reason, f"网络错误：{error.reason}"), Text(error.remedy, "检查网线。"))
    if took is None:
        return Result(
            Verdict.FAIL,
            Text(f"No Art-Net node at {subject} answered.", f"{subject} 无Art-Net应答。"),
            Text("Check power, cable and the node's address.", "检查节点的电源、网线与地址。"),
            unit="s",
            limits=LATE,
        )
    evidence = {"nodes": [state(node) for node in nodes]}
    absent = missing()
    if absent:
        some = ", ".join(map(str, absent[:8])) + (" …" if len(absent) > 8 else "")
        return Result(
            Verdict.MARGINAL,
            Text(f"No Art-Net node lists Port-Address {some}.", f"没有Art-Net节点列出端口地址 {some}。"),
            Text(
                "Set the node to it, or correct the universe or port_address_offset.", "设置节点地址，或更正universe。"
            ),
            took,
            "s",
            LATE,
            evidence,
        )
    verdict = LATE.judge(took)
    names = ", ".join(dict.fromkeys(node.short_name or node.address for node in nodes))
    return Result(
        verdict,
        Text(f"{names} answered in {took:.2f} s.", f"{names} 在 {took:.2f} 秒内应答。"),
        SILENT if verdict is Verdict.PASS else Text("Check the node's network load.", "检查节点的网络负载。"),
        took,
        "s",
        LATE,
        evidence,
    )


def state(node: Node) -> str:
    """One line on a node: address, name, firmware; its outputs, how each is set; what it does when the network is lost
    (Status3), "not said" where it cannot be told that."""
    merging, acn = set(node.merging), set(node.on_acn)
    ports = []
    for index, port in enumerate(node.outputs):
        said = [word for word, has in (("merging", port in merging), ("follows sACN", port in acn)) if has]
        if index < len(node.good_outputs_b):
            said += ["RDM off"] if node.good_outputs_b[index] & RDM_OFF else []
            said += ["continuous"] if node.good_outputs_b[index] & CONTINUOUS else []
        ports.append(f"{port} ({', '.join(said)})" if said else f"{port}")
    lost = node.fail_safe or "not said"
    return f"{node.address} {node.short_name} {node.firmware}: outputs {', '.join(ports) or 'none'}; on loss: {lost}"
