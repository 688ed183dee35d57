"""The timeline as rows, latest first.

Invariant: an event's row never changes once its day has not; what is coloured is its state.
"""

from collections.abc import Iterable

from opsconsole.model.events import Event, EventKind
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Role, Row, Span, clip, fit, state_role


def latest(events: Iterable[Event]) -> list[Event]:
    """Newest first; of one moment, the later written first."""
    written = list(enumerate(events))
    written.sort(key=lambda entry: (-entry[1].at, -entry[0]))
    return [event for _, event in written]


def key(event: Event) -> str:
    """Identity of an event on the timeline."""
    return f"{event.at:.6f} {event.kind} {event.service} {event.subject} {event.message}"


def row(event: Event, width: int, now: float) -> Row:
    """When, what kind, whose, and what happened."""
    glyph, role = (
        (event.state.glyph, state_role(event.state))
        if event.state is not None
        else (event.kind.glyph, Role.MUTED)
    )
    who_width = min(26, max(12, width // 5))
    who = event.subject or event.service or event.kind.value
    moved = (event.before or event.after) and event.kind is not EventKind.OPERATION
    change = f"{event.before} → {event.after}" if moved else ""
    message = event.message.removeprefix(f"{who} ")
    said = _told(_unless_said(change, event.message), message, event.kind)
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


def _told(change: str, message: str, kind: EventKind) -> str:
    """``ok → down: connection refused``; ``image v1 → v2`` where no more is said than the kind."""
    if not change or not message:
        return change or message
    return f"{message} {change}" if message == kind.value else f"{change}: {message}"


def _unless_said(change: str, message: str) -> str:
    return "" if change and change in message else change
