"""The palette: every command and every service, to search.

Invariant: names from outside are shown unchanged, and only as names: Textual reads the help text of
a hit as markup, so none of it is from outside.
"""

from collections.abc import AsyncIterator, Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from opsconsole.text import sanitize
from opsconsole.ui.commands import Command, commands, runbook_commands, service_commands
from opsconsole.ui.contracts import console_of


def _as_it_stands(text: str, style: str = "") -> Content:
    """``text`` without markup, whatever brackets it holds, and without control characters."""
    clean = sanitize(text, multiline=True)
    return Content.styled(clean, style) if style else Content(clean)


class ConsoleCommands(Provider):
    """The entries of ctrl-p on the current screen."""

    def _commands(self) -> Iterator[Command]:
        console = console_of(self.app)
        yield from commands(console, self.screen)
        yield from runbook_commands(console)
        for command in service_commands(console):
            yield command._replace(name=f"service {command.name}")

    async def discover(self) -> Hits:
        """Everything, before anything is typed; commands that leave the console are never first."""
        for command in sorted(self._commands(), key=lambda each: each.name == "quit"):
            name = command.name
            yield DiscoveryHit(
                _as_it_stands(name), command.run, text=name, help=_plain(command.about)
            )

    async def search(self, query: str) -> AsyncIterator[Hit]:
        """What matches ``query``; an alias typed whole comes first."""
        matcher = self.matcher(query)
        typed = query.strip().lower()
        for command in self._commands():
            score = 1.5 if typed in command.aliases else matcher.match(command.name)
            if score > 0:
                shown, about = _as_it_stands(command.name), _plain(command.about)
                yield Hit(score, shown, command.run, text=command.name, help=about)


def _plain(text: str) -> str:
    """``text`` escaped as markup; Textual's own escape leaves capitals in brackets."""
    return text.replace("[", r"\[")
