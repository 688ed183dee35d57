"""The palette: every command and every service, to search.

Invariant: names from outside are shown unchanged, and only as names: Textual reads the help text of
a hit as markup, so none of it is from outside.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from opsconsole.render.ink.cells import fit
from opsconsole.render.service.standing import Standing, standing
from opsconsole.text import sanitize
from opsconsole.ui.commands import (
    Command,
    commands,
    place_commands,
    runbook_commands,
    service_commands,
)
from opsconsole.ui.contracts import console_of


def _as_it_stands(text: str, style: str = "") -> Content:
    """``text`` without markup, whatever brackets it holds, and without control characters."""
    clean = sanitize(text, multiline=True)
    return Content.styled(clean, style) if style else Content(clean)


_NAME: Final = 24
_MARGINS: Final = 6
"""Cells that the list itself takes."""
_LAST: Final = frozenset({"reload", "export", "quit"})


class ConsoleCommands(Provider):
    """The entries of ctrl-p on the current screen."""

    def _commands(self) -> Iterator[Command]:
        console = console_of(self.app)
        yield from commands(console, self.screen)
        yield from runbook_commands(console)
        yield from place_commands(console)
        for command in service_commands(console):
            yield command._replace(name=f"service {command.name}")

    async def discover(self) -> Hits:
        """Everything, before anything is typed: services that are not well, then what is possible
        here; what is about the console itself last."""
        known = console_of(self.app).time.shown
        ill = {
            f"service {each.name}": -standing(each).urgency
            for each in (known.services if known else ())
            if standing(each) is not Standing.OK
        }

        def rank(command: Command) -> tuple[int, int]:
            if command.name in ill:
                return 0, ill[command.name]
            if command.here:
                return 1, command.here
            return (3 if command.name in _LAST else 2), 0

        for command in sorted(self._commands(), key=rank):
            yield DiscoveryHit(self._line(command), command.run, text=command.name)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """What matches ``query``; an alias typed whole comes first."""
        matcher = self.matcher(query)
        typed = query.strip().lower()
        for command in self._commands():
            score = 1.5 if typed in command.aliases else matcher.match(command.name)
            if score > 0:
                yield Hit(score, self._line(command), command.run, text=command.name)

    def _line(self, command: Command) -> Content:
        """One line: its name, what it does, and its key at the right end."""
        room = max(20, self.app.size.width - _MARGINS)
        name = min(_NAME, room // 2)
        about = max(0, room - name - len(command.key) - 4)
        said = f"{fit(command.name, name)}  {fit(command.about, about)}  {command.key}"
        return _as_it_stands(said)
