"""The timeline as rows, latest first.

Invariant: an event's row stays the same within a day; colour shows its state only.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Align, Role, Row, Span, clip, fit, state_role
from opsconsole.render.timeline.words import words


def latest(events: Iterable[Event]) -> list[Event]:
    """Newest first; among events of one moment, the last added first."""
    written = list(enumerate(events))
    written.sort(key=lambda entry: (-entry[1].at, -entry[0]))
    return [event for _, event in written]


_ROOMY: Final = 90
_AGE: Final = 6

MANY: Final = 3
"""So many alerts at a time are one row of a short list."""

TOGETHER: Final = 60.0
"""Seconds within which alerts are of one time."""


def gathered(events: Iterable[Event]) -> list[Event]:
    """Newest first, many alerts of one time as one, so that in a short list they leave room for
    what explains them."""
    shown = latest(events)
    first: dict[EventCode, int] = {}
    groups: dict[int, list[int]] = {}
    for index, event in enumerate(shown):
        if event.code not in _GATHERED:
            continue
        head = first.get(event.code)
        if head is None or shown[head].at - event.at > TOGETHER:
            first[event.code] = head = index
        groups.setdefault(head, []).append(index)
    many = {group[-1]: group for group in groups.values() if len(group) >= MANY}
    hidden = {index for group in many.values() for index in group[:-1]}
    return [
        _as_one([shown[each] for each in many[index]]) if index in many else event
        for index, event in enumerate(shown)
        if index not in hidden
    ]


def _as_one(alerts: Sequence[Event]) -> Event:
    """All of ``alerts``, which are the newest first, at the time of the first to happen."""
    names = dict.fromkeys(event.subject for event in reversed(alerts))
    whose = {event.service for event in alerts}
    said = f"{len(alerts)} alerts {_GATHERED[alerts[0].code]}: {', '.join(names)}"
    worst = max(alerts, key=lambda event: event.state.urgency if event.state else 0)
    service = alerts[0].service if len(whose) == 1 else ""
    return Event(alerts[-1].at, EventCode.ALERT, said, service, service, worst.state)


_GATHERED: Final = {EventCode.ALERT_FIRED: "fire", EventCode.ALERT_RESOLVED: "resolved"}


def key(event: Event) -> str:
    """Identity of an event on the timeline."""
    return f"{event.at:.6f} {event.kind} {event.service} {event.subject} {words(event)}"


def row(event: Event, width: int, now: float, *, aged: bool = False) -> Row:
    """Time, kind, service, and what happened; ``aged``: with how long ago, which goes on."""
    glyph, role = (
        (event.state.glyph, state_role(event.state))
        if event.state is not None
        else (event.kind.glyph, Role.MUTED)
    )
    who_width = min(26, max(12, width // 5))
    alerts = event.kind is EventKind.ALERT
    who = (event.service if alerts else "") or event.subject or event.service or event.kind.value
    said = words(event).removeprefix(f"{who} ")
    ago = (
        f"{fit(figures.age(now - event.at), _AGE, Align.RIGHT)}  "
        if aged and width >= _ROOMY
        else ""
    )
    return Row(
        key(event),
        (
            Span(f" {figures.when(event.at, now)}  {ago}", Role.MUTED),
            Span(f"{glyph} ", role),
            Span(fit(who, who_width), Role.STRONG if event.state else Role.TEXT),
            Span(" "),
            Span(clip(said, max(0, width - who_width - 14 - len(ago))), Role.TEXT),
        ),
    )
