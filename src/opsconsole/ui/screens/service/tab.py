"""The base of the service screen's tabs: a widget that fills the screen below the tabs' names.

Invariant: a tab is created when it is first opened, shows the data that it is given, and does
nothing while it is hidden. To add one: a class below, named once in ``tabs.all_tabs``.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, cast

from textual.binding import Binding

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import Line, Role, Span, plain
from opsconsole.render.ink.own_keys import key_of
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.line_widget import LineWidget
from opsconsole.ui.widgets.lines_view import LinesView
from opsconsole.ui.widgets.prompt import Prompt

Bindings = list[Binding | tuple[str, str] | tuple[str, str, str]]
"""The type of ``BINDINGS``, which a tab with its own keys makes with ``bindings(*SCOPES)``."""


class Shown(NamedTuple):
    """What to show: the service and the snapshot, at one moment.

    ``width`` and ``height`` are the cells below the fixed lines on top.
    """

    service: ServiceView
    snapshot: Snapshot
    now: float
    width: int
    height: int


class ServiceTab(LineWidget):
    """One tab. Subclasses are created with only the service's name.

    ``NAME`` is its name. ``SCOPES`` are the scopes of its own keys: they are bound on the tab, take
    precedence over the screen's, and are in the footer, the help and the palette while the tab is
    visible. ``LIVE``: it shows the present whatever moment is replayed, and the screen says so.
    """

    LIVE: ClassVar[bool] = False
    NAME: ClassVar[str] = ""
    SCOPES: ClassVar[tuple[Scope, ...]] = ()

    def __init__(self, service: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.service_name = service

    @property
    def host(self) -> ConsoleScreen:
        """The screen that it belongs to, which shows notices and prompts and opens plans."""
        return cast(ConsoleScreen, self.screen)

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """Update the tab below the lines ``top``; ``shown`` is None if the service is gone.

        Called with each snapshot, each second, and when the size has changed.
        """

    def opened(self) -> None:
        """The tab became visible."""

    def closed(self) -> None:
        """The tab was hidden, or the screen was left."""

    def offers(self, key: Key) -> bool:
        """Whether the footer shows ``key``, its own or the screen's, at present."""
        del key
        return True

    @classmethod
    def badge(cls, shown: Shown) -> str:
        """A word after the tab's name, such as a count; '' for none. Must be cheap: called for all
        tabs."""
        del shown
        return ""

    def back(self) -> bool:
        """Undo what was typed here; False when there is nothing to undo."""
        return False

    def pause(self) -> bool:
        """Hold what is shown here, or continue; False leaves it to the whole console."""
        return False

    @property
    def copy_meant(self) -> str | None:
        """The copy that the row under the cursor is about, '' for none; None where it is gone."""
        return ""

    # ---- what keys of all tabs do ----

    def move(self, rows: int) -> None:
        """Move or scroll by ``rows``."""

    def move_to(self, position: int) -> None:
        """Move or scroll to a row."""

    def page(self, pages: float) -> None:
        """Move or scroll by that many screens."""

    def next_match(self, step: int) -> None:
        """Go to the next line that contains the searched text."""

    def prompt(self) -> Prompt | None:
        """The prompt that ``/`` opens; None if there is nothing to search."""
        return None

    def typed(self, text: str) -> None:
        """Take that prompt's text, after each key."""

    def raw(self) -> None:
        """Switch to the raw form or back; tabs without one leave it to the copies tab."""

    @property
    def copied(self) -> str:
        """What the copy key copies."""
        return ""


class LinesTab(LinesView, ServiceTab):
    """A tab to read: subclasses return its ``lines``."""

    def __init__(self, service: str) -> None:
        super().__init__(id=f"tab-{self.NAME}")
        self.service_name = service

    def lines(self, shown: Shown) -> Sequence[Line]:
        """All lines of the tab; pure and quick."""
        raise NotImplementedError

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """Show the lines, or that the service is gone."""
        if shown is None:
            gone: Line = (Span("  this service is not in the latest snapshot", Role.UNKNOWN),)
            self.show([gone], top)
        else:
            self.show(self.lines(shown), top)

    def prompt(self) -> Prompt | None:
        """Search the lines."""
        further, back = key_of("next-match", "n"), key_of("previous-match", ",")
        return Prompt(placeholder=f"search: {further} next · {back} previous")

    def typed(self, text: str) -> None:
        """Mark the matches."""
        self.search(text)

    @property
    def copied(self) -> str:
        """All of it."""
        return plain(self.whole)
