"""What of a snapshot people are to be notified of: alerts of the console's own, and services that
are down where no rule of theirs says so. Pure.

Invariant: what other servers report is not reported again. A trouble is over only when it was seen
to be: what is not known is neither trouble nor its end. Each trouble has at most one cause among
the others, and following causes ends at one that has none.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.engine.alerts.maintained import hushed
from opsconsole.engine.judge.folding import fold
from opsconsole.model.alerting.alerts import (
    MAINTENANCE,
    Alert,
    AlertState,
    Severity,
    Suppression,
    alert_key,
)
from opsconsole.model.alerting.silences import SilenceState, SilenceView, hides
from opsconsole.model.maintenance import maintained
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.source_id import LOCAL, SourceKind
from opsconsole.model.state import State
from opsconsole.model.written.expressions import ExpressionError, StateIs, parse

_NAMES: Final = {State.DOWN: "ServiceDown", State.DEGRADED: "ServiceDegraded"}
_UNKNOWN: Final = State.UNKNOWN
_SEVERITIES: Final = {State.DOWN: Severity.CRITICAL, State.DEGRADED: Severity.WARNING}


Ruled = Mapping[str, frozenset[State]]
"""The states of each service that a rule of its own is written for."""


class Standing(Enum):
    """Whether a trouble that was reported lasts."""

    ON = auto()
    OVER = auto()
    UNKNOWN = auto()


class Troubles:
    """The troubles of one snapshot. ``states`` are reported where no rule is written."""

    def __init__(self, snapshot: Snapshot, states: Collection[State], ruled: Ruled) -> None:
        self.at = snapshot.taken_at
        self._services = {each.name: each for each in snapshot.services}
        self._reported = {each.key: each for each in snapshot.alerts}
        self._rules_read = all(
            each.fault is None and each.taken_at is not None
            for each in snapshot.sources
            if each.id.kind is SourceKind.PROMETHEUS
        )
        found = [each for each in snapshot.alerts if _is_own(each)]
        found += _of_states(snapshot, states, ruled)
        found = [_with_maintenance(each, snapshot) for each in found]
        self.all: Mapping[str, Alert] = {
            each.key: each for each in _with_causes(found, snapshot.services, ruled)
        }

    def service(self, name: str) -> ServiceView | None:
        """The service of that name."""
        return self._services.get(name)

    def standing(self, key: str, service: str) -> tuple[Standing, float | None]:
        """How a trouble stands that was reported, and since when where that was seen."""
        if key in self.all:
            return Standing.ON, self.all[key].since
        view = self._services.get(service)
        reported = self._reported.get(key)
        if reported is not None and reported.state is AlertState.RESOLVED:
            return Standing.OVER, reported.ends_at
        if service and (view is None or view.stale or view.flapping or view.state is _UNKNOWN):
            return Standing.UNKNOWN, None
        state = _state_of(key, service)
        if view is not None and state is not None:
            worse = view.state.urgency > state.urgency
            return (Standing.UNKNOWN, None) if worse else (Standing.OVER, view.since)
        pending = reported is not None and reported.state is AlertState.PENDING
        return (Standing.OVER if self._rules_read and not pending else Standing.UNKNOWN), None

    def root(self, trouble: Alert, notified: Collection[str]) -> Alert:
        """The cause of ``trouble`` that is furthest from it, among the keys ``notified``."""
        path = [trouble]
        while (cause := self.all.get(path[-1].cause)) is not None and cause not in path:
            path.append(cause)
        if cause is not None:
            # Of those that explain each other, all have the same root.
            circle = [each for each in path[path.index(cause) :] if each.key in notified]
            if circle:
                return min(circle, key=lambda each: each.key)
        return next((each for each in reversed(path) if each.key in notified), trouble)


def ruled_states(settings: Settings) -> Ruled:
    """For which states of which services people have written rules themselves."""
    found: dict[str, frozenset[State]] = {}
    for name, service in settings.services.items():
        states = frozenset(state for rule in service.alerts for state in _state_in(rule.when))
        if states:
            found[name] = states
    return found


def key_of(service: str, state: State) -> str:
    """The key of the trouble that a service is in ``state``."""
    return alert_key(_NAMES[state], {"service": service})


def _state_in(condition: str) -> Iterator[State]:
    try:
        read = parse(condition)
    except ExpressionError:
        return
    if isinstance(read, StateIs):
        yield read.state


def _state_of(key: str, service: str) -> State | None:
    return next((state for state in _NAMES if key_of(service, state) == key), None)


def _is_own(alert: Alert) -> bool:
    local = any(each.kind is SourceKind.LOCAL for each in alert.sources)
    return local and alert.state is AlertState.FIRING


def _with_maintenance(alert: Alert, snapshot: Snapshot) -> Alert:
    """Also where an Alertmanager that it was sent to reports it, and does not know of the work."""
    found = maintained(snapshot.maintenances, alert.service, snapshot.taken_at)
    if found is None or any(each.kind == MAINTENANCE for each in alert.suppressions):
        return alert
    why = Suppression(MAINTENANCE, found.id, found.who, found.reason, found.ends_at)
    return replace(alert, suppressions=(*alert.suppressions, why))


def _of_states(snapshot: Snapshot, states: Collection[State], ruled: Ruled) -> Iterator[Alert]:
    silences = [each for each in snapshot.silences if each.state is SilenceState.ACTIVE]
    for view in snapshot.services:
        counts = view.state in states and view.state not in ruled.get(view.name, ())
        if counts and not view.stale:
            found = _of_state(view, silences)
            yield hushed(found, snapshot.maintenances, snapshot.taken_at)


def _of_state(view: ServiceView, silences: Iterable[SilenceView]) -> Alert:
    severity = _SEVERITIES[view.state]
    labels = {"alertname": _NAMES[view.state], "service": view.name, "severity": severity.value}
    labels |= {
        name: value
        for name, value in (("team", view.team), ("environment", view.environment))
        if value
    }
    return Alert(
        key=key_of(view.name, view.state),
        name=_NAMES[view.state],
        severity=severity,
        state=AlertState.FIRING,
        since=view.since,
        at_least=view.at_least,
        summary=view.reason,
        service=view.name,
        labels=labels,
        sources=(LOCAL,),
        suppressions=tuple(each.suppression for each in silences if hides(each.matchers, labels)),
    )


def _with_causes(
    found: list[Alert], services: tuple[ServiceView, ...], ruled: Ruled
) -> Iterable[Alert]:
    if len(found) < 2:
        return [replace(each, cause="") for each in found]
    states = {each.name: each for each in services}
    rows = fold(
        (replace(each, cause="") for each in found),
        {each.name: each.depends_on for each in services if each.depends_on},
        down={each.name for each in services if each.state is State.DOWN},
        well={each.name for each in services if each.state is State.OK and not each.stale},
        failing_since={
            each.service: _could_fail_from(states[each.service])
            for each in found
            if each.service in states
        },
    )
    return _below_their_state(rows)


def _could_fail_from(view: ServiceView) -> float:
    """The last moment at which a service was seen well: it may have failed from then on.

    Its symptoms are often looked at before it is.
    """
    seen = [each.well_at for each in view.instances if each.well_at is not None]
    return min(max(seen, default=view.since), view.since)


def _below_their_state(rows: tuple[Alert, ...]) -> Iterator[Alert]:
    """What else is wrong with a service that is down is a consequence of that."""
    down = {
        each.service: each.key
        for each in rows
        if each.service and each.name == _NAMES[State.DOWN] and not each.quiet
    }
    for each in rows:
        cause = down.get(each.service, "")
        yield each if each.cause or cause in {"", each.key} else replace(each, cause=cause)
