"""What people ask of automation and maintenance: one key that stops, and commands that are typed.

Invariant: nothing is begun here but the plan of what is asked for, which a person confirms as any
other. Stopping and switching off work in every console, read-only ones too, whatever moment is
shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from opsconsole.model.asked.questions import (
    CloseBreaker,
    EndMaintenance,
    StartMaintenance,
    StopRemedy,
    SwitchAutomation,
)
from opsconsole.model.operation import ActionRequest, Refusal
from opsconsole.model.written.units import read_duration
from opsconsole.ui.contracts import ConsoleLike
from opsconsole.ui.routes import AutomationPage, PlanDialog

if TYPE_CHECKING:
    from opsconsole.model.remedies.episodes import Episode

_AUTO: Final = "auto off [WHY], on, or close REMEDY WHY: all automation, or the breaker of a remedy"
_WORK: Final = "maintenance SERVICE… 2h WHY, or end SERVICE: announce work, or say it is over"


def stoppable(console: ConsoleLike) -> tuple[Episode, ...]:
    """What begins soon, else what is asked for."""
    latest = console.bridge.latest
    known = latest.automation if latest is not None else None
    return () if known is None else known.counting or known.asking


def stop(console: ConsoleLike) -> None:
    """Stop all that begins soon; where nothing does, what is asked for."""
    found = stoppable(console)
    if not found:
        console.say("automation is not about to do anything")
    for each in found:
        console.bridge.ask(StopRemedy(each.id), lambda answer: _stopped(console, answer))


def _stopped(console: ConsoleLike, answer: Episode | Refusal) -> None:
    refused = isinstance(answer, Refusal)
    said = f"not stopped: {answer}" if refused else f"stopped: {_what(answer)}"
    console.say(said)


def _what(episode: Episode | Refusal) -> str:
    return "" if isinstance(episode, Refusal) else f"{episode.action} of {episode.service}"


def open_asked(console: ConsoleLike) -> None:
    """Open the plan of what is asked for; it is confirmed as any other."""
    latest = console.bridge.latest
    asking = latest.automation.asking if latest is not None and latest.automation else ()
    refusal = console.time.refusal
    if refusal or not asking:
        console.say(refusal or "nothing is asked for")
        return
    first = asking[0]
    word, _, to = first.action.partition(" to ")
    parameters = {"to": to} if to and word else {}
    console.open(PlanDialog(ActionRequest(first.service, first.kind, parameters=parameters)))


def _auto(console: ConsoleLike, typed: str) -> None:
    word, _, rest = typed.strip().partition(" ")
    match word.lower():
        case "":
            console.open(AutomationPage())
        case "off" | "on":
            on = word.lower() == "on"
            said = "automation is on" if on else "automation is off, in every console"
            asked = SwitchAutomation(on, rest.strip())
            console.bridge.ask(asked, lambda answer: _say(console, answer, said))
        case "close":
            rule, _, why = rest.strip().partition(" ")
            said = f"the breaker of {rule} is closed"
            console.bridge.ask(
                CloseBreaker(rule, why.strip()), lambda answer: _say(console, answer, said)
            )
        case _:
            console.say(_AUTO)


def _maintenance(console: ConsoleLike, typed: str) -> None:
    words = typed.split()
    if not words:
        console.open(AutomationPage())
        return
    if words[0] == "end":
        if len(words) != 2:
            console.say(_WORK)
            return
        console.bridge.ask(
            EndMaintenance(words[1]), lambda answer: _say(console, answer, "maintenance is over")
        )
        return
    _start(console, words[1:] if words[0] == "start" else words)


def _start(console: ConsoleLike, words: list[str]) -> None:
    """``SERVICE… 2h WHY``: the services, how long, and why."""
    latest = console.bridge.latest
    known = {each.name for each in latest.services} if latest is not None else set()
    services = []
    while words and words[0] in known:
        services.append(words.pop(0))
    try:
        lasts = read_duration(words[0] if words else "")
    except ValueError as error:
        console.say(f"{error}; {_WORK}" if words else _WORK)
        return
    asked = StartMaintenance(tuple(services), lasts, " ".join(words[1:]))
    said = f"{', '.join(services) or 'everything'} is in maintenance, in every console"
    console.bridge.ask(asked, lambda answer: _say(console, answer, said))


def _say(console: ConsoleLike, answer: object, said: str) -> None:
    console.say(f"refused: {answer}" if isinstance(answer, Refusal) else said)


def _page(console: ConsoleLike, typed: str) -> None:
    console.open(AutomationPage())


COMMANDS: Final[tuple[tuple[str, str, Callable[[ConsoleLike, str], None]], ...]] = (
    ("automation", "remedies, what they saw and did, and what is worked on", _page),
    ("auto", _AUTO, _auto),
    ("maintenance", _WORK, _maintenance),
)
"""The commands: name, what they do, and what takes the text after the name."""
