"""The show's reference picture as a file of this machine: JSON, versioned."""

import json
import math
from dataclasses import asdict, fields
from typing import Any

from drivers.camera.metrics import COLUMNS, ROWS
from drivers.camera.portrait import VERSION, Baseline
from drivers.camera.shift import CELLS, HEIGHT, WIDTH


def to_json(reference: Baseline) -> str:
    """NaN is written as null."""
    plain = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(reference).items()
    }
    return json.dumps(plain, allow_nan=False)


def from_json(text: str) -> Baseline:
    """ValueError, one clear sentence, for whatever is no reference of this version."""
    try:
        plain: Any = json.loads(text)
    except ValueError:
        raise ValueError("this is no reference picture: take it again") from None
    if not isinstance(plain, dict) or plain.get("version") != VERSION:
        raise ValueError(f"this is no reference picture of version {VERSION}: take it again")
    plain = {"grains": [], "edges": []} | plain  # a file of before they were looked at has none
    names = {each.name for each in fields(Baseline)}
    try:
        if plain.keys() != names:
            raise ValueError
        grey, zones, (width, height) = plain["grey"], plain["zones"], plain["size"]
        made = Baseline(
            at=str(plain["at"]),
            size=(int(width), int(height)),
            grey=tuple(int(code) for code in grey),
            zones=tuple(float(light) for light in zones),
            level=float(plain["level"]),
            sharpness=_number(plain["sharpness"]),
            noise=_number(plain["noise"]),
            grains=tuple(float(codes) for codes in plain["grains"]),
            edges=tuple(float(each) for each in plain["edges"]),
        )
        whole = len(made.grey) == WIDTH * HEIGHT and len(made.zones) == 3 * ROWS * COLUMNS
        whole = whole and len(made.grains) in (0, ROWS * COLUMNS) and len(made.edges) in (0, CELLS[0] * CELLS[1])
        if not whole or min(made.size) < 1 or min(made.grey) < 0 or max(made.grey) > 255:
            raise ValueError
        if not all(map(math.isfinite, (*made.zones, *made.grains, *made.edges, made.level))):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError("the reference picture is damaged: take it again") from None
    return made


def _number(plain: Any) -> float:
    return math.nan if plain is None else float(plain)
