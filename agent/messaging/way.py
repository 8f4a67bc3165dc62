"""The way to the broker, as those know it who have something to send."""

import json
from collections.abc import Callable
from typing import Protocol

Acked = Callable[[int, str], None]
"""Hears the broker's reason code and its name."""
CUT = {
    "en": "done; its result is larger than this broker's Maximum Packet Size",
    "zh": "已完成；结果超过此服务器的最大报文长度",
}
LONGEST = 120
"""Characters of a sentence in an answer that is cut short."""


def cut_short(body: bytes) -> bytes:
    """An answer without its result and with a short message, for a broker that takes no more: whoever asked must learn
    that it is over. Anything else as it is."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    if not isinstance(said, dict) or not {"verb", "state", "result"} <= said.keys():
        return body
    said["message"] = {key: text[:LONGEST] for key, text in (said["message"] or CUT).items()}
    said["result"] = {}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


class Way(Protocol):
    """The connection, as far as the outbox knows it. ``eased`` is called whenever there may be room again."""

    eased: Callable[[], None]

    @property
    def room(self) -> int: ...

    def takes(self, topic: str, body: bytes) -> bool: ...

    def publish(self, topic: str, body: bytes, *, qos: int, retain: bool, acked: Acked) -> bool: ...
