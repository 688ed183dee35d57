"""Incidents: the banner, a row, a page, and the timeline of what belongs to one.

Invariant: pure; what happened to its services, what was done to them and what people said stand in
one list, each once. What belongs to an incident is of its services since it was opened, and of all
where none was named.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventKind
from opsconsole.model.incidents import (
    Incident,
    IncidentEntry,
    IncidentSeverity,
    IncidentVerb,
    Member,
    open_ones,
)
from opsconsole.model.people import Person, PresentKind
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import operations
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    labelled,
    line_width,
    state_role,
    titled,
)
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.people import mark
from opsconsole.render.service.standing import Standing, seen_standing, standing
from opsconsole.render.service.why import why_beside
from opsconsole.render.timeline.words import words

MARK: Final = "!"
UPDATE_EVERY: Final = 1800.0
"""Seconds after which people expect to hear how it stands."""

_LABEL: Final = 9
_ROLES: Final = {
    IncidentSeverity.CRITICAL: Role.DOWN,
    IncidentSeverity.MAJOR: Role.DEGRADED,
    IncidentSeverity.MINOR: Role.TEXT,
}
_APART: Final = frozenset(
    {EventKind.INCIDENT, EventKind.CLOCK, EventKind.CONFIGURATION, EventKind.SOURCE}
)
"""Kinds that are of the console, or stand in the incident's own records."""


def said_by(entry: IncidentEntry) -> str:
    """What somebody said or did, without who."""
    said = _SAID[entry.verb]
    return f"{said}: {entry.text}" if entry.text else said


_SAID: Final = {
    IncidentVerb.OPEN: "opened it",
    IncidentVerb.JOIN: "joined",
    IncidentVerb.COMMAND: "took the command",
    IncidentVerb.ROLE: "has the role",
    IncidentVerb.STATUS: "status",
    IncidentVerb.SEVERITY: "severity",
    IncidentVerb.SERVICES: "added services",
    IncidentVerb.NOTE: "note",
    IncidentVerb.CLOSE: "closed it",
}


def answered(verb: IncidentVerb, incident: Incident) -> str:
    """What who asked for it hears."""
    if verb is IncidentVerb.OPEN:
        return f"{incident.name} is open, and you command it"
    if verb is IncidentVerb.CLOSE:
        return f"{incident.name} is closed"
    return f"recorded in {incident.name}"


# ---- the banner ----


def chip(incidents: Iterable[Incident], now: float, *, brief: bool = False) -> str:
    """``! INC-14 kim 12m``, of the gravest one, with how many more; '' where none is open."""
    going = open_ones(incidents)
    if not going:
        return ""
    first, more = going[0], f" +{len(going) - 1}" if len(going) > 1 else ""
    if brief:
        return f"{MARK} {first.name}{more}"
    age = figures.coarse_age(max(0.0, now - first.opened_at))
    return f"{MARK} {first.name} {clip(first.commander.who, 12)} {age}{more}"


def banner(incidents: Iterable[Incident], width: int, now: float) -> Line:
    """The gravest open incident in a line, for screens that nobody operates; () for none."""
    going = open_ones(incidents)
    if not going:
        return ()
    first = going[0]
    chipped = f" {chip(going, now)} "
    said = f"  {first.title}" + (f": {first.status}" if first.status else "")
    line = (Span(" "), Span(chipped, Role.BADGE_NOTE), Span(said, Role.STRONG))
    return clip_line(line, width)


# ---- a list of them ----


def order(incidents: Iterable[Incident]) -> list[Incident]:
    """Open ones first, the gravest on top; then the last that were closed."""
    listed = tuple(incidents)
    closed = sorted((each for each in listed if not each.open), key=lambda each: -each.number)
    return [*open_ones(listed), *closed]


def row(incident: Incident, width: int, now: float) -> Line:
    """``! INC-14  critical  12m00s  kim  checkout slow  rolling back``."""
    role = _ROLES[incident.severity] if incident.open else Role.MUTED
    text = Role.STRONG if incident.open else Role.MUTED
    end = now if incident.closed_at is None else incident.closed_at
    last = incident.status if incident.open else _closing(incident)
    return clip_line(
        (
            Span(f" {MARK if incident.open else '·'} {incident.name:<8}", role),
            Span(f"{incident.severity.value:<9}", role),
            Span(f"{figures.age(end - incident.opened_at):>7}  ", Role.MUTED),
            Span(f"{fit(incident.commander.who, 10)} ", text),
            Span(incident.title, text),
            Span(f"  {last}" if last else "", Role.MUTED),
        ),
        width,
    )


def _closing(incident: Incident) -> str:
    last = incident.entries[-1] if incident.entries else None
    if last is None or last.verb is not IncidentVerb.CLOSE:
        return "closed"
    return f"closed by {last.person.who}" + (f": {last.text}" if last.text else "")


def none_yet() -> Sequence[Line]:
    """What an empty list says."""
    key = key_of("incident-open", "I")
    return [
        BLANK,
        (Span("  no incident was opened"),),
        (
            Span(
                f"  {key} opens one here, about the service at hand on its row or page", Role.MUTED
            ),
        ),
    ]


# ---- one of them ----


def title(incident: Incident, width: int, now: float, *, note: Line = ()) -> Line:
    """Its name, title, severity and age, as a rule."""
    end = now if incident.closed_at is None else incident.closed_at
    age = figures.age(end - incident.opened_at)
    lasted = age if incident.open else f"closed after {age}"
    beside = note or (Span(f"{incident.severity.value}, {lasted}", Role.MUTED),)
    return titled(f"{incident.name} {incident.title}", width, focused=True, note=beside)


def page(incident: Incident, snapshot: Snapshot | None, width: int, now: float) -> list[Line]:
    """Who, how it stands, what is open, and what was said and done, latest first."""
    lines = [*_head(incident, snapshot, width, now)]
    if snapshot is not None and incident.open:
        lines += _services(incident, snapshot, width, now)
        lines += _under_way(incident, snapshot, width, now)
    happened = story(incident, snapshot)
    note = (Span(f"{len(happened)}, latest first", Role.MUTED),)
    lines += [BLANK, titled("What was said and done", width, note=note)]
    return lines + [_story_row(each, width, now) for each in happened]


def _head(incident: Incident, snapshot: Snapshot | None, width: int, now: float) -> Iterator[Line]:
    commander = f"{incident.commander}"
    opened = f"opened {figures.zoned_when(incident.opened_at, now)} by {incident.opened_by}"
    yield from labelled("command", f"{commander}, {opened}", width, room=_LABEL, role=Role.STRONG)
    others = [each for each in incident.members if each.person.who != incident.commander.who]
    if others:
        said = ", ".join(map(_member, others))
        yield from labelled("with", said, width, room=_LABEL)
    here = _who_is_here(incident, snapshot)
    if here:
        yield from labelled("here now", here, width, room=_LABEL)
    about = ", ".join(incident.services) or "whatever goes wrong: no service was named"
    yield from labelled("about", about, width, room=_LABEL)
    if incident.open:
        yield from labelled("status", _status(incident, now), width, room=_LABEL,
                            role=_status_role(incident, now))  # fmt: skip
    else:
        yield from labelled("closed", _closing(incident), width, room=_LABEL)


def _member(member: Member) -> str:
    return f"{member.person} ({member.role})" if member.role else str(member.person)


def _status(incident: Incident, now: float) -> str:
    since = incident.opened_at if incident.status_at is None else incident.status_at
    left = UPDATE_EVERY - (now - since)
    due = f"next is due in {figures.age(left)}" if left > 0 else f"due for {figures.age(-left)}"
    if incident.status_at is None:
        return f"nobody has said how it stands; {due}"
    return f"{incident.status} ({figures.age(now - since)} ago; {due})"


def _status_role(incident: Incident, now: float) -> Role:
    since = incident.opened_at if incident.status_at is None else incident.status_at
    return Role.DEGRADED if now - since > UPDATE_EVERY else Role.TEXT


def _who_is_here(incident: Incident, snapshot: Snapshot | None) -> str:
    """Members with a console open now, and what they look at."""
    if snapshot is None:
        return ""
    there: dict[Person, list[str]] = {}
    for each in snapshot.present:
        if each.kind is PresentKind.CONSOLE and incident.member(each.who):
            there.setdefault(each.person, []).extend([each.service] if each.service else [])
    return " · ".join(
        f"{person} at {', '.join(dict.fromkeys(at))}" if at else str(person)
        for person, at in there.items()
    )


def _services(incident: Incident, snapshot: Snapshot, width: int, now: float) -> Iterator[Line]:
    about = [each for each in (snapshot.service(name) for name in incident.services) if each]
    if not incident.services:
        about = [each for each in snapshot.services if seen_standing(each) is not Standing.OK]
    if not about:
        return
    yield from (BLANK, titled("How its services stand", width))
    for each in sorted(about, key=lambda one: (-seen_standing(one).urgency, one.name)):
        yield _service(each, snapshot, width, now)


def _service(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> Line:
    stands = standing(service)
    since = figures.lasting(now - service.since, at_least=service.at_least)
    head = (
        Span(f" {stands.glyph} {stands.value:<9}", stands.role),
        Span(f"{fit(service.name, min(24, width // 4))} ", Role.STRONG),
        Span(f"{since:>8}  ", Role.MUTED),
    )
    doing = mark(snapshot.present, service.name) or None
    return (*head, *why_beside(service, doing, width - line_width(head) - 1))


def _under_way(incident: Incident, snapshot: Snapshot, width: int, now: float) -> Iterator[Line]:
    runs = [run for run in operations.under_way(snapshot) if belongs(run.service, incident)]
    if not runs:
        return
    yield from (BLANK, titled("Under way", width))
    for run in runs:
        said = Span(f" {run.service}  ", Role.STRONG)
        yield clip_line((said, Span(operations.activity(run, now), Role.ACCENT)), width)


# ---- its story ----


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of an incident's story: of a person, or of a service."""

    at: float
    whose: str
    what: str
    glyph: str = "#"
    role: Role = Role.ACCENT
    person: bool = False


def belongs(service: str, incident: Incident) -> bool:
    """Whether what happens to ``service`` is of the incident; '' is of all."""
    return not incident.services or not service or service in incident.services


def story(incident: Incident, snapshot: Snapshot | None) -> tuple[Happened, ...]:
    """What people said and did, what happened to its services and what was done to them, latest
    first."""
    found = [
        Happened(each.at, str(each.person), said_by(each), person=True) for each in incident.entries
    ]
    events = snapshot.events if snapshot is not None else ()
    seen: set[Event] = set()
    for event in events:
        if event not in seen and _is_of(event, incident):
            seen.add(event)
            found.append(_of_event(event))
    return tuple(sorted(found, key=lambda each: -each.at))


def _is_of(event: Event, incident: Incident) -> bool:
    until = incident.closed_at
    within = incident.opened_at <= event.at and (until is None or event.at <= until)
    return within and event.kind not in _APART and belongs(event.service, incident)


def _of_event(event: Event) -> Happened:
    role = Role.MUTED if event.state is None else state_role(event.state)
    glyph = event.kind.glyph if event.state is None else event.state.glyph
    alert = event.kind is EventKind.ALERT
    whose = (event.service if alert else "") or event.subject or event.service
    return Happened(event.at, whose or event.kind.value, words(event), glyph, role)


def _story_row(each: Happened, width: int, now: float) -> Line:
    room = min(26, max(12, width // 5))
    head = (
        Span(f" {figures.when(each.at, now)}  ", Role.MUTED),
        Span(f"{each.glyph} ", each.role),
        Span(f"{fit(each.whose, room)} ", Role.STRONG if each.person else Role.TEXT),
    )
    return (*head, Span(clip(each.what, max(0, width - line_width(head) - 1))))
