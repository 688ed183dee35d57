"""The keys of the previous screen, made from its bindings."""

from typing import ClassVar

from textual.app import ComposeResult

from opsconsole.render.frame import keys
from opsconsole.render.frame.help import HelpEntry, page
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView


class HelpScreen(ConsoleScreen, inherit_bindings=False):
    """Invariant: shows the present keys, including remapped ones."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "help"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, title: str, scopes: tuple[Scope, ...]) -> None:
        super().__init__()
        self._about = title
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """One page."""
        yield HeaderBar(id="header")
        yield LinesView(id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one(LinesView).focus()
        super().on_mount()

    def show_body(self) -> None:
        """The keys by group; the panel keys one to nine are one entry."""
        view = self.query_one(LinesView)
        keymap = self.console_app.keymap
        entries = [
            HelpEntry(keys.with_keymap(key, keymap), key.help, key.group.value)
            for key in keys.reachable(self._scopes)
            if not key.id.startswith(("panel-", "view-")) or not key.id[-1].isdigit()
        ]
        entries.append(HelpEntry("1 … 9", "to a panel or tab by its number", "move"))
        if keys.Scope.OVERVIEW in self._scopes:
            entries.append(HelpEntry("alt-1 … alt-9", "a saved view by its number", "look"))
        view.show(page(entries, view.size.width), (BLANK, BLANK))
        place = f"{view.place} · " if view.place else ""
        note = (Span(f"{place}esc goes back", Role.MUTED),)
        top = titled(f"Keys · {self._about}", view.size.width, focused=True, note=note)
        view.show(page(entries, view.size.width), (top, BLANK))

    def action_move(self, rows: int) -> None:
        """Scroll."""
        self.query_one(LinesView).move(rows)
        self.show_body()

    def action_edge(self, end: int) -> None:
        """To the beginning or the end."""
        self.query_one(LinesView).move_to(10**9 if end else 0)
        self.show_body()

    def action_page(self, pages: float) -> None:
        """Scroll by screens."""
        self.query_one(LinesView).page(pages)
        self.show_body()
