"""Which events of the timeline are shown, and the words for that selection.

Invariant: a selection only leaves events out, and never changes or reorders them: the latest is
first.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventKind
from opsconsole.model.state import State
from opsconsole.render.ink.cells import BLANK, Line, Role, Span
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.own_keys import esc
from opsconsole.render.timeline import rows as render
from opsconsole.render.timeline.words import words


class Kinds(StrEnum):
    """Groups of kinds of events."""

    ALL = "all kinds"
    CHANGES = "changes"
    TROUBLE = "health and alerts"
    PROCESSES = "containers and restarts"
    OPERATIONS = "operations and runbooks"
    NOTES = "notes and incidents"
    CONSOLE = "the console itself"


_OF: Final = {
    Kinds.CHANGES: frozenset(
        {EventKind.IMAGE, EventKind.VERSION, EventKind.CONFIGURATION, EventKind.OPERATION}
    ),
    Kinds.TROUBLE: frozenset(
        {EventKind.HEALTH, EventKind.ALERT, EventKind.OBJECTIVE, EventKind.CERTIFICATE}
    ),
    Kinds.PROCESSES: frozenset({EventKind.CONTAINER, EventKind.RESTART}),
    Kinds.OPERATIONS: frozenset({EventKind.OPERATION, EventKind.RUNBOOK}),
    Kinds.NOTES: frozenset({EventKind.NOTE, EventKind.INCIDENT}),
    Kinds.CONSOLE: frozenset({EventKind.SOURCE, EventKind.CLOCK}),
}


_NO_FILTER: Final = Filter()


@dataclass(frozen=True, slots=True)
class Choice:
    """What to show. ``service`` '' is all; else its own events and those about all services."""

    kinds: Kinds = Kinds.ALL
    filter: Filter = _NO_FILTER
    service: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.kinds is Kinds.ALL and self.filter.empty and not self.service

    def shows(self, event: Event) -> bool:
        """Whether ``event`` is shown."""
        kinds = _OF.get(self.kinds)
        if kinds is not None and event.kind not in kinds:
            return False
        if self.service and event.service != self.service and not _concerns_all(event):
            return False
        return self.filter.matches(_words(event))


def select(events: Iterable[Event], choice: Choice) -> list[Event]:
    """The events that ``choice`` shows, the latest first."""
    return [event for event in render.latest(events) if choice.shows(event)]


def note(choice: Choice, shown: int, known: int) -> Line:
    """The words for the choice in the title."""
    parts = [
        choice.service,
        "" if choice.kinds is Kinds.ALL else choice.kinds.value,
        "" if choice.filter.empty else f"filter {choice.filter.text}",
    ]
    said = tuple(Span(f"{part}  ", Role.ACCENT) for part in parts if part)
    count = f"{known} events" if choice.is_all else f"{shown} of {known} events"
    return (*said, Span(f"{count} · latest first", Role.MUTED))


def nothing(choice: Choice) -> list[Line]:
    """The text shown if no event is listed."""
    none = f"no event of this kind: {esc()} shows all"
    said = "nothing has happened yet" if choice.is_all else none
    return [BLANK, (Span(f"  {said}", Role.MUTED),)]


def is_bad(event: Event) -> bool:
    """Whether 'next' and 'previous' stop at it."""
    return event.state in {State.DOWN, State.DEGRADED}


def _concerns_all(event: Event) -> bool:
    return event.kind is EventKind.NOTE and not event.service


def _words(event: Event) -> str:
    return " ".join((event.service, event.subject, event.kind.value, words(event)))
