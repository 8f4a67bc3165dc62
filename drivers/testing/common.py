"""Clauses for every driver. The number is that of the list in ``drivers/testing/__init__.py``."""

import os
import re
import threading
from collections.abc import Sequence
from typing import NoReturn

import pytest
from pydantic import ValidationError

from drivers.base import Impact, Result, Verdict
from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, ReplyTimeout
from drivers.registry import DriverSpec, Kind
from drivers.testing.bench import Bench, Clause
from drivers.virtual.clock import ManualClock, RealClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault

LONGEST_EXCHANGE = 4096
"""Bytes after which opening and one exchange must be through."""


class Untouchable:
    """A Host that nobody may use."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the constructor used host.{name}; only open() may")


def constructing_touches_nothing(spec: DriverSpec) -> None:
    """1: neither the host nor a thread."""
    before = threading.enumerate()
    spec.make(spec.options.model_validate(spec.example), Untouchable())
    assert threading.enumerate() == before, "the constructor started a thread"


def open_on_nothing_is_device_missing(spec: DriverSpec) -> None:
    """1: an empty studio has no such port, name or network."""
    studio = VirtualStudio(ManualClock())
    device = spec.make(spec.options.model_validate(spec.example), studio)
    with pytest.raises(DeviceMissing) as caught:
        device.open()
    assert caught.value.reason, "DeviceMissing without a reason"
    device.close()
    assert not studio.in_use(), f"left open: {studio.in_use()}"


def open_tells_who_it_is(spec: DriverSpec) -> None:
    """2: a model, and the twin's firmware; the same the second time."""
    bench = Bench(spec)
    identity = bench.works()
    assert identity.model, "an Identity without a model"
    assert identity.firmware == bench.twin.firmware, f"firmware {identity.firmware!r}, not {bench.twin.firmware!r}"
    assert bench.device.open() == identity, "opened again, it says it is another"
    bench.put_away()


def close_before_open_twice_and_reopen(spec: DriverSpec) -> None:
    """3: and a closed driver says LinkLost, not a bug."""
    bench = Bench(spec)
    bench.device.close()
    bench.works()
    bench.device.close()
    bench.put_away()
    with pytest.raises(LinkLost):
        bench.exchange()
    bench.works()
    bench.put_away()


class Noticing(RealClock):
    """A real clock that tells when somebody begins to wait."""

    def __init__(self) -> None:
        self.waiting = threading.Event()

    def wait(self, condition: threading.Condition, until: float) -> None:
        self.waiting.set()
        super().wait(condition, until)


def close_from_another_thread_ends_a_call(spec: DriverSpec) -> None:
    """3: within 1 s, though the call's own limit is longer where the options allow that."""
    clock = Noticing()
    try:
        bench = Bench(spec, clock, timeout=5)
    except ValidationError:
        bench = Bench(spec, clock)
    bench.twin.fault(Fault.SILENCE)
    escaped: list[BaseException] = []

    def call() -> None:
        try:
            bench.fails(DriverError)
        except BaseException as error:
            escaped.append(error)
        finally:
            clock.waiting.set()

    caller = threading.Thread(target=call)
    caller.start()
    assert clock.waiting.wait(10), "the call neither waits nor returns"
    begun = clock.now()
    bench.device.close()
    caller.join(10)
    took = clock.now() - begun
    assert not caller.is_alive() and took < 1, f"close() and the pending call took {took:.2f} s; at most 1 s"
    assert not escaped, f"{escaped[0]!r} left the driver"
    bench.put_away()


def silence_is_a_timeout_in_time(spec: DriverSpec) -> None:
    """4: within 1.5 x timeout, opening and working. An output that hears no answer just goes on; to an input silence
    is no error."""
    bench = Bench(spec)
    bench.works()
    bench.twin.fault(Fault.SILENCE)
    for call in (bench.exchange, bench.device.open):
        with bench.within(1.5 * bench.timeout, "a call into silence"):
            if bench.answers and not (call == bench.exchange and spec.kind in (Kind.OUTPUT, Kind.INPUT)):
                with pytest.raises(ReplyTimeout):
                    call()
            else:
                call()
    bench.put_away()


def noise_cut_and_doubled_replies_are_survived(spec: DriverSpec) -> None:
    """5: BadReply or ReplyTimeout, never a wrong identity, and the next exchange works."""
    for fault in (Fault.NOISE, Fault.CUT, Fault.DOUBLE):
        bench = Bench(spec)
        identity = bench.works()
        bench.twin.fault(fault)
        with bench.within(4 * bench.timeout, f"opening and working under {fault}"):
            try:
                found = bench.device.open()
                bench.exchange()
                assert found == identity or not bench.answers, f"under {fault} it took {found} for an answer"
            except (BadReply, ReplyTimeout) as error:
                assert error.reason, "an error without a reason"
        bench.twin.heal()
        assert bench.works() == identity, f"after {fault} it is another"
        bench.put_away()


def unplugged_at_every_byte_it_comes_back(spec: DriverSpec) -> None:
    """6: LinkLost wherever in the exchange the plug comes out; plugged in again, close and open work."""
    bench = Bench(spec)
    allowed = (LinkLost,) if bench.wired else (LinkLost, ReplyTimeout)
    steps = range(1, LONGEST_EXCHANGE) if bench.answers else range(1, 700, 23)
    for at in steps:
        bench.twin.fault(Fault.UNPLUG, at)
        error = bench.fails(*allowed)
        bench.device.close()
        bench.twin.heal()
        bench.works()
        bench.device.close()
        if error is None and bench.answers:
            assert at > 1 or not bench.wired, "an unplugged device was not noticed"
            break
    else:
        assert not bench.answers, f"the exchange was not through after {LONGEST_EXCHANGE} bytes"
    bench.put_away()


def unplugged_while_open_it_comes_back(spec: DriverSpec) -> None:
    """6: at rest, too; and while it is out, a wired device is missing."""
    bench = Bench(spec)
    bench.works()
    bench.twin.fault(Fault.UNPLUG)
    if bench.wired:
        with pytest.raises(LinkLost):
            bench.exchange()
        with pytest.raises(DeviceMissing):
            bench.device.open()
    else:
        assert bench.fails(DriverError) is not None or not bench.answers, "an unplugged far end was not noticed"
    bench.device.close()
    bench.twin.heal()
    bench.works()
    bench.put_away()


def checks_give_results_and_change_nothing(spec: DriverSpec) -> None:
    """8: in time, in both languages, with a remedy when something is wrong; PASSIVE ones leave the twin alone."""
    bench = Bench(spec)
    bench.works()
    for check in bench.device.checks():
        assert re.fullmatch(r"[A-Z]{2,4}-\d\d", check.id), f"{check.id!r} is no identifier of the catalogue"
        assert check.subject and all(check.title), f"{check.id}: subject and title in both languages"
        before = dict(bench.twin.frames) if spec.kind is Kind.OUTPUT else None
        with bench.within(check.deadline, check.id):
            result = check.run()
        assert isinstance(result, Result), f"{check.id} gave {result!r}"
        assert all(result.said), f"{check.id} says nothing, or only in one language"
        if result.verdict in (Verdict.FAIL, Verdict.MARGINAL):
            assert all(result.remedy), f"{check.id} is {result.verdict} and names no remedy in both languages"
        if before is not None and check.impact is Impact.PASSIVE:
            assert bench.twin.frames == before, f"{check.id} is PASSIVE and changed the light"
    bench.put_away()


def checks_on_a_silent_device_end_in_time(spec: DriverSpec) -> None:
    """8: with a Result, or a DriverError (which becomes ERROR)."""
    bench = Bench(spec)
    bench.works()
    bench.twin.fault(Fault.SILENCE)
    for check in bench.device.checks():
        with bench.within(check.deadline, check.id):
            try:
                assert isinstance(check.run(), Result), f"{check.id} gave no Result"
            except DriverError as error:
                assert error.reason, f"{check.id} raised an error without a reason"
    bench.put_away()


def options_are_frozen_strict_and_described(spec: DriverSpec) -> None:
    """9: a typo must not become a default, and the documents are made from the descriptions."""
    options = spec.options.model_validate(spec.example)
    for name, field in spec.options.model_fields.items():
        assert field.description, f"the option {name} has no description"
        with pytest.raises(ValidationError):
            setattr(options, name, getattr(options, name))
    with pytest.raises(ValidationError, match="extra_forbidden"):
        spec.options.model_validate({**spec.example, "no_such_option": 1})


def nothing_is_left_behind(spec: DriverSpec) -> None:
    """10: no thread, no descriptor, no open port, after good and bad days."""
    _good_and_bad_days(spec)  # the first time may import and open things for good
    threads, descriptors = set(threading.enumerate()), _descriptors()
    _good_and_bad_days(spec)
    left = [each.name for each in set(threading.enumerate()) - threads]
    assert not left, f"threads left: {left}"
    assert _descriptors() <= descriptors, f"{_descriptors() - descriptors} descriptors left"


def _good_and_bad_days(spec: DriverSpec) -> None:
    bench = Bench(spec)
    bench.works()
    bench.device.open()
    for fault in (Fault.SILENCE, Fault.NOISE, Fault.UNPLUG):
        bench.twin.fault(fault)
        bench.fails(DriverError)
        bench.twin.heal()
    bench.put_away()


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counts, and opens nothing that lingers


COMMON: Sequence[Clause] = (
    constructing_touches_nothing,
    open_on_nothing_is_device_missing,
    open_tells_who_it_is,
    close_before_open_twice_and_reopen,
    close_from_another_thread_ends_a_call,
    silence_is_a_timeout_in_time,
    noise_cut_and_doubled_replies_are_survived,
    unplugged_at_every_byte_it_comes_back,
    unplugged_while_open_it_comes_back,
    checks_give_results_and_change_nothing,
    checks_on_a_silent_device_end_in_time,
    options_are_frozen_strict_and_described,
    nothing_is_left_behind,
)
