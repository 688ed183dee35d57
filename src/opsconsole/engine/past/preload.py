"""Loads the hours before the console was opened from the recording.

Invariant: old data never looks fresh: only empty past slots of traces are filled; the open slot and
every present figure and state stay unknown until they are looked at. Events keep their times, and
no event is added twice.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from opsconsole.engine.state.fleet import ServiceRecord
from opsconsole.engine.state.store import Store
from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView, Snapshot

EVENTS_OVER: Final = 86_400.0
"""Seconds of the timeline that are loaded."""

EVENTS_KEPT: Final = 500
_PROBE: Final = "probe"


class Recorded(Protocol):
    """A recording. Its methods block and raise OpsconsoleError."""

    def at(self, moment: float, /) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``; None if there is
        none."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """The last snapshot before the console started, and the events until then."""

    snapshot: Snapshot | None = None
    events: tuple[Event, ...] = ()


def read(recorded: Recorded, began: float, window: float) -> Past:
    """Load the charts' ``window`` in seconds and a day of events before ``began``. Blocks.

    The previous recorder had loaded its past too, so one snapshot holds all of it.
    """
    snapshot = recorded.at(began)
    if snapshot is None:
        return Past()
    events = (each for each in snapshot.events if began - EVENTS_OVER <= each.at <= began)
    is_near = began - snapshot.taken_at <= window
    return Past(snapshot if is_near else None, tuple(events)[-EVENTS_KEPT:])


def fill(store: Store, past: Past, now: float) -> None:
    """Put ``past`` into ``store``, on the engine's loop."""
    store.events.preload(past.events)
    if past.snapshot is None:
        return
    for service in past.snapshot.services:
        record = store.services.get(service.name)
        if record is not None:
            _fill(record, service, now)
            store.touch(record)


def _fill(record: ServiceRecord, service: ServiceView, now: float) -> None:
    history, latency = record.history, service.latency
    if latency.origin == _PROBE:
        history.fill_latency((latency.trace_p50, latency.trace, latency.trace_p99), now)
    history.fill_states(service.state_trace, now)
    for metric in service.metrics:
        if metric.trace is not None:
            record.trace_of(metric.name).fill(metric.trace, now)
