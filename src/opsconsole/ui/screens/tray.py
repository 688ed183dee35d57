"""The tray: what was found and is not watched, to be taken over or never offered again.

Invariant: nothing in it counts among the services; it opens by itself only where there is no
configuration at all. What taking over would write is on the screen before it is written.
"""

from typing import ClassVar

from textual import on

from opsconsole.config.offers import Offer
from opsconsole.render import tray as render
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.render.ink.own_keys import key_of
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class TrayScreen(ListScreen, inherit_bindings=False):
    """A table of what was found, and below it what would be written."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.TRAY, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "tray"
    TABLE = "tray"
    BINDINGS = bindings(*SCOPES)

    @property
    def offer(self) -> Offer | None:
        """What is under the cursor."""
        key = self.table.cursor_key if self.is_mounted else None
        return next((each for each in self.console_app.tray.offers if each.key == key), None)

    def offers(self, key: Key) -> bool:
        """The keys of what is under the cursor, if there is anything."""
        return super().offers(key) and (key.scope is not Scope.TRAY or self.offer is not None)

    def show_body(self) -> None:
        """Fill the table, then what would be written."""
        tray, width = self.console_app.tray, self.table.size.width
        found = {each.key: each for each in tray.offers}
        self.table.styles.height = max(5, min(len(found) + 3, (self.size.height - 3) // 2))
        first = tray.finder is not None and tray.finder.is_first
        how = f"{key_of('take', 'space')} takes one over, {key_of('never', '!')} never again"
        said = f"{len(found)} found here: take them over? {how}" if first and found else (
            f"{len(found)} found, not watched"
        )  # fmt: skip
        note = (Span(f"{said}  {self.table.place}".rstrip(), Role.MUTED),)
        self.table.list(
            Listing(
                (titled("Found", width, focused=True, note=note), BLANK),
                tuple(found),
                lambda key: render.row(found[key], width),
                tuple(render.nothing(tray.looked)),
            )
        )
        self._show_details()

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        self.query_one(FooterBar).show_hints(self.hints())
        view, offer, finder = self.details, self.offer, self.console_app.tray.finder
        if offer is None or finder is None:
            view.show([])
            return
        top = titled(offer.name, view.size.width)
        lines = render.difference(offer, finder.file_of(offer), first=finder.is_first)
        view.show(lines, (top, BLANK))

    # ---- keys ----

    def action_open(self) -> None:
        """Read what would be written: the keys go to the details, and back."""
        (self.table if self.details.has_focus else self.details).focus()

    def action_take(self) -> None:
        """Take over what is under the cursor."""
        offer = self.offer
        if offer is None:
            self.say("nothing is under the cursor")
        elif self.console_app.read_only:
            self.say("read-only: the lines below can be written by hand")
        elif offer.blocked:
            self.say(offer.blocked)
        else:
            self.console_app.tray.take(offer)

    def action_never(self) -> None:
        """Never offer again what is under the cursor."""
        offer = self.offer
        if offer is None:
            self.say("nothing is under the cursor")
            return
        self.console_app.tray.ignore(offer)
        self.say(f"{offer.name} is not offered again")
        self.show()

    def action_look_again(self) -> None:
        """Look at what runs here once more."""
        self.console_app.tray.look()
        self.say("looking at what runs here")
