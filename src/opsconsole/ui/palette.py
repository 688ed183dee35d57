"""The commands of the palette: those of the registry, the services, and the ways out.

Invariant: names from outside are shown as they stand, and only as names: Textual reads the help
text of a hit as markup, so none of it is from outside. A command does what its key does, through
the same action, so that nothing is possible here that is not possible there.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from opsconsole.render import keys
from opsconsole.render.keys import Scope
from opsconsole.ui import safe
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.service import ServiceScreen

if TYPE_CHECKING:
    from opsconsole.ui.app import Console

Command = tuple[str, str, Callable[[], object], tuple[str, ...]]
SERVICES_LISTED = 200


class ConsoleCommands(Provider):
    """What ``:`` and ctrl-p offer on the screen one is on."""

    @property
    def _console(self) -> "Console":
        return cast("Console", self.app)

    def _commands(self) -> Iterable[Command]:
        console = self._console
        yield ("quit", "leave the console; operations go on", console.leave, ("q", "q!", "quit"))
        below = self.screen
        scopes = below.SCOPES if isinstance(below, ConsoleScreen) else (Scope.EVERYWHERE,)
        for key in keys.of(scopes):
            if key.palette or key.scope in {Scope.CHANGE, Scope.OVERVIEW} or key.id == "help":
                run = partial(self._run, key.action)
                yield (key.label, f"{key.help}  ({key.shown})", run, (key.id,))
        snapshot = console.shown
        for service in (snapshot.services if snapshot else ())[:SERVICES_LISTED]:
            yield (
                f"service {service.name}",
                f"{service.state.glyph} {service.state.value}",
                partial(self._open, service.name),
                (),
            )

    def _open(self, service: str) -> None:
        self.app.push_screen(ServiceScreen(service))

    async def _run(self, action: str) -> None:
        await self.app.run_action(action, self.screen)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, text, run, _aliases in self._commands():
            yield DiscoveryHit(safe.content(name), run, text=name, help=escape(text))

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """What matches ``query``; an alias typed whole comes first."""
        matcher = self.matcher(query)
        typed = query.strip().lower()
        for name, text, run, aliases in self._commands():
            score = 1.5 if typed in aliases else matcher.match(name)
            if score > 0:
                shown: Content = safe.content(name)
                yield Hit(score, shown, run, text=name, help=escape(text))
