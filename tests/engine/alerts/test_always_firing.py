"""An alert that always fires is red when it is missing, and no other way round."""

from dataclasses import replace

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.alerts.alert_book import AlertBook
from opsconsole.engine.records.event_log import EventLog
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.source_id import SourceId
from opsconsole.render.timeline.words import words
from tests.engine.conftest import fleet
from tests.named import named

NOW = 1_800_000_000.0
PROMETHEUS, ALERTMANAGER = named("prometheus:main"), named("alertmanager:main")
RED = (Severity.CRITICAL, AlertState.FIRING)


def settings(*names: str) -> Settings:
    return fleet({"api": {}}, always_firing=list(names))


def book(*names: str, log: EventLog | None = None) -> AlertBook:
    return AlertBook(settings(*names), {}, log or EventLog())


def watchdog(source: SourceId = PROMETHEUS, severity: str = "none") -> Alert:
    labels = {"alertname": "Watchdog", "severity": severity}
    key = alert_key("Watchdog", labels)
    word = Severity.from_word(severity)
    return Alert(key, "Watchdog", word, AlertState.FIRING, NOW, labels=labels, sources=(source,))


def red(found: AlertBook) -> list[str]:
    return [each.name for each in found.view() if (each.severity, each.state) == RED]


@pytest.mark.parametrize(
    ("names", "severity"), [((), "none"), (("Watchdog",), "none"), (("Watchdog",), "warning")]
)
def test_one_that_stops_firing_is_red_until_it_is_back(names: tuple[str], severity: str) -> None:
    log = EventLog()
    found = book(*names, log=log)
    found.report(PROMETHEUS, (watchdog(severity=severity),), NOW)
    assert red(found) == []
    found.report(PROMETHEUS, (), NOW + 60)
    (row,) = found.view()
    assert (row.name, row.since, row.severity) == ("Watchdog is missing", NOW + 60, RED[0])
    found.tick(NOW + 120)
    assert found.view()[0].since == NOW + 60
    found.report(PROMETHEUS, (watchdog(severity=severity),), NOW + 180)
    assert red(found) == []
    said = [words(event) for event in log.view()]
    assert "Watchdog resolved" not in said
    assert said[-2:] == ["Watchdog fires", "Watchdog is missing resolved"]


def test_one_that_is_declared_is_missing_from_the_first_answer_on() -> None:
    found = book("Watchdog")
    assert red(found) == []
    found.report(ALERTMANAGER, (), NOW)
    assert red(found) == ["Watchdog is missing"]


def test_one_that_another_server_still_has_is_there() -> None:
    found = book()
    found.report(PROMETHEUS, (watchdog(),), NOW)
    found.report(ALERTMANAGER, (watchdog(ALERTMANAGER),), NOW + 1)
    found.report(PROMETHEUS, (), NOW + 2)
    assert red(found) == []
    found.report(ALERTMANAGER, (), NOW + 3)
    assert red(found) == ["Watchdog is missing"]


def test_one_whose_server_is_not_read_any_more_is_not_missed() -> None:
    found = book()
    found.report(PROMETHEUS, (watchdog(),), NOW)
    found.report(ALERTMANAGER, (), NOW + 1)
    found.retain({ALERTMANAGER}, NOW + 2)
    assert red(found) == []


def test_an_ordinary_alert_that_ends_is_resolved() -> None:
    found = book("Watchdog")
    other = replace(watchdog(severity="warning"), key="Slow{}", name="Slow")
    found.report(PROMETHEUS, (watchdog(), other), NOW)
    found.report(PROMETHEUS, (watchdog(),), NOW + 1)
    assert {each.name: each.state for each in found.view()} == {
        "Slow": AlertState.RESOLVED,
        "Watchdog": AlertState.FIRING,
    }


def test_a_reload_forgets_none() -> None:
    found = book()
    found.report(PROMETHEUS, (watchdog(),), NOW)
    after = AlertBook(settings(), {}, EventLog(), found)
    after.report(PROMETHEUS, (), NOW + 1)
    assert red(after) == ["Watchdog is missing"]
