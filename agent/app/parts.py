"""A long text in parts that go into an answer each."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.runtime.logs import redacted
from config.units import Text

PART = 8000
"""Characters: as JSON in an answer at most 24 kB, mostly half of that."""


def part_of(thing: Mapping[str, Any], part: int) -> dict[str, Any]:
    """One part of the JSON of ``thing``, without secrets; ``sha256`` is the whole text's, in UTF-8. Raises Refusal
    for a part there is not."""
    text = json.dumps(redacted(thing), ensure_ascii=False, separators=(",", ":"))
    parts = -(-len(text) // PART)
    if part > parts:
        raise Refusal(
            ReasonCode.UNKNOWN_TARGET, Text(f"part {part}; there are {parts}", f"第 {part} 部分；共 {parts} 部分")
        )
    piece = text[(part - 1) * PART : part * PART]
    return {"part": part, "parts": parts, "sha256": hashlib.sha256(text.encode()).hexdigest(), "json": piece}
