"""A contract that passes everything proves nothing: each of these drivers breaks a clause, and that clause says so."""

import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from pydantic import ConfigDict

from drivers.base import Identity, Result, Verdict
from drivers.dmx.enttec_pro import SPEC, EnttecPro, EnttecProOptions
from drivers.dmx.enttec_pro_in import SPEC as PRO_IN
from drivers.dmx.enttec_pro_in import EnttecProIn
from drivers.dmx.open_dmx import SPEC as OPEN_DMX
from drivers.dmx.open_dmx import OpenDmx
from drivers.errors import DriverError, LinkLost
from drivers.lamps.modbus import SPEC as MODBUS
from drivers.lamps.modbus import ModbusBus, ModbusLamp
from drivers.registry import Kind
from drivers.testing import common, kinds


class TalksWhenMade(EnttecPro):
    def __init__(self, options, host):
        super().__init__(options, host)
        host.serial_ports()


class NeverCloses(EnttecPro):
    def close(self):
        self._link = None


class WaitsTooLong(EnttecPro):
    def ask_parameters(self, timeout):
        return super().ask_parameters(timeout * 2)


class BelievesAnything(EnttecPro):
    def _identify(self):
        return Identity("DMX USB Pro", self._link.read(100, 0.1).hex() or "1.44")

    def open(self):
        self.close()
        self._link = self.host.serial(self.options.port, 57600)
        self._link.write(bytes.fromhex("7E 03 02 00 00 00 E7"))
        return self._identify()


class SkipsTheFirstZeros(EnttecPro):
    def send(self, universe, frame):
        if any(frame):
            super().send(universe, frame)


class HidesTheLoss(EnttecPro):
    def send(self, universe, frame):
        with suppress(LinkLost):
            super().send(universe, frame)


class LetsABugOut(EnttecPro):
    def open(self):
        try:
            return super().open()
        except DriverError as error:
            raise OSError("errno 5") from error


class DarkensInACheck(EnttecPro):
    def checks(self):
        def run():
            super(DarkensInACheck, self).send(1, bytes(24))
            return Result(Verdict.PASS, SPEC_TEXT)

        return [replace(super().checks()[0], run=run)]


class LeavesAThread(EnttecPro):
    lasting = threading.Event()

    def open(self):
        threading.Thread(target=self.lasting.wait, daemon=True).start()
        return super().open()


class ForgetsTheBreak(OpenDmx):
    def _put(self, packet):
        self._link.write(packet)


class BelievesForEver(EnttecProIn):
    def listen(self, timeout):
        return [heard for heard in super().listen(timeout) if not heard.ended]


class LosesASlot(EnttecProIn):
    def listen(self, timeout):
        return [replace(heard, slots=heard.slots[1:]) for heard in super().listen(timeout)]


class LooseOptions(EnttecProOptions):
    model_config = ConfigDict(extra="ignore", frozen=False)


SPEC_TEXT = EnttecPro(EnttecProOptions(port="x"), None).checks()[0].title  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("driver", "clause"),
    [
        (TalksWhenMade, common.constructing_touches_nothing),
        (NeverCloses, common.close_before_open_twice_and_reopen),
        (NeverCloses, common.nothing_is_left_behind),
        (WaitsTooLong, common.silence_is_a_timeout_in_time),
        (BelievesAnything, common.noise_cut_and_doubled_replies_are_survived),
        (BelievesAnything, common.open_tells_who_it_is),
        (SkipsTheFirstZeros, kinds.the_twin_holds_exactly_the_frame),
        (HidesTheLoss, common.unplugged_while_open_it_comes_back),
        (LetsABugOut, common.silence_is_a_timeout_in_time),
        (LetsABugOut, common.close_from_another_thread_ends_a_call),
        (DarkensInACheck, common.checks_give_results_and_change_nothing),
        (LeavesAThread, common.nothing_is_left_behind),
    ],
)
def test_a_broken_driver_fails_its_clause(driver, clause):
    clause(SPEC)
    LeavesAThread.lasting.clear()
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception, DriverError, OSError)):
            clause(replace(SPEC, make=driver))
    finally:
        LeavesAThread.lasting.set()


class TakesAnyLevel(ModbusLamp):
    def apply(self, levels):
        channels = self.personality.channels
        super().apply({a: min(max(v, channels[a].lowest), channels[a].highest) for a, v in levels.items()})


class SaysWhatItWasTold(ModbusLamp):
    def _put(self, wire, values, news):
        """Nothing is sent."""

    def read(self):
        return self.applied


class RepeatsNothing(ModbusLamp):
    def _get(self, wire):
        wire.say(b"", 0.0)
        return {a: c.first for a, c in self.personality.channels.items()}


@pytest.mark.parametrize(
    ("lamp", "clause"),
    [
        (TakesAnyLevel, kinds.what_is_applied_is_shown_and_can_be_read),
        (SaysWhatItWasTold, kinds.what_is_applied_is_shown_and_can_be_read),
        (SaysWhatItWasTold, common.unplugged_while_open_it_comes_back),
        (RepeatsNothing, kinds.what_is_applied_is_shown_and_can_be_read),
        (RepeatsNothing, common.silence_is_a_timeout_in_time),
    ],
)
def test_a_broken_lamp_fails_its_clause(lamp, clause):
    class Bus(ModbusBus):
        def _lamp(self, *place):
            return lamp(self, *place)

    clause(MODBUS)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        clause(replace(MODBUS, make=Bus))


@pytest.mark.parametrize(
    ("spec", "driver", "clause"),
    [
        (OPEN_DMX, ForgetsTheBreak, kinds.the_twin_holds_exactly_the_frame),
        (OPEN_DMX, ForgetsTheBreak, common.open_tells_who_it_is),
        (PRO_IN, BelievesForEver, kinds.what_is_sent_is_heard),
        (PRO_IN, LosesASlot, kinds.what_is_sent_is_heard),
    ],
)
def test_a_broken_line_or_input_fails_its_clause(spec, driver, clause):
    clause(spec)
    with pytest.raises((AssertionError, DriverError)):
        clause(replace(spec, make=driver))


def test_options_that_take_anything_fail_their_clause():
    with pytest.raises(pytest.fail.Exception):
        common.options_are_frozen_strict_and_described(replace(SPEC, options=LooseOptions))


def test_every_kind_has_clauses_of_its_own():
    assert set(kinds.BY_KIND) == set(Kind)
    assert all(kinds.BY_KIND.values())
