"""``opsconsole incident``: open one, and say in one that is open what is done; or read them.

Invariant: it is recorded as a console records it, by the same person, and allows nothing that a
console does not. What is done in an incident names it, because a script does not see which one is
open. Exit 0 recorded, 2 refused, 64 what is missing, 69 no such service, or the state cannot be
written.
"""

import argparse
import json
import sys
from typing import Final

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.cli.known_state import team_book
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.cli.reading import incident as reading
from opsconsole.cli.reading.incident_listing import incident_number
from opsconsole.clock import SystemClock
from opsconsole.model.incidents import (
    TYPED_VERBS,
    IncidentRequest,
    IncidentSeverity,
    IncidentVerb,
)
from opsconsole.model.operation import Refusal
from opsconsole.render.json.team import incidents_document
from opsconsole.render.team.incidents import answered

REFUSED: Final = 2
_V: Final = IncidentVerb


def run(arguments: argparse.Namespace) -> int:
    """Do it, or read; see above for what it returns."""
    verb = TYPED_VERBS.get(arguments.what)
    if verb is None:
        return reading.run(arguments)
    configuration = from_arguments(arguments)
    for name in arguments.services:
        require_service(configuration.settings, name)
    if verb is _V.OPEN:
        severity = IncidentSeverity(arguments.severity) if arguments.severity else None
        title = " ".join(arguments.words)
        services = tuple(arguments.services)
        return _asked(
            configuration, IncidentRequest(verb, 0, title, services, severity), arguments.json
        )
    number = incident_number(next(iter(arguments.words), None))
    if number is None:
        return reading.refused("which one? opsconsole incident list names them")
    said = " ".join(arguments.words[1:])
    if verb is _V.SERVICES:
        if said or not arguments.services:
            return reading.refused("say which: --service NAME")
        request = IncidentRequest(verb, number, services=tuple(arguments.services))
    elif verb is _V.SEVERITY:
        found = (each for each in IncidentSeverity if each.value == said)
        request = IncidentRequest(verb, number, severity=next(found, None))
    else:
        request = IncidentRequest(verb, number, said)
    return _asked(configuration, request, arguments.json)


def _asked(configuration: Configuration, request: IncidentRequest, as_json: bool) -> int:
    book = team_book(configuration)
    try:
        answer = book.do(request, SystemClock().now())
    finally:
        book.close()
    if isinstance(answer, Refusal):
        print(f"opsconsole incident: not done: {answer}", file=sys.stderr)
        return EX_USAGE if answer.code in {"no-title", "no-text", "no-severity"} else REFUSED
    if as_json:
        json.dump(incidents_document((answer,)), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(answered(request.verb, answer))
    return 0
