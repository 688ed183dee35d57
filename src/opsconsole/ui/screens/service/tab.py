"""What a tab of the service screen is: a widget that fills the screen below the tabs' names.

Invariant: a tab is made when it is first turned to, shows what it is given, and does nothing
while it is out of sight. To add one: a class below, named once in ``service_tabs.all_tabs``.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, cast

from textual.binding import Binding

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.ink.cells import Line, Role, Span, plain
from opsconsole.render.keys import Key, Scope
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.line_widget import LineWidget
from opsconsole.ui.widgets.lines_view import LinesView
from opsconsole.ui.widgets.prompt import Prompt

Bindings = list[Binding | tuple[str, str] | tuple[str, str, str]]
"""The type of ``BINDINGS``, which a tab with keys of its own makes with ``bindings(*SCOPES)``."""


class Sight(NamedTuple):
    """What is to be shown: the service and all else, at one moment.

    ``width`` and ``height`` are the cells below the fixed lines on top.
    """

    service: ServiceView
    snapshot: Snapshot
    now: float
    width: int
    height: int


class ServiceTab(LineWidget):
    """One tab. Subclasses are made with the service's name alone.

    ``NAME`` is its name, ``SHORT`` the four letters of narrow screens. ``SCOPES`` are the scopes of
    its own keys: they are bound on the tab, go before the screen's, and stand in the footer, the
    help and the palette while the tab is in sight. ``LIVE``: it shows the present whatever moment
    is replayed, and the screen says so.
    """

    LIVE: ClassVar[bool] = False
    NAME: ClassVar[str] = ""
    SHORT: ClassVar[str] = ""
    SCOPES: ClassVar[tuple[Scope, ...]] = ()

    def __init__(self, service: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.service_name = service

    @property
    def host(self) -> ConsoleScreen:
        """The screen that it is on: says things, asks for lines, opens plans."""
        return cast(ConsoleScreen, self.screen)

    def show_tab(self, top: tuple[Line, ...], sight: Sight | None) -> None:
        """Bring the tab up to date below the lines ``top``; None where the service is gone.

        Called with each snapshot, each second, and when the size has changed.
        """

    def opened(self) -> None:
        """It came into sight."""

    def closed(self) -> None:
        """Another tab took its place, or the screen is left."""

    def offers(self, key: Key) -> bool:
        """Whether the footer shows ``key``, one of its own or of the screen, at present."""
        del key
        return True

    @classmethod
    def badge(cls, sight: Sight) -> str:
        """A word behind the tab's name, such as a count; '' for none. Cheap: always asked."""
        del sight
        return ""

    def back(self) -> bool:
        """Undo what was typed here; False when there is nothing to undo."""
        return False

    def pause(self) -> bool:
        """Hold what is shown here, or go on; False leaves it to the whole console."""
        return False

    # ---- what keys of all tabs do ----

    def move(self, rows: int) -> None:
        """Move or scroll by ``rows``."""

    def move_to(self, position: int) -> None:
        """Move or scroll to a row."""

    def page(self, pages: float) -> None:
        """Move or scroll by so many screens."""

    def next_match(self, step: int) -> None:
        """To the next line that holds what was searched for."""

    def prompt(self) -> Prompt | None:
        """The line that ``/`` opens; None where there is nothing to search."""
        return None

    def typed(self, text: str) -> None:
        """What stands in that line, after each key."""

    def raw(self) -> None:
        """What it shows as it came, or back; tabs without this leave it to the health tab."""

    @property
    def copied(self) -> str:
        """What the copy key copies."""
        return ""


class LinesTab(LinesView, ServiceTab):
    """A tab that is read: subclasses say its ``lines``."""

    def __init__(self, service: str) -> None:
        super().__init__(id=f"tab-{self.NAME}")
        self.service_name = service

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All lines of the tab; pure and quick."""
        raise NotImplementedError

    def show_tab(self, top: tuple[Line, ...], sight: Sight | None) -> None:
        """Show the lines, or that the service is gone."""
        if sight is None:
            gone: Line = (Span("  this service is not in what was last read", Role.UNKNOWN),)
            self.show([gone], top)
        else:
            self.show(self.lines(sight), top)

    def prompt(self) -> Prompt | None:
        """Search the lines."""
        return Prompt(placeholder="search: n next, P previous")

    def typed(self, text: str) -> None:
        """Mark what holds it."""
        self.search(text)

    @property
    def copied(self) -> str:
        """All of it."""
        return plain(self.whole)
