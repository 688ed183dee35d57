"""What the watcher says of itself: figures, and one document of how it is. Pure.

Invariant: names and codes alone; no address, no text of a service, no secret.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from opsconsole.model.operation import OperationState
from opsconsole.model.state import State
from opsconsole.render.own_metrics import Figure
from opsconsole.watcher.own_health import OwnHealth


def document(health: OwnHealth) -> Mapping[str, object]:
    """How the watcher is."""
    return {
        "ok": not health.faults,
        "leads": health.leads,
        "blind": health.blind.value if health.blind else "",
        "lag_seconds": round(health.lag, 3),
        "snapshot_age_seconds": round(max(0.0, health.at - health.snapshot.taken_at), 3),
        "receivers": {
            each.receiver: {"reached": not each.fault, "kept": not each.unkept}
            for each in health.deliveries
        },
        "heartbeat": not health.heartbeat_fault,
    }


def figures(health: OwnHealth) -> Iterator[Figure]:
    """Everything that a Prometheus may want of it."""
    snapshot = health.snapshot
    yield _one(
        "opsconsole_watch_leads", "1 where this watcher acts and notifies people.", health.leads
    )
    yield _one("opsconsole_watch_blind", "1 where it sees nothing reliable.", bool(health.blind))
    yield _one("opsconsole_watch_lag_seconds", "How late the latest looks were.", health.lag)
    age = max(0.0, health.at - snapshot.taken_at)
    yield _one("opsconsole_watch_snapshot_age_seconds", "Age of what is known.", age)
    yield Figure(
        "opsconsole_watch_source_up",
        "1 where the latest look at a source gave a value.",
        tuple(
            (float(each.fault is None and each.taken_at is not None), {"source": str(each.id)})
            for each in snapshot.sources
        ),
    )
    states = Counter(each.state for each in snapshot.services)
    yield Figure(
        "opsconsole_watch_services",
        "Services by their state.",
        tuple((float(states[state]), {"state": state.value}) for state in State),
    )
    runs = Counter(each.state for each in snapshot.operations)
    yield Figure(
        "opsconsole_watch_operations",
        "The newest operations by their state.",
        tuple((float(runs[state]), {"state": state.value}) for state in OperationState),
    )
    yield from _deliveries(health)


def _deliveries(health: OwnHealth) -> Iterator[Figure]:
    every = health.deliveries
    yield Figure(
        "opsconsole_watch_pushes_total",
        "Messages by receiver, and whether they were taken.",
        tuple(
            (float(count), {"receiver": each.receiver, "taken": word})
            for each in every
            for word, count in (("yes", each.accepted), ("no", each.refused))
        ),
        kind="counter",
    )
    yield Figure(
        "opsconsole_watch_receiver_reached",
        "1 where a receiver took the last message.",
        tuple((float(not each.fault), {"receiver": each.receiver}) for each in every),
    )
    yield Figure(
        "opsconsole_watch_episodes",
        "What a receiver was notified of and lasts.",
        tuple((float(each.lasting), {"receiver": each.receiver}) for each in every),
    )


def _one(name: str, text: str, value: float) -> Figure:
    return Figure(name, text, ((float(value), {}),))
