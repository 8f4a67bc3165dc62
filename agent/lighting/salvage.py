"""What can still be read of a damaged show file. Pure.

A version is kept whole or not at all: half a look, or a cue list without some of its cues, would go wrong on air.
"""

import json
import re
from collections.abc import Iterator

BEGINS = re.compile(r'\{\s*"number"')
"""How a version begins in the file; so do its cues, which are no versions, and are passed over as such. Within a text
that somebody typed the marks are escaped."""
_ONE = json.JSONDecoder()


def objects(content: bytes) -> Iterator[str]:
    """Every JSON object that may be a version, as it stands: whoever knows what one is has to check each."""
    text = content.decode(errors="surrogateescape")  # what is no text makes the object it is in no version
    at = 0
    while (found := BEGINS.search(text, at)) is not None:
        at = found.end()
        try:
            _, end = _ONE.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        yield text[found.start() : end]
