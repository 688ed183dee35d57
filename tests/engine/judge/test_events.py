"""What is news, and what it says: health, versions, alerts and what is read."""

import pytest

from opsconsole.engine.judge import events
from opsconsole.engine.judge.health import NOT_LOOKED
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words

OK, DOWN, UNKNOWN = State.OK, State.DOWN, State.UNKNOWN


def _changed(before: tuple[State, str], after: tuple[State, str]) -> Event | None:
    return events.health_flip(7.0, "web", "web-1", before, after)


def test_another_state_is_news() -> None:
    assert _changed((OK, ""), (DOWN, "refused")) == Event(
        7.0, EventCode.HEALTH_CHANGED, "refused", service="web", subject="web-1", state=DOWN,
        before="ok", after="down",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ((DOWN, "refused"), (DOWN, "timeout"), False),
        ((UNKNOWN, NOT_LOOKED), (OK, ""), False),
        ((UNKNOWN, NOT_LOOKED), (UNKNOWN, "could not look"), False),
        ((UNKNOWN, NOT_LOOKED), (DOWN, "refused"), True),
        ((UNKNOWN, "could not look"), (OK, ""), True),
        ((DOWN, "refused"), (UNKNOWN, "could not look"), True),
    ],
)
def test_the_first_answer_is_news_only_where_it_is_bad(
    before: tuple[State, str], after: tuple[State, str], news: bool
) -> None:
    assert (_changed(before, after) is not None) is news


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [("1", "2", True), ("1", "1", False), ("", "1", False), ("1", "", False), ("", "", False)],
)
def test_another_version_is_news(before: str, after: str, news: bool) -> None:
    event = events.version_change(7.0, "web", "web-1", before, after)
    assert (event is not None) is news
    if event is not None:
        assert (event.code, event.before, event.after) == (EventCode.VERSION_CHANGED, "1", "2")
        assert (event.at, event.service, event.subject) == (7.0, "web", "web-1")


def test_a_process_that_began_says_how_long_the_one_before_it_lived() -> None:
    event = events.process_started(7.0, "web", "web-1", 60.0)
    assert (event.code, event.figure) == (EventCode.PROCESS_STARTED, 60.0)
    assert events.process_started(7.0, "web", "web-1", None).figure is None


@pytest.mark.parametrize("severity", Severity)
def test_an_alert_that_is_critical_is_red(severity: Severity) -> None:
    alert = Alert(
        "k", "Slow", severity, AlertState.FIRING, 1.0, summary="it is slow", service="web"
    )
    event = events.alert_began(alert, 7.0)
    assert event.state is (DOWN if severity is Severity.CRITICAL else State.DEGRADED)
    assert (event.at, event.code) == (7.0, EventCode.ALERT_FIRED)
    assert (event.detail, event.service, event.subject) == ("it is slow", "web", "Slow")
    over = events.alert_ended(alert, 9.0)
    assert (over.at, over.code, over.state) == (9.0, EventCode.ALERT_RESOLVED, OK)


def test_a_source_that_is_lost_and_back_says_for_how_long() -> None:
    fault = Fault(FaultKind.CONNECT, "refused")
    lost = events.source_lost(7.0, "prometheus:main", fault)
    assert (lost.code, lost.state, lost.detail) == (EventCode.SOURCE_LOST, UNKNOWN, str(fault))
    back = events.source_back(19.0, "prometheus:main", 7.0)
    assert (back.code, back.state, back.figure) == (EventCode.SOURCE_BACK, OK, 12.0)
    assert events.source_back(5.0, "prometheus:main", 7.0).figure == 0.0


def test_an_alert_of_no_service_is_told_by_what_it_is_about() -> None:
    def told(service: str = "", instance: str = "", **labels: str) -> list[str]:
        of = {"alertname": "DependencyDown", "severity": "page", "job": "x", **labels}
        alert = Alert(
            "k", "DependencyDown", Severity.CRITICAL, AlertState.FIRING, 1.0, "",
            service=service, instance=instance, labels=of,
        )  # fmt: skip
        return [words(events.alert_began(alert, 1.0)), words(events.alert_ended(alert, 2.0))]

    assert told("api", "api-1") == ["DependencyDown fires", "DependencyDown resolved"]
    assert told(instance="10.0.0.1:80")[1] == "DependencyDown (10.0.0.1:80) resolved"
    assert told(dependency="db", zone="a")[1] == "DependencyDown (dependency=db, zone=a) resolved"
