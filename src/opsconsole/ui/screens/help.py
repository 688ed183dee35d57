"""The keys of the previous screen, made from its bindings."""

from typing import ClassVar

from textual.app import ComposeResult

from opsconsole.render.frame import keys
from opsconsole.render.frame.help import HelpEntry, first_page, page, words
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import esc, key_of
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView


class HelpScreen(ConsoleScreen, inherit_bindings=False):
    """Invariant: shows the present keys, including remapped ones."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.HELP, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "help"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, title: str, scopes: tuple[Scope, ...], offered: tuple[str, ...]) -> None:
        super().__init__()
        self._about = title
        self._scopes = scopes
        self._offered = offered
        self._all = False

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
        """The keys of most use, or all by group; the panel keys one to nine are one entry."""
        view = self.query_one(LinesView)
        lines = self._lines(view.size.width)
        view.show(lines, (BLANK, BLANK))
        place = f"{view.place} · " if view.place else ""
        note = (
            Span(
                f"{place}{key_of('help-all', 'tab')} {self._more} · {esc()} goes back",
                Role.MUTED,
            ),
        )
        top = titled(f"Keys · {self._about}", view.size.width, focused=True, note=note)
        view.show(lines, (top, BLANK))

    @property
    def _more(self) -> str:
        return "those of most use" if self._all else "all keys"

    def label_of(self, key: keys.Key) -> str:
        """What tab shows next."""
        return self._more if key.id == "help-all" else super().label_of(key)

    def offers(self, key: keys.Key) -> bool:
        """There is no help on help."""
        return key.id != "help" and super().offers(key)

    def _lines(self, width: int) -> list[Line]:
        if not self._all:
            most = keys.of_most_use(self._scopes, self._offered)
            return first_page(map(self._entry, most), width)
        entries = [
            self._entry(key)
            for key in keys.reachable(self._scopes)
            if not key.id.startswith(("panel-", "view-")) or not key.id[-1].isdigit()
        ]
        entries.append(HelpEntry("1 … 9", "to a panel or tab by its number", "move"))
        if Scope.OVERVIEW in self._scopes:
            entries.append(HelpEntry("alt-1 … alt-9", "a saved view by its number", "look"))
        return page([*entries, *words()], width)

    def _entry(self, key: keys.Key) -> HelpEntry:
        shown = keys.with_keymap(key, self.console_app.keymap)
        return HelpEntry(shown, key.help, key.group.value)

    def action_all(self) -> None:
        """All keys, or those of most use."""
        self._all = not self._all
        self.query_one(LinesView).move_to(0)
        self.show()

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
