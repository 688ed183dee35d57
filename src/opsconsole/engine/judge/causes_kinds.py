"""Which events can be causes, and how often such a change breaks things. Pure.

Invariant: a change that people or pipelines make (image, version, configuration, operation) weighs
more than what a process suffers (memory, a restart), and that more than what the console suffers.
An event that only tells how things are (a health check's word, a backup, a note) is no cause.
"""

import re
from dataclasses import dataclass
from typing import Final

from opsconsole.model.events import Event, EventKind
from opsconsole.model.operation import SILENCING, ActionKind, OperationState
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class Kind:
    """``weight`` is 0 to 100; ``words`` say what sort of change it is."""

    weight: float
    words: str


IMAGE: Final = Kind(100.0, "another image")
VERSION: Final = Kind(96.0, "another version")
CONFIGURATION: Final = Kind(94.0, "another configuration")
LIMITS: Final = Kind(92.0, "other limits")
OPERATION: Final = Kind(90.0, "an operation")
MEMORY: Final = Kind(64.0, "it ran out of memory")
PAUSED: Final = Kind(60.0, "it was paused")
WRONG: Final = Kind(58.0, "it went wrong first")
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
"""What a container's restart is told as."""

_CONTAINER: Final = (
    (re.compile("out of memory"), MEMORY),
    (re.compile("^limits changed"), LIMITS),
    (re.compile("^paused"), PAUSED),
    (re.compile("^(?:died|ended|exited)"), DIED),
    (re.compile("^replicas "), CONFIGURATION),
    (re.compile("^removed"), REMOVED),
    (re.compile("^(?:started|unpaused)"), STARTED),
    (re.compile("^was sent signal"), SIGNALLED),
)
_HARMLESS: Final = SILENCING | {ActionKind.BACKUP, ActionKind.TEST}
_RED: Final = frozenset({State.DOWN, State.DEGRADED})
_PLAIN: Final = {
    EventKind.VERSION: VERSION,
    EventKind.RESTART: RESTART,
    EventKind.CLOCK: CLOCK,
}


def kind_of(event: Event) -> Kind | None:
    """What sort of change ``event`` is; None where it is none."""
    plain = _PLAIN.get(event.kind)
    if plain is not None:
        return plain
    match event.kind:
        case EventKind.IMAGE:
            return IMAGE if event.after or event.message != "image tagged" else TAGGED
        case EventKind.CONTAINER:
            return next((kind for words, kind in _CONTAINER if words.search(event.message)), None)
        case EventKind.CONFIGURATION:
            # One that could not be used changed nothing.
            return None if event.state in _RED else CONFIGURATION
        case EventKind.OPERATION:
            return _operation(event)
        case EventKind.HEALTH | EventKind.ALERT:
            red = event.state in _RED
            return (WRONG if event.kind is EventKind.HEALTH else ALERT) if red else None
        case EventKind.SOURCE:
            return SOURCE if event.state is State.UNKNOWN else None
    return None


def _operation(event: Event) -> Kind | None:
    """Operations that change how a service runs; a refused one did nothing."""
    word = event.message.partition(" ")[0].rstrip(":")
    if any(word == kind.value for kind in _HARMLESS) or event.after == OperationState.REFUSED:
        return None
    return OPERATION
