"""What people do together, by a typed command or a line of the screen, asked of the engine.

Invariant: a typed command allows nothing that a key does not, and what it is about is named by it:
where several incidents are open and none is named, nothing is done.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from opsconsole.model.incidents import (
    TYPED_VERBS,
    Incident,
    IncidentRequest,
    IncidentSeverity,
    IncidentVerb,
    open_ones,
)
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.team import incidents as render
from opsconsole.ui.contracts import ConsoleLike
from opsconsole.ui.routes import HandoverPage, IncidentPage, IncidentsPage, PeoplePage

if TYPE_CHECKING:
    from opsconsole.model.handover import Handover
    from opsconsole.model.operation import Refusal
    from opsconsole.model.snapshot import Snapshot

HOW: Final = (
    'incident open "TITLE" [SERVICE …], or [NUMBER] join, command, role, status, severity, add, '
    "note, close, with the words behind it"
)
_QUOTES: Final = {'"': '"', "'": "'", "“": "”"}


class TypedIncidentError(ValueError):
    """What was typed says nothing that can be done; the text says what can."""


def ask(console: ConsoleLike, request: IncidentRequest) -> None:
    """Ask the engine for ``request``; the answer is shown in the bottom line."""
    from opsconsole.model.asked.questions import DoInIncident

    request = replace(request, replay=not console.time.is_live)
    console.bridge.ask(DoInIncident(request), partial(_answered, console, request.verb))


def _answered(console: ConsoleLike, verb: IncidentVerb, answer: Incident | Refusal) -> None:
    if not isinstance(answer, Incident):
        console.say(f"not done: {answer}")
    else:
        shows = f": {key_of('incidents', 'i')} shows it" if verb is IncidentVerb.OPEN else ""
        console.say(f"{render.answered(verb, answer)}{shows}")


def take_handover(console: ConsoleLike, open_things: int) -> None:
    """Record that the user takes over what is open."""
    from opsconsole.model.asked.questions import TakeHandover

    def answered(answer: Handover | Refusal) -> None:
        from opsconsole.model.operation import Refusal

        refused = isinstance(answer, Refusal)
        console.say(f"not taken: {answer}" if refused else "taken over; every console shows it")

    console.bridge.ask(TakeHandover(open_things), answered)


def open_incidents(console: ConsoleLike) -> None:
    """Show the one that is open; the list where several are, or none."""
    shown = console.time.shown
    going = open_ones(shown.incidents) if shown is not None else ()
    console.open(IncidentPage(going[0].number) if len(going) == 1 else IncidentsPage())


def open_handover(console: ConsoleLike) -> None:
    """Show what is open now."""
    console.open(HandoverPage())


def open_people(console: ConsoleLike) -> None:
    """Show who is here."""
    console.open(PeoplePage())


def typed(console: ConsoleLike, text: str = "") -> None:
    """Do what ``:incident`` and the words behind it say."""
    if not text.strip():
        console.open(IncidentsPage())
        return
    try:
        meant = read(text, console.time.shown)
    except TypedIncidentError as error:
        console.say(str(error))
        return
    if isinstance(meant, int):
        console.open(IncidentPage(meant))
    else:
        ask(console, meant)


def read(text: str, shown: Snapshot | None) -> IncidentRequest | int:
    """The request in ``text``, or the number of an incident to show. Raises TypedIncidentError."""
    first, _, rest = text.strip().partition(" ")
    number = _number(first)
    if number:
        first, _, rest = rest.strip().partition(" ")
        if not first:
            return number
    verb = TYPED_VERBS.get(first.lower())
    if verb is None:
        raise TypedIncidentError(HOW)
    rest = rest.strip()
    if verb is IncidentVerb.OPEN:
        title, names = _quoted(rest)
        return IncidentRequest(verb, text=title, services=_services(names, shown))
    number = number or _only_one(shown)
    if verb is IncidentVerb.SERVICES:
        return IncidentRequest(verb, number, services=_services(rest, shown))
    if verb is IncidentVerb.SEVERITY:
        severity = next((each for each in IncidentSeverity if each.value == rest.lower()), None)
        return IncidentRequest(verb, number, severity=severity)
    unquoted, after = _quoted(rest)
    seen = _commander(number, shown) if verb is IncidentVerb.COMMAND else ""
    return IncidentRequest(verb, number, f"{unquoted} {after}".strip(), commander=seen)


def _number(word: str) -> int:
    """``14`` and ``INC-14``; 0 for what is no number."""
    digits = word.upper().removeprefix("INC-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def _quoted(text: str) -> tuple[str, str]:
    """What stands in quotes, and what follows; all of it where there are none."""
    end = text.find(_QUOTES[text[0]], 1) if text[:1] in _QUOTES and text else -1
    return (text, "") if end < 0 else (text[1:end], text[end + 1 :].strip())


def _services(names: str, shown: Snapshot | None) -> tuple[str, ...]:
    wanted = names.replace(",", " ").split()
    known = {each.name for each in shown.services} if shown is not None else set()
    strange = [each for each in wanted if each not in known]
    if strange:
        raise TypedIncidentError(f"no service is called {strange[0]}")
    return tuple(wanted)


def _only_one(shown: Snapshot | None) -> int:
    going = open_ones(shown.incidents) if shown is not None else ()
    if len(going) == 1:
        return going[0].number
    if not going:
        raise TypedIncidentError(f"no incident is open: {key_of('incident-open', 'I')} opens one")
    names = ", ".join(each.name for each in going[:5])
    raise TypedIncidentError(f"which one? {names} are open: name its number first")


def _commander(number: int, shown: Snapshot | None) -> str:
    incidents = shown.incidents if shown is not None else ()
    return next((str(each.commander) for each in incidents if each.number == number), "")
