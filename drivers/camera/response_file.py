"""A camera's response curve kept in a file: JSON with a version, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from drivers.camera.response import Response

VERSION = 1
_FORMAT = "studio-camera-response"


def save(response: Response, path: Path) -> None:
    """Writes it whole or not at all."""
    body = {
        "format": _FORMAT,
        "version": VERSION,
        "error": round(response.error, 6),
        "assumed_error": round(response.assumed_error, 6),
        "pictures": response.pictures,
        "evidence": {name: round(value, 6) for name, value in response.evidence.items()},
        "tables": [[float(f"{value:.7g}") for value in table] for table in response.tables.tolist()],
    }
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(body), encoding="utf-8")
    fresh.replace(path)


def load(path: Path) -> Response:
    """Raises ValueError, in one sentence, for what is no such file; OSError when it cannot be read."""
    try:
        body = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError(f"{path.name} is no camera response: not JSON; calibrate the camera again") from None
    try:
        return _parsed(body)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path.name} is no camera response: {error}; calibrate the camera again") from None


def _parsed(body: Any) -> Response:
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise ValueError(f"its format is not {_FORMAT}")
    if body.get("version") != VERSION:
        raise ValueError(f"its version is {str(body.get('version'))[:20]}, and only {VERSION} is known")
    tables = np.array(body["tables"], np.float32)
    if tables.shape != (3, 256):
        raise ValueError("its tables are not 3 x 256 numbers")
    if not (np.isfinite(tables).all() and (tables >= 0).all() and (np.diff(tables) >= 0).all()):
        raise ValueError("its tables do not rise")
    if not np.allclose(tables[:, -1], 1.0, atol=1e-3):
        raise ValueError("its tables do not end at 1.0")
    numbers = {str(name): float(value) for name, value in body["evidence"].items()}
    return Response(tables, float(body["error"]), float(body["assumed_error"]), int(body["pictures"]), numbers)
