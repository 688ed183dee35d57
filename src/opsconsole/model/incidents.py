"""Incidents: what people declare, share and close.

Invariant: an incident is what its records add up to (``fold``), for any records at all: it was
opened by the first, nobody commands it who did not take the command, and nothing moves it once it
was closed. A record that is not understood is passed over. It says what people do, and commands
nobody.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.ledger_record import SAID, Record, moment_in, text_in, texts_in
from opsconsole.model.people import Person

TITLE: Final = 120
STATUS: Final = 300
MEMBERS: Final = 100
SERVICES: Final = 200
ENTRIES: Final = 500
"""What was said and done in one incident that is kept, the latest."""


class IncidentSeverity(StrEnum):
    """How bad, as people say it."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class IncidentVerb(StrEnum):
    """What a person does with an incident; also how its records say it."""

    OPEN = "open"
    JOIN = "join"
    COMMAND = "command"
    ROLE = "role"
    STATUS = "status"
    SEVERITY = "severity"
    SERVICES = "services"
    NOTE = "note"
    CLOSE = "end"


TYPED_VERBS: Final = {
    "open": IncidentVerb.OPEN,
    "join": IncidentVerb.JOIN,
    "command": IncidentVerb.COMMAND,
    "role": IncidentVerb.ROLE,
    "status": IncidentVerb.STATUS,
    "severity": IncidentVerb.SEVERITY,
    "add": IncidentVerb.SERVICES,
    "note": IncidentVerb.NOTE,
    "close": IncidentVerb.CLOSE,
}
"""As people type them, in the console and in a shell."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who has joined, with what they do there; '' where that was not said."""

    person: Person
    joined_at: float
    role: str = ""


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """One thing that was said or done, by whom. ``text`` is what was said, or the new value."""

    at: float
    verb: IncidentVerb
    person: Person
    text: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. ``closed_at`` is None while it is open; ``services`` are those it is about,
    none for whatever goes wrong."""

    number: int
    title: str
    severity: IncidentSeverity
    commander: Person
    opened_at: float
    opened_by: Person
    status: str = ""
    status_at: float | None = None
    members: tuple[Member, ...] = ()
    services: tuple[str, ...] = ()
    closed_at: float | None = None
    entries: tuple[IncidentEntry, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None

    @property
    def name(self) -> str:
        """``INC-14``."""
        return f"INC-{self.number}"

    def member(self, who: str) -> Member | None:
        """The member of that name, if they have joined."""
        return next((each for each in self.members if each.person.who == who), None)


@dataclass(frozen=True, slots=True)
class IncidentRequest:
    """What a person asks for. ``text`` is a title, a status, a note, a role or why it is closed.

    ``commander`` is whom they saw in command, as they asked to take it over; ``replay``: they saw
    a moment that has passed.
    """

    verb: IncidentVerb
    number: int = 0
    text: str = ""
    services: tuple[str, ...] = ()
    severity: IncidentSeverity | None = None
    commander: str = ""
    replay: bool = False


def fold(number: int, records: Iterable[Record]) -> Incident | None:
    """The incident ``number`` that ``records`` add up to; None where the first opens none."""
    incident: Incident | None = None
    for record in records:
        incident = _opened(number, record) if incident is None else apply(incident, record)
        if incident is None:
            return None
    return incident


def apply(incident: Incident, record: Record) -> Incident:
    """``incident`` after one more record; the same where that says nothing."""
    at, person = moment_in(record), _person(record)
    does = record.get("do")
    verb = next((each for each in IncidentVerb if each.value == does), None)
    if not incident.open or at is None or person is None or verb in {None, IncidentVerb.OPEN}:
        return incident
    assert verb is not None
    text = text_in(record, "text", SAID if verb is IncidentVerb.NOTE else STATUS)
    changed = _changed(incident, verb, record, at, person, text)
    if changed is incident:
        return incident
    if verb is IncidentVerb.SERVICES:
        text = ", ".join(each for each in changed.services if each not in incident.services)
    said = IncidentEntry(at, verb, person, text)
    return replace(changed, entries=(*incident.entries, said)[-ENTRIES:])


def _changed(
    incident: Incident, verb: IncidentVerb, record: Record, at: float, person: Person, text: str
) -> Incident:
    match verb:
        case IncidentVerb.JOIN | IncidentVerb.ROLE:
            return _joined(incident, person, at, text)
        case IncidentVerb.COMMAND:
            return replace(_joined(incident, person, at, ""), commander=person)
        case IncidentVerb.STATUS:
            return replace(incident, status=text, status_at=at)
        case IncidentVerb.SEVERITY:
            severity = next((each for each in IncidentSeverity if each.value == text), None)
            return incident if severity is None else replace(incident, severity=severity)
        case IncidentVerb.SERVICES:
            return _with_services(incident, texts_in(record, "services", SERVICES))
        case IncidentVerb.NOTE:
            # What it says is an entry; of the incident itself nothing is another.
            return replace(incident) if text else incident
        case IncidentVerb.CLOSE:
            return replace(incident, closed_at=max(at, incident.opened_at))
        case _:
            return incident


def _opened(number: int, record: Record) -> Incident | None:
    at, person = moment_in(record), _person(record)
    if record.get("do") != IncidentVerb.OPEN.value or at is None or person is None:
        return None
    said = text_in(record, "severity")
    severity = next((each for each in IncidentSeverity if each.value == said), None)
    title = text_in(record, "title", TITLE)
    return Incident(
        number,
        title,
        severity or IncidentSeverity.MAJOR,
        person,
        at,
        person,
        members=(Member(person, at),),
        services=texts_in(record, "services", SERVICES),
        entries=(IncidentEntry(at, IncidentVerb.OPEN, person, title),),
    )


def _joined(incident: Incident, person: Person, at: float, role: str) -> Incident:
    """With ``person`` among the members; a role that is said takes the place of an earlier one."""
    member = incident.member(person.who)
    if member is None:
        if len(incident.members) >= MEMBERS:
            return incident
        return replace(incident, members=(*incident.members, Member(person, at, role)))
    if not role or role == member.role:
        return incident
    members = tuple(
        replace(each, role=role) if each is member else each for each in incident.members
    )
    return replace(incident, members=members)


def _with_services(incident: Incident, services: tuple[str, ...]) -> Incident:
    added = tuple(dict.fromkeys((*incident.services, *services)))[:SERVICES]
    return incident if added == incident.services else replace(incident, services=added)


def _person(record: Record) -> Person | None:
    who = text_in(record, "who")
    return Person(who, text_in(record, "host")) if who else None


def open_ones(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Those that go on, the gravest first, then the one that was opened first."""
    grave = {severity: place for place, severity in enumerate(IncidentSeverity)}
    going = (each for each in incidents if each.open)
    return tuple(sorted(going, key=lambda each: (grave[each.severity], each.number)))
