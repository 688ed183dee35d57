"""Turns transitions into events of the timeline. Pure.

Invariant: an event is made only for a change that was seen: becoming ok at the first look is
expected and is not an event.
"""

from dataclasses import replace
from typing import Final

from opsconsole.engine.judge.health import NOT_LOOKED
from opsconsole.model.alerting.alerts import NOT_IDENTITY, Alert, Severity
from opsconsole.model.certificate import Validity
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault
from opsconsole.model.operation import SILENCING, LeftToOthers, Operation, OperationState
from opsconsole.model.state import State


def health_flip(
    at: float,
    service: str,
    subject: str,
    before: tuple[State, str],
    after: tuple[State, str],
    unseen: float | None = None,
) -> Event | None:
    """From one state and reason to another; None if that is not an event.

    ``unseen`` are the seconds before it in which nobody looked, so that it may have happened then.
    """
    was, why = before
    state, reason = after
    if was is state or (why == NOT_LOOKED and state in {State.OK, State.UNKNOWN}):
        return None
    return Event(
        at,
        EventCode.HEALTH_CHANGED,
        reason,
        service=service,
        subject=subject,
        state=state,
        before=str(was),
        after=str(state),
        figure=unseen,
    )


def version_change(at: float, service: str, subject: str, before: str, after: str) -> Event | None:
    """A new version in a health body; None at the first look and while it is the same."""
    if not before or not after or before == after:
        return None
    return Event(at, EventCode.VERSION_CHANGED, "", service, subject, None, before, after)


def certificate_ends(now: float, service: str, validity: Validity) -> Event | None:
    """A certificate of ``service`` ends in a few days; None before that, and once it has ended.

    It is made of what the certificate says alone, so that it is the same at each look, of each copy
    and in each console.
    """
    days = validity.notice(now)
    if days is None or validity.left(now) <= 0:
        return None
    at, code = validity.noticed_at(days), EventCode.CERTIFICATE_ENDS
    return Event(at, code, service=service, subject=service, figure=float(days))


def process_started(at: float, service: str, subject: str, lived: float | None) -> Event:
    """A process started after the previous one ``lived`` for that many seconds; None: not known."""
    return Event(at, EventCode.PROCESS_STARTED, service=service, subject=subject, figure=lived)


def alert_began(alert: Alert, at: float) -> Event:
    """An alert fires, since ``at``."""
    colour = _colour(alert.severity)
    return Event(
        at,
        EventCode.ALERT_FIRED,
        alert.summary,
        alert.service,
        alert.name,
        colour,
        name=whose(alert),
    )


def alert_ended(alert: Alert, at: float, unseen: float | None = None) -> Event:
    """An alert is over; nobody looked in the ``unseen`` seconds before."""
    return Event(
        at,
        EventCode.ALERT_RESOLVED,
        "",
        alert.service,
        alert.name,
        State.OK,
        figure=unseen,
        name=whose(alert),
    )


def not_watched(begin: float, end: float) -> Event:
    """Nobody looked from one moment to another, at which a console began to."""
    return Event(end, EventCode.NOT_WATCHED, figure=end - begin)


def whose(alert: Alert) -> str:
    """What an alert of no service here is about: its instance, or else its own labels."""
    if alert.service or alert.instance:
        return "" if alert.service else alert.instance
    # Which scrape an alert is from says nothing of what it is about.
    own = sorted(each for each in alert.labels.items() if each[0] not in {*NOT_IDENTITY, "job"})
    return ", ".join(f"{key}={value}" for key, value in own[:_LABELS])


def source_lost(at: float, name: str, fault: Fault) -> Event:
    """A source does not answer."""
    return Event(at, EventCode.SOURCE_LOST, str(fault), "", name, State.UNKNOWN)


def source_back(at: float, name: str, lost_at: float) -> Event:
    """It answers again."""
    away = max(0.0, at - lost_at)
    return Event(at, EventCode.SOURCE_BACK, "", "", name, State.OK, figure=away)


def operation_moved(operation: Operation, before: OperationState | None) -> Event | None:
    """An operation began or reached its verdict; None for the steps between.

    It is made of what the journal says alone, so that every console makes the same one.
    """
    settled = operation.state.final or operation.state is OperationState.UNKNOWN
    if not settled and (before is not None or operation.kind in SILENCING):
        return None
    return _operation_event(operation, settled=settled)


def _operation_event(operation: Operation, *, settled: bool) -> Event:
    ended = operation.updated_at if operation.ended_at is None else operation.ended_at
    if operation.kind in SILENCING:
        return _silencing_event(operation, ended)
    return Event(
        ended if settled else operation.started_at,
        EventCode.OPERATION,
        operation.summary if settled else "",
        service=operation.service,
        subject=operation.service,
        state=_VERDICTS.get(operation.state),
        after=str(operation.state if settled else OperationState.INTENT),
        action=operation.kind,
        name=operation.name if operation.name != operation.kind.value else "",
        by=operation.who,
    )


def _silencing_event(operation: Operation, at: float) -> Event:
    """What was done about alerts: nobody's service is changed by it."""
    good = operation.state is OperationState.VERIFIED
    return Event(
        at,
        EventCode.OPERATION,
        operation.reason if good else operation.summary,
        subject=operation.about,
        state=None if good else _VERDICTS.get(operation.state),
        after=str(operation.state),
        action=operation.kind,
        by="" if operation.by_promise else operation.who,
    )


def operation_missed(operation: Operation) -> Event:
    """An operation of this user that ended while no console of theirs was open."""
    return replace(_operation_event(operation, settled=True), code=EventCode.OPERATION_MISSED)


def promise_left(left: LeftToOthers) -> Event:
    """Something of this user that is due, and waits for a console of another configuration."""
    return Event(
        left.due,
        EventCode.PROMISE_LEFT,
        left.config_path,
        service=left.service,
        subject=left.service,
        state=State.UNKNOWN,
        action=left.action,
        by=left.by,
    )


_LABELS: Final = 3
_VERDICTS = {
    OperationState.VERIFIED: State.OK,
    OperationState.FAILED: State.DOWN,
    OperationState.INCONCLUSIVE: State.UNKNOWN,
    OperationState.UNKNOWN: State.UNKNOWN,
}


def _colour(severity: Severity) -> State:
    return State.DOWN if severity is Severity.CRITICAL else State.DEGRADED
