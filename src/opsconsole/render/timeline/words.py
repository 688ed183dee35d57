"""Events of the timeline in words.

Invariant: pure, and every code has its words; nothing is judged by these words.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.render.alerts.silence_words import is_about_alerts, silenced
from opsconsole.render.ink import figures


def words(event: Event) -> str:
    """What happened, as part of a sentence, without naming the service."""
    made = _MADE.get(event.code)
    if made is not None:
        late = event.code in _RECORDED and event.figure is not None
        return f"{made(event)}, learnt afterwards" if late else made(event)
    pattern = _PATTERNS.get(event.code, "{detail}")
    figure = f"{event.figure or 0.0:.0f}"
    said = pattern.format(event=event, detail=event.detail, change=change(event), figure=figure)
    return said.removesuffix(": ")


def change(event: Event) -> str:
    """``before → after``; '' if the event is not a change from one value to another."""
    if event.kind is EventKind.OPERATION or not event.after:
        return ""
    return f"{event.before} → {event.after}" if event.before else event.after


def _ended(event: Event) -> str:
    if event.figure is None:
        said = "ended"
    else:
        said = f"died, exit {event.figure:.0f}" if event.figure else "exited 0"
    if event.memory:
        return f"{said}, out of memory"
    return f"{said}, after {event.name}" if event.name else said


def _health(event: Event) -> str:
    said = f"{change(event)}{_unseen(event)}"
    return f"{said}: {event.detail}" if event.detail else said


def _unseen(event: Event) -> str:
    """In which time it may have happened, where nobody looked just before."""
    return f" within {figures.age(event.figure)} unwatched" if event.figure else ""


def _not_watched(event: Event) -> str:
    began = figures.zoned(event.at - (event.figure or 0.0))
    return f"nobody looked for {figures.age(event.figure or 0.0)}, from {began}"


def _fired(event: Event) -> str:
    return f"{_alert(event)} fires: {event.detail}".removesuffix(": ")


def _resolved(event: Event) -> str:
    return f"{_alert(event)} resolved{_unseen(event)}"


def _alert(event: Event) -> str:
    return f"{event.subject} ({event.name})" if event.name else event.subject


def _recreated(event: Event) -> str:
    made = made_otherwise(event.before, event.after, event.detail)
    return _by(event, f"configuration: {made}" if event.about else f"re-created: {made}")


def _by(event: Event, said: str) -> str:
    """What happened, and who did it where that is known."""
    return f"{said} by {event.by}" if event.by else said


def made_otherwise(gone: str, new: str, other: str) -> str:
    """What something is made of now: ``env LLM_URL removed, env PORT added, command changed``."""
    said = ((gone, "removed"), (new, "added"), (other, "changed"))
    return ", ".join(f"{each} {word}" for names, word in said for each in names.split(", ") if each)


def _process_started(event: Event) -> str:
    lived = event.figure
    return "process started" if lived is None else f"process restarted after {figures.age(lived)}"


def _unit_started(event: Event) -> str:
    return f"{event.name or 'its unit'} started"


def _booted(event: Event) -> str:
    said = f"{event.place or 'the host'} booted"
    return f"{said}, kernel {change(event)}" if event.after else said


def _checked_out(event: Event) -> str:
    by = f" by {event.by}" if event.by else ""
    said = f"checkout {event.subject} {change(event)}{by}"
    return f"{said}: {event.detail}" if event.detail else said


def _packages(event: Event) -> str:
    where = f" on {event.place}" if event.place else ""
    if event.subject:
        return f"package {event.subject} {change(event)}{where}"
    return f"packages{where}: {event.after}"


def _operation(event: Event) -> str:
    if event.action is None:
        return event.detail
    if is_about_alerts(event.action):
        return silenced(event.action, event.subject, event.by, event.after, event.detail)
    word = event.after if event.after in _TOLD else "started"
    if event.code is EventCode.OPERATION_MISSED:
        word = f"{event.after} while you were away"
    said = f"{f'{event.action} {event.name}'.strip()}: {word}, by {event.by}"
    return f"{said}: {event.detail}" if event.detail else said


def _incident(event: Event) -> str:
    """``INC-14 opened by kim: checkout slow``."""
    said = f"{event.subject} {event.name} by {event.by}"
    return f"{said}: {event.detail}" if event.detail else said


_LEFT: Final = {
    ActionKind.RECOVER: "its degradation is past its end",
    ActionKind.ROLLBACK: "its rollback is due",
    ActionKind.EXPIRE_SILENCE: "its acknowledgement is watched by nobody",
}


def _left(event: Event) -> str:
    said = _LEFT.get(event.action, "something is due") if event.action else "something is due"
    if event.by:
        return f"{said}, and waits for {event.by}, whose host is out of reach"
    where = event.detail or "no configuration file"
    return f"{said}, and is left to a console with {where}: this one does not declare the same"


_TOLD: Final = {OperationState.UNKNOWN, *(each for each in OperationState if each.final)}
_RECORDED: Final = frozenset(
    {
        EventCode.UNIT_STARTED,
        EventCode.HOST_BOOTED,
        EventCode.CHECKED_OUT,
        EventCode.PACKAGES_CHANGED,
    }
)
"""What hosts record themselves."""

_MADE: Final[Mapping[EventCode, Callable[[Event], str]]] = {
    EventCode.ENDED: _ended,
    EventCode.PROCESS_STARTED: _process_started,
    EventCode.UNIT_STARTED: _unit_started,
    EventCode.HOST_BOOTED: _booted,
    EventCode.CHECKED_OUT: _checked_out,
    EventCode.PACKAGES_CHANGED: _packages,
    EventCode.RECREATED: _recreated,
    EventCode.REPLICAS_CHANGED: lambda event: _by(event, f"replicas {change(event)}"),
    EventCode.IMAGE_CHANGED: lambda event: _by(event, f"image {change(event)}"),
    EventCode.RESTARTED: lambda event: _by(event, "restarted"),
    EventCode.ALERT_FIRED: _fired,
    EventCode.ALERT_RESOLVED: _resolved,
    EventCode.OPERATION: _operation,
    EventCode.OPERATION_MISSED: _operation,
    EventCode.PROMISE_LEFT: _left,
    EventCode.HEALTH_CHANGED: _health,
    EventCode.NOT_WATCHED: _not_watched,
    EventCode.INCIDENT_MOVED: _incident,
}
_PATTERNS: Final[Mapping[EventCode, str]] = {
    EventCode.STARTED: "started",
    EventCode.OUT_OF_MEMORY: "out of memory, a process was killed",
    EventCode.SIGNALLED: "was sent signal {event.name}",
    EventCode.REMOVED: "removed",
    EventCode.PAUSED: "paused",
    EventCode.RESUMED: "unpaused",
    EventCode.LIMITS_CHANGED: "limits changed",
    EventCode.EVICTED: "evicted: {detail}",
    EventCode.NODE_LOST: "node {event.subject} is not ready: {detail}",
    EventCode.NODE_BACK: "node {event.subject} is ready",
    EventCode.NODE_CORDONED: "node {event.subject} takes no new pods",
    EventCode.NODE_OPENED: "node {event.subject} takes new pods again",
    EventCode.RENAMED: "renamed {change}",
    EventCode.CHECK_RESULT: "its health check says {detail}",
    EventCode.IMAGE_TAGGED: "image tagged",
    EventCode.UPDATE_MOVED: "update {detail}",
    EventCode.ROLLOUT_MOVED: "rollout {detail}",
    EventCode.VERSION_CHANGED: "version {change}",
    EventCode.OBJECTIVE_MISSED: "misses {event.name}",
    EventCode.OBJECTIVE_MET: "meets {event.name} again",
    EventCode.BUDGET_BURNS: "burns the budget of {event.name} too fast: {detail}",
    EventCode.CERTIFICATE_ENDS: "its certificate ends within {figure} days",
    EventCode.SOURCE_LOST: "{event.subject} lost: {detail}",
    EventCode.SOURCE_BACK: "{event.subject} is back after {figure} s",
    EventCode.EVENTS_INTERRUPTED: "Docker's events were interrupted for {figure} s: {detail}",
    EventCode.EVENTS_DROPPED: "{figure} Docker events came too fast and are not shown",
    EventCode.NOTE_UNSHARED: "the note is on this console alone: {detail}",
    EventCode.NOTES_UNSEEN: "notes of other consoles are not seen: {detail}",
    EventCode.INTERNAL_ERROR: "internal error while {detail}",
    EventCode.CONFIGURATION_READ: "configuration read again: {detail}",
    EventCode.CONFIGURATION_REFUSED: "configuration not taken over: {detail}",
    EventCode.CONFIGURATION_ABSENT: "there is no configuration file to read",
    EventCode.FLEET_CHANGED: "the fleet as {event.subject} finds it: {detail}",
    EventCode.TIME_LOST: "no look for {figure} s: the machine was suspended or stopped",
}
"""A code in neither table is shown by its detail alone."""
