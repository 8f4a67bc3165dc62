"""The whole agent as an edge node: a host application moves its lights."""

from collections.abc import Callable

import pytest

from agent.messaging.sparkplug.payload import DataType, Metric
from tests.agent.app.conftest import House
from tests.agent.messaging.sparkplug.scada import Scada
from tests.brokers import Plain
from tests.waiting import until


@pytest.fixture
def scada(house: House, plain: Callable[..., Plain]) -> Scada:
    house.file.write_text(house.file.read_text(encoding="utf-8") + "\n[sparkplug]\nenabled = true\n", encoding="utf-8")
    return Scada(plain(house.port), "demo", "studio")


async def test_every_light_camera_output_and_probe_is_born_with_what_the_agent_measures(
    house: House, scada: Scada
) -> None:
    async with house.running() as agent:
        devices = {f"fixture-{name}" for name in agent.rig.fixtures}
        devices |= {f"{kind}-{unit.name}" for kind, unit in agent.devices.all()}
        await until(lambda: scada.seen().alive >= devices)
        await until(lambda: scada.seen().tags.get(("", "Host/rss_mib")))
        await until(lambda: any(name == "Picture/ev_stops" and v for (_, name), v in scada.seen().tags.items()))
        await until(lambda: any(name == "Network/probes" and v for (_, name), v in scada.seen().tags.items()))
    seen = scada.seen()
    assert seen.breaches == []
    assert seen.tags["", "Properties/Mode"] == "virtual"
    assert seen.births == seen.deaths[:1] == [0]
    keys = [key for key, value in seen.tags.items() if key[0] == "fixture-key" and key[1].startswith("Levels/")]
    assert ("fixture-key", "Levels/intensity") in keys and ("fixture-key", "Levels/cct") in keys


async def test_a_dcmd_moves_a_light_through_the_dispatcher_and_the_journal(house: House, scada: Scada) -> None:
    async with house.running() as agent:
        house.air(False)
        await until(lambda: "fixture-back" in scada.seen().alive)
        scada.write("fixture-back", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=0.42))
        await until(lambda: scada.seen().tags.get(("fixture-back", "Last Command/Result")) == "succeeded")
        await until(lambda: scada.seen().tags["fixture-back", "Levels/intensity"] == 0.42)
        seen = scada.seen()
        assert seen.tags["fixture-back", "Held By"] == "sparkplug"
        assert house.state("fixture", "back")["levels"]["intensity"] == 0.42
        entry = agent.journal.find(str(seen.tags["fixture-back", "Last Command/Id"]))
        assert entry is not None and entry.state == "succeeded" and entry.verb == "lights.set"
        scada.write("fixture-back", Metric("Device Control/Release", datatype=DataType.BOOLEAN, value=True))
        await until(lambda: scada.seen().tags["fixture-back", "Held By"] == "")
    assert scada.seen().breaches == []


async def test_a_write_beyond_the_light_or_the_interlock_changes_nothing_and_says_why(
    house: House, scada: Scada
) -> None:
    async with house.running():
        house.air(True)
        await until(lambda: "fixture-key" in scada.seen().alive)
        before = house.state("fixture", "key")["target"]
        for metric, code in (
            (Metric("Levels/cct", datatype=DataType.DOUBLE, value=19000.0), "out-of-range"),
            (Metric("Device Control/Identify", datatype=DataType.BOOLEAN, value=True), "on-air"),
        ):
            scada.write("fixture-key", metric)
            await until(lambda code=code: scada.seen().tags.get(("fixture-key", "Last Command/Code")) == code)  # type: ignore[misc]
        assert house.state("fixture", "key")["target"] == before
        assert scada.seen().tags["fixture-key", "Levels/cct"] == before["cct"]
        scada.write("", Metric("Node Control/Look", datatype=DataType.STRING, value="no-such-look"))
        await until(lambda: scada.seen().tags.get(("", "Last Command/Code")) == "unknown-target")
    assert scada.seen().breaches == []


async def test_a_light_whose_output_is_unplugged_dies_and_comes_back(house: House, scada: Scada) -> None:
    async with house.running() as agent:
        await until(lambda: "fixture-key" in scada.seen().alive)
        universe = agent.rig.fixtures["key"].universe
        output = next(o for o in agent.devices.outputs.values() if universe in o.section.universes)
        house.studio.fault(output.name, "unplug")
        await until(lambda: "DDEATH fixture-key" in scada.seen().order)
        await until(lambda: f"DDEATH output-{output.name}" in scada.seen().order)
        await until(lambda: scada.seen().tags["", "Alerts/Critical"])
        house.studio.heal(output.name)
        await until(lambda: {"fixture-key", f"output-{output.name}"} <= scada.seen().alive)
    assert scada.seen().breaches == []
