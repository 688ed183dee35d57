"""Rules of a file, series by series."""

import math

from opsconsole.engine.alerts.rule_book import RuleBook
from opsconsole.model.alerting.alerts import AlertState, Severity
from opsconsole.model.alerting.rules import FileRule, RuleEvaluation, RuleSample
from opsconsole.model.source_id import LOCAL

RULE = FileRule(
    "Slow",
    "latency > 1",
    for_=10.0,
    keep_firing_for=5.0,
    labels={"severity": "critical", "team": "{{ $labels.job }}s"},
    annotations={"summary": "{{ $labels.instance }} at {{ $value }}"},
    group="web",
)


def seen(*values: tuple[str, float], rule: FileRule = RULE) -> list[RuleEvaluation]:
    samples = tuple(
        RuleSample({"__name__": "latency", "instance": name, "job": "api"}, value)
        for name, value in values
    )
    return [RuleEvaluation(rule, samples)]


def states(book: RuleBook, evaluations: list[RuleEvaluation], now: float) -> dict[str, AlertState]:
    return {each.labels["instance"]: each.state for each in book.evaluate(evaluations, now)}


def test_each_series_goes_its_own_way() -> None:
    book = RuleBook()
    pending, firing = AlertState.PENDING, AlertState.FIRING
    assert states(book, seen(("a", 2.0)), 0.0) == {"a": pending}
    assert states(book, seen(("a", 2.0), ("b", 3.0)), 10.0) == {"a": firing, "b": pending}
    assert states(book, seen(("b", 3.0)), 12.0) == {"a": firing, "b": pending}, "it is kept firing"
    assert states(book, seen(("b", 3.0)), 17.0) == {"b": pending}
    assert states(book, seen(), 18.0) == {}


def test_an_alert_is_labelled_and_worded_as_prometheus_would() -> None:
    book = RuleBook()
    (alert,) = book.evaluate(seen(("a", 2.5)), 100.0)
    assert alert.labels == {
        "alertname": "Slow",
        "instance": "a",
        "job": "api",
        "severity": "critical",
        "team": "apis",
    }
    assert (alert.severity, alert.summary, alert.value) == (Severity.CRITICAL, "a at 2.5", "2.5")
    assert (alert.since, alert.sources) == (100.0, (LOCAL,))


def test_nan_and_infinity_hold_as_they_do_in_prometheus() -> None:
    book = RuleBook()
    found = book.evaluate(seen(("a", math.nan), ("b", math.inf)), 0.0)
    assert [alert.summary for alert in found] == ["a at NaN", "b at +Inf"]


def test_what_could_not_be_evaluated_ends_nothing() -> None:
    book = RuleBook()
    book.evaluate(seen(("a", 2.0)), 0.0)
    states(book, seen(("a", 2.0)), 10.0)
    unknown = [RuleEvaluation(RULE, None)]
    assert states(book, unknown, 60.0) == {"a": AlertState.FIRING}


def test_text_of_a_file_or_a_series_cannot_control_the_terminal() -> None:
    evil = "\x1b]0;x\x07\u202e"
    rule = FileRule(
        "X", "up", labels={"team": evil}, annotations={"summary": f"{evil}{{{{ $labels.a }}}}"}
    )
    samples = (RuleSample({"a": evil}, 1.0),)
    (alert,) = RuleBook().evaluate([RuleEvaluation(rule, samples)], 0.0)
    assert "\x1b" not in alert.labels["team"] + alert.summary
    assert "<202E>" in alert.summary


def test_a_rule_that_the_server_has_loaded_leaves_nothing_behind() -> None:
    book = RuleBook()
    book.evaluate(seen(("a", 2.0)), 0.0)
    assert book.evaluate([], 10.0) == ()
    assert states(book, seen(("a", 2.0)), 20.0) == {"a": AlertState.PENDING}
