"""One alert is one row, whatever labels each source adds to it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.alerts import advance, merge
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression, alert_key
from opsconsole.model.source_id import SourceId
from tests.named import named

PROMETHEUS, ALERTMANAGER = named("prometheus:main"), named("alertmanager:main")
SILENCE = Suppression("silence", "1", "ann")


def alert(source: SourceId, name: str = "Down", /, **labels: str) -> Alert:
    labels = {"alertname": name, **labels}
    severity = Severity.from_word(labels.get("severity", ""))
    return Alert(
        alert_key(name, labels),
        name,
        severity,
        AlertState.FIRING,
        100.0,
        labels=labels,
        sources=(source,),
    )


def test_external_labels_make_no_second_row() -> None:
    one = alert(PROMETHEUS, instance="a:1", job="api")
    other = replace(
        alert(ALERTMANAGER, instance="a:1", job="api", cluster="eu"), suppressions=(SILENCE,)
    )
    (row,) = merge([(one,), (other,)]).values()
    assert row.key == one.key
    assert row.sources == (PROMETHEUS, ALERTMANAGER)
    assert row.labels["cluster"] == "eu"
    assert row.quiet


def test_of_two_servers_that_send_one_alert_each_is_a_row_and_none_is_a_third() -> None:
    """Another server sends its own alerts to the same Alertmanager and is not read here."""
    mine = alert(PROMETHEUS), alert(PROMETHEUS, "Slow")
    sent = [alert(ALERTMANAGER, cluster=each) for each in ("eu", "us")]
    rows = merge([mine, (*sent, alert(ALERTMANAGER, "Slow", cluster="us"))])
    assert sorted((row.name, row.labels["cluster"]) for row in rows.values()) == [
        ("Down", "eu"), ("Down", "us"), ("Slow", "us"),
    ]  # fmt: skip
    assert rows[mine[0].key].labels["cluster"] == "us"
    assert len(merge([mine, sent], rows)) == 3


def test_two_servers_that_are_read_send_one_alert_of_both() -> None:
    two = alert(PROMETHEUS), alert(named("prometheus:other"))
    sent = [alert(ALERTMANAGER, cluster=each) for each in ("eu", "us")]
    (row,) = merge([two[:1], two[1:], sent]).values()
    assert len(row.sources) == 3


def test_vmalerts_group_and_a_replica_are_no_part_of_an_alert() -> None:
    one = alert(PROMETHEUS, instance="a:1", alertgroup="web")
    other = alert(ALERTMANAGER, instance="a:1", prometheus_replica="p-0", severity="page")
    assert len(merge([(one,), (other,)])) == 1


def test_the_most_specific_alert_is_joined() -> None:
    wide, narrow = alert(PROMETHEUS, job="api"), alert(PROMETHEUS, job="api", instance="a:1")
    other = alert(ALERTMANAGER, job="api", instance="a:1", cluster="eu")
    rows = merge([(wide, narrow), (other,)])
    assert rows[narrow.key].sources == (PROMETHEUS, ALERTMANAGER)
    assert rows[wide.key].sources == (PROMETHEUS,)


def test_alerts_of_other_instances_are_not_taken_for_one_without_labels() -> None:
    bare = alert(PROMETHEUS)
    others = alert(ALERTMANAGER, instance="a:1"), alert(ALERTMANAGER, instance="b:1")
    assert len(merge([(bare,), others])) == 3


def test_a_loud_alert_is_not_hidden_by_an_inhibited_one_of_less_severity() -> None:
    quiet = replace(
        alert(ALERTMANAGER, severity="warning"), suppressions=(Suppression("inhibition", "x"),)
    )
    loud = alert(ALERTMANAGER, severity="critical")
    for report in ((quiet, loud), (loud, quiet)):
        (row,) = merge([report]).values()
        assert not row.quiet
        assert row.severity is Severity.CRITICAL


def test_what_one_of_two_alertmanagers_does_not_silence_is_loud() -> None:
    one = replace(alert(named("alertmanager:a")), suppressions=(SILENCE,))
    (row,) = merge([(one,), (alert(named("alertmanager:b")),)]).values()
    assert not row.quiet


def test_a_row_keeps_its_key_whichever_source_falls_silent() -> None:
    one = alert(PROMETHEUS, instance="a:1")
    other = alert(ALERTMANAGER, instance="a:1", cluster="eu")
    for rounds in (
        [[(one,)], [(one,), (other,)], [(other,)], [(one,), (other,)]],
        [[(other,)], [(one,), (other,)], [(one,), (other,)], [(other,)]],
    ):
        rows: dict[str, Alert] = {}
        keys: set[str] = set()
        begun = ended = 0
        for number, reports in enumerate(rounds):
            current = advance(rows, merge(reports, rows), float(number))
            rows = dict(current.rows)
            keys.update(rows)
            begun, ended = begun + len(current.began), ended + len(current.ended)
        assert (len(keys), begun, ended) == (1, 1, 0)


LABELS = st.dictionaries(st.sampled_from(["job", "instance", "zone"]), st.sampled_from("ab"))


@given(st.lists(LABELS, max_size=12), st.lists(LABELS, max_size=12), st.booleans())
def test_nothing_is_lost_and_nothing_is_made(
    seen: list[dict[str, str]], sent: list[dict[str, str]], again: bool
) -> None:
    one = tuple(alert(PROMETHEUS, **labels) for labels in seen)
    other = tuple(alert(ALERTMANAGER, cluster="eu", **labels) for labels in sent)
    rows = merge([one, other])
    if again:
        rows = merge([one, other], rows)
    told = {each.key for each in (*one, *other)}
    assert {alert_key(each.name, each.labels) for each in rows.values()} <= told
    assert all(row.key == key for key, row in rows.items())
    assert {each.key for each in one} <= set(rows)
    for each in other:
        assert any(
            ALERTMANAGER in row.sources and each.labels.items() <= row.labels.items()
            for row in rows.values()
        )


@given(st.lists(LABELS, max_size=12, unique_by=lambda labels: tuple(sorted(labels.items()))))
def test_the_same_alerts_with_external_labels_are_the_same_rows(
    labels: list[dict[str, str]],
) -> None:
    one = tuple(alert(PROMETHEUS, **each) for each in labels)
    other = tuple(alert(ALERTMANAGER, cluster="eu", **each) for each in labels)
    assert set(merge([one, other])) == {each.key for each in one}


def test_five_thousand_alerts_of_two_sources_are_one_row_each() -> None:
    def flood(source: SourceId, **more: str) -> tuple[Alert, ...]:
        return tuple(
            alert(source, f"A{n % 20}", instance=f"10.0.0.{n}:9100", job="node", **more)
            for n in range(5000)
        )

    reports = [flood(PROMETHEUS), flood(ALERTMANAGER, cluster="eu", region="x")]
    rows = merge(reports)
    assert len(rows) == len(merge(reports, rows)) == 5000
