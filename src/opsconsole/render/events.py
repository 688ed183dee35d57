"""The timeline as rows, latest first.

Invariant: an event's row stays the same within a day; colour shows its state only.
"""

from collections.abc import Iterable

from opsconsole.model.events import Event
from opsconsole.render.event_words import words
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Role, Row, Span, clip, fit, state_role


def latest(events: Iterable[Event]) -> list[Event]:
    """Newest first; among events of one moment, the last added first."""
    written = list(enumerate(events))
    written.sort(key=lambda entry: (-entry[1].at, -entry[0]))
    return [event for _, event in written]


def key(event: Event) -> str:
    """Identity of an event on the timeline."""
    return f"{event.at:.6f} {event.kind} {event.service} {event.subject} {words(event)}"


def row(event: Event, width: int, now: float) -> Row:
    """Time, kind, service, and what happened."""
    glyph, role = (
        (event.state.glyph, state_role(event.state))
        if event.state is not None
        else (event.kind.glyph, Role.MUTED)
    )
    who_width = min(26, max(12, width // 5))
    who = event.subject or event.service or event.kind.value
    said = words(event).removeprefix(f"{who} ")
    return Row(
        key(event),
        (
            Span(f" {figures.when(event.at, now)}  ", Role.MUTED),
            Span(f"{glyph} ", role),
            Span(fit(who, who_width), Role.STRONG if event.state else Role.TEXT),
            Span(" "),
            Span(clip(said, max(0, width - who_width - 14)), Role.TEXT),
        ),
    )
