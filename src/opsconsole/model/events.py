"""One thing that happened, on the timeline.

Invariant: an event is written once and never changed; ``at`` is when it happened, as far as
that is known. Code judges it by its ``code``; its words are made in ``render.timeline.words``.
"""

from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind
from opsconsole.model.state import State


class EventKind(StrEnum):
    """What sort of thing happened."""

    HEALTH = "health"
    ALERT = "alert"
    CONTAINER = "container"
    IMAGE = "image"
    RESTART = "restart"
    VERSION = "version"
    OPERATION = "operation"
    SOURCE = "source"
    CONFIGURATION = "configuration"
    CLOCK = "clock"
    NOTE = "note"
    RUNBOOK = "runbook"
    CERTIFICATE = "certificate"
    NODE = "node"
    OBJECTIVE = "objective"
    INCIDENT = "incident"

    @property
    def glyph(self) -> str:
        """One cell, to find a kind by eye."""
        return _GLYPHS[self]


class EventCode(StrEnum):
    """What happened. A code named like its kind says no more than its ``detail``."""

    HEALTH = "health"
    HEALTH_CHANGED = "health-changed"

    ALERT = "alert"
    ALERT_FIRED = "alert-fired"
    ALERT_RESOLVED = "alert-resolved"

    CONTAINER = "container"
    STARTED = "started"
    ENDED = "ended"
    OUT_OF_MEMORY = "out-of-memory"
    SIGNALLED = "signalled"
    REMOVED = "removed"
    PAUSED = "paused"
    RESUMED = "resumed"
    LIMITS_CHANGED = "limits-changed"
    REPLICAS_CHANGED = "replicas-changed"
    RENAMED = "renamed"
    RECREATED = "recreated"
    EVICTED = "evicted"
    CHECK_RESULT = "check-result"

    IMAGE = "image"
    IMAGE_CHANGED = "image-changed"
    IMAGE_TAGGED = "image-tagged"
    UPDATE_MOVED = "update-moved"
    ROLLOUT_MOVED = "rollout-moved"

    RESTART = "restart"
    RESTARTED = "restarted"
    PROCESS_STARTED = "process-started"
    UNIT_STARTED = "unit-started"
    HOST_BOOTED = "host-booted"

    VERSION = "version"
    VERSION_CHANGED = "version-changed"
    CHECKED_OUT = "checked-out"
    PACKAGES_CHANGED = "packages-changed"

    OPERATION = "operation"
    OPERATION_MISSED = "operation-missed"
    PROMISE_LEFT = "promise-left"

    SOURCE = "source"
    SOURCE_LOST = "source-lost"
    SOURCE_BACK = "source-back"
    EVENTS_INTERRUPTED = "events-interrupted"
    EVENTS_DROPPED = "events-dropped"
    NOTE_UNSHARED = "note-unshared"
    NOTES_UNSEEN = "notes-unseen"
    INTERNAL_ERROR = "internal-error"

    CONFIGURATION = "configuration"
    CONFIGURATION_READ = "configuration-read"
    CONFIGURATION_REFUSED = "configuration-refused"
    CONFIGURATION_ABSENT = "configuration-absent"
    FLEET_CHANGED = "fleet-changed"

    CLOCK = "clock"
    TIME_LOST = "time-lost"
    NOT_WATCHED = "not-watched"

    NOTE = "note"
    RUNBOOK = "runbook"

    CERTIFICATE = "certificate"
    CERTIFICATE_ENDS = "certificate-ends"

    NODE = "node"
    NODE_LOST = "node-lost"
    NODE_BACK = "node-back"
    NODE_CORDONED = "node-cordoned"
    NODE_OPENED = "node-opened"

    OBJECTIVE = "objective"
    OBJECTIVE_MISSED = "objective-missed"
    OBJECTIVE_MET = "objective-met"
    BUDGET_BURNS = "budget-burns"
    INCIDENT = "incident"
    INCIDENT_MOVED = "incident-moved"

    @property
    def kind(self) -> EventKind:
        """What sort of thing it is."""
        return _KINDS[self]


@dataclass(frozen=True, slots=True)
class Event:
    """``service`` is '' for what concerns the console or a host; ``state`` colours the row.

    ``detail`` is what others said of it: a reason, a summary, a fault, a note. ``before`` and
    ``after`` hold what changed. ``figure`` is an exit code, a count, seconds, or days: as the code
    has it; of what changed or ended, the seconds just before it in which nobody looked; of what a
    host has recorded, how long before the console it was, None for what it was there for. Of an
    operation, ``action`` is its kind, ``name`` which of several, ``by`` who began it; of an end in
    a container, ``name`` are the signals before it. ``memory``: killed for lack of memory. Of what
    was made again, ``before`` names what is gone, ``after`` what is new and ``detail`` what is
    another: never a value. Of an objective, ``name`` is its text.
    ``place`` is the engine, or of what another host recorded that host, on which it happened, ''
    where that is not reported; ``about`` the name of the workload that it is of, where that is
    reported too. Of an incident, ``subject`` is its name, ``name`` what was done, ``by`` who did
    it.
    """

    at: float
    code: EventCode
    detail: str = ""
    service: str = ""
    subject: str = ""
    state: State | None = None
    before: str = ""
    after: str = ""
    figure: float | None = None
    memory: bool = False
    action: ActionKind | None = None
    name: str = ""
    by: str = ""
    place: str = ""
    about: str = ""

    @property
    def kind(self) -> EventKind:
        """What sort of thing happened."""
        return self.code.kind


_OF: Final = {
    EventKind.HEALTH: (EventCode.HEALTH, EventCode.HEALTH_CHANGED),
    EventKind.ALERT: (EventCode.ALERT, EventCode.ALERT_FIRED, EventCode.ALERT_RESOLVED),
    EventKind.CONTAINER: (
        EventCode.CONTAINER,
        EventCode.STARTED,
        EventCode.ENDED,
        EventCode.OUT_OF_MEMORY,
        EventCode.SIGNALLED,
        EventCode.REMOVED,
        EventCode.PAUSED,
        EventCode.RESUMED,
        EventCode.LIMITS_CHANGED,
        EventCode.REPLICAS_CHANGED,
        EventCode.RENAMED,
        EventCode.RECREATED,
        EventCode.EVICTED,
        EventCode.CHECK_RESULT,
    ),
    EventKind.IMAGE: (
        EventCode.IMAGE,
        EventCode.IMAGE_CHANGED,
        EventCode.IMAGE_TAGGED,
        EventCode.UPDATE_MOVED,
        EventCode.ROLLOUT_MOVED,
    ),
    EventKind.RESTART: (
        EventCode.RESTART,
        EventCode.RESTARTED,
        EventCode.PROCESS_STARTED,
        EventCode.UNIT_STARTED,
        EventCode.HOST_BOOTED,
    ),
    EventKind.VERSION: (
        EventCode.VERSION,
        EventCode.VERSION_CHANGED,
        EventCode.CHECKED_OUT,
        EventCode.PACKAGES_CHANGED,
    ),
    EventKind.OPERATION: (
        EventCode.OPERATION,
        EventCode.OPERATION_MISSED,
        EventCode.PROMISE_LEFT,
    ),
    EventKind.SOURCE: (
        EventCode.SOURCE,
        EventCode.SOURCE_LOST,
        EventCode.SOURCE_BACK,
        EventCode.EVENTS_INTERRUPTED,
        EventCode.EVENTS_DROPPED,
        EventCode.NOTE_UNSHARED,
        EventCode.NOTES_UNSEEN,
        EventCode.INTERNAL_ERROR,
    ),
    EventKind.CONFIGURATION: (
        EventCode.CONFIGURATION,
        EventCode.CONFIGURATION_READ,
        EventCode.CONFIGURATION_REFUSED,
        EventCode.CONFIGURATION_ABSENT,
        EventCode.FLEET_CHANGED,
    ),
    EventKind.CLOCK: (EventCode.CLOCK, EventCode.TIME_LOST, EventCode.NOT_WATCHED),
    EventKind.NOTE: (EventCode.NOTE,),
    EventKind.RUNBOOK: (EventCode.RUNBOOK,),
    EventKind.CERTIFICATE: (EventCode.CERTIFICATE, EventCode.CERTIFICATE_ENDS),
    EventKind.NODE: (
        EventCode.NODE,
        EventCode.NODE_LOST,
        EventCode.NODE_BACK,
        EventCode.NODE_CORDONED,
        EventCode.NODE_OPENED,
    ),
    EventKind.OBJECTIVE: (
        EventCode.OBJECTIVE,
        EventCode.OBJECTIVE_MISSED,
        EventCode.OBJECTIVE_MET,
        EventCode.BUDGET_BURNS,
    ),
    EventKind.INCIDENT: (EventCode.INCIDENT, EventCode.INCIDENT_MOVED),
}
_KINDS: Final = {code: kind for kind, codes in _OF.items() for code in codes}
_GLYPHS: Final = {
    EventKind.HEALTH: "♥",
    EventKind.ALERT: "!",
    EventKind.CONTAINER: "□",
    EventKind.IMAGE: "⇧",
    EventKind.RESTART: "↻",
    EventKind.VERSION: "⇧",
    EventKind.OPERATION: "▶",
    EventKind.SOURCE: "~",
    EventKind.CONFIGURATION: "=",
    EventKind.CLOCK: "@",
    EventKind.NOTE: "#",
    EventKind.RUNBOOK: "≡",
    EventKind.CERTIFICATE: "§",
    EventKind.NODE: "▤",
    EventKind.OBJECTIVE: "%",
    EventKind.INCIDENT: "‼",
}
