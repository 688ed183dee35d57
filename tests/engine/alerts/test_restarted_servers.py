"""Servers that begin again: nothing that they have not been able to report yet is over."""

from dataclasses import replace

import pytest

from opsconsole.engine.alerts.alert_book import AlertBook
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.fleet import build_services
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import EventCode
from opsconsole.model.observations import AlertmanagerSeen, PrometheusSeen
from opsconsole.model.source_id import SourceId
from opsconsole.sources.prometheus.api_alerts import FILLS_UP
from tests.engine.conftest import fleet
from tests.named import named

NOW = 1_800_000_000.0
PROMETHEUS, ALERTMANAGER = named("prometheus:main"), named("alertmanager:main")
LONG_AGO, RESTARTED = NOW - 86_400.0, NOW + 10.0
SILENCE = SilenceView(
    "s1",
    (Matcher("alertname", "ApiDown"),),
    "kim",
    "ACK killed on purpose",
    NOW,
    NOW + 9000.0,
    SilenceState.ACTIVE,
)


def alert(name: str, source: SourceId, since: float = NOW, **labels: str) -> Alert:
    labels = {"alertname": name, "severity": "critical", **labels}
    state, severity = AlertState.FIRING, Severity.CRITICAL
    return Alert(
        alert_key(name, labels), name, severity, state, since, labels=labels, sources=(source,)
    )


ROUTED = replace(alert("ApiDown", ALERTMANAGER, cluster="a"), fingerprint="f1")
ACKNOWLEDGED = replace(ROUTED, suppressions=(SILENCE.suppression,))
PLAIN = alert("ApiDown", PROMETHEUS)


class Stage:
    """A book that takes in what servers say, one look after the other."""

    def __init__(self) -> None:
        self.events = EventLog()
        settings = fleet({})
        services = build_services(settings, NOW, single=False)
        self.book = AlertBook(settings, services, self.events)
        self.now = NOW

    def alertmanager(
        self,
        *alerts: Alert,
        start: float | None = LONG_AGO,
        silences: tuple[SilenceView, ...] = (SILENCE,),
    ) -> None:
        self.now += 5.0
        seen = AlertmanagerSeen(alerts, len(alerts), silences, start)
        self.book.of_alertmanager(ALERTMANAGER, seen, self.now)

    def prometheus(self, *alerts: Alert, unevaluated: frozenset[str] = frozenset()) -> None:
        self.now += 5.0
        seen = PrometheusSeen(alerts, len(alerts), unevaluated=unevaluated)
        self.book.of_prometheus(PROMETHEUS, seen, self.now)

    @property
    def row(self) -> Alert:
        (row,) = self.book.view()
        return row

    @property
    def told(self) -> list[EventCode]:
        return [each.code for each in self.events.view()]


FIRED, RESOLVED = EventCode.ALERT_FIRED, EventCode.ALERT_RESOLVED


@pytest.mark.parametrize("has_prometheus", [True, False])
def test_an_alertmanager_that_fills_up_again_ends_nothing(has_prometheus: bool) -> None:
    stage = Stage()
    if has_prometheus:
        stage.prometheus(PLAIN)
    stage.alertmanager(ACKNOWLEDGED)
    stage.alertmanager(start=RESTARTED)
    assert (stage.row.state, stage.row.quiet, stage.row.since) == (AlertState.FIRING, True, NOW)
    # Sent again, by somebody who does not say since when.
    stage.alertmanager(replace(ACKNOWLEDGED, since=stage.now), start=RESTARTED)
    stage.now += FILLS_UP
    stage.alertmanager(replace(ACKNOWLEDGED, since=RESTARTED + 9.0), start=RESTARTED)
    assert (stage.row.state, stage.row.quiet, stage.row.since) == (AlertState.FIRING, True, NOW)
    assert stage.told == [FIRED]


def test_what_is_not_sent_again_is_over_once_it_could_have_been() -> None:
    stage = Stage()
    stage.alertmanager(ACKNOWLEDGED)
    stage.alertmanager(start=RESTARTED)
    stage.now += FILLS_UP
    stage.alertmanager(start=RESTARTED)
    assert stage.row.state is AlertState.RESOLVED
    assert stage.told == [FIRED, RESOLVED]


def test_what_was_sent_again_and_then_ends_is_over_at_once() -> None:
    stage = Stage()
    stage.alertmanager(ROUTED)
    stage.alertmanager(start=RESTARTED)
    stage.alertmanager(ROUTED, start=RESTARTED)
    stage.alertmanager(start=RESTARTED)
    assert stage.told == [FIRED, RESOLVED]


def test_its_origin_says_that_it_is_over_while_an_alertmanager_fills_up() -> None:
    stage = Stage()
    stage.prometheus(PLAIN)
    stage.alertmanager(ROUTED)
    stage.alertmanager(start=RESTARTED)
    stage.prometheus()
    assert stage.row.state is AlertState.RESOLVED
    stage.alertmanager(start=RESTARTED)
    stage.prometheus()
    assert stage.told == [FIRED, RESOLVED]


def test_a_silence_that_did_not_outlive_the_restart_hides_nothing() -> None:
    stage = Stage()
    stage.alertmanager(ACKNOWLEDGED)
    stage.alertmanager(start=RESTARTED, silences=())
    assert not stage.row.quiet


def test_a_console_that_begins_meanwhile_knows_the_silence() -> None:
    stage = Stage()
    stage.prometheus(PLAIN)
    stage.alertmanager(start=NOW)
    assert stage.row.quiet
    stage.now += FILLS_UP
    stage.alertmanager(start=NOW)
    assert not stage.row.quiet, "it had the time to be sent it, and was not"


def test_a_server_that_does_not_say_when_it_began_is_believed() -> None:
    stage = Stage()
    stage.alertmanager(ROUTED, start=None)
    stage.alertmanager(start=None)
    assert stage.row.state is AlertState.RESOLVED


def test_a_prometheus_that_has_not_evaluated_a_rule_yet_does_not_end_its_alert() -> None:
    stage = Stage()
    stage.prometheus(PLAIN)
    stage.prometheus(unevaluated=frozenset({"ApiDown"}))
    assert stage.row.state is AlertState.FIRING
    pending = replace(PLAIN, state=AlertState.PENDING, since=stage.now)
    stage.prometheus(pending)
    assert stage.row.state is AlertState.FIRING, "it restores what fires after its first round"
    stage.prometheus(replace(PLAIN, since=stage.now))
    assert (stage.row.state, stage.row.since) == (AlertState.FIRING, NOW)
    stage.prometheus()
    assert stage.told == [FIRED, RESOLVED]


def test_a_prometheus_that_has_evaluated_it_anew_ends_it() -> None:
    stage = Stage()
    stage.prometheus(PLAIN)
    stage.prometheus(unevaluated=frozenset({"ApiDown"}))
    stage.prometheus()
    assert stage.told == [FIRED, RESOLVED]
