"""A widget that listens: what is a level and what never becomes one, loss, both receive modes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Heard, Verdict
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label, Message
from drivers.dmx.enttec_pro_in import EnttecProIn, EnttecProInOptions
from drivers.dmx.enttec_receive import LOSS, RECHECK, Receiver
from drivers.errors import LinkLost, NotSupported
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import FACTORY
from drivers.virtual.twins.enttec_in import EnttecInTwin, enttec_in_twin

PORT = "usb:EN9"
LOOK = bytes(slot % 255 + 1 for slot in range(512))
both_modes = pytest.mark.parametrize("mode", ["always", "change"])


class Cable:
    """The driver, the widget and the console."""

    def __init__(self, mode: str = "always", **options: Any) -> None:
        self.clock = ManualClock()
        studio = VirtualStudio(self.clock)
        chosen = EnttecProInOptions.model_validate({"port": PORT, "mode": mode, "universe": 7, **options})
        self.twin: EnttecInTwin = enttec_in_twin(studio, chosen, "desk")
        self.driver = EnttecProIn(chosen, studio)

    def news(self, seconds: float) -> list[Heard]:
        """All that is heard in that time."""
        until = self.clock.now() + seconds
        heard: list[Heard] = []
        while (rest := until - self.clock.now()) > 0:
            heard += self.driver.listen(rest)
        return heard


@both_modes
def test_levels_and_their_changes_are_heard_once_each(mode):
    cable = Cable(mode, priority=150)
    cable.driver.open()
    assert cable.news(3) == []
    cable.twin.say(1, LOOK)
    assert cable.news(20) == [Heard(7, LOOK, 150, sources=(f"DMX on {PORT}",))]
    other = LOOK[:100] + b"\0\0" + LOOK[102:400] + b"\7" + LOOK[401:]
    cable.twin.say(1, other)
    heard = cable.news(20)
    assert [each.slots for each in heard] == [other]


@both_modes
def test_a_cable_that_is_pulled_is_noticed_and_one_that_is_back_is_heard(mode):
    cable = Cable(mode)
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(2)
    cable.twin.leave()
    before = cable.clock.now()
    (gone,) = cable.driver.listen(10)
    took = cable.clock.now() - before
    assert (gone.slots, gone.sources, gone.ended) == (b"", (), "lost")
    assert LOSS - 0.03 <= took <= (LOSS if mode == "always" else 2 * LOSS) + 0.01
    assert cable.news(10) == []
    cable.twin.say(1, LOOK)
    assert [each.slots for each in cable.news(5)] == [LOOK]


def test_in_change_mode_an_unchanged_look_costs_hardly_any_traffic():
    traffic = {}
    for mode in ("always", "change"):
        cable = Cable(mode)
        cable.driver.open()
        cable.twin.say(1, LOOK)
        cable.news(1)
        packets = 0
        tell = cable.twin.device.packet

        def counted(data: bytes, status: int = 0, socket: int = 1, tell: Any = tell) -> bytes:
            nonlocal packets
            said = tell(data, status, socket)
            packets += len(said)
            return bytes(said)

        cable.twin.device.packet = counted
        assert cable.news(20) == []
        traffic[mode] = packets
    assert traffic["change"] < traffic["always"] / 10


@both_modes
@pytest.mark.parametrize("start_code", [0x17, 0x55, 0xCC, 0xCF, 0xDD])
def test_other_start_codes_are_never_levels(mode, start_code):
    """Text, test, RDM, SIP, per-address priority. In between, the levels stand."""
    cable = Cable(mode)
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(2)
    for _ in range(20):
        cable.twin.send(bytes([start_code]) + b"\x64" * 512)
        for heard in cable.news(0.1):
            assert heard.slots == LOOK and not heard.ended
    assert cable.driver.counts["other"] > 0


def test_other_start_codes_alone_do_not_keep_a_source_alive():
    cable = Cable()
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(1)
    cable.twin.leave()
    heard: list[Heard] = []
    for _ in range(20):
        cable.twin.send(b"\xcc" + bytes(24))
        heard += cable.news(0.1)
    assert [each.ended for each in heard] == ["lost"]


@pytest.mark.parametrize("status", [1, 2, 3])
def test_packets_the_widget_lost_parts_of_are_dropped_and_counted(status):
    cable = Cable()
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(1)
    cable.twin.send(bytes(513), status)
    assert cable.news(1) == []
    assert cable.driver.counts["spoiled"] == 1


def test_a_start_code_alone_keeps_the_line_alive_and_changes_nothing():
    cable = Cable()
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(1)
    cable.twin.leave()
    for _ in range(10):
        cable.twin.send(b"\0")
        assert cable.news(1.0) == []


@both_modes
def test_a_change_that_was_missed_is_made_good(mode):
    """The widget told of it while nobody read: as long as the look stays, nothing tells of it again."""
    cable = Cable(mode)
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(2)
    cable.twin.fault(Fault.SILENCE)
    cable.twin.say(1, bytes(512))
    cable.twin.heal()
    assert [each.slots for each in cable.news(RECHECK + LOSS)] == [bytes(512)]


@both_modes
def test_asking_for_parameters_in_between_loses_nothing_for_good(mode):
    cable = Cable(mode)
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(2)
    cable.twin.say(1, LOOK[::-1])
    assert [check.run().verdict for check in cable.driver.checks()] == [Verdict.PASS] * 3
    assert [each.slots for each in cable.news(3)] == [LOOK[::-1]]


def test_after_an_outage_the_look_is_told_again_or_is_lost():
    for stays in (True, False):
        cable = Cable()
        cable.driver.open()
        cable.twin.say(1, LOOK)
        cable.news(1)
        cable.twin.fault(Fault.UNPLUG)
        with pytest.raises(LinkLost):
            cable.driver.listen(1)
        cable.twin.heal()
        if not stays:
            cable.twin.leave()
        cable.driver.open()
        assert [(each.slots, each.ended) for each in cable.news(3)] == [(LOOK, "") if stays else (b"", "lost")]


def test_the_sniffer_firmware_hands_nothing_on():
    cable = Cable()
    cable.twin.device.parameters = type(FACTORY)(44, 3, 9, 1, 40)
    with pytest.raises(NotSupported, match="RDM sniffer, which cannot hand DMX on"):
        cable.driver.open()


# --- hostile lines -----------------------------------------------------------------------------------------------

labels = st.sampled_from([Label.RECEIVED, Label.CHANGE_OF_STATE, Label.PARAMETERS, 0, 255])
messages = st.builds(Message, labels, st.binary(max_size=codec.LONGEST))


@settings(max_examples=60)
@given(st.lists(st.tuples(messages, st.floats(0, 2)), max_size=30), st.booleans())
def test_any_messages_give_levels_only_as_the_protocol_says(script, on_change):
    """Also changes right after a full packet: a message that breaks a rule changes no slot at all."""
    now = 0.0
    receiver = Receiver(on_change, now)
    receiver.hear(Message(Label.RECEIVED, bytes(2) + LOOK), now)
    for message, later in script:
        now += later
        if receiver.check(now):
            assert receiver.slots is None
        before, all_wanted = receiver.slots, receiver.wants_all
        receiver.hear(message, now)
        if receiver.slots != before:
            data = message.data
            if message.label == Label.RECEIVED:
                assert data[:2] == b"\0\0" and receiver.slots == data[2:] and len(data) <= 514
            else:
                assert message.label == Label.CHANGE_OF_STATE and not all_wanted and before is not None
                changes = codec.decode_changes(data)
                assert changes is not None and 0 not in changes
        assert receiver.slots is None or len(receiver.slots) <= 512
        assert receiver.due > now - 1e-9 or receiver.slots is None


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=1500), max_size=8), st.sampled_from(["always", "change"]))
def test_noise_on_the_line_neither_raises_nor_stays(noise, mode):
    cable = Cable(mode)
    cable.driver.open()
    cable.twin.say(1, LOOK)
    cable.news(1)
    for burst in noise:
        cable.twin.socket.emit(burst)
        for heard in cable.news(0.1):
            assert len(heard.slots) <= 512
    cable.twin.say(1, bytes(512))
    assert cable.news(RECHECK + LOSS)[-1].slots == bytes(512)


packets = st.binary(min_size=codec.PACKET, max_size=codec.PACKET)


@settings(max_examples=60)
@given(packets, packets)
def test_changes_there_and_back(before, after):
    seen = bytearray(before)
    for wire in codec.encode_changes(before, after):
        (message,) = codec.Decoder().feed(wire)
        changes = codec.decode_changes(message.data)
        assert changes is not None
        for place, value in changes.items():
            seen[place] = value
    assert seen == after


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_changes_or_nothing(data):
    changes = codec.decode_changes(data)
    if changes is not None:
        assert 6 < len(data) <= 46
        assert all(0 <= place < codec.PACKET for place in changes)
        assert len(changes) == sum(each.bit_count() for each in data[1:6])


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ("00 02 00 00 00 00 80", {1: 0x80}),  # slot 1
        ("01 01 00 00 00 80 11 22", {8: 0x11, 47: 0x22}),
        ("40 01 00 00 00 00 FF", {512: 0xFF}),
        ("40 02 00 00 00 00 FF", None),  # slot 513
        ("FF 01 00 00 00 00 FF", None),
        ("00 03 00 00 00 00 FF", None),  # two bits, one value
        ("00 00 00 00 00 00 FF", None),
        ("00 02 00 00 00 00", None),
        ("00 02 00 00 00 00 07" + " 00" * 39, {1: 7}),  # padded to 40 values
        ("00 02 00 00 00 00 07" + " 00" * 40, None),
    ],
)
def test_changes_by_example(data, changes):
    assert codec.decode_changes(bytes.fromhex(data)) == changes


def test_a_length_of_64_kib_does_not_make_the_decoder_wait():
    decoder = codec.Decoder()
    for size in (codec.LONGEST + 1, 1024, 0x8000, 0xFFFF):
        found = decoder.feed(bytes((codec.START, 5, size & 0xFF, size >> 8)) + codec.receive_mode(True))
        assert found == [Message(Label.RECEIVE_MODE, b"\1")]


@settings(max_examples=100)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_name_or_nothing(data):
    name = codec.name_text(data)
    assert name is None or (name.isprintable() and name)


def test_names_by_example():
    assert codec.name_text(codec.name_bytes(0x7A70, "Open Lighting")) == "Open Lighting"
    assert codec.name_text(bytes.fromhex("9d65") + b"DMXking.com\0\0\0") == "DMXking.com"
    assert codec.name_text(b"\0") is None
