"""The book of alerts: sources, local rules and causes as one list of rows."""

from dataclasses import replace

from opsconsole.engine.alerts.alert_book import AlertBook, own_rules
from opsconsole.engine.judge.service import Judgement
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.fleet import ServiceRecord, build_services
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.source_id import LOCAL, SourceId
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.engine.conftest import fleet
from tests.named import named

NOW = 1_800_000_000.0
PROMETHEUS, ALERTMANAGER = named("prometheus:main"), named("alertmanager:main")


def make() -> tuple[AlertBook, dict[str, ServiceRecord]]:
    settings = fleet(
        {
            "db": {"alerts": [{"name": "DbDown", "when": "state == down", "severity": "critical"}]},
            "api": {"depends_on": ["db"]},
        }
    )
    records = build_services(settings, NOW, single=False)
    return AlertBook(settings, records, EventLog()), records


def alert(name: str, source: SourceId = PROMETHEUS, /, **labels: str) -> Alert:
    labels = {"alertname": name, "severity": "warning", **labels}
    return Alert(
        alert_key(name, labels),
        name,
        Severity.from_word(labels["severity"]),
        AlertState.FIRING,
        NOW,
        labels=labels,
        sources=(source,),
    )


def causes(book: AlertBook) -> dict[str, str]:
    names = {row.key: row.name for row in book.view()}
    return {row.name: names.get(row.cause, "") for row in book.view()}


def test_a_symptom_folds_under_a_local_rules_alert_and_is_free_when_it_ends() -> None:
    book, records = make()
    book.report(PROMETHEUS, (alert("Slow", service="api"),), NOW)
    assert causes(book) == {"Slow": ""}
    records["db"].judgement = Judgement(State.DOWN, "refused")
    assert book.tick(NOW + 1)
    assert causes(book) == {"DbDown": "", "Slow": "DbDown"}
    records["db"].judgement = Judgement(State.OK)
    assert book.tick(NOW + 2)
    assert causes(book) == {"DbDown": "", "Slow": ""}
    resolved = {row.name: row.state for row in book.view()}
    assert resolved == {"DbDown": AlertState.RESOLVED, "Slow": AlertState.FIRING}


def test_a_service_that_goes_down_makes_its_warning_a_cause() -> None:
    book, records = make()
    book.report(PROMETHEUS, (alert("Slow", service="api"), alert("Disk", service="db")), NOW)
    assert causes(book)["Slow"] == ""
    book._rules.clear()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    assert book.tick(NOW + 1)
    assert causes(book)["Slow"] == "Disk"


def test_folding_tells_of_each_alert_all_the_same() -> None:
    book, records = make()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW)
    book.report(PROMETHEUS, (alert("Slow", service="api"),), NOW)
    told = [words(event) for event in book._events.view()]
    assert any("Slow" in message for message in told), told


def test_rows_that_did_not_change_are_the_same_objects_folded_or_not() -> None:
    book, records = make()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW)
    slow = alert("Slow", service="api")
    book.report(PROMETHEUS, (slow,), NOW)
    before = {row.name: row for row in book.view()}
    book.report(PROMETHEUS, (slow, alert("Other")), NOW + 1)
    after = {row.name: row for row in book.view()}
    assert after["Slow"] is before["Slow"]
    assert after["Slow"].cause
    assert after["DbDown"] is before["DbDown"]


def test_a_source_that_falls_silent_leaves_the_other_ones_row() -> None:
    book, _ = make()
    plain = alert("Slow", instance="a:1")
    labelled = replace(alert("Slow", ALERTMANAGER, instance="a:1", cluster="eu"), fingerprint="f00")
    book.report(PROMETHEUS, (plain,), NOW)
    book.report(ALERTMANAGER, (labelled,), NOW + 1)
    (row,) = book.view()
    assert (row.key, row.fingerprint) == (plain.key, "f00")
    book.report(PROMETHEUS, (), NOW + 2)
    (row,) = book.view()
    assert (row.key, row.state, row.sources) == (plain.key, AlertState.FIRING, (ALERTMANAGER,))
    book.report(ALERTMANAGER, (), NOW + 3)
    (row,) = book.view()
    assert row.state is AlertState.RESOLVED


def test_what_only_silent_servers_reported_says_when_it_was_last_seen() -> None:
    book, _records = make()
    both = replace(alert("Both"), labels={"alertname": "Both", "severity": "warning"})
    book.report(PROMETHEUS, (alert("Slow"), both), NOW)
    other = replace(both, sources=(ALERTMANAGER,))
    book.report(ALERTMANAGER, (other,), NOW)
    book.report(own_rules(PROMETHEUS), (replace(alert("Mine"), sources=(LOCAL,)),), NOW)
    assert book.tick(NOW + 60, {PROMETHEUS: NOW + 5})
    assert {row.name: row.seen_at for row in book.view()} == {
        "Slow": NOW + 5,
        "Mine": NOW + 5,
        "Both": None,
    }
    assert not book.tick(NOW + 61, {PROMETHEUS: NOW + 5}), "nothing new"
    assert book.tick(NOW + 62, {PROMETHEUS: NOW + 5, ALERTMANAGER: NOW + 6})
    assert {row.seen_at for row in book.view() if row.name == "Both"} == {NOW + 6}
    assert book.tick(NOW + 63, {})
    assert {row.seen_at for row in book.view()} == {None}
