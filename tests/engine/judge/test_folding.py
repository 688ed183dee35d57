"""Symptoms stand under their cause, and nothing is lost by it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.folding import fold
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression

NEEDS = {"web": ("api",), "api": ("db",), "db": ()}


def alert(key: str, service: str = "", severity: Severity = Severity.CRITICAL) -> Alert:
    return Alert(key, key, severity, AlertState.FIRING, 100.0, service=service)


def causes(rows: tuple[Alert, ...]) -> dict[str, str]:
    return {row.key: row.cause for row in rows}


def test_an_alert_folds_under_the_critical_one_of_what_its_service_needs() -> None:
    rows = (alert("slow", "api", Severity.WARNING), alert("dead", "db"))
    assert causes(fold(rows, NEEDS)) == {"slow": "dead", "dead": ""}


def test_folding_reaches_through_a_service_without_alerts() -> None:
    assert causes(fold((alert("slow", "web"), alert("dead", "db")), NEEDS))["slow"] == "dead"


def test_each_folds_under_the_nearest() -> None:
    rows = (alert("slow", "web"), alert("failing", "api"), alert("dead", "db"))
    assert causes(fold(rows, NEEDS)) == {"slow": "failing", "failing": "dead", "dead": ""}


def test_a_warning_explains_others_only_where_its_service_is_down() -> None:
    rows = (alert("slow", "api"), alert("disk", "db", Severity.WARNING))
    assert causes(fold(rows, NEEDS))["slow"] == ""
    assert causes(fold(rows, NEEDS, {"db"}))["slow"] == "disk"


def test_what_is_well_explains_nothing() -> None:
    """A backup that is missing on a healthy database is no cause of anything."""
    rows = (alert("failing", "api"), alert("backup missing", "db"))
    assert causes(fold(rows, NEEDS))["failing"] == "backup missing"
    assert causes(fold(rows, NEEDS, well={"db"}))["failing"] == ""


def test_what_began_later_explains_nothing() -> None:
    late = replace(alert("dead", "db"), since=200.0)
    rows = (alert("failing", "api"), late)
    assert causes(fold(rows, NEEDS, {"db"}))["failing"] == ""
    assert causes(fold(rows, NEEDS, {"db"}, failing_since={"db": 99.0}))["failing"] == "dead"


def test_each_is_explained_by_the_nearest_that_began_before_it() -> None:
    rows = (
        alert("slow", "web"),
        replace(alert("failing", "api"), since=150.0),
        replace(alert("dead", "db"), since=50.0),
    )
    assert causes(fold(rows, NEEDS)) == {"slow": "dead", "failing": "dead", "dead": ""}


def test_what_is_silenced_or_over_explains_nothing() -> None:
    silenced = replace(alert("dead", "db"), suppressions=(Suppression("silence"),))
    over = replace(alert("dead", "db"), state=AlertState.RESOLVED)
    for cause in (silenced, over):
        assert causes(fold((alert("slow", "api"), cause), NEEDS))["slow"] == ""


def test_a_resolution_is_never_folded() -> None:
    over = replace(alert("slow", "api"), state=AlertState.RESOLVED)
    assert causes(fold((over, alert("dead", "db")), NEEDS))["slow"] == ""


def test_alertmanagers_inhibition_names_the_cause() -> None:
    loud = replace(alert("dead"), fingerprint="f1")
    quiet = replace(alert("slow"), suppressions=(Suppression("inhibition", "f1"),))
    assert causes(fold((loud, quiet), {})) == {"dead": "", "slow": "dead"}


def test_two_services_that_need_each_other_leave_one_cause_in_sight() -> None:
    rows = (alert("one", "a"), alert("two", "b"))
    found = causes(fold(rows, {"a": ("b",), "b": ("a",)}))
    assert sorted(found.values()) in (["", "one"], ["", "two"])


def test_a_cause_that_is_over_sets_its_symptoms_free() -> None:
    folded = fold((alert("slow", "api"), alert("dead", "db")), NEEDS)
    assert causes(fold(folded[:1], NEEDS)) == {"slow": ""}


SERVICES = st.sampled_from(["a", "b", "c", "d", ""])
ALERTS = st.lists(
    st.builds(
        Alert,
        key=st.uuids().map(str),
        name=st.just("A"),
        severity=st.sampled_from(list(Severity)),
        state=st.sampled_from(list(AlertState)),
        since=st.floats(0, 100),
        service=SERVICES,
        fingerprint=st.sampled_from(["", "f1", "f2", "f3"]),
        suppressions=st.lists(
            st.builds(
                Suppression,
                kind=st.sampled_from(["silence", "inhibition"]),
                id=st.sampled_from(["f1", "f2", "f3"]),
            ),
            max_size=2,
        ).map(tuple),
    ),
    max_size=12,
)
NEEDED = st.dictionaries(SERVICES, st.lists(SERVICES, max_size=3))


@given(ALERTS, NEEDED, st.sets(SERVICES), st.sets(SERVICES))
def test_nothing_is_lost_and_causes_end(
    alerts: list[Alert], needs: dict[str, list[str]], down: set[str], well: set[str]
) -> None:
    rows = fold(alerts, needs, down, well)
    assert [replace(row, cause="") for row in rows] == alerts
    by_key = {row.key: row for row in rows}
    for row in rows:
        steps, cause = 0, row.cause
        while cause:
            cause = by_key[cause].cause
            steps += 1
            assert steps <= len(rows)
    assert not rows or any(not row.cause for row in rows)
    assert fold(rows, needs, down, well) == rows


@given(ALERTS, NEEDED, st.sets(SERVICES), st.sets(SERVICES))
def test_only_what_is_not_well_and_was_first_explains(
    alerts: list[Alert], needs: dict[str, list[str]], down: set[str], well: set[str]
) -> None:
    rows = [replace(row, suppressions=()) for row in alerts]
    by_key = {row.key: row for row in rows}
    for row in fold(rows, needs, down, well):
        if row.cause:
            cause = by_key[row.cause]
            assert cause.service not in well
            assert cause.since <= row.since + 2
