"""The choice of a theme, with the screen behind as its preview.

Invariant: moving previews, enter keeps, esc restores the old theme.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from opsconsole.model.state import State
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, fit, state_role, titled
from opsconsole.ui import theme_loader
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.themes import BUILT_IN, Palette
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class ThemeScreen(Dialog, inherit_bindings=False):
    """A list of themes."""

    TITLE_OF_HELP = "theme"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape,q", "drop", "keep the old one", show=False, id="theme-drop"),
        Binding("j,down", "move(1)", "down", show=False, id="theme-down"),
        Binding("k,up", "move(-1)", "up", show=False, id="theme-up"),
        Binding("enter", "keep", "keep this one", show=False, id="theme-keep"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._palettes: dict[str, Palette] = dict(BUILT_IN)
        self._before: Palette | None = None
        self._problem = ""

    def compose(self) -> ComposeResult:
        """One table."""
        with Vertical(id="box"):
            yield GridTable(id="menu")

    def on_mount(self) -> None:
        """Remember the old theme; read the others in the background."""
        self._before = self.console_app.role_styles.palette
        self._palettes.setdefault(self._before.name, self._before)
        self.query_one(GridTable).focus()
        # Taken here: a screen that was closed meanwhile has no app any more.
        app = self.app
        theme_loader.load(lambda found, problem: app.call_later(self._take, found, problem))
        super().on_mount()

    def _take(self, found: dict[str, Palette], problem: str) -> None:
        if not self.is_attached:
            return
        self._palettes.update(found)
        self._problem = problem
        self.show()

    def show(self) -> None:
        """The names, each with its states."""
        if not self.query(GridTable):
            return
        table = self.query_one(GridTable)
        width = max(20, min(84, int(self.size.width * 0.96)) - 4)
        rows = len(self._palettes) + 4
        table.styles.height = min(rows, max(6, self.size.height - 6))
        note = (Span("enter keeps, esc goes back", Role.MUTED),)
        top = [titled("theme", width, focused=True, note=note)]
        top.append((Span(f" {self._problem}", Role.UNKNOWN),) if self._problem else BLANK)
        table.list(Listing(tuple(top), tuple(sorted(self._palettes)), self._line))

    def _line(self, name: str) -> Line:
        here = name == self.console_app.role_styles.palette.name
        spans = [Span(f" {'▸' if here else ' '} {fit(name, 24)}", Role.TEXT)]
        if here:
            for state in State:
                spans.append(Span(f"{state.glyph} {state.value}  ", state_role(state)))
        return tuple(spans)

    def action_move(self, rows: int) -> None:
        """Move the cursor, and show that theme."""
        self.query_one(GridTable).move(rows)

    @on(GridTable.CursorMoved)
    def _moved(self, message: GridTable.CursorMoved) -> None:
        wanted = self._palettes.get(message.table.cursor_key or "")
        if wanted is not None and message.table.touched:
            self.console_app.use_palette(wanted)
            self.show()

    @on(GridTable.Opened)
    def action_keep(self) -> None:
        """Keep what is shown."""
        self.dismiss()

    def action_drop(self) -> None:
        """Restore the old theme."""
        if self._before is not None:
            self.console_app.use_palette(self._before)
        self.dismiss()
