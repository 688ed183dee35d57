"""What changed before something went wrong, as sentences and rows.

Invariant: what is unknown is said: if the beginning of the trouble was not seen there is no moment.
A row's key identifies its event in any order.
"""

from typing import Final

from opsconsole.engine.judge.causes import ITSELF
from opsconsole.model.causes import Cause, Changes
from opsconsole.model.events import Event
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    line_width,
    width_of,
    wrap,
)
from opsconsole.render.timeline import rows as events
from opsconsole.render.timeline.words import words

WIDE: Final = 110
"""From this width on the reason is shown beside the change."""

HEADING: Final = "#"
"""Prefix of the keys of headings; no event has such a key."""

REST: Final = f"{HEADING}rest"
AFTERWARDS: Final = f"{HEADING}afterwards"

_HEADINGS: Final = {
    REST: "also in those minutes, by time",
    AFTERWARDS: "what followed",
}


def title(changes: Changes) -> str:
    """The title of the screen."""
    if changes.moment is None:
        return f"What changed: {changes.subject}"
    return f"What changed before {changes.subject} went wrong"


def moment(changes: Changes, now: float) -> str:
    """When it first went wrong, and what went wrong before it."""
    if changes.moment is None:
        return f"{changes.subject} was not seen to go wrong: these are the last minutes"
    at = changes.moment
    over = "; it is over" if changes.over else ""
    said = f"it first went wrong at {figures.zoned(at)}, {figures.age(now - at)} ago{over}"
    return f"{said}; {changes.root}, which it needs, was wrong before it" if changes.root else said


def looked_at(changes: Changes) -> str:
    """The time span that is shown, and from when on changes would have been seen in it."""
    watched = changes.watched_since
    late = watched is not None and watched > changes.since
    begin = min(watched, changes.until) if late and watched is not None else changes.since
    since, until = figures.zoned(begin), figures.zoned(changes.until)
    if changes.likely:
        first = "the likeliest cause" if changes.moment is not None else "the most important change"
        said = f"from {figures.zoned(changes.since)} to {until}, {first} first"
    elif begin < changes.until:
        said = f"from {since} to {until} no change was seen that could have caused it"
    else:
        said = "no change could be seen"
    return f"{said}; watched since {figures.zoned(watched)}" if late and watched else said


def entries(changes: Changes) -> dict[str, Cause | Event | None]:
    """The rows by key in their order; None for a heading."""
    found: dict[str, Cause | Event | None] = {}
    for cause in changes.likely:
        found[events.key(cause.event)] = cause
    for heading, part in ((REST, changes.rest), (AFTERWARDS, changes.afterwards)):
        if part:
            found[heading] = None
        for event in part:
            found.setdefault(events.key(event), event)
    return found


def reason_width(changes: Changes, width: int) -> int:
    """Width of the reasons beside the changes; 0 if there is no room for them."""
    longest = max((width_of(_beside(cause)) for cause in changes.likely), default=0)
    return min(longest, width // 2) + 3 if longest and width >= WIDE else 0


def row(
    key: str, entry: Cause | Event | None, place: int, width: int, now: float, reason: int = 0
) -> Line:
    """One line: a heading, a likely cause with its place and reason, or another event."""
    if entry is None:
        words = f"   {_HEADINGS[key]} "
        return Span(words, Role.MUTED), Span("─" * max(0, width - width_of(words) - 1), Role.RULE)
    if isinstance(entry, Event):
        return Span("   "), *events.row(entry, max(0, width - 3), now).line
    times = f" ×{entry.count}" if entry.count > 1 else ""
    # As wide as the rows below, so that columns line up.
    shown = events.row(entry.event, width - 3, now).line
    left = clip_line((Span(f"{place:>2} ", Role.ACCENT), *shown), width - reason - len(times))
    line = (*left, Span(times, Role.STRONG))
    gap = Span(" " * max(0, width - reason - line_width(line)))
    return (
        (*line, gap, Span(clip(f"  {_beside(entry)}", reason - 1), Role.MUTED)) if reason else line
    )


def _beside(cause: Cause) -> str:
    """The reason, without the words that the row already shows (the service itself)."""
    return "; ".join(part for part in cause.reason.split("; ") if part != ITSELF)


def details(entry: Cause | Event | None, width: int, now: float) -> list[Line]:
    """The row under the cursor in full: time, change, service, and why it has this rank."""
    if entry is None:
        return []
    event = entry.event if isinstance(entry, Cause) else entry
    lines: list[Line] = []
    if isinstance(entry, Cause):
        lines += _labelled("why here", entry.reason, width)
        if entry.count > 1:
            lines += _labelled("how often", f"{entry.count} times in these minutes", width)
    return lines + described(event, width, now)


def described(event: Event, width: int, now: float) -> list[Line]:
    """An event in full."""
    when = f"{figures.date(event.at)} {figures.zoned(event.at)}, {figures.age(now - event.at)} ago"
    whose = ", ".join(dict.fromkeys(part for part in (event.service, event.subject) if part))
    lines: list[Line] = []
    for label, text in (
        ("when", when),
        ("what", words(event)),
        ("whose", whose or "no service's own"),
        ("kind", event.kind.value),
    ):
        if text:
            lines += _labelled(label, text, width)
    return lines


def no_cause() -> list[Line]:
    """The text shown if nothing changed."""
    return [
        BLANK,
        (Span("  nothing is known to have changed in these minutes", Role.MUTED),),
        (Span("  not seen here: a deploy by other means, the load, the network", Role.FAINT),),
    ]


def _labelled(label: str, text: str, width: int) -> list[Line]:
    first, *rest = wrap(text, max(10, width - 14))
    lines: list[Line] = [(Span(f"  {fit(label, 10)} ", Role.MUTED), Span(first))]
    return lines + [(Span(" " * 13), Span(part)) for part in rest]
