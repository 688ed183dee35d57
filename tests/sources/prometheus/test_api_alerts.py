"""The alert APIs of Prometheus, vmalert and Alertmanager, as captured from real servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.alerts import AlertState, Severity
from opsconsole.sources.prometheus.api_alerts import (
    ALERT_LIMIT,
    parse_time,
    read_alertmanager,
    read_prometheus,
)
from tests.named import named

SAMPLES = Path(__file__).parents[1] / "samples" / "prometheus"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_prometheus_alerts_are_read_most_urgent_first() -> None:
    view = read_prometheus(sample("prometheus_2.42_api_v1_alerts"), named("prometheus:main"))
    assert [(alert.name, alert.severity, alert.state) for alert in view.alerts] == [
        ("TargetDown", Severity.CRITICAL, AlertState.FIRING),
        ("ProbeFailed", Severity.CRITICAL, AlertState.FIRING),
        ("PendingForever", Severity.WARNING, AlertState.PENDING),
    ]
    down = view.alerts[0]
    assert down.runbook == "https://example.org/runbook/TargetDown"
    assert down.value == "0"
    assert down.sources == (named("prometheus:main"),)


@pytest.mark.parametrize("name", ["prometheus_3.5_api_v1_alerts", "vmalert_1.79_api_v1_alerts"])
def test_other_dialects_are_read(name: str) -> None:
    payload = sample(name)
    view = read_prometheus(payload, named("prometheus:p"))
    assert view.total == len(payload["data"]["alerts"]) > 0


@pytest.mark.parametrize("version", ["0.25", "0.33"])
def test_alertmanager_says_why_an_alert_is_quiet(version: str) -> None:
    payload = sample(f"alertmanager_{version}_api_v2_alerts")
    view = read_alertmanager(payload, named("alertmanager:main"))
    assert view.total == len(payload)
    quiet = {alert.name for alert in view.alerts if alert.quiet}
    suppressed = {
        item["labels"]["alertname"] for item in payload if item["status"]["state"] == "suppressed"
    }
    assert quiet == suppressed


def test_the_same_alert_has_one_key_in_both_apis_when_labels_agree() -> None:
    labels = {"alertname": "A", "instance": "i", "severity": "page"}
    since = "2026-11-21T07:04:13.620Z"
    prometheus = read_prometheus(
        {
            "status": "success",
            "data": {"alerts": [{"labels": labels, "state": "firing", "activeAt": since}]},
        },
        named("prometheus:p"),
    )
    alertmanager = read_alertmanager(
        [{"labels": labels, "startsAt": since}], named("alertmanager:a")
    )
    assert prometheus.alerts[0].key == alertmanager.alerts[0].key


def test_one_malformed_alert_does_not_cost_the_others() -> None:
    good = {"labels": {"alertname": "A"}, "startsAt": "2026-11-21T07:04:13Z"}
    view = read_alertmanager(
        [None, 3, {}, {"labels": 5, "startsAt": "x"}, good], named("alertmanager:a")
    )
    assert [alert.name for alert in view.alerts] == ["A"]


def test_ten_thousand_alerts_are_counted_and_the_most_urgent_kept() -> None:
    since = "2026-11-21T07:04:13Z"
    flood = [
        {"labels": {"alertname": f"A{n}", "severity": "info"}, "startsAt": since}
        for n in range(10_000)
    ]
    flood.append({"labels": {"alertname": "Worst", "severity": "critical"}, "startsAt": since})
    view = read_alertmanager(flood, named("alertmanager:a"))
    assert (view.total, len(view.alerts)) == (10_001, ALERT_LIMIT)
    assert view.alerts[0].name == "Worst"


def test_outside_text_cannot_control_the_terminal() -> None:
    evil = "\x1b]52;c;aGk=\x07[/x]\u202e"
    view = read_alertmanager(
        [
            {
                "labels": {"alertname": evil, evil: evil},
                "annotations": {"summary": evil},
                "startsAt": "2026-11-21T07:04:13Z",
            }
        ],
        named("alertmanager:a"),
    )
    (alert,) = view.alerts
    shown = alert.name + alert.summary + alert.key + "".join(alert.labels)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<202E>" in alert.summary


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_else_is_refused_or_read_never_a_crash(payload: object) -> None:
    for read in (read_prometheus, read_alertmanager):
        try:
            read(payload, named("prometheus:x"))
        except ValueError:
            continue


def test_times_without_a_zone_or_a_meaning_are_not_known() -> None:
    assert parse_time("2026-11-21T07:04:13") is None
    assert parse_time("0001-01-01T00:00:00Z") is None
    assert parse_time(None) is None
    assert parse_time("2026-11-21T07:04:13Z") == 1795244653.0
