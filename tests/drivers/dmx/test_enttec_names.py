"""Widgets that are replugged together and come back under each other's names: whose lights get whose look."""

import pytest

from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.errors import DeviceMissing, LinkLost
from drivers.host import SerialPort
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import EnttecTwin, enttec_twin

LOOKS = {"A": bytes([1]) * 512, "B": bytes([2]) * 512, "C": bytes([3]) * 512}
SERIALS = {"A": "000000A1", "B": "000000B2", "C": "000000C3"}


class Rack:
    """Widgets behind names that the system deals out, each with its output, and in its lights its own look."""

    def __init__(self, names: str = "AB", **serials: str) -> None:
        self.studio = VirtualStudio(ManualClock())
        self.names = names
        self.twins: dict[str, EnttecTwin] = {}
        self.outputs: dict[str, EnttecPro] = {}
        for number, name in enumerate(names):
            port = f"/dev/ttyUSB{number}"
            serial = serials.get(name, SERIALS[name])
            self.twins[name] = enttec_twin(self.studio, EnttecProOptions(port=port, serial=serial), name)
            self.outputs[name] = EnttecPro(EnttecProOptions(port=port), self.studio)
            self.outputs[name].open()
            self.outputs[name].send(1, LOOKS[name])

    def unplug(self) -> None:
        for name in self.names:
            self.twins[name].fault(Fault.UNPLUG)
            with pytest.raises(LinkLost):
                self.outputs[name].send(1, LOOKS[name])
            self.outputs[name].close()

    def plug(self, order: str) -> None:
        """Plugged in again in this order, each takes the next name."""
        ports = [SerialPort(f"/dev/ttyUSB{number}", f"/dev/ttyUSB{number}") for number in range(len(order))]
        for name, port in zip(order, ports, strict=True):
            self.twins[name].socket.port = port
            self.twins[name].heal()

    def open(self, name: str) -> str:
        """Where it is by now; "" when it is not to be found."""
        try:
            where = self.outputs[name].open().details["port"]
        except DeviceMissing:
            return ""
        self.outputs[name].send(1, LOOKS[name])
        return where

    def shown(self) -> dict[str, bytes]:
        return {name: twin.frames[1] for name, twin in self.twins.items() if 1 in twin.frames}


@pytest.mark.parametrize("order", ["BA", "AB"])
@pytest.mark.parametrize("first", ["A", "B"])
def test_two_that_exchanged_their_names_keep_their_lights(order, first):
    rack = Rack()
    rack.unplug()
    rack.plug(order)
    for name in (first, *"AB".replace(first, "")):
        assert rack.open(name) == f"/dev/ttyUSB{order.index(name)}"
    assert rack.shown() == {"A": LOOKS["A"], "B": LOOKS["B"]}


def test_three_in_a_ring_find_themselves_again():
    rack = Rack("ABC")
    rack.unplug()
    rack.plug("CAB")
    assert [rack.open(name) for name in "ABC"] == ["/dev/ttyUSB1", "/dev/ttyUSB2", "/dev/ttyUSB0"]
    assert rack.shown() == LOOKS


def test_the_one_that_is_back_alone_under_the_others_name_is_found_and_the_other_gets_nobody_elses():
    rack = Rack()
    rack.unplug()
    rack.plug("B")
    assert rack.open("A") == ""
    assert rack.open("B") == "/dev/ttyUSB0"
    assert rack.open("A") == "", "in use"
    assert rack.shown()["B"] == LOOKS["B"]
    rack.twins["A"].socket.port = SerialPort("/dev/ttyUSB1", "/dev/ttyUSB1")
    rack.twins["A"].heal()
    assert rack.open("A") == "/dev/ttyUSB1"
    assert rack.shown() == {"A": LOOKS["A"], "B": LOOKS["B"]}


def test_a_spare_widget_in_the_old_ones_place_is_taken():
    rack = Rack()
    rack.unplug()
    rack.plug("AB")
    rack.twins["A"].device._serial = "000000E5"
    assert rack.open("A") == "/dev/ttyUSB0"
    assert rack.open("B") == "/dev/ttyUSB1"


def test_widgets_with_one_serial_number_are_told_apart_by_nothing_but_their_names():
    rack = Rack(B=SERIALS["A"])
    rack.unplug()
    rack.plug("AB")
    assert (rack.open("A"), rack.open("B")) == ("/dev/ttyUSB0", "/dev/ttyUSB1")
    assert rack.shown() == {"A": LOOKS["A"], "B": LOOKS["B"]}
    rack.unplug()
    rack.twins["B"].heal()
    assert rack.open("A") == ""
    assert rack.open("B") == "/dev/ttyUSB1"
    assert rack.shown()["B"] == LOOKS["B"]


def test_who_is_in_anothers_place_is_said():
    rack = Rack()
    rack.unplug()
    rack.plug("B")
    with pytest.raises(DeviceMissing, match="000000B2 is there, which belongs to /dev/ttyUSB1; ours is 000000A1"):
        rack.outputs["A"].open()
    assert not rack.studio.in_use()
