"""The table of docs/homeassistant.md."""

from agent.messaging.homeassistant.discovery import Maker
from agent.messaging.payloads import DeviceEntry, FixtureEntry, Inventory
from agent.messaging.topics import Topics
from docs.fields import grid

FIXTURES = {
    "dimmer": ("intensity",),
    "panel": ("intensity", "cct", "tint"),
    "wash": ("intensity", "red", "green", "blue", "white", "amber"),
}


def homeassistant() -> str:
    """Every entity of a studio with one of everything."""
    inventory = Inventory(
        fixtures=tuple(FixtureEntry(name=name, attributes=able) for name, able in FIXTURES.items()),
        devices=(
            DeviceEntry(kind="output", name="widget"),
            DeviceEntry(kind="camera", name="cam"),
            DeviceEntry(kind="probe", name="uplink"),
        ),
        looks=("show",),
        exposure="cam",
    )
    rows = []
    for _, entity in Maker(Topics("demo", "agent"), "both").all(inventory):
        able = ", ".join(entity.get("supported_color_modes", entity.get("options", ())))
        said = [entity.get(key) for key in ("device_class", "unit_of_measurement", "entity_category")]
        name = entity["default_entity_id"].replace(".agent_", ".<agent>_")
        rows.append((f"`{name}`", entity["name"], ", ".join(filter(None, [*said, able]))))
    return grid(("Entity", "Name", "Class, unit, place, choices"), rows)
