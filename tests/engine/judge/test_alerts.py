"""One alert is one row, and it ends when all who reported it say so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.alerts import RESOLVED_FOR, advance, join, merge, ordered
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.source_id import SourceId
from tests.named import named

PROMETHEUS = named("prometheus:main")


def alert(name: str, source: SourceId = PROMETHEUS, **changes: object) -> Alert:
    base = Alert(name, name, Severity.WARNING, AlertState.FIRING, 100.0, sources=(source,))
    return replace(base, **changes)  # type: ignore[arg-type]  # the fields are Alert's own


def test_two_sources_make_one_row_with_the_earliest_start_and_all_suppressions() -> None:
    silence = Suppression("silence", "1", "ann")
    one = alert("Down", since=120.0, summary="it is down")
    two = alert("Down", named("alertmanager:main"), since=90.0, suppressions=(silence,))
    (row,) = merge([(one,), (two,)]).values()
    assert row.since == 90.0
    assert row.sources == (named("prometheus:main"), named("alertmanager:main"))
    assert row.suppressions == (silence,)
    assert row.summary == "it is down"


@pytest.mark.parametrize(
    "field", ["summary", "description", "service", "instance", "value", "runbook", "fingerprint"]
)
def test_what_one_source_does_not_say_is_taken_from_the_other(field: str) -> None:
    labels = {"job": "web"}
    richer, poorer = alert("Down", labels=labels), alert("Down")
    mine = alert("Down", PROMETHEUS, labels=labels, **{field: "mine"})
    other = alert("Down", PROMETHEUS, **{field: "other"})
    assert getattr(join(richer, other), field) == "other"
    assert getattr(join(mine, poorer), field) == "mine"
    assert getattr(join(mine, other), field) == "mine"
    by_order = field == "value"
    assert getattr(join(other, mine), field) == ("other" if by_order else "mine")


def test_the_labels_of_the_joined_are_the_richer_ones_and_its_end_is_known() -> None:
    richer, poorer = alert("Down", labels={"job": "web"}), alert("Down", ends_at=7.0)
    assert join(richer, poorer).labels == join(poorer, richer).labels == {"job": "web"}
    assert join(richer, poorer).ends_at == join(poorer, richer).ends_at == 7.0


def test_it_is_quiet_only_where_every_alertmanager_that_knows_it_keeps_it_quiet() -> None:
    silence = (Suppression("silence", "1", "ann"),)
    first, second = (alert("Down", named(f"alertmanager:{name}")) for name in "ab")
    quiet = replace(first, suppressions=silence)
    assert join(quiet, second).suppressions == ()
    assert join(second, quiet).suppressions == ()
    assert join(quiet, replace(second, suppressions=silence)).suppressions == silence
    assert join(quiet, alert("Down")).suppressions == silence


def test_firing_goes_before_pending_when_sources_differ() -> None:
    one = alert("Down", state=AlertState.PENDING)
    assert (
        merge([(one,), (alert("Down", named("prometheus:b")),)])["Down"].state is AlertState.FIRING
    )


def test_pending_is_not_told_as_begun() -> None:
    pending = alert("Down", state=AlertState.PENDING)
    first = advance({}, merge([(pending,)]), 100.0)
    assert first.began == ()
    second = advance(first.rows, merge([(alert("Down"),)]), 110.0)
    assert [each.name for each in second.began] == ["Down"]


def test_a_pending_alert_that_goes_leaves_no_resolved_row() -> None:
    first = advance({}, merge([(alert("Down", state=AlertState.PENDING),)]), 100.0)
    assert advance(first.rows, {}, 110.0).rows == {}


def test_resolved_rows_stay_a_while_and_then_go() -> None:
    first = advance({}, merge([(alert("Down"),)]), 100.0)
    over = advance(first.rows, {}, 200.0)
    assert over.rows["Down"].state is AlertState.RESOLVED
    assert [each.name for each in over.ended] == ["Down"]
    assert "Down" in advance(over.rows, {}, 200.0 + RESOLVED_FOR - 1).rows
    assert advance(over.rows, {}, 200.0 + RESOLVED_FOR).rows == {}


def test_what_did_not_change_is_the_same_object() -> None:
    first = advance({}, merge([(alert("Down"),)]), 100.0)
    again = advance(first.rows, merge([(alert("Down"),)]), 110.0)
    assert again.rows["Down"] is first.rows["Down"]
    assert again.began == ()


def test_order_is_by_state_severity_and_age() -> None:
    rows = {
        each.key: each
        for each in (
            alert("resolved", state=AlertState.RESOLVED, severity=Severity.CRITICAL),
            alert("young", since=200.0),
            alert("old", since=50.0),
            alert("critical", severity=Severity.CRITICAL, since=300.0),
            alert("pending", state=AlertState.PENDING, severity=Severity.CRITICAL),
        )
    }
    shown = [each.name for each in ordered(rows)]
    assert shown == ["critical", "old", "young", "pending", "resolved"]


@given(st.lists(st.sets(st.sampled_from("abcde")), max_size=30))
def test_each_begin_has_one_end(rounds: list[set[str]]) -> None:
    rows: dict[str, Alert] = {}
    open_: set[str] = set()
    for now, names in enumerate(rounds):
        current = advance(rows, merge([tuple(alert(name) for name in sorted(names))]), float(now))
        began = {each.name for each in current.began}
        ended = {each.name for each in current.ended}
        assert began == names - open_
        assert ended == open_ - names
        open_ = names
        rows = dict(current.rows)
