"""One host, engine or cluster in full.

Invariant: the screen is bound to the place's key; when nothing reads that place any more it says
so. Enter opens the service of the row under the cursor, and never acts.
"""

from typing import ClassVar

from textual.app import ComposeResult

from opsconsole.model.snapshot import ServiceView
from opsconsole.render import place_page as render
from opsconsole.render import resources
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import ServicePage
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.header_bar import HeaderBar


class PlaceScreen(ListScreen, inherit_bindings=False):
    """A table of all that is known of it."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.TRIAGE, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "place"
    TABLE = "place"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def compose(self) -> ComposeResult:
        """The table alone."""
        yield HeaderBar(id="header")
        yield GridTable(id=self.TABLE)
        yield FooterBar(id="footer")

    @property
    def target(self) -> ServiceView | None:
        """The service that the row under the cursor is, or is of."""
        snapshot = self.snapshot
        key = self.table.cursor_key if self.is_mounted else None
        if snapshot is None or key is None:
            return None
        kind, _, name = key.partition(":")
        return snapshot.service(name if kind == "service" else resources.owner(snapshot, key))

    def show_body(self) -> None:
        """Everything known of it."""
        width, snapshot = self.table.size.width, self.snapshot
        found = render.rows(snapshot, self._key, width, self.now) if snapshot is not None else []
        lines = {row.key: row.line for row in found}
        gone = (Span("  nothing reads this place any more", Role.UNKNOWN),)
        note = (Span(self.table.place, Role.MUTED),)
        top = (titled(render.title(self._key), width, focused=True, note=note), BLANK)
        self.table.list(Listing(top, tuple(lines), lines.__getitem__, (gone,)))

    def action_open(self) -> None:
        """To the service of the row."""
        target = self.target
        if target is None:
            self.say("this row belongs to no service")
        else:
            self.console_app.open(ServicePage(target.name))

    def action_match(self, step: int) -> None:
        """Go to the next row that is not ok."""
        self.say("what is not ok stands first in each part")
