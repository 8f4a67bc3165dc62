"""One open alert per key: worse after its confirm time, better only after its hold."""

from dataclasses import replace

from agent.health.alerts import AlertLevel, Alerts, Condition, Stage
from config.units import Text


def seen(bad, key="network/uplink/jitter", confirm=10.0, hold=60.0, level=AlertLevel.WARNING):
    return Condition(key, bad, level, Text("jitter", "抖动"), confirm=confirm, hold=hold)


def stages(news):
    return [alert.stage for alert in news]


def test_a_short_excursion_is_no_alert():
    alerts = Alerts()
    assert alerts.see([seen(True)], 0.0) == []
    assert alerts.see([seen(True)], 9.0) == []
    assert alerts.see([seen(False)], 9.5) == []
    assert alerts.see([seen(True)], 12.0) == []
    assert alerts.open == []


def test_it_fires_once_after_its_confirm_time_and_resolves_once_after_its_hold():
    alerts = Alerts()
    news = [alerts.see([seen(t < 30)], float(t)) for t in range(120)]
    told = [(t, stages(n)) for t, n in enumerate(news) if n]
    assert told == [(10, [Stage.FIRING]), (90, [Stage.RESOLVED])]
    assert alerts.open == []


def test_a_hard_fault_fires_at_once():
    alerts = Alerts()
    assert stages(alerts.see([seen(True, confirm=0.0)], 5.0)) == [Stage.FIRING]


def test_between_the_limits_nothing_changes():
    alerts = Alerts()
    alerts.see([seen(True, confirm=0.0)], 0.0)
    for t in range(1, 200):
        assert alerts.see([seen(None)], float(t)) == []
    assert [alert.key for alert in alerts.open] == ["network/uplink/jitter"]


def test_a_relapse_during_the_hold_starts_the_hold_again():
    alerts = Alerts()
    alerts.see([seen(True, confirm=0.0)], 0.0)
    alerts.see([seen(False)], 10.0)
    alerts.see([seen(True)], 50.0)
    assert alerts.see([seen(False)], 71.0) == []
    assert stages(alerts.see([seen(False)], 131.0)) == [Stage.RESOLVED]


def test_a_resolved_alert_keeps_the_words_it_fired_with():
    alerts = Alerts()
    alerts.see([replace(seen(True, confirm=0.0), said=Text("lost: unplugged", "丢失"))], 0.0)
    alerts.see([replace(seen(False), said=Text("lost: ", ""))], 1.0)
    (resolved,) = alerts.see([replace(seen(False), said=Text("lost: ", ""))], 62.0)
    assert resolved.condition.said.en == "lost: unplugged"


def test_the_most_serious_comes_first():
    alerts = Alerts()
    alerts.see([seen(True, "a", 0.0, level=AlertLevel.NOTE), seen(True, "b", 0.0, level=AlertLevel.CRITICAL)], 0.0)
    assert [alert.key for alert in alerts.open] == ["b", "a"]


def test_a_jittering_series_around_its_limit_is_not_a_flood():
    alerts = Alerts()
    raises = sum(
        stage is Stage.FIRING for t in range(86400 // 4) for stage in stages(alerts.see([seen(t % 3 != 0)], float(t)))
    )
    assert raises == 0
