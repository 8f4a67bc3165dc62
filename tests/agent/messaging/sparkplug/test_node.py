"""The session's rules, without a broker."""

import json

import pytest

from agent.messaging.header import Payload
from agent.messaging.payloads import (
    DeviceEntry,
    DeviceState,
    FixtureEntry,
    FixtureState,
    Inventory,
    Telemetry,
)
from agent.messaging.sparkplug import metrics
from agent.messaging.sparkplug.history import Sessions
from agent.messaging.sparkplug.metrics import NODE, NODE_METRICS
from agent.messaging.sparkplug.model import Model
from agent.messaging.sparkplug.node import Host, Node
from agent.messaging.sparkplug.payload import DataType, Metric, decode
from agent.messaging.sparkplug.payload import Payload as Sent
from agent.messaging.sparkplug.protobuf import WireError
from agent.messaging.sparkplug.writes import command_id, envelope, orders
from agent.messaging.topics import Topics, parse
from config.units import Attribute

TOPICS = Topics("hall", "one")
NOW = 1_700_000_000_000


def hear(model: Model, topic: str, payload: Payload | None, at: int = NOW) -> bool:
    found = parse(topic)
    assert found is not None
    return model.hear(found, payload, at)


def furnished(*lights: str) -> Model:
    """A model with these lights and a probe, all there."""
    model = Model({"Properties/Version": "1"}, NOW)
    tell_inventory(model, *lights)
    for light in lights:
        tell_level(model, light, 0.5)
    hear(model, TOPICS.state("probe", "isp"), DeviceState(health="ok", model="echo"))
    return model


def tell_inventory(model: Model, *lights: str, attributes: tuple[str, ...] = ("intensity", "cct")) -> None:
    hear(
        model,
        TOPICS.inventory,
        Inventory(
            fixtures=tuple(FixtureEntry(name=light, attributes=attributes) for light in lights),
            devices=(DeviceEntry(kind="probe", name="isp", driver="tcp"),),
            looks=("warm",),
        ),
    )


def tell_level(model: Model, light: str, level: float, at: int = NOW, health: str = "ok") -> None:
    state = FixtureState(levels={Attribute.INTENSITY: level, Attribute.CCT: 4300.0}, health=health)  # type: ignore[arg-type]
    hear(model, TOPICS.state("fixture", light), state, at)


def born(node: Node, model: Model) -> list[Sent]:
    """All births, decoded."""
    told = [node.birth(model.node, NOW)]
    told += [node.device_birth(d, thing, NOW) for d, thing in model.things.items() if d != NODE and thing.alive]
    return [decode(body) for _, body in told]


def test_the_will_and_the_birth_of_one_connection_have_the_same_bdseq_and_the_next_one_more() -> None:
    node, model = Node("hall", "one"), furnished("key")
    for number in (0, 1, 255, 256):
        topic, will = node.connect(number)
        assert topic == "spBv1.0/hall/NDEATH/one"
        (only,) = decode(will).metrics
        assert (only.name, only.value, only.datatype) == ("bdSeq", number % 256, DataType.INT64)
        assert decode(will).seq is None
        assert born(node, model)[0].metrics[0].value == number % 256
        assert decode(node.death(NOW)[1]).metrics[0].value == number % 256


def test_a_birth_has_every_metric_with_type_value_and_its_own_alias() -> None:
    node, model = Node("hall", "one"), furnished("key", "fill")
    node.connect(3)
    births = born(node, model)
    assert [each.seq for each in births] == [0, 1, 2, 3]
    told = [metric for each in births for metric in each.metrics]
    assert all(metric.name and metric.timestamp and metric.datatype is not None for metric in told)
    without = [metric.name for metric in told if metric.alias is None]
    assert without == ["bdSeq", "Node Control/Rebirth"]
    aliases = [metric.alias for metric in told if metric.alias is not None]
    assert len(set(aliases)) == len(aliases)
    assert {m.name for m in births[0].metrics} == {"bdSeq", *(each.name for each in NODE_METRICS)}
    rebirth = next(m for m in births[0].metrics if m.name == "Node Control/Rebirth")
    assert rebirth.value is False
    key = {metric.name: metric for metric in births[1].metrics}
    assert key["Levels/intensity"].value == 0.5
    assert key["Levels/cct"].properties["engUnit"].value == "K"
    assert key["Last Command/Result"].value is None


def test_aliases_stay_the_same_from_birth_to_birth() -> None:
    node, model = Node("hall", "one"), furnished("key")
    node.connect(0)
    first = [[(m.name, m.alias) for m in each.metrics] for each in born(node, model)]
    node.connect(1)
    assert [[(m.name, m.alias) for m in each.metrics] for each in born(node, model)] == first


def test_seq_has_no_gap_over_births_data_and_deaths() -> None:
    node, model = Node("hall", "one"), furnished("key")
    node.connect(0)
    seen = [each.seq for each in born(node, model)]
    thing = model.things["fixture-key"]
    for number in range(600):
        tell_level(model, "key", number / 1000)
        if number % 100 == 50:
            seen.append(decode(node.device_death("fixture-key", NOW)[1]).seq)
            seen.append(decode(node.device_birth("fixture-key", thing, NOW)[1]).seq)
        else:
            seen.append(decode(node.data("fixture-key", thing.take(), NOW)[1]).seq)
    assert seen == [number % 256 for number in range(len(seen))]


def test_only_what_changed_is_told_and_with_the_time_it_changed() -> None:
    model = furnished("key")
    thing = model.things["fixture-key"]
    thing.everything(NOW)
    tell_level(model, "key", 0.5, NOW + 5)
    tell_level(model, "key", 0.75, NOW + 10)
    assert [(each.name, value, at) for each, value, at in thing.take()] == [("Levels/intensity", 0.75, NOW + 10)]
    assert thing.take() == []


def test_a_state_told_before_the_inventory_is_not_lost() -> None:
    model = Model({}, NOW)
    tell_level(model, "key", 0.3, NOW + 7)
    tell_level(model, "ghost", 0.3)
    tell_inventory(model, "key")
    assert set(model.things) == {NODE, "fixture-key", "probe-isp"}
    assert model.things["fixture-key"].alive
    assert model.things["fixture-key"].values["Levels/intensity"] == (0.3, NOW + 7)


def test_a_number_that_was_not_measured_is_null_and_a_counter_whole() -> None:
    model = furnished()
    thing = model.things["probe-isp"]
    hear(model, TOPICS.tele("network", "isp"), Telemetry.of({"rtt_ms": None, "lost": 3}))
    values = {each.name: value for each, value, _ in thing.everything(NOW)}
    assert values["Network/rtt_ms"] is None
    assert values["Network/lost"] == 3.0
    hear(model, TOPICS.tele("lighting"), Telemetry.of({"frames": 12345}))
    assert type(model.node.values["Lighting/frames"][0]) is int


def test_a_light_that_can_do_more_after_a_reload_is_to_be_born_anew_and_one_that_is_gone_is_no_more() -> None:
    model = furnished("key", "fill")
    for thing in model.things.values():
        thing.everything(NOW)
    tell_inventory(model, "key", attributes=("intensity", "cct", "tint"))
    assert model.things["fixture-key"].redefined
    assert not model.things["probe-isp"].redefined
    assert "fixture-fill" not in model.things


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"online": True, "timestamp": 5}, True),
        ({"online": False, "timestamp": 5}, True),
        ({"online": False, "timestamp": 4}, False),
        ({"online": "true", "timestamp": 9}, False),
        ({"online": True, "timestamp": True}, False),
        ({"online": True}, False),
        ([], False),
        ("ONLINE", False),
    ],
)
def test_a_state_counts_if_it_is_one_and_no_older_than_the_last(said: object, counts: bool) -> None:
    host = Host("scada")
    assert host.topic == "spBv1.0/STATE/scada"
    assert host.hear(json.dumps({"online": True, "timestamp": 5}).encode())
    assert host.hear(json.dumps(said).encode()) is counts
    assert host.online is (said["online"] if counts and isinstance(said, dict) else True)
    assert not host.hear(b"ONLINE")


def command(node: Node, device: str, *written: Metric) -> tuple[str, bytes]:
    return node.topic("DCMD" if device else "NCMD", device), Sent(NOW, written).encode()


def alias(node: Node, model: Model, device: str, name: str) -> int:
    (found,) = [
        m.alias for m in decode(node.device_birth(device, model.things[device], NOW)[1]).metrics if m.name == name
    ]
    assert found is not None
    return found


def test_a_write_is_read_by_alias_and_by_name() -> None:
    node, model = Node("hall", "one"), furnished("key")
    node.connect(0)
    born(node, model)
    level = alias(node, model, "fixture-key", "Levels/intensity")
    topic, body = command(
        node,
        "fixture-key",
        Metric(None, level, datatype=DataType.INT32, value=1),
        Metric("Device Control/Fade", datatype=DataType.FLOAT, value=2.0),
    )
    (order,) = orders(node.read(topic, body, model.things))
    assert order.verb == "lights.set"
    assert order.args == {"targets": ["key"], "levels": {"intensity": 1.0}, "fade": 2.0}


@pytest.mark.parametrize(
    ("device", "written", "why"),
    [
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.STRING, value="full"), "'full' is no Double"),
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=None), "None is no Double"),
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=float("nan")), "nan is no Double"),
        ("fixture-key", Metric("Held By", datatype=DataType.STRING, value="me"), "Held By cannot be written"),
        ("fixture-key", Metric("Levels/uv", datatype=DataType.DOUBLE, value=1.0), "'Levels/uv' is no metric of it"),
        ("fixture-key", Metric(None, 999, datatype=DataType.DOUBLE, value=1.0), "no metric has the alias 999"),
        ("fixture-key", Metric(None, 1, datatype=DataType.STRING, value="warm"), "the node's Node Control/Look"),
        ("fixture-key", Metric("Device Control/Fade", datatype=DataType.DOUBLE, value=1.0), "together with a level"),
        ("fixture-ghost", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=1.0), "no device 'fixture-ghost'"),
        ("probe-isp", Metric("Network/rtt_ms", datatype=DataType.DOUBLE, value=1.0), "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said(device: str, written: Metric, why: str) -> None:
    node, model = Node("hall", "one"), furnished("key")
    node.connect(0)
    born(node, model)
    with pytest.raises(ValueError, match=why):
        orders(node.read(*command(node, device, written), model.things))


@pytest.mark.parametrize("topic", ["spBv1.0/hall/NCMD/two", "spBv1.0/hall/DCMD/one", "x", "spBv1.0/hall/NDATA/one"])
def test_a_topic_that_is_no_command_of_ours_is_none(topic: str) -> None:
    with pytest.raises(WireError):
        Node("hall", "one").read(topic, Sent(NOW).encode(), {})


def test_the_same_bytes_are_the_same_command_and_without_a_time_none_is() -> None:
    assert command_id("t", b"x", 0, NOW) == command_id("t", b"x", 0, NOW) != command_id("t", b"y", 0, NOW)
    assert command_id("t", b"x", 0, NOW) != command_id("u", b"x", 0, NOW) != command_id("t", b"x", 1, NOW)
    assert command_id("t", b"x", 0, None) != command_id("t", b"x", 0, None)


@pytest.mark.parametrize("sent", [0, 253_402_300_798_999, 253_402_300_799_000, 2**64 - 1])
def test_any_time_of_a_host_makes_an_envelope(sent: int) -> None:
    node, model = Node("hall", "one"), furnished("key")
    node.connect(0)
    born(node, model)
    topic, body = command(node, "", Metric("Node Control/Look", datatype=DataType.STRING, value="warm"))
    (order,) = orders(node.read(topic, body, model.things))
    said = envelope(order, sent)
    assert said["args"] == {"look": "warm"} and said["issuer"] == "sparkplug"
    assert ("issued_at" in said) is (sent < 253_402_300_799_000)


def test_bdseq_goes_on_over_restarts_and_begins_anew_after_255(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "state" / "bdseq"
    assert [Sessions(file).next() for _ in range(3)] == [0, 1, 2]
    file.write_text("255\n")
    sessions = Sessions(file)
    assert [sessions.next(), sessions.next()] == [255, 0]
    file.write_text("rubbish")
    assert Sessions(file).next() == 0
    nowhere = Sessions(Path("/proc/no/such/place"))
    assert [nowhere.next(), nowhere.next()] == [0, 1]


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\0"])
def test_ids_that_are_no_topic_level_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="group or node id"):
        Node(name, "one")


def test_every_metric_is_in_the_table_of_the_documents() -> None:
    told = metrics.table()
    for kind, known in metrics.KINDS.items():
        assert f"`{kind}-<name>`" in told
        assert all(f"| `{each.name}` |" in told for each in known)
