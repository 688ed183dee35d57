"""Incidents, hand-overs and who is here as JSON for scripts.

Invariant: as of ``status``: keys are only added within a version, times are Unix seconds, and what
is not known is null.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident
from opsconsole.model.people import Person, Present
from opsconsole.model.snapshot import Snapshot

VERSION: Final = 1

Document = dict[str, object]


def team_document(snapshot: Snapshot) -> Document:
    """What ``status --json`` has of it."""
    handover = snapshot.handover
    return {
        "incidents": [_incident(each) for each in snapshot.incidents],
        "present": [_present(each) for each in snapshot.present],
        "handover": None if handover is None else _handover(handover),
    }


def incidents_document(incidents: Iterable[Incident]) -> Document:
    """The document of ``incident list --json``."""
    return {"version": VERSION, "incidents": [_incident(each) for each in incidents]}


def _incident(incident: Incident) -> Document:
    """One incident, with what was said and done in it."""
    return {
        "number": incident.number,
        "name": incident.name,
        "title": incident.title,
        "severity": incident.severity.value,
        "open": incident.open,
        "commander": _person(incident.commander),
        "opened_at": round(incident.opened_at, 3),
        "opened_by": _person(incident.opened_by),
        "closed_at": None if incident.closed_at is None else round(incident.closed_at, 3),
        "status": incident.status,
        "status_at": None if incident.status_at is None else round(incident.status_at, 3),
        "services": list(incident.services),
        "members": [
            {**_person(each.person), "joined_at": round(each.joined_at, 3),
             "role": each.role}
            for each in incident.members
        ],
        "entries": [
            {"at": round(each.at, 3), "did": each.verb.value, **_person(each.person),
             "text": each.text}
            for each in incident.entries
        ],
    }  # fmt: skip


def _handover(handover: Handover) -> Document:
    """The last hand-over that was taken."""
    taker = _person(handover.taker)
    return {**taker, "at": round(handover.at, 3), "open": handover.open_things}


def _present(present: Present) -> Document:
    """One console that is open."""
    return {
        **_person(present.person),
        "tty": present.tty,
        "since": round(present.since, 3),
        "service": present.service,
        "kind": present.kind.value,
    }


def _person(person: Person) -> Document:
    """Who, from where."""
    return {"who": person.who, "host": person.host}
