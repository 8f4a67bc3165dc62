"""The shipped JSON Schema is the one the model gives now."""

import json

from config import schema


def test_the_schema_in_the_file_is_not_stale():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: python -m config.schema"


def test_every_key_of_the_schema_is_described():
    tables = json.loads(schema.text())["$defs"]
    bare = [
        f"{table}.{key}"
        for table, shape in tables.items()
        for key, value in shape.get("properties", {}).items()
        if "description" not in value
    ]
    assert bare == []
