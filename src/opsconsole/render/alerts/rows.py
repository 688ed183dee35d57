"""Alerts as rows: most urgent first, then oldest; silenced ones stay visible, muted.

Invariant: rows are keyed by the alert's key, which is the same whichever source reports it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Align,
    Line,
    Role,
    Row,
    Span,
    clip,
    fit,
    line_width,
    width_of,
    wrap,
)
from opsconsole.render.ink.own_keys import enter, key_of

_LOOKS = {
    Severity.CRITICAL: ("✖", "crit", Role.DOWN),
    Severity.WARNING: ("▲", "warn", Role.DEGRADED),
    Severity.UNRECOGNISED: ("?", "?", Role.UNKNOWN),
    Severity.INFO: ("·", "info", Role.MUTED),
    Severity.NONE: ("·", "none", Role.MUTED),
}


def _look(alert: Alert) -> tuple[str, str, Role]:
    """Glyph, word and ink; what is over is calm, however bad it was."""
    glyph, word, role = _LOOKS[alert.severity]
    return ("·", word, Role.MUTED) if alert.state is AlertState.RESOLVED else (glyph, word, role)


def order(alerts: Iterable[Alert]) -> list[Alert]:
    """Firing before pending before resolved, loud before silenced, urgent first, oldest first."""
    return sorted(alerts, key=_rank)


def _rank(alert: Alert) -> tuple[int, bool, int, float, str]:
    states = (AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED)
    stage = states.index(alert.state)
    return (stage, alert.quiet, -alert.severity.urgency, alert.since, alert.key)


def firing(alerts: Iterable[Alert]) -> list[Alert]:
    """The firing alerts that are not silenced."""
    return [alert for alert in alerts if alert.state is AlertState.FIRING and not alert.quiet]


def row(alert: Alert, width: int, now: float, *, folded: int = 0, depth: int = 0) -> Row:
    """One alert: severity, age, name, service and, if there is room, its text.

    ``folded`` counts the alerts that are hidden under it; with ``depth`` it is one of them.
    """
    glyph, word, role = _look(alert)
    loud = alert.state is AlertState.FIRING and not alert.quiet and alert.seen_at is None
    name_width = min(24, max(12, width // 3))
    name = f"└ {alert.name}" if depth else alert.name
    over = alert.state is AlertState.RESOLVED
    # How long what is over lasted is said with its end, and once.
    lasted = "" if over else f"{least_mark(alert)}{figures.age(_lasted(alert, now))}"
    # What its service leaves free is the name's, before any text.
    least = min(map(width_of, _wordings(alert, now)))
    free = width - 8 - 7 - 1 - least - (len(str(folded)) + 2 if folded else 0)
    name_width = max(name_width, min(width_of(name), free))
    spans: list[Span] = [
        Span(f" {glyph} {word:<4}", role if loud else Role.MUTED),
        Span(fit(lasted, 7, Align.RIGHT), Role.MUTED),
        Span(" "),
        Span(fit(name, name_width), Role.STRONG if loud else Role.MUTED),
        Span(" "),
    ]
    rest = width - 8 - 7 - name_width - 1
    if folded:
        spans.append(Span(f"+{folded} ", Role.ACCENT))
        rest -= len(str(folded)) + 2
    spans += _tail(alert, rest, now, Role.TEXT if loud else Role.MUTED)
    return Row(alert.key, tuple(spans))


def _tail(alert: Alert, width: int, now: float, role: Role) -> Line:
    lines = _wordings(alert, now)
    first = next((line for line in lines if width_of(line) <= width), lines[-1])
    room = width - width_of(first) - 2
    said = alert.summary or alert.description
    if room >= 10 and said:
        return (Span(first, role), Span("  "), Span(clip(said, room), Role.MUTED))
    return (Span(fit(first or said, max(0, width)), role),)


def count(alerts: Sequence[Alert]) -> str:
    """``3 firing · 2 silenced by kim until 06:00Z``: what is kept quiet is counted apart, and so is
    what nobody reports any more because its source is silent."""
    loud = firing(alerts)
    lost = sum(each.seen_at is not None for each in loud)
    said = f"{len(loud) - lost} firing" + (f" · {lost} last seen firing" if lost else "")
    ways = [
        [each for each in alert.suppressions if each.kind != "inhibition"]
        for alert in alerts
        if alert.state is AlertState.FIRING
    ]
    hushed = [each for each in ways if each]
    if not hushed:
        return said
    authors = sorted({each.by for found in hushed for each in found if each.by})
    ends = [each.ends_at for found in hushed for each in found if each.ends_at is not None]
    by = f" by {', '.join(authors)}" if authors else ""
    until = f" until {figures.zoned(max(ends), seconds=False)}" if ends else ""
    return f"{said} · {len(hushed)} silenced{by}{until}"


_QUIET = {
    "acknowledgement": "acked",
    "silence": "silenced",
    "inhibition": "inhibited",
    "mute": "muted",
    "maintenance": "in maintenance",
}


def _wordings(alert: Alert, now: float) -> list[str]:
    """Where it is and why it is muted, the longest wording first.

    The end of the silence is kept longer than its owner: it decides who is woken.
    """
    where = alert.service or alert.instance
    if alert.seen_at is not None:
        seen = f"seen {figures.age(now - alert.seen_at)} ago"
        return [f"{seen} · {where}".strip(" ·"), seen]
    if alert.state is AlertState.RESOLVED:
        said, end = standing(alert, now), standing(alert, now).partition(",")[0]
        return [f"{said} · {where}".strip(" ·"), said, f"{end} · {where}".strip(" ·"), end]
    if alert.state is not AlertState.FIRING:
        return [f"{alert.state.value} · {where}".strip(" ·")]
    if not alert.quiet:
        # Which copy it is about, because several may have the same alert.
        copy = alert.instance if alert.instance != where else ""
        return [f"{where} {copy}", where] if copy else [where]
    *notes, last = _notes(alert, now)
    return [f"{note} · {where}".strip(" ·") for note in notes] + [notes[-1], last]


def _lasted(alert: Alert, now: float) -> float:
    """Seconds from its beginning to its end; to ``now`` while it goes on."""
    over = alert.state is AlertState.RESOLVED and alert.ends_at is not None
    return (alert.ends_at or now if over else now) - alert.since


def least_mark(alert: Alert) -> str:
    """What stands before its age where it may be longer."""
    return "≥" if alert.at_least else ""


def standing(alert: Alert, now: float) -> str:
    """``firing for 3m12s``; ``resolved 12s ago, lasted 3m12s``."""
    lasted = figures.lasting(_lasted(alert, now), at_least=alert.at_least)
    if alert.state is not AlertState.RESOLVED:
        return f"{alert.state.value} for {lasted}"
    ago = f" {figures.age(now - alert.ends_at)} ago" if alert.ends_at is not None else ""
    return f"resolved{ago}, lasted {lasted}"


def _notes(alert: Alert, now: float) -> list[str]:
    why = alert.suppressions[0]
    said = _QUIET.get(why.kind, why.kind)
    by = f"{said} by {why.by}" if why.by else said
    end = f" until {_until(why.ends_at, now)}" if why.ends_at else ""
    ago = f" {figures.age(now - why.since)} ago" if why.since else ""
    short = f"{said} by {why.by.partition('@')[0]}" if why.by else said
    last = f"till {_shortly(why.ends_at, now)}" if why.ends_at else said
    return [f"{by}{ago}{end}", f"{by}{end}", f"{short}{end}", f"{said}{end}", last]


def _until(at: float, now: float) -> str:
    """The minute within a day, else the day too."""
    clock = f"{figures.zoned(at, seconds=False)}"
    return clock if at - now < 86_000 else f"{figures.date(at)} {clock}"


def _shortly(at: float, now: float) -> str:
    """The minute within a day, else the day alone."""
    if at - now < 86_000:
        return f"{figures.zoned(at, seconds=False)}"
    return figures.date(at).partition("-")[2]


def detail(alert: Alert, now: float) -> list[Line]:
    """Everything that is known about one alert, for reading."""
    glyph, word, role = _look(alert)
    lines: list[Line] = [
        (Span(f"{glyph} {word} ", role), Span(alert.name, Role.STRONG)),
        (Span(standing(alert, now), Role.MUTED),),
    ]
    if alert.seen_at is not None:
        seen = f"last reported {figures.age(now - alert.seen_at)} ago: its source does not answer"
        lines.append((Span(seen, Role.STALE),))
    for title, text in (
        ("says", alert.summary),
        ("more", alert.description),
        ("value", alert.value),
        ("runbook", alert.runbook),
        ("reported by", ", ".join(map(str, alert.sources))),
    ):
        if text:
            lines.append((Span(f"{title:<12}", Role.MUTED), Span(text)))
    for quiet in alert.suppressions:
        until = f" until {_until(quiet.ends_at, now)}" if quiet.ends_at else ""
        ago = f" {figures.age(now - quiet.since)} ago" if quiet.since else ""
        by = f"by {quiet.by}" if quiet.by else ""
        said = f"{by}{ago}{until}{f': {quiet.comment}' if quiet.comment else ''}".strip()
        word = _QUIET.get(quiet.kind, quiet.kind)
        lines.append((Span(f"{word:<12}", Role.MUTED), Span(said)))
    for key in sorted(alert.labels):
        lines.append((Span(f"  {key}=", Role.MUTED), Span(alert.labels[key])))
    return lines


def uncut(alert: Alert, width: int, now: float) -> list[Line]:
    """``detail`` uncut: text too long for a line continues on the next."""
    lines: list[Line] = []
    for line in detail(alert, now):
        *before, last = line
        indent = line_width(tuple(before)) + 1
        head: Line = (Span(" "), *before)
        for part in wrap(last.text, max(10, width - indent - 1)):
            lines.append((*head, Span(part, last.role)))
            head = (Span(" " * indent),)
    return lines


def page(alert: Alert, width: int, now: float, *, runbook: str = "") -> list[Line]:
    """The whole alert, and what can be done about it.

    ``runbook`` is the title of the alert's runbook.
    """
    lines = uncut(alert, width, now)
    if runbook:
        lines += [
            BLANK,
            (Span(f" {key_of('runbooks', 'b')} ", Role.KEY), Span(f"opens the runbook: {runbook}")),
        ]
    if not alert.sources:
        return lines
    said = " · ".join([*offers(alert), f"{enter()} its service"])
    return [*lines, BLANK, (Span(f" {said}", Role.MUTED),)]


def offers(alert: Alert) -> tuple[str, ...]:
    """The keys that quieten it, with what they do: none for what is over or quiet already."""
    over = alert.state is AlertState.RESOLVED or alert.quiet
    return (
        ()
        if over
        else (f"{key_of('acknowledge', 'A')} acknowledge", f"{key_of('silence', 'S')} silence")
    )


def about_latency(alert: Alert) -> bool:
    """Whether its name, or its label ``objective``, is about how long answers take."""
    named = f"{alert.name} {alert.labels.get('objective', '')}"
    return _LATENCY.search(named) is not None


_LATENCY: Final = re.compile(r"(?i)latency|slow|duration|response.?time|\bp(50|9\d)")
