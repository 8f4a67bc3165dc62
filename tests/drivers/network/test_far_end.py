"""The production probes in the virtual studio."""

import statistics
from contextlib import closing

import pytest

from drivers import registry
from drivers.base import Quality, Verdict
from drivers.errors import DeviceMissing, ReplyTimeout
from drivers.network.stamp import SPEC as STAMP
from drivers.virtual import far_end
from drivers.virtual.clock import ManualClock
from drivers.virtual.lan import Lan
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault

PROBES = ["stamp", "icmp", "tcp"]


def placed(name, lan=None):
    """(studio, twin, probe) of the example options of a driver."""
    studio = VirtualStudio(clock=ManualClock(), lan=lan)
    spec = registry.find(name)
    options = spec.options(**spec.example)
    factory = getattr(far_end, spec.twin.partition(":")[2])
    twin = factory(studio, options, "uplink")
    return studio, twin, spec.make(options, studio)


def rtt(probe):
    return next(iter(probe.sample()))


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_measures_the_delay_of_the_virtual_network(name):
    _, _, probe = placed(name, Lan(delay=0.020, jitter=0.0))
    with closing(probe):
        probe.open()
        assert rtt(probe).value == pytest.approx(40.0, abs=0.01)


@pytest.mark.parametrize("name", PROBES)
def test_loss_set_live_is_the_loss_measured(name):
    lan = Lan(delay=0.010, jitter=0.0, seed=3)
    _, _, probe = placed(name, lan)
    with closing(probe):
        probe.open()
        lan.loss = 0.1
        missing = sum(rtt(probe).quality is Quality.MISSING for _ in range(400))
        lan.loss = 0.0
        assert rtt(probe).quality is Quality.GOOD
    assert 0.13 < missing / 400 < 0.25  # both ways: 1 - 0.9^2 = 0.19


def test_one_way_variation_adds_up_to_the_variation_of_the_round_trip():
    _, _, probe = placed("stamp", Lan(delay=0.010, jitter=0.004, seed=5))
    with closing(probe):
        probe.open()
        before, moved = rtt(probe).value, []
        for _ in range(200):
            seen = {reading.name: reading.value for reading in probe.sample()}
            assert seen["ipdv-up"] + seen["ipdv-down"] == pytest.approx(seen["rtt"] - before, abs=1e-4)
            moved.append(abs(seen["ipdv-up"]))
            before = seen["rtt"]
    assert statistics.mean(moved) == pytest.approx(4.0, rel=0.3)  # |difference of two exponentials|: mean = jitter


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.UNPLUG])
def test_a_far_end_that_is_silent_is_missed_and_comes_back(name, fault):
    studio, _, probe = placed(name, Lan())
    with closing(probe):
        probe.open()
        studio.fault("uplink", fault)
        assert rtt(probe).quality is Quality.MISSING
        with pytest.raises(ReplyTimeout):
            probe.open()
        studio.heal("uplink")
        probe.open()
        assert rtt(probe).quality is Quality.GOOD


@pytest.mark.parametrize("name", ["stamp", "icmp"])
@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.CUT])
def test_spoilt_answers_are_lost_probes_never_wrong_values(name, fault):
    studio, _, probe = placed(name, Lan())
    with closing(probe):
        probe.open()
        studio.fault("uplink", fault)
        assert all(rtt(probe).quality is Quality.MISSING for _ in range(20))
        studio.heal("uplink")
        assert rtt(probe).quality is Quality.GOOD


@pytest.mark.parametrize("name", PROBES)
def test_nothing_there_is_missing(name):
    spec = registry.find(name)
    for values in (spec.example, {**spec.example, "host": "203.0.113.200"}):
        probe = spec.make(spec.options(**values), VirtualStudio(clock=ManualClock()))
        with pytest.raises(DeviceMissing):
            probe.open()


def test_a_listener_that_refuses_is_missing_with_the_reason():
    studio, _, probe = placed("tcp", Lan())
    studio.place_listener(studio.resolve("ingest.example"), 1935).refuses = True
    with pytest.raises(DeviceMissing, match="refused"):
        probe.open()


@pytest.mark.parametrize("name", PROBES)
def test_checks_pass_on_a_good_network_and_fail_on_a_bad_one(name):
    lan = Lan(delay=0.010, jitter=0.001)
    studio, _, probe = placed(name, lan)
    with closing(probe):
        probe.open()
        good = {check.id: check.run().verdict for check in probe.checks()}
        assert good == dict.fromkeys(("NET-08", "NET-02", "NET-03", "NET-04"), Verdict.PASS)
        lan.delay, lan.jitter, lan.loss = 0.140, 0.060, 0.2
        studio.clock.advance(60)
        bad = {check.id: check.run().verdict for check in probe.checks()}
    assert bad["NET-02"] is Verdict.FAIL
    # A lost handshake costs 0.9 s of the 3 s a burst may take: so few of them prove less.
    assert bad["NET-04"] is (Verdict.MARGINAL if name == "tcp" else Verdict.FAIL)
    assert bad["NET-03"] is not Verdict.PASS


def test_three_checks_share_one_burst():
    studio, _, probe = placed("stamp", Lan())
    with closing(probe):
        probe.open()
        for check in probe.checks():
            check.run()
        assert probe._echoes.flight.sent == 21
        studio.clock.advance(60)
        list(probe.checks())[1].run()
        assert probe._echoes.flight.sent == 41


def test_one_far_end_may_be_reached_by_several_probes():
    studio = VirtualStudio(clock=ManualClock())
    host = {"host": "ingest.example"}
    for name in PROBES:
        spec = registry.find(name)
        options = spec.options(**host)
        getattr(far_end, spec.twin.partition(":")[2])(studio, options, name)
        with closing(spec.make(options, studio)) as probe:
            probe.open()
            assert rtt(probe).quality is Quality.GOOD
    assert set(studio.twins) == set(PROBES)


def test_a_lan_with_the_same_seed_is_the_same_lan():
    one, other = (Lan(loss=0.3, seed=9) for _ in range(2))
    assert [one.journey() for _ in range(100)] == [other.journey() for _ in range(100)]


def test_specs_name_the_twins_that_exist():
    assert STAMP.twin == "drivers.virtual.far_end:stamp_twin"
    for name in PROBES:
        assert callable(getattr(far_end, registry.find(name).twin.partition(":")[2]))
