"""``python -m config.schema`` writes config/schema.json: JSON Schema for editors that check TOML while typing."""

import json
from pathlib import Path

from config.model import StudioConfig

FILE = Path(__file__).with_name("schema.json")


def text() -> str:
    """The schema as it belongs into the file."""
    schema = StudioConfig.model_json_schema()
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Studio agent configuration"}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
