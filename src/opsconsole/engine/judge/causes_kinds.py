"""Which events can be causes, and how often such a change breaks things. Pure.

Invariant: a change made by people or pipelines (image, version, configuration, operation) has more
weight than what happens to a process (memory, a restart), and that has more than what happens to
the console. An event that only describes a state (a health check's result, a backup, a note) is not
a cause.
"""

from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.operation import SILENCING, ActionKind, OperationState
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class Kind:
    """``weight`` is 0 to 100; ``words`` say which kind of change it is."""

    weight: float
    words: str


IMAGE: Final = Kind(100.0, "another image")
VERSION: Final = Kind(96.0, "another version")
CONFIGURATION: Final = Kind(94.0, "another configuration")
LIMITS: Final = Kind(92.0, "other limits")
OPERATION: Final = Kind(90.0, "an operation")
PACKAGES: Final = Kind(86.0, "other packages")
BOOTED: Final = Kind(66.0, "its host booted")
MEMORY: Final = Kind(64.0, "it ran out of memory")
NODE_LOST: Final = Kind(62.0, "a node failed")
PAUSED: Final = Kind(60.0, "it was paused")
WRONG: Final = Kind(58.0, "it went wrong first")
EVICTED: Final = Kind(50.0, "it was evicted")
DIED: Final = Kind(46.0, "its container ended")
RESTART: Final = Kind(44.0, "a restart")
ALERT: Final = Kind(40.0, "an alert that fired before")
REMOVED: Final = Kind(36.0, "its container was removed")
STARTED: Final = Kind(34.0, "its container started")
SIGNALLED: Final = Kind(32.0, "it was sent a signal")
CLOCK: Final = Kind(24.0, "time was lost")
TAGGED: Final = Kind(22.0, "an image was given a name")
SOURCE: Final = Kind(20.0, "the console lost sight")

LIFE: Final = (DIED, RESTART, REMOVED, STARTED, SIGNALLED)
"""The event codes of a container's restart."""

_PLAIN: Final = {
    EventCode.OUT_OF_MEMORY: MEMORY,
    EventCode.LIMITS_CHANGED: LIMITS,
    EventCode.PAUSED: PAUSED,
    EventCode.EVICTED: EVICTED,
    EventCode.NODE_LOST: NODE_LOST,
    EventCode.ENDED: DIED,
    EventCode.REPLICAS_CHANGED: CONFIGURATION,
    EventCode.RECREATED: CONFIGURATION,
    EventCode.REMOVED: REMOVED,
    EventCode.STARTED: STARTED,
    EventCode.RESUMED: STARTED,
    EventCode.SIGNALLED: SIGNALLED,
    EventCode.IMAGE: IMAGE,
    EventCode.IMAGE_CHANGED: IMAGE,
    EventCode.UPDATE_MOVED: IMAGE,
    EventCode.IMAGE_TAGGED: TAGGED,
    EventCode.RESTART: RESTART,
    EventCode.RESTARTED: RESTART,
    EventCode.PROCESS_STARTED: RESTART,
    EventCode.UNIT_STARTED: RESTART,
    EventCode.HOST_BOOTED: BOOTED,
    EventCode.VERSION: VERSION,
    EventCode.VERSION_CHANGED: VERSION,
    EventCode.CHECKED_OUT: VERSION,
    EventCode.PACKAGES_CHANGED: PACKAGES,
    EventCode.CLOCK: CLOCK,
    EventCode.TIME_LOST: CLOCK,
}
_HARMLESS: Final = SILENCING | {ActionKind.BACKUP, ActionKind.TEST}
_RED: Final = frozenset({State.DOWN, State.DEGRADED})


def kind_of(event: Event) -> Kind | None:
    """The kind of change that ``event`` is; None if it is not a change."""
    if event.code is EventCode.ENDED and event.memory:
        return MEMORY
    plain = _PLAIN.get(event.code)
    if plain is not None:
        return plain
    match event.kind:
        case EventKind.CONFIGURATION:
            # A configuration that could not be used changed nothing.
            return None if event.state in _RED else CONFIGURATION
        case EventKind.OPERATION:
            return _operation(event)
        case EventKind.HEALTH | EventKind.ALERT:
            red = event.state in _RED
            return (WRONG if event.kind is EventKind.HEALTH else ALERT) if red else None
        case EventKind.SOURCE:
            return SOURCE if event.state is State.UNKNOWN else None
    return None


def died(event: Event) -> bool:
    """Whether the event is a process that ended with a failure."""
    return event.code is EventCode.ENDED and bool(event.figure)


def _operation(event: Event) -> Kind | None:
    """Operations that change how a service runs; a refused one did nothing."""
    harmless = event.action in _HARMLESS or event.after == OperationState.REFUSED
    return None if harmless else OPERATION
