"""The rhythm of streams: stamps drawn by seed, faults out."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from drivers.camera.cadence import LOCAL, NETWORK, CadenceState, Packet, feed, judge, start
from drivers.camera.faults import PictureFault

BEGAN = 50.0


def stream(
    seconds: float, fps: float = 25.0, *, jitter: float = 0.001, drop: float = 0.0, seed: int = 0, at: float = BEGAN
) -> list[Packet]:
    random = np.random.default_rng(seed)
    count = round(seconds * fps)
    times = at + np.arange(count) / fps + random.normal(0, jitter, count)
    kept = random.random(count) >= drop
    return [Packet(float(time), mark=number + 1) for number, time in enumerate(sorted(times[kept]))]


def watched(
    packets: Sequence[Packet], *, rate: float = 0.0, pace: object = LOCAL, every: float = 0.125
) -> tuple[CadenceState, dict[PictureFault, float]]:
    """The state at the end, and when each fault was first seen. Packets are told eight times a second."""
    state, first, at = start(BEGAN, rate), {}, 0
    now = BEGAN
    while now < packets[-1].time:
        now += every
        upto = at
        while upto < len(packets) and packets[upto].time <= now:
            upto += 1
        state = feed(state, packets[at:upto], now, pace)  # type: ignore[arg-type]
        at = upto
        for fault, says in judge(state, now, pace).items():  # type: ignore[arg-type]
            if says.holds:
                first.setdefault(fault, now)
    return state, first


def batched(packets: Iterable[Packet], every: float = 0.125) -> list[Packet]:
    """As they are seen by one who looks only so often."""
    return [packet._replace(time=np.ceil(packet.time / every) * every) for packet in packets]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("fps", [10.0, 25.0, 30.0, 59.94])
def test_an_even_stream_has_no_fault_and_its_rate_is_learned(fps: float, seed: int) -> None:
    state, first = watched(stream(12, fps, seed=seed))
    assert first == {}
    assert state.rate == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize("seed", range(12))
def test_a_network_that_jitters_drops_nothing(seed: int) -> None:
    _, first = watched(stream(12, jitter=0.03, seed=seed), pace=NETWORK)
    assert first == {}
    _, first = watched(batched(stream(12, jitter=0.01, seed=seed)), pace=NETWORK)
    assert first == {}


@pytest.mark.parametrize(("pace", "within"), [(LOCAL, 0.9), (NETWORK, 1.8)])
@pytest.mark.parametrize("looks", ["every packet", "now and then"])
def test_drops_are_seen_in_time(pace: object, within: float, looks: str) -> None:
    late = []
    for seed in range(40):
        packets = [*stream(5, seed=seed), *stream(4, seed=seed + 100, drop=0.35, at=BEGAN + 5)]
        _, first = watched(packets if looks == "every packet" else batched(packets), pace=pace)
        assert list(first) == [PictureFault.DROPPED] and first[PictureFault.DROPPED] > BEGAN + 5, seed
        if first[PictureFault.DROPPED] > BEGAN + 5 + within:
            late.append((seed, first[PictureFault.DROPPED]))
    assert len(late) <= 2, late


def test_drops_are_whole_gaps_and_a_stream_that_drops_from_the_first_is_not_taken_for_a_slow_one() -> None:
    packets = stream(6, drop=0.3, seed=4)
    state, first = watched(packets)
    assert state.rate == pytest.approx(25, rel=0.03)
    assert PictureFault.DROPPED in first
    says = judge(state, packets[-1].time)[PictureFault.DROPPED].evidence
    assert says["whole_percent"] > 95 and 15 < says["lost_percent"] < 45


def test_a_device_that_counts_needs_no_rate() -> None:
    packets = [Packet(BEGAN + n / 25, n + 1, sequence=n) for n in range(200) if n < 100 or n % 3]
    state, first = watched(packets, rate=25)
    assert PictureFault.DROPPED in first
    lost = judge(state, packets[-1].time)[PictureFault.DROPPED].evidence["lost_percent"]
    assert lost == pytest.approx(33, abs=5)


@pytest.mark.parametrize("pace", [LOCAL, NETWORK])
def test_doubled_pictures(pace: object) -> None:
    packets = stream(5) + [p._replace(mark=1000 + n // 2) for n, p in enumerate(stream(5, at=BEGAN + 5))]
    _, first = watched(packets, pace=pace)
    assert list(first) == [PictureFault.DOUBLED]


def test_a_stream_that_repeats_one_picture_is_frozen_and_not_doubled() -> None:
    packets = stream(5) + [p._replace(mark=7) for p in stream(5, at=BEGAN + 5)]
    state, _ = watched(packets)
    assert state.repeated_since == pytest.approx(BEGAN + 5.04, abs=0.01)
    assert judge(state, packets[-1].time)[PictureFault.DOUBLED].holds is False


@pytest.mark.parametrize(("pace", "within"), [(LOCAL, 0.9), (NETWORK, 1.8)])
def test_ten_more_than_set_is_too_fast(pace: object, within: float) -> None:
    _, first = watched(stream(5) + stream(5, 60, at=BEGAN + 5), pace=pace)
    assert list(first) == [PictureFault.TOO_FAST]
    assert first[PictureFault.TOO_FAST] <= BEGAN + 5 + within
    assert watched(stream(8, 30), rate=25)[1] == {}
    assert list(watched(stream(8, 36), rate=25)[1]) == [PictureFault.TOO_FAST]
    assert watched(stream(8, 132), rate=120)[1] == {}


def test_the_burst_a_stream_begins_with_is_no_fault() -> None:
    burst = [Packet(BEGAN + n / 60, n + 1, warming=n % 2 == 0) for n in range(100)]
    state, first = watched([*burst, *stream(10, 25, at=BEGAN + 2)])
    assert first == {} and state.rate == pytest.approx(25, rel=0.02)


def test_a_stream_that_stutters_without_losing_anything_is_uneven() -> None:
    good = stream(4)
    bad = [p._replace(time=p.time + (0.1 if n % 10 < 3 else 0) * (1 - (n % 10) / 3)) for n, p in enumerate(stream(6))]
    bad = sorted((p._replace(time=p.time + 4) for p in bad), key=lambda p: p.time)
    _, first = watched([*good, *bad])
    assert list(first) == [PictureFault.UNEVEN]


def test_memory_is_bounded_whatever_comes() -> None:
    state = start(BEGAN)
    for second in range(5):
        flood = [Packet(BEGAN + 3 + second + n / 50000, n) for n in range(50000)]
        state = feed(state, flood, BEGAN + 4 + second)
    assert len(state.packets) <= 1025 and len(state.learned) <= 1024
