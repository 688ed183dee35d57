"""The keys that open a screen from anywhere.

Invariant: each opens its screen once; a screen that is in the stack already is not opened again.
Screens are imported when they are first opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from opsconsole.render.keys import Scope

if TYPE_CHECKING:
    from opsconsole.model.snapshot import ServiceView


class Opening(App[int], inherit_bindings=False):
    """An app whose keys open the console's screens."""

    def say(self, text: str) -> None:
        """Say something in the bottom line of the screen in sight."""
        raise NotImplementedError

    def action_help(self) -> None:
        """The keys of the screen one is on."""
        from opsconsole.ui.screens.help import HelpScreen

        screen = self.screen
        if not isinstance(screen, HelpScreen):
            scopes = getattr(screen, "scopes", (Scope.EVERYWHERE,))
            title = getattr(screen, "TITLE_OF_HELP", "console")
            self.push_screen(HelpScreen(title, scopes))

    def action_operations(self) -> None:
        """What is being done to services, and what was done."""
        from opsconsole.ui.screens.operations import OperationsScreen

        if not any(isinstance(screen, OperationsScreen) for screen in self.screen_stack):
            self.push_screen(OperationsScreen())

    def action_logs(self) -> None:
        """The logs of the service that the screen in sight is about."""
        from opsconsole.ui.screens.logs import LogsScreen

        target: ServiceView | None = getattr(self.screen, "target", None)
        if isinstance(self.screen, LogsScreen):
            return
        if target is None:
            self.say("no service is selected")
        else:
            self.push_screen(LogsScreen(target.name))

    def action_theme(self) -> None:
        """Choose a theme."""
        from opsconsole.ui.screens.theme import ThemeScreen

        if not isinstance(self.screen, ThemeScreen):
            self.push_screen(ThemeScreen())

    def action_command_palette(self) -> None:
        """Open the palette."""
        from textual.command import CommandPalette

        from opsconsole.ui.palette import ConsoleCommands

        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(
                CommandPalette(providers=[ConsoleCommands], placeholder="command or service …")
            )
