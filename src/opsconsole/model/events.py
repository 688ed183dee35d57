"""One thing that happened, on the timeline.

Invariant: an event is written once and never changed; ``at`` is when it happened, as well as
that is known. ``before`` and ``after`` hold what changed, for those that change something.
"""

from dataclasses import dataclass
from enum import StrEnum

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

    @property
    def glyph(self) -> str:
        """One cell, to find a kind by eye."""
        return _GLYPHS[self]


@dataclass(frozen=True, slots=True)
class Event:
    """``service`` is '' for what concerns the console or a host; ``state`` colours the row."""

    at: float
    kind: EventKind
    message: str
    service: str = ""
    subject: str = ""
    state: State | None = None
    before: str = ""
    after: str = ""


_GLYPHS = {
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
}
