"""A console beside the one that records: it shows the story that is recorded, and goes on with it.

Invariant: what both saw is on the timeline once, as it was recorded; what only one of them saw
stays. When the other has gone, what it left open and is over by now is closed.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from opsconsole.engine.judge.episodes import RED
from opsconsole.engine.judge.events import health_flip
from opsconsole.engine.records.fleet import InstanceRecord, ServiceRecord
from opsconsole.engine.state.store import Store
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.past.recording import RecordingState
from opsconsole.model.state import State

SETTLES: Final = 60.0
"""Seconds after a console takes over within which it comes to see what the other one saw."""


ADOPTED_OVER: Final = 120.0
"""Seconds back to which recorded events of another console are looked at again and again."""


class Beside:
    """Follows what another console records, and takes over from it."""

    def __init__(self, read: Callable[[float, float], Awaitable[Sequence[Event]]]) -> None:
        """``read`` gives the events that were recorded between two moments."""
        self._read = read
        self._state = RecordingState.OFF
        self._takes_over_until = 0.0

    async def follow(self, store: Store, state: RecordingState, now: float) -> None:
        """Show what another console records; once it has gone, close what it left open."""
        before, self._state = self._state, state
        if before is RecordingState.READING and state is RecordingState.RECORDING:
            self._takes_over_until = now + SETTLES
        if state is RecordingState.READING or now < self._takes_over_until:
            adopt(store, await self._read(now - ADOPTED_OVER, now))
        elif self._takes_over_until:
            self._takes_over_until = 0.0
            close_open(store, now)


def adopt(store: Store, recorded: Sequence[Event]) -> None:
    """Take the ``recorded`` events in; what is so since one of them is so since then."""
    store.events.adopt(recorded)
    for (kind, service, subject), event in _last(store).items():
        record = store.services.get(service)
        if kind is EventKind.HEALTH and record is not None:
            parts: list[ServiceRecord | InstanceRecord] = [record, *record.instances]
            if sum(_date(part, subject, event) for part in parts):
                store.touch(record)
                store.touch_instances(record)


def _date(part: ServiceRecord | InstanceRecord, subject: str, event: Event) -> bool:
    """Let it be so since ``event``, where that is what made it so. Returns whether it moved."""
    lone = isinstance(part, ServiceRecord) and len(part.instances) == 1
    if (
        not (lone or part.name == subject)
        or part.judgement.state is not event.state
        or part.since <= event.at
    ):
        return False
    part.since, part.at_least = event.at, False
    return True


def close_open(store: Store, now: float) -> None:
    """End what the timeline has open and this console sees to be over, once it has settled."""
    for (kind, service, subject), event in _last(store).items():
        key = service, subject
        if kind is EventKind.ALERT:
            if event.code is EventCode.ALERT_FIRED and store.alerts.is_over(service, subject):
                store.events.add(Event(now, EventCode.ALERT_RESOLVED, "", *key, State.OK))
        elif event.state in RED and _is_ok(store, service, subject):
            was = event.state or State.UNKNOWN
            over = health_flip(now, service, subject, (was, event.detail), (State.OK, ""))
            store.events.add(over)


def _is_ok(store: Store, service: str, subject: str) -> bool:
    record = store.services.get(service)
    if record is None:
        return False
    parts = {each.name: each.judgement.state for each in record.instances}
    return parts.get(subject, record.judgement.state) is State.OK


def _last(store: Store) -> dict[tuple[EventKind, str, str], Event]:
    """The last change of each part and alert on the timeline."""
    last: dict[tuple[EventKind, str, str], Event] = {}
    for each in sorted(store.events.view(), key=lambda event: event.at):
        if each.kind in {EventKind.HEALTH, EventKind.ALERT}:
            last[each.kind, each.service, each.subject] = each
    return last
