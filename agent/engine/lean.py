"""Imported before anything else that is large: what the engine does without, so as to stay small.

OpenSSL costs 3 MiB, and comes in by way of ``hashlib``, whose own digests are all that is used here (there is no TLS in
an engine). ``hashlib`` and ``hmac`` take them where ``_hashlib`` cannot be imported.
"""

import sys

sys.modules["_hashlib"] = None  # type: ignore[assignment]
