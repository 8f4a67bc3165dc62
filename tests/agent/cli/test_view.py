"""The live view, fed with payloads as an agent would publish them; no broker, no clock."""

from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from rich.console import Console

from agent.cli.view.screen import Foot, draw
from agent.cli.view.seen import Seen
from agent.cli.view.strokes import bar, curve, needle, scale
from agent.cli.view.words import light_colour
from agent.messaging import payloads
from agent.messaging.commands import Envelope
from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.header import Payload
from agent.messaging.lifecycle import State
from agent.messaging.payloads import Holder
from agent.messaging.topics import Topics

T = Topics("hall", "a")


class Feed:
    """Gives messages to a Seen, a tenth of a second apart."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.now = 100.0

    def __call__(self, topic: str, payload: Payload | Envelope | bytes) -> None:
        body = payload if isinstance(payload, bytes) else payload.model_dump_json().encode()
        self.seen.take(topic, body, self.now, "12:00:00")
        self.now += 0.1


@pytest.fixture
def feed() -> Feed:
    return Feed()


def fixture_state(
    level: float, target: float | None = None, rest: float = 0.0, **more: object
) -> payloads.FixtureState:
    return payloads.FixtureState.model_validate(
        {
            "levels": {"intensity": level, "cct": 3200},
            "target": {"intensity": level if target is None else target, "cct": 3200},
            "fade_remaining": rest,
            **more,
        }
    )


def alert(state: str = "firing", key: str = "output.w.offline") -> payloads.Alert:
    return payloads.Alert.model_validate(
        {
            "key": key,
            "level": "critical",
            "state": state,
            "since": "2026-01-01T12:00:00Z",
            "text": {"en": "lights cannot be controlled", "zh": "灯光失去控制"},
            "first": {"en": "reseat the plug", "zh": "重新插拔"},
        }
    )


def busy(feed: Feed) -> None:
    """A studio in which everything happens."""
    feed(T.status, payloads.Status(state="online", session="s", ready=True, mode="virtual"))
    held = Holder(owner="a-person-with-a-rather-long-name", priority="manual")
    feed(T.state("fixture", "key"), fixture_state(0.2, 0.9, 4.0, held_by=held))
    feed(T.state("fixture", "fill"), fixture_state(0.5, health="offline", reason="gone"))
    for number in range(12):
        feed(T.state("fixture", f"practical-{number}"), fixture_state(number / 12))
    feed(T.state("exposure", "cam"), ExposureState(mode="hold", target=0.18, error=-0.82, reason="acting"))
    feed(T.state("air", "studio"), payloads.AirState(on_air=True, known=True, source="obs"))
    feed(T.state("output", "w"), payloads.DeviceState(health="offline", reason="no such serial port"))
    feed(T.state("probe", "uplink"), payloads.DeviceState(health="ok"))
    for number in range(80):
        rtt = None if number % 9 == 0 else 12.0 + number % 5
        feed(T.tele("network", "uplink"), payloads.Telemetry.of({"rtt_ms": rtt, "jitter_ms": 1.2, "loss_percent": 3.0}))
        feed(T.tele("exposure", "cam"), payloads.Telemetry.of({"ev_stops": -0.8, "luminance": 0.1, "trim_stops": 0.4}))
    feed(T.tele("lighting"), payloads.Telemetry.of({"frame_rate_hz": 40.0, "late_p99_ms": 0.4, "widest_gap_ms": 30}))
    feed(T.tele("host"), payloads.Telemetry.of({"cpu_percent": 12.0, "rss_mib": 90.0, "loop_lag_ms": 0.4}))
    for number in range(6):
        feed(T.alert(f"k{number}"), alert(key=f"k{number}"))
    feed(T.report, payloads.Report(id="1", depth="quick", verdict="pass"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (80, 20)])
@pytest.mark.parametrize("language", ["en", "zh", "both"])
@pytest.mark.parametrize("full", [False, True])
def test_the_screen_fills_its_size_exactly(feed: Feed, size: tuple[int, int], language: str, full: bool) -> None:
    if full:
        busy(feed)
    foot = Foot([(key, "do it", "do it at once") for key in "dbuphrlatnxfmq"], "./studio send ping " * 9)
    console = Console(width=size[0], height=size[1], legacy_windows=False, color_system=None)
    with console.capture() as drawn:
        console.print(draw(feed.seen, feed.now, size, language, foot))
    lines = drawn.get().removesuffix("\n").split("\n")
    assert len(lines) == size[1]
    assert {cell_len(line) for line in lines} == {size[0]}
    assert "./studio send ping" in lines[-1]


@pytest.mark.parametrize("size", [(40, 12), (59, 40), (100, 17), (20, 5), (4, 1)])
@pytest.mark.parametrize("full", [False, True])
def test_a_terminal_too_small_for_boxes_is_filled_too(feed: Feed, size: tuple[int, int], full: bool) -> None:
    if full:
        busy(feed)
    lines = shown(feed, *size).removesuffix("\n").split("\n")
    assert len(lines) == size[1]
    assert {cell_len(line) for line in lines} == {size[0]}


def test_a_small_terminal_shows_lights_what_is_wrong_and_the_keys(feed: Feed) -> None:
    busy(feed)
    foot = Foot([(key, "do it", "do it at once") for key in "dbuphrlatnxfm"] + [("q", "quit", "quit")])
    screen = shown(feed, 40, 12, foot)
    for part in (
        "ON AIR",
        "key ",
        "+ 12",
        "cam -0.82 stop",
        "uplink 16.0 ms",
        "● lights cannot",
        "→ reseat",
        "12:00:00",
    ):
        assert part in screen
    assert " d  do it  b  do it" in screen and " q  quit" in screen


def test_there_is_room_for_the_log_on_a_usual_terminal(feed: Feed) -> None:
    for name in ("key", "fill", "back", "wash"):
        feed(T.state("fixture", name), fixture_state(0.5))
    for number in range(20):
        feed.seen.note(f"event {number}", "12:00:00")
    foot = Foot([(key, "word", "words") for key in "dbuphrelatnxfmq"], "a command to copy")
    quiet = shown(feed, foot=foot)
    assert "✓ Alerts 告警: all quiet 一切正常" in quiet
    assert [f"event {number}" in quiet for number in (14, 19)] == [True, True]
    feed(T.alert("k"), alert(key="k"))
    wrong = shown(feed, foot=foot)
    assert "→ reseat the plug" in wrong and "event 19" in wrong and "wash" in wrong


def shown(feed: Feed, width: int = 80, height: int = 24, foot: Foot | None = None) -> str:
    console = Console(width=width, height=height, legacy_windows=False, color_system=None)
    with console.capture() as drawn:
        console.print(draw(feed.seen, feed.now, (width, height), "both", foot or Foot()))
    return drawn.get()


def test_a_person_sees_lights_exposure_network_air_and_alerts(feed: Feed) -> None:
    feed(T.status, payloads.Status(state="online", session="s", ready=True))
    feed(T.state("fixture", "key"), fixture_state(0.25, held_by=Holder(owner="demo", priority="manual")))
    feed(T.state("exposure", "cam"), ExposureState(mode="hold", target=0.18, error=-0.82, reason="acting"))
    feed(T.tele("network", "uplink"), payloads.Telemetry.of({"rtt_ms": 12.5, "jitter_ms": 1.2, "loss_percent": 3.0}))
    feed(T.state("air", "studio"), payloads.AirState(on_air=False, known=True))
    feed(T.alert("output.w.offline"), alert())
    screen = shown(feed)
    for part in ("online 在线", "25.0 %", "3200 K", "demo manual", "-0.82 stop too dark", "hold", "OFF AIR 未开播"):
        assert part in screen
    for part in ("uplink", "12.5 ms", "± 1.2", "3.0 %", "● lights cannot be controlled", "灯光失去控制", "→ reseat"):
        assert part in screen


def test_an_air_state_nobody_knows_is_not_shown_as_off(feed: Feed) -> None:
    feed(T.state("air", "studio"), payloads.AirState(on_air=True, known=False))
    assert "ON AIR? 状态不明" in shown(feed)


def test_a_loop_that_let_go_says_which_key_hands_back(feed: Feed) -> None:
    state = ExposureState(mode="hold", target=0.18, error=1.2, reason="no-effect")
    feed(T.state("exposure", "cam"), state)
    assert "let go" not in shown(feed)
    feed(T.alert("exposure.cam.loop"), alert(key="exposure.cam.loop"))
    assert "loop let go 曝光控制已退出 – exposure.set hold" in shown(feed, 105)
    assert "loop let go 曝光控制已退出 – press e" in shown(feed, foot=Foot((("e", "hand back", "hand back"),)))


def test_too_bright_in_both_languages_stays_on_its_line(feed: Feed) -> None:
    feed(T.state("exposure", "cam"), ExposureState(mode="hold", target=0.18, error=1.2, reason="acting"))
    feed(T.tele("exposure", "cam"), payloads.Telemetry.of({"ev_stops": 1.2, "luminance": 0.411, "trim_stops": -0.4}))
    screen = shown(feed).split("\n")
    line = next(number for number, text in enumerate(screen) if "+1.20 stop too bright 偏亮  → 18 %" in text)
    assert "hold · trim -0.40 · acting" in screen[line + 1]
    assert "41.1/18 %" in shown(feed, 200)


def test_a_light_nobody_holds_is_free_and_an_output_at_rest_idle(feed: Feed) -> None:
    feed(T.state("fixture", "key"), fixture_state(0.25))
    feed(T.tele("lighting"), payloads.Telemetry.of({"frame_rate_hz": 1.1, "late_p99_ms": 0.4}))
    assert "free 空闲" in shown(feed)
    assert "DMX idle 静止 · late" in shown(feed)
    feed(T.tele("lighting"), payloads.Telemetry.of({"frame_rate_hz": 0.0, "late_p99_ms": 0.4}))
    assert "DMX 0 Hz" in shown(feed)


def test_many_alerts_get_a_line_each_and_the_first_its_remedy(feed: Feed) -> None:
    for number in range(5):
        feed(T.alert(f"k{number}"), alert(key=f"k{number}"))
    lines = shown(feed).split("\n")
    first = next(number for number, text in enumerate(lines) if "● lights cannot be controlled 灯光失去控制" in text)
    assert "→ reseat the plug 重新插拔" in lines[first + 1]
    assert sum("● lights cannot" in text for text in lines) == 5


def test_a_fade_moves_between_messages(feed: Feed) -> None:
    feed(T.state("fixture", "key"), fixture_state(0.2, 0.8, rest=2.0))
    began = feed.now - 0.1
    assert feed.seen.levels("key", began)["intensity"] == pytest.approx(0.2)
    assert feed.seen.levels("key", began + 1.0)["intensity"] == pytest.approx(0.5)
    assert feed.seen.levels("key", began + 9.0)["intensity"] == pytest.approx(0.8)


def test_a_command_is_one_line_that_grows(feed: Feed) -> None:
    feed(T.command("lights.set", "c1"), Envelope(args={"targets": ["key"], "levels": {"intensity": 0.4}, "fade": 1}))
    (line,) = feed.seen.log
    for state in (State.ACCEPTED, State.EXECUTING):
        feed(T.answer("lights.set", "c1"), payloads.Answer(id="c1", verb="lights.set", state=state))
    assert (line.text.en, line.open) == ("lights.set key intensity=0.4 fade=1  accepted → executing", True)
    feed(T.answer("lights.set", "c1"), payloads.Answer(id="c1", verb="lights.set", state=State.SUCCEEDED))
    assert len(feed.seen.log) == 1
    assert line.text.en == "lights.set key intensity=0.4 fade=1  succeeded (0.3 s)"
    assert line.level == "good"


def test_a_command_that_is_seen_after_its_answers_gets_its_words_all_the_same(feed: Feed) -> None:
    feed(T.answer("look.apply", "c1"), payloads.Answer(id="c1", verb="look.apply", state=State.ACCEPTED))
    feed(T.command("look.apply", "c1"), Envelope(args={"look": "show"}))
    assert [(line.text.en, line.open) for line in feed.seen.log] == [("look.apply look=show  accepted", True)]


def test_alerts_come_and_go_and_leave_a_trace(feed: Feed) -> None:
    feed(T.alert("output.w.offline"), alert())
    assert list(feed.seen.alerts) == ["output.w.offline"]
    feed(T.alert("output.w.offline"), alert("resolved"))
    feed(T.alert("output.w.offline"), b"")
    assert not feed.seen.alerts
    assert [line.level for line in feed.seen.log] == ["critical", "good"]


def test_a_lost_agent_is_said(feed: Feed) -> None:
    feed(T.status, payloads.Status(state="online", session="s"))
    feed(T.status, payloads.Status(state="offline", reason="lost", session="s"))
    assert "● offline 离线" in shown(feed)
    assert feed.seen.log[-1].level == "critical"


def test_a_device_that_was_never_away_is_not_back(feed: Feed) -> None:
    for health in ("starting", "ok", "offline", "starting", "ok"):
        feed(T.state("camera", "cam"), payloads.DeviceState(health=health, reason="no picture"))
    assert [line.text.en for line in feed.seen.log] == ["cam offline: no picture", "cam is back"]
    assert feed.seen.log[0].text.zh == "cam 离线：no picture"


def test_what_was_not_known_of_the_air_is_no_change(feed: Feed) -> None:
    for on, known in ((True, False), (False, True), (True, True), (True, False), (True, True)):
        feed(T.state("air", "studio"), payloads.AirState(on_air=on, known=known))
    assert [line.text.en for line in feed.seen.log] == ["on air", "nobody says any more whether it is on air"]


def test_a_verdict_stands_below_the_end_of_its_self_test(feed: Feed) -> None:
    feed(T.command("selftest.start", "t"), Envelope(args={}))
    feed(T.answer("selftest.start", "t"), payloads.Answer(id="t", verb="selftest.start", state=State.EXECUTING))
    feed(T.report, payloads.Report(id="1", depth="quick", verdict="marginal", counts={"marginal": 1, "pass": 9}))
    assert len(feed.seen.log) == 1
    feed(T.answer("selftest.start", "t"), payloads.Answer(id="t", verb="selftest.start", state=State.SUCCEEDED))
    end, verdict = feed.seen.log
    assert "succeeded" in end.text.en
    assert verdict.text.en == "self-test: marginal (1 marginal, 9 pass)"
    assert verdict.text.zh == "自检：临界（1 项临界，9 项通过）"


def test_an_earlier_self_test_s_report_is_no_news(feed: Feed) -> None:
    feed(T.report, payloads.Report(id="1", depth="quick", verdict="pass"))
    assert not feed.seen.log
    feed(T.report, payloads.Report(id="2", depth="quick", verdict="pass", counts={"pass": 9}))
    assert [line.text.en for line in feed.seen.log] == ["self-test: pass (9 pass)"]


def garbage() -> Iterator[bytes]:
    yield from (b"{", b"\xff", b"[]", b"null", b'{"state": 5}', b"[" * 5000)


def test_garbage_is_counted_and_ignored(feed: Feed) -> None:
    for body in garbage():
        feed(T.status, body)
        feed(T.command("lights.set", "x"), body)
        feed("somebody/else", body)
    assert feed.seen.status is None
    assert feed.seen.messages == 18
    assert shown(feed)


def test_bars_have_their_width_and_half_characters() -> None:
    assert [cell_len("".join(bar(share / 40, 20))) for share in range(41)] == [20] * 41
    assert bar(0.0, 4) == ("", "━━━━")
    assert bar(1.0, 4) == ("━━━━", "")
    assert bar(0.125, 4) == ("╸", "━━━")
    assert bar(0.5, 4) == ("━━", "╺━")


def test_curves_show_losses_and_do_not_make_drama_of_noise() -> None:
    assert curve([1.0, None, 2.0], 4, 1.0, 2.0) == " ▁×█"
    assert curve([100.0, 100.5], 2) == "▁▁"
    assert curve([None, None], 3) == " ××"
    assert curve([], 2) == "  "


def test_a_curve_goes_on_while_a_number_stays_as_it_is_and_stops_with_the_agent(feed: Feed) -> None:
    """Telemetry is by exception: a number unsaid has not changed, and the view must not stand still."""
    feed(T.status, payloads.Status(state="online", session="s"))
    feed(T.inventory, payloads.Inventory(telemetry={"network": payloads.Rate(interval=1, max_interval=10)}))
    feed(T.tele("network", "up"), payloads.Telemetry.of({"rtt_ms": 20.0}))
    told = feed.now - 0.1

    def curve_at(seconds: float) -> list[float | None]:
        return feed.seen.curve("network/up", "rtt_ms", told + seconds)

    assert [len(curve_at(seconds)) for seconds in (0.0, 0.9, 1.1, 5.1, 10.1, 60.0)] == [1, 1, 2, 6, 11, 11]
    feed.now = told + 4.0
    before = shown(feed).count("▄")
    feed.now = told + 5.1
    assert shown(feed).count("▄") == before + 1
    feed(T.tele("network", "up"), payloads.Telemetry.of({"rtt_ms": 30.0}))
    assert curve_at(5.1) == [20.0] * 5 + [30.0]
    feed(T.status, payloads.Status(state="offline", session="s"))
    assert curve_at(9.0) == [20.0] * 5 + [30.0]


def test_the_needle_stands_on_its_ruler() -> None:
    numbers, ticks = scale(35, 2.0)
    assert (len(numbers), len(ticks)) == (35, 35)
    assert ticks[needle(0.0, 35, 2.0)] == "┼"
    assert [needle(stop, 35, 2.0) for stop in (-9, -2, 2, 9)] == [0, 0, 34, 34]


def test_lights_have_the_colour_they_shine_in() -> None:
    assert light_colour({"intensity": 1, "cct": 2700}) == "#ffb054"
    assert light_colour({"intensity": 1, "cct": 5600}) == "#fff4e5"
    assert light_colour({"intensity": 1, "cie_x": 0.64, "cie_y": 0.33}) == "#ff4847"
    assert light_colour({"intensity": 1, "cie_x": 0.3127, "cie_y": 0.329}).startswith("#f")
    red = light_colour({"red": 1.0, "green": 0.0, "blue": 0.0})
    assert red == "#ff4646"
