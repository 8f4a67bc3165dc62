"""A headless Home Assistant, run by *its* Python: ``python hass_child.py FOLDER BROKER_PORT``.

Reads one JSON object a line (``{"do": "states"}``, ``{"do": "call", "domain", "service", "data"}``, ``{"do": "log"}``,
``{"do": "registry"}``, ``{"do": "stop"}``) and answers each with one. Knows nothing of the agent.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

from homeassistant import bootstrap, runner
from homeassistant.const import __version__
from homeassistant.helpers import device_registry, entity_registry, issue_registry

CONFIGURATION = """
homeassistant:
  name: acceptance
  time_zone: UTC
  unit_system: metric
http:
  server_host: 127.0.0.1
  server_port: {port}
"""


class Kept(logging.Handler):
    """Everything at warning or above, word for word."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


async def main(folder, broker, http):
    (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=http))
    kept = Kept()
    logging.getLogger().addHandler(kept)
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True, safe_mode=False, debug=False, open_ui=False)
    )
    await hass.async_start()
    if not hass.config_entries.async_entries("mqtt"):
        made = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
        asked = {"broker": "127.0.0.1", "port": broker}
        made = await hass.config_entries.flow.async_configure(made["flow_id"], asked)
        assert made["type"] == "create_entry", made
    await hass.async_block_till_done()
    say({"ready": __version__})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        try:
            answer = await do(hass, kept, asked)
        except Exception as error:  # the other side decides what it means
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer)
        if asked["do"] == "stop":
            break
    await hass.async_stop(force=True)


async def do(hass, kept, asked):
    match asked["do"]:
        case "states":
            return {s.entity_id: {"state": s.state, **s.attributes} for s in hass.states.async_all()}
        case "call":
            await hass.services.async_call(asked["domain"], asked["service"], asked["data"], blocking=True)
            return {}
        case "log":
            issues = [f"{i.domain}: {i.issue_id}" for i in issue_registry.async_get(hass).issues.values() if i.active]
            return {"log": list(kept.lines), "issues": issues}
        case "registry":
            entities = entity_registry.async_get(hass).entities.values()
            devices = device_registry.async_get(hass).devices.values()
            return {
                "entities": {e.entity_id: e.unique_id for e in entities},
                "devices": [device.name for device in devices],
            }
    return {}


def say(thing):
    sys.stdout.write(json.dumps(thing, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
