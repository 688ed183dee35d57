"""What a person waits to hear of: the end of an operation, of a service's state, of an alert.

Invariant: an answer is made of what was seen alone: what is stale or unknown is never back, never
done, and ends nothing. Each ends with its one answer.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.operation import Operation, OperationState
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State


class AwaitedKind(StrEnum):
    """What it is about."""

    OPERATION = "operation"
    SERVICE = "service"
    ALERT = "alert"


class Heard(StrEnum):
    """What the answer is."""

    DONE = "done"
    """The operation is verified."""
    NOT_DONE = "not done"
    """The operation ended otherwise."""
    BACK = "back"
    """The service is ok, or the alert has resolved."""
    WRONG = "wrong"
    """The service that was well is not, or the alert fires."""
    GONE = "gone"
    """It is not watched any more."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """``key`` is an operation's id, a service's name or an alert's key; ``name`` what it is called.

    ``was_well``: it was seen to be well when it was asked for, so that its end is that it is not.
    """

    kind: AwaitedKind
    key: str
    name: str
    service: str = ""
    was_well: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard of ``awaited``, and ``why`` in a line."""

    awaited: Awaited
    heard: Heard
    why: str = ""


def of_operation(run: Operation) -> Awaited:
    """Its verdict."""
    named = f"{run.kind.value} of {run.service}"
    return Awaited(AwaitedKind.OPERATION, run.id, named, run.service)


def of_service(service: ServiceView) -> Awaited:
    """That it is back; of one that is well, that it is not any more."""
    return Awaited(
        AwaitedKind.SERVICE, service.name, service.name, service.name, was_well=_is_well(service)
    )


def of_alert(alert: Alert) -> Awaited:
    """That it has resolved; of one that does not fire yet, that it does."""
    quiet = alert.state is not AlertState.FIRING
    return Awaited(AwaitedKind.ALERT, alert.key, alert.name, alert.service, was_well=quiet)


def answer(awaited: Awaited, snapshot: Snapshot) -> Answer | None:
    """What ``snapshot`` says of it; None while it is not known to have ended."""
    match awaited.kind:
        case AwaitedKind.OPERATION:
            return _of_operation(awaited, snapshot)
        case AwaitedKind.SERVICE:
            return _of_service(awaited, snapshot)
        case AwaitedKind.ALERT:
            return _of_alert(awaited, snapshot)


def _of_operation(awaited: Awaited, snapshot: Snapshot) -> Answer | None:
    run = next((each for each in snapshot.operations if each.id == awaited.key), None)
    if run is None or not run.state.final:
        return None
    if run.state is OperationState.VERIFIED and not run.corrected:
        return Answer(awaited, Heard.DONE, run.summary)
    return Answer(awaited, Heard.NOT_DONE, run.corrected or run.summary or run.state.value)


def _of_service(awaited: Awaited, snapshot: Snapshot) -> Answer | None:
    service = snapshot.service(awaited.key)
    if service is None:
        return Answer(awaited, Heard.GONE) if snapshot.services else None
    if service.stale or service.state is State.UNKNOWN:
        return None
    if awaited.was_well == _is_well(service):
        return None
    return Answer(awaited, Heard.WRONG if awaited.was_well else Heard.BACK, service.reason)


def _is_well(service: ServiceView) -> bool:
    return service.state is State.OK and not service.stale and not service.missed


def _of_alert(awaited: Awaited, snapshot: Snapshot) -> Answer | None:
    alert = next((each for each in snapshot.alerts if each.key == awaited.key), None)
    if alert is None or alert.seen_at is not None:
        # Who reported it may be silent.
        return None
    if alert.state is AlertState.RESOLVED:
        return Answer(awaited, Heard.BACK, alert.summary)
    if awaited.was_well and alert.state is AlertState.FIRING:
        return Answer(awaited, Heard.WRONG, alert.summary)
    return None
