"""Every command by name: those of the registry of keys, services, places, and the ways to leave.

Invariant: a command does what its key does, through the same action, so that it allows nothing that
the key does not. Names from outside are only shown.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from textual.dom import DOMNode
from textual.screen import Screen

from opsconsole.render import places
from opsconsole.render.frame import keys
from opsconsole.render.frame.keys import Scope
from opsconsole.render.runbooks import listed
from opsconsole.render.service.standing import standing
from opsconsole.ui import automation, team
from opsconsole.ui.contracts import ConsoleLike, HasKeys
from opsconsole.ui.incident_export import HOW, export
from opsconsole.ui.routes import PlacePage, RunbookPage, ServicePage

SERVICES_LISTED: Final = 1000
RUNBOOKS_LISTED: Final = 500
PLACES_LISTED: Final = 500
_UNHINTED: Final = 1000


class Command(NamedTuple):
    """``about`` is one line; ``aliases`` match only when written in full.

    ``takes`` is called with the text after the name, if any. ``key`` does the same; ``here`` is its
    place among what is of this screen and possible now, 0 for what is not.
    """

    name: str
    about: str
    run: Callable[[], object]
    aliases: tuple[str, ...] = ()
    takes: Callable[[str], object] | None = None
    key: str = ""
    here: int = 0


def commands(console: ConsoleLike, screen: Screen[Any]) -> Iterator[Command]:
    """The commands of ``screen``: ways to leave first, services last."""
    yield Command(
        "quit", "leave the console; operations go on", console.leave, ("q", "q!", "qa", "wq")
    )
    yield Command("reload", "read the configuration again", console.read_again)
    yield Command("export", HOW, partial(export, console), takes=partial(export, console))
    for name, about, does in automation.COMMANDS:
        yield Command(name, about, partial(does, console, ""), takes=partial(does, console))
    yield Command(
        "incident", team.HOW, partial(team.typed, console), takes=partial(team.typed, console)
    )
    yield Command("handover", "what is open now, for who comes next",
                  partial(team.open_handover, console))  # fmt: skip
    yield Command("people", "who has a console open", partial(team.open_people, console))
    scopes: tuple[Scope, ...] = (Scope.EVERYWHERE,)
    actors: tuple[DOMNode, ...] = (screen, screen.app)
    if isinstance(screen, HasKeys):
        scopes, actors = screen.scopes, (*screen.actors, screen.app)
        for each in screen.typed:
            yield Command(each.name, each.about, partial(each.takes, ""), takes=each.takes)
    for key in keys.of(scopes):
        if key.palette or key.scope in {Scope.CHANGE, Scope.OVERVIEW} or key.id == "help":
            method = f"action_{key.action.partition('(')[0]}"
            actor = next((each for each in actors if hasattr(each, method)), None)
            if actor is None or (isinstance(screen, HasKeys) and not screen.exists(key)):
                continue
            run = partial(console.run_action, key.action, actor)
            takes = console.time.go_to_typed if key.id == "at" else None
            own = key.scope is not Scope.EVERYWHERE
            here = own and isinstance(screen, HasKeys) and screen.possible(key)
            yield Command(
                key.label, key.help, run, (key.id,), takes,
                keys.with_keymap(key, console.keymap), (key.hint or _UNHINTED) if here else 0,
            )  # fmt: skip


def service_commands(console: ConsoleLike) -> Iterator[Command]:
    """One command per service: it opens the service's screen."""
    snapshot = console.time.shown
    for service in (snapshot.services if snapshot else ())[:SERVICES_LISTED]:
        stands = standing(service)
        about = f"{stands.glyph} {stands}"
        yield Command(service.name, about, partial(console.open, ServicePage(service.name)))


def runbook_commands(console: ConsoleLike) -> Iterator[Command]:
    """One command per runbook and service: it opens the checklist and runs nothing."""
    latest = console.bridge.latest
    for item in listed(latest.runbooks if latest else ())[:RUNBOOKS_LISTED]:
        run = partial(console.open, RunbookPage(item.runbook.name, item.service))
        yield Command(f"runbook {item.key}".strip(), item.runbook.title, run)


def place_commands(console: ConsoleLike) -> Iterator[Command]:
    """One command per host, engine and cluster: it opens its page.

    Where two have one name, as a host and the engine on it, what each is stands behind it.
    """
    snapshot = console.time.shown
    listed = list(places.known(snapshot, snapshot.taken_at)) if snapshot else []
    # A page shows the first of its key.
    first = {each.key: each for each in reversed(listed)}
    named = Counter(each.name for each in first.values())
    for each in sorted(first.values(), key=listed.index)[:PLACES_LISTED]:
        name = f"place {each.name}" if named[each.name] == 1 else f"place {each.name} {each.kind}"
        about = f"{each.state.glyph} {each.kind} {each.trouble or each.figure}".rstrip()
        yield Command(name, about, partial(console.open, PlacePage(each.key)))
