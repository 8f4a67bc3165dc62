"""Templates by which Home Assistant reads the agent's own payloads. Pure.

They never raise and never name what may be missing, not even after a topic was emptied: Home Assistant would write a
warning for each such message.
"""

READY = "{{ 'online' if value_json is defined and value_json.state == 'online' and value_json.ready else 'offline' }}"
HEALTHY = "{{ 'online' if value_json is defined and value_json.health == 'ok' else 'offline' }}"


def field(path: str) -> str:
    """A template for one field of a payload; without it, or when it is empty, *unknown*."""
    parts = path.split(".")
    there = [f"'{part}' in {_at(parts[:depth])}" for depth, part in enumerate(parts)]
    value = _at(parts)
    known = " and ".join(["value_json is defined", *there, f"{value} not in (none, '')"])
    return f"{{{{ {value} if {known} else 'None' }}}}"


def attributes(*names: str) -> str:
    """A template for the attributes of an entity: these fields of the payload."""
    return (
        "{% set ns = namespace(found={}) %}{% if value_json is defined %}"
        f"{{% for key in {list(names)} if key in value_json %}}"
        "{% set ns.found = dict(ns.found, **{key: value_json[key]}) %}{% endfor %}{% endif %}{{ ns.found | tojson }}"
    )


def _at(parts: list[str]) -> str:
    return ".".join(["value_json", *parts])


def changed(name: str) -> str:
    """A template for a number; one that is not in a message has not changed: nothing leaves it as it is."""
    return f"{{{{ value_json.{name} if value_json is defined and '{name}' in value_json else '' }}}}"
