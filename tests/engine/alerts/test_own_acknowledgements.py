"""Which alerts an acknowledgement of the console's own state makes quiet, and for how long."""

from dataclasses import replace

import pytest

from opsconsole.engine.alerts.own_acknowledgements import CLOCKS_APART, JUST_BEGUN, with_own
from opsconsole.engine.judge.service import Judgement
from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.alerting.silences import OWN_RULES, Matcher, SilenceState, SilenceView
from opsconsole.model.state import State
from tests.engine.alerts.test_alert_book import ALERTMANAGER, NOW, PROMETHEUS, alert, make

OF = {"alertname": "DbDown", "service": "db", "severity": "critical"}


def acknowledged(at: float, lasts: float = 3600.0, **labels: str) -> SilenceView:
    matchers = tuple(Matcher(*each) for each in (OF | labels).items())
    return SilenceView(
        "0" * 16, matchers, "kim", "ACK known", at, at + lasts, SilenceState.ACTIVE, OWN_RULES
    )


def test_the_alert_of_a_local_rule_is_quiet_until_its_end_and_loud_when_it_fires_anew() -> None:
    book, records = make()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW + 60)
    assert not book.view()[0].quiet
    book.use_own((acknowledged(NOW + 70),), NOW + 71)
    (row,) = book.view()
    assert [(why.kind, why.by, why.comment) for why in row.suppressions] == [
        ("acknowledgement", "kim", "known")
    ]
    assert [each.hides for each in book.own()] == [1]
    records["db"].judgement = Judgement(State.OK)
    book.tick(NOW + 80)
    assert book.view()[0].state is AlertState.RESOLVED
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW + 90)
    (row,) = book.view()
    assert (row.state, row.quiet) == (AlertState.FIRING, False)
    assert book.own() == ()


def test_it_ends_at_its_time_though_no_source_says_anything() -> None:
    book, records = make()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW + 60)
    book.use_own((acknowledged(NOW + 70, lasts=100.0),), NOW + 71)
    assert not book.tick(NOW + 169)
    assert book.view()[0].quiet
    assert book.tick(NOW + 171)
    assert not book.view()[0].quiet


def test_ending_it_makes_the_alert_loud() -> None:
    book, records = make()
    records["db"].judgement = Judgement(State.DOWN, "refused")
    book.tick(NOW + 60)
    book.use_own((acknowledged(NOW + 70),), NOW + 71)
    book.use_own((), NOW + 72)
    assert not book.view()[0].quiet


@pytest.mark.parametrize(("since", "quiet"), [
    (-1.0, True),
    (CLOCKS_APART, True),
    (CLOCKS_APART + 1.0, False),
])  # fmt: skip
def test_only_what_fired_then_is_meant(since: float, quiet: bool) -> None:
    row = replace(alert("DbDown", PROMETHEUS, service="db"), since=NOW + since)
    (seen,) = with_own({row.key: row}, [acknowledged(NOW)], looked_from=NOW - 9000).values()
    assert seen.quiet is quiet


@pytest.mark.parametrize(("late", "quiet"), [(0.0, True), (JUST_BEGUN, True), (60.0, False)])
def test_who_has_just_begun_to_look_believes_it(late: float, quiet: bool) -> None:
    row = replace(alert("DbDown", PROMETHEUS, service="db"), since=NOW + 500 + late)
    (seen,) = with_own({row.key: row}, [acknowledged(NOW)], looked_from=NOW + 500).values()
    assert seen.quiet is quiet


@pytest.mark.parametrize("source", [PROMETHEUS, ALERTMANAGER])
@pytest.mark.parametrize("labels", [{"service": "web"}, {"service": "db", "instance": "2"}, {}])
def test_another_alert_of_the_same_name_is_not_meant(source, labels: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    row = alert("DbDown", source, **labels)
    (seen,) = with_own({row.key: row}, [acknowledged(NOW + 9)], looked_from=0.0).values()
    assert not seen.quiet
