"""What may be added to an incident, decided on all its records so far. Pure.

Invariant: a record is added only to an incident that is open, and only where it says something new;
the command is taken from nobody but the person who was seen in command.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opsconsole.model.incidents import (
    SERVICES,
    STATUS,
    TITLE,
    Incident,
    IncidentRequest,
    IncidentSeverity,
    IncidentVerb,
    apply,
    fold,
)
from opsconsole.model.ledger_record import SAID, Record
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Person
from opsconsole.text import sanitize

_NO_TITLE: Final = Refusal(
    "no-title", "an incident has a title", "say in a few words what is wrong"
)
_NO_TEXT: Final = Refusal("no-text", "nothing was said", "type it after the command")


def opening(
    number: int, request: IncidentRequest, person: Person, at: float
) -> dict[str, object] | Refusal:
    """The first record of the incident ``number``."""
    title = sanitize(request.text, limit=TITLE).strip()
    if not title:
        return _NO_TITLE
    return {
        **_signed(IncidentVerb.OPEN, person, at),
        "number": number,
        "title": title,
        "severity": (request.severity or IncidentSeverity.MAJOR).value,
        "services": list(dict.fromkeys(request.services))[:SERVICES],
    }


def deciding(
    request: IncidentRequest, person: Person, at: float
) -> Callable[[Sequence[Record]], Sequence[Record] | Refusal]:
    """What ``request`` adds to the records of its incident; nothing where it is so already."""

    def decide(records: Sequence[Mapping[str, object]]) -> Sequence[Record] | Refusal:
        incident = fold(request.number, records)
        if incident is None:
            return not_there(request.number)
        refusal = _refused(incident, request, person)
        if refusal is not None:
            return refusal
        record = _record(request, person, at)
        return () if apply(incident, record) is incident else (record,)

    return decide


def not_there(number: int) -> Refusal:
    """There is no such incident."""
    said = f"there is no incident {number}"
    return Refusal("no-such-incident", said, "opsconsole incident list names them")


def _refused(incident: Incident, request: IncidentRequest, person: Person) -> Refusal | None:
    if not incident.open:
        by = incident.entries[-1].person
        return Refusal("closed", f"{incident.name} was closed by {by}", "open another one")
    verb, commander = request.verb, incident.commander
    if verb is IncidentVerb.COMMAND and request.commander not in {"", str(commander)}:
        return Refusal(
            "command-moved", f"{commander} has taken the command meanwhile", "speak with them first"
        )
    if verb is IncidentVerb.COMMAND and commander == person:
        return Refusal("in-command", f"you have the command of {incident.name}")
    if verb in {IncidentVerb.STATUS, IncidentVerb.NOTE, IncidentVerb.ROLE}:
        return None if request.text.strip() else _NO_TEXT
    if verb is IncidentVerb.SEVERITY and request.severity is None:
        words = ", ".join(IncidentSeverity)
        return Refusal("no-severity", "that is no severity", f"it is one of {words}")
    return None


def _record(request: IncidentRequest, person: Person, at: float) -> dict[str, object]:
    record = _signed(request.verb, person, at)
    limit = SAID if request.verb is IncidentVerb.NOTE else STATUS
    text = sanitize(request.text, limit=limit).strip()
    if request.verb is IncidentVerb.SEVERITY and request.severity is not None:
        text = request.severity.value
    if request.services:
        record["services"] = list(dict.fromkeys(request.services))[:SERVICES]
    return {**record, "text": text} if text else record


def _signed(verb: IncidentVerb, person: Person, at: float) -> dict[str, object]:
    return {"do": verb.value, "at": at, "who": person.who, "host": person.host}
