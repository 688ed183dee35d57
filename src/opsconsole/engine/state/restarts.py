"""Restarts and version changes that are seen in the metrics of processes.

Invariant: one start is reported once, whichever source sees it: not again if a container's start or
a health body already reported it. A process that belongs to no service here is ignored. At the
first look only a start within ``RECENT`` seconds is reported.
"""

from typing import Final

from opsconsole.engine.judge.events import process_started, version_change
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.find_instance import Locator
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.running.processes import ProcessStart

RECENT: Final = 900.0
JITTER: Final = 2.0
"""Seconds by which two reports of one start may differ."""

SAME: Final = 10.0
"""Seconds around a start within which a container's start is the same event."""

_LOOKED_AT: Final = 200


class RestartWatch:
    """What is known about each instance's process. Used only on the engine's loop."""

    def __init__(
        self, locator: Locator, events: EventLog, before: "RestartWatch | None" = None
    ) -> None:
        """Empty, or continuing from ``before``, which had other settings."""
        self._locator = locator
        self._events = events
        self._known: dict[tuple[str, str], ProcessStart] = before._known if before else {}

    def note(self, starts: tuple[ProcessStart, ...], now: float) -> None:
        """Take in the present metrics."""
        for start in starts:
            service, instance = start.service, start.instance
            if not service:
                service, instance = self._locator.place(start.labels)
            if service:
                self._note(start, service, instance or start.labels.get("instance", ""), now)

    def _note(self, start: ProcessStart, service: str, instance: str, now: float) -> None:
        known = self._known.get((service, instance))
        self._known[service, instance] = start
        if known is None:
            if not 0 <= now - start.started_at < RECENT:
                return
        elif start.started_at - known.started_at <= JITTER:
            return
        at = min(start.started_at, now)
        lived = None if known is None else start.started_at - known.started_at
        if not self._seen(service, at, EventKind.CONTAINER, EventKind.RESTART):
            self._events.add(process_started(at, service, instance, lived))
        before = start.before or (known.version if known is not None else "")
        changed = version_change(at, service, instance, before, start.version)
        if changed is not None and not self._seen(service, at, EventKind.VERSION, EventKind.IMAGE):
            self._events.add(changed)

    def _seen(self, service: str, at: float, *kinds: EventKind) -> bool:
        """Whether the timeline has such an event of the service near that moment."""
        return any(
            event.service == service and event.kind in kinds and _is_start(event, at)
            for event in self._events.view()[-_LOOKED_AT:]
        )


def _is_start(event: Event, at: float) -> bool:
    if event.kind is EventKind.CONTAINER and event.code is not EventCode.STARTED:
        return False
    return abs(event.at - at) <= SAME
