"""Remedies and where each stands, what they saw and did, the report, and what is worked on.

Invariant: it is read; what is asked for opens its plan, and K stops what is about to begin.
"""

from typing import ClassVar

from opsconsole.render.automation.page import page_lines
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, titled
from opsconsole.ui import automation
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.layouts import PageScreen


class AutomationScreen(PageScreen, inherit_bindings=False):
    """One page."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.OPEN, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "automation"
    BINDINGS = bindings(*SCOPES)

    def offers(self, key: Key) -> bool:
        """Enter opens the plan of what is asked for, where something is."""
        snapshot = self.snapshot
        asking = snapshot is not None and snapshot.automation and snapshot.automation.asking
        if key.id == "open":
            return bool(asking)
        return key.id != "describe" and super().offers(key)

    def show_body(self) -> None:
        """All of it, wrapped to the width."""
        width, snapshot = self.page.size.width, self.snapshot
        lines = page_lines(snapshot, width, self.now) if snapshot else []
        self.page.show(lines, (titled("Automation", width, focused=True), BLANK))

    def action_open(self) -> None:
        """Open the plan of what is asked for."""
        automation.open_asked(self.console_app)

    def action_describe(self) -> None:
        """The same as what enter opens."""
        automation.open_asked(self.console_app)
