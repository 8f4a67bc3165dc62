"""What only one device of the studio may have, and what an output cannot carry: found without hardware."""

from typing import Any

import pytest

from agent.app.devices import check
from agent.app.streams import heard_by, sent_by
from config.model import StudioConfig
from drivers.host import Interface
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio


def faults(**tables: dict[str, dict[str, Any]]) -> list[str]:
    config = StudioConfig.model_validate({"agent": {"site": "s", "name": "a"}, **tables})
    return [f"{problem.where} – {problem.why}" for problem in check(config)]


def output(driver: str, *universes: int, **options: Any) -> dict[str, Any]:
    return {"driver": driver, "universes": universes, "options": options}


def camera(source: str, **more: Any) -> dict[str, Any]:
    return {"options": {"source": source, **more}}


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (
            [output("enttec-pro", 1, port="/dev/ttyUSB0"), output("enttec-pro", 2, port="/dev/ttyUSB0", timeout=1.0)],
            "outputs.b.options.port – outputs.a has /dev/ttyUSB0 already",
        ),
        (
            [output("artnet", 1, host="node"), output("artnet", 2, host="node", port_address_offset=-1)],
            "outputs.b.universes – outputs.a has Art-Net Port-Address 1 at node already",
        ),
        (
            [output("sacn", 1, 2), output("sacn", 2, priority=150)],
            "outputs.b.universes – outputs.a has sACN universe 2 to multicast already",
        ),
        (
            [output("sacn", 1, hosts=["x", "y"]), output("sacn", 1, hosts=["y"])],
            "outputs.b.universes – outputs.a has sACN universe 1 to y already",
        ),
    ],
)
def test_two_outputs_with_one_wire(outputs: list[dict[str, Any]], said: str) -> None:
    assert faults(outputs=dict(zip("ab", outputs, strict=True))) == [said]


@pytest.mark.parametrize(
    "outputs",
    [
        [output("enttec-pro", 1, port="/dev/ttyUSB0"), output("enttec-pro", 1, port="/dev/ttyUSB1")],
        [output("artnet", 1, host="node"), output("artnet", 1, host="other")],
        [output("artnet", 1, host="node"), output("sacn", 1)],
        [output("sacn", 1), output("sacn", 1, interface="10.0.0.2")],
        [output("sacn", 1), output("sacn", 1, hosts=["x"])],
    ],
)
def test_a_second_way_to_the_same_lights_is_allowed(outputs: list[dict[str, Any]]) -> None:
    assert faults(outputs=dict(zip("ab", outputs, strict=True))) == []


def test_a_camera_is_opened_by_one_alone_a_film_or_a_stream_by_many() -> None:
    two = {"a": camera("/dev/video0"), "b": camera("0", timeout=2.0), "c": camera("1")}
    assert faults(cameras=two) == ["cameras.b.options.source – cameras.a has /dev/video0 already"]
    for source in ("film.mp4", "http://camera.lan/stream"):
        assert faults(cameras={"a": camera(source), "b": camera(source)}) == []


def test_one_device_is_not_a_widget_and_a_camera() -> None:
    found = faults(outputs={"a": output("enttec-pro", 1, port="/dev/video0")}, cameras={"a": camera("/dev/video0")})
    assert found == ["cameras.a.options.source – outputs.a has /dev/video0 already"]


@pytest.mark.parametrize(
    ("universe", "offset", "right"),
    [(32767, 0, True), (32768, 0, False), (1, -1, True), (1, -2, False), (63999, -31232, True), (2, 32766, False)],
)
def test_art_net_ends_at_port_address_32767(universe: int, offset: int, right: bool) -> None:
    found = faults(outputs={"a": output("artnet", universe, host="node", port_address_offset=offset)})
    said = f"outputs.a.universes – universe {universe} would be Port-Address {universe + offset}; there are 0…32767"
    assert found == ([] if right else [said])


def test_a_wrong_option_is_told_once_and_compared_with_nothing() -> None:
    wrong = output("enttec-pro", 1, port="/dev/ttyUSB0", rate=99)
    assert faults(outputs={"a": wrong, "b": output("enttec-pro", 2, port="/dev/ttyUSB0")}) == [
        "outputs.a.options.rate – 99 is too high"
    ]


def test_a_bus_and_an_output_cannot_have_one_port_and_each_driver_its_table():
    said = faults(
        outputs={"a": output("enttec-pro", 1, port="/dev/ttyUSB0")},
        buses={
            "b": {"driver": "modbus", "options": {"port": "/dev/ttyUSB0"}},
            "c": {"driver": "sacn"},
            "d": {"driver": "line", "options": {}},
        },
    )
    assert said == [
        "buses.b.options.port – outputs.a has /dev/ttyUSB0 already",
        "buses.c.driver – sacn is a driver for an output",
        "buses.d.options – a bus is either at a serial port or at a host",
    ]


def console(driver: str, **more: Any) -> dict[str, Any]:
    options = {"port": "/dev/ttyUSB0", "universe": 1} if driver == "enttec-pro-in" else {"universes": [1]}
    return {"driver": driver, "options": {**options, **more.pop("options", {})}, **more}


@pytest.mark.parametrize("driver", ["sacn-in", "artnet-in", "enttec-pro-in"])
def test_a_console_takes_lights_without_a_word_about_priorities(driver: str) -> None:
    assert not faults(inputs={"desk": console(driver)}, outputs={"a": output("sacn", 1)})


@pytest.mark.parametrize(
    ("inputs", "outputs", "why"),
    [
        (console("artnet-in"), output("sacn", 1, priority=120), "101 is no more than our own priority (120)"),
        (console("artnet-in"), output("sacn", 1, address_priority={"1-9": 130}), "101 is no more than our own"),
        (console("artnet-in", options={"priority": 100}), output("artnet", 1), "100 is no more than our own"),
        (console("enttec-pro-in", over=150), output("artnet", 1), "101 is no more than our own priority (150)"),
    ],
)
def test_a_console_that_could_never_take_a_light_is_found(inputs: Any, outputs: Any, why: str) -> None:
    (said,) = faults(inputs={"desk": inputs}, outputs={"a": outputs})
    assert said.startswith("inputs.desk.options.priority – no console heard there takes a light: ")
    assert why in said


def test_our_own_priority_is_the_one_we_send_with() -> None:
    def over(universes: list[int], **more: Any) -> int | None:
        desk = {"driver": "sacn-in", "options": {"universes": universes}, **more}
        found = studio(desk, output("sacn", 1, 2, priority=150), output("sacn", 3), output("artnet", 4))
        return heard_by(found, sent_by(found, VirtualStudio(ManualClock()), {}))["desk"].over

    assert (over([2, 3]), over([3]), over([4]), over([1], over=90)) == (150, 100, 100, 90)


def test_a_network_card_that_comes_later_does_not_make_us_a_stranger_to_ourselves() -> None:
    """The engine would work out another identifier than the daemon, and our input take us for a console."""

    class Machine(VirtualStudio):
        cards: tuple[Interface, ...] = (Interface("eth0", up=True, mac="52:54:00:00:00:05"),)

        def interfaces(self) -> list[Interface]:
            return list(self.cards)

    machine, known = Machine(ManualClock()), dict[tuple[Any, ...], str]()
    found = studio(console("sacn-in"), output("sacn", 1))
    before = sent_by(found, machine, known)
    machine.cards += (Interface("veth9", up=True, mac="02:00:00:00:00:01"),)
    after = sent_by(found, machine, known)
    assert after == before
    assert heard_by(found, after)["desk"].options["ignore"] == [after["out0"].options["cid"]]
    machine.cards += (Interface("eth1", up=True, mac="ac:de:48:00:00:01"),)
    maker = sent_by(found, machine, {})
    machine.cards += (Interface("veth0", up=True, mac="02:00:00:00:00:00"),)
    assert sent_by(found, machine, {}) == maker, "nor does a container's, over a restart"


def studio(desk: dict[str, Any], *outputs: dict[str, Any]) -> StudioConfig:
    sent = {f"out{number}": each for number, each in enumerate(outputs)}
    return StudioConfig.model_validate({"agent": {"site": "s", "name": "a"}, "inputs": {"desk": desk}, "outputs": sent})
