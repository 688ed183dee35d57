"""Folding hides rows under a count, and loses none."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.render.alerts.folding import fold_rows


def alert(key: str, cause: str = "", state: AlertState = AlertState.FIRING) -> Alert:
    return Alert(key, key, Severity.WARNING, state, 1.0, cause=cause)


def test_symptoms_are_counted_under_the_end_of_their_chain() -> None:
    rows = fold_rows([alert("db"), alert("api", "db"), alert("web", "api")])
    assert [(row.alert.key, row.folded) for row in rows] == [("db", 2)]
    assert rows[0].folded == 2


def test_an_opened_cause_shows_its_symptoms_below_it() -> None:
    rows = fold_rows([alert("api", "db"), alert("other"), alert("db")], {"db"})
    assert [(row.alert.key, row.depth) for row in rows] == [("other", 0), ("db", 0), ("api", 1)]
    assert [row.folded for row in rows] == [0, 0, 0]


def test_a_resolution_is_never_hidden_and_a_lost_cause_hides_nothing() -> None:
    over = alert("api", "db", AlertState.RESOLVED)
    assert [row.alert.key for row in fold_rows([alert("db"), over])] == ["db", "api"]
    assert [row.alert.key for row in fold_rows([alert("web", "gone")])] == ["web"]


KEYS = st.sampled_from("abcdef")


@given(
    st.dictionaries(KEYS, st.tuples(KEYS | st.just(""), st.sampled_from(list(AlertState)))),
    st.booleans(),
)
def test_every_alert_is_shown_or_counted_once(
    causes: dict[str, tuple[str, AlertState]], opened: bool
) -> None:
    alerts = [alert(key, cause, state) for key, (cause, state) in causes.items()]
    rows = fold_rows(alerts, set(causes) if opened else ())
    assert len({row.alert.key for row in rows}) == len(rows)
    assert len(rows) + sum(row.folded for row in rows) == len(alerts)
