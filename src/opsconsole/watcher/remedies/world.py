"""What a snapshot says, as decisions are made of it. Pure.

Invariant: what is stale, flapping or not looked at is never seen as well. Bad is what is down or
not seen, and what has become degraded of late: what was degraded for long is no storm. Words of
people and programs decide nothing; codes and states do.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.alerting.silences import SilenceState, hides
from opsconsole.model.maintenance import maintained
from opsconsole.model.operation import SILENCING
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.source_id import SourceKind
from opsconsole.model.state import State
from opsconsole.watcher.remedies.decision import Seen, World

OF_LATE: Final = 600.0
"""Seconds for which what became degraded counts for a storm."""

LATE_LOOKS: Final = 2.0
"""Seconds behind their schedule from which on this process's own looks prove nothing."""


def world_of(
    snapshot: Snapshot,
    switch: Switch,
    now: float,
    *,
    acting: bool,
    held: Mapping[str, str],
    planned: Mapping[str, str],
) -> World:
    """The world at ``now``; ``held`` and ``planned`` are who is at a service, and who has a plan of
    it open."""
    busy = {
        each.service: f"{each.who}@{each.host}"
        for each in snapshot.operations
        if not each.state.final and each.kind not in SILENCING
    }
    names = [each.name for each in snapshot.services]
    found = {name: maintained(snapshot.maintenances, name, now) for name in names}
    return World(
        services={each.name: _seen(each, now) for each in snapshot.services},
        acting=acting,
        recorded=True,
        dark=_is_dark(snapshot),
        witnessed=_is_witnessed(snapshot),
        under_way={**held, **busy},
        planned=planned,
        acknowledged=_hushed(snapshot, "acknowledgement"),
        silenced={**_silenced(snapshot), **_hushed(snapshot, "silence")},
        maintained={name: each.reason for name, each in found.items() if each is not None},
        switch=switch,
    )


def _seen(view: ServiceView, now: float) -> Seen:
    # What was not looked at yet, as just after the start, is neither well nor bad.
    looked = any(each.taken_at is not None for each in view.instances) or not view.instances
    blind = looked and (view.stale or view.state is State.UNKNOWN)
    late = view.state is State.DEGRADED and now - view.since < OF_LATE
    budgets = [each.budget_left for each in view.objectives if each.budget_left is not None]
    return Seen(
        name=view.name,
        state=view.state,
        stale=view.stale or (view.state is State.OK and view.flapping),
        bad=blind or late or view.state is State.DOWN,
        group=f"{view.environment}\n{view.group}",
        bound=view.depends_on,
        copies_well=view.ok_instances,
        budget_left=min(budgets, default=None),
    )


def _is_dark(snapshot: Snapshot) -> bool:
    """Whether the probes as a whole say that the failure is on this side, or come too late."""
    probes = (each for each in snapshot.sources if each.id.kind is SourceKind.PROBE)
    return any(each.fault is not None or each.lag > LATE_LOOKS for each in probes)


def _is_witnessed(snapshot: Snapshot) -> bool:
    return any(
        each.fault is None and each.taken_at is not None
        for each in snapshot.sources
        if each.id.kind.tells_replicas or each.id.kind.knows_alerts
    )


def _hushed(snapshot: Snapshot, kind: str) -> dict[str, str]:
    found = {}
    for alert in snapshot.alerts:
        by = next((each.by for each in alert.suppressions if each.kind == kind), None)
        if by is not None and alert.service and _is_loud(alert):
            found[alert.service] = by
    return found


def _is_loud(alert: Alert) -> bool:
    return alert.state in {AlertState.FIRING, AlertState.PENDING}


def _silenced(snapshot: Snapshot) -> dict[str, str]:
    """Silences of whole services, of which no alert needs to fire."""
    active = [each for each in snapshot.silences if each.state is SilenceState.ACTIVE]
    return {
        service.name: each.by
        for service in snapshot.services
        for each in active
        if hides(each.matchers, {"service": service.name})
    }
