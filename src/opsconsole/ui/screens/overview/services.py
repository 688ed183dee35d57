"""The table of services: rows under headings that fold, sorted, filtered, and what is chosen.

Invariant: its cursor is on a key of ``rows``; only a service can be chosen.
"""

from collections.abc import Callable

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import operations
from opsconsole.render.empty_panels import nothing_to_show
from opsconsole.render.fleet import headings
from opsconsole.render.fleet.rows import Alike, Heading, Row, Rows, is_trouble
from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.render.ink.figures import age, span
from opsconsole.render.ink.matching import NOTHING
from opsconsole.render.ink.once import once_for_the_same
from opsconsole.render.overview import Panel
from opsconsole.render.service import columns as grid
from opsconsole.render.service.table import alert_counts
from opsconsole.ui.contracts import console_of
from opsconsole.ui.screens.overview.rows import ServiceRows
from opsconsole.ui.widgets.grid_table import GridTable, Listing

ROOM_FOR_WINDOW = 72
FOLDED_LINES = 3
"""So many lines of folded groups have room before the panels below."""
TOP = 2
"""Lines above the services: the title and the headings of columns."""


@once_for_the_same
def _longest_name(services: tuple[ServiceView, ...]) -> int:
    return max((len(service.name) for service in services), default=20)


@once_for_the_same
def _urgent(listed: Rows) -> int:
    return sum(map(is_trouble, listed.rows.values()))


class ServicesTable(GridTable):
    """``choice`` is what the user wants to see, ``figures`` the columns of it, if not the usual."""

    def __init__(self) -> None:
        super().__init__(id=Panel.SERVICES, selects=True)
        self.choice = ServiceRows()
        self.figures: tuple[str, ...] = ()
        self._listed = Rows()

    @property
    def row(self) -> Row | None:
        """What is under the cursor."""
        return self._listed.rows.get(self.cursor_key or "")

    def listed(self, snapshot: Snapshot | None, width: int) -> Rows:
        """The rows on a screen of ``width`` cells; the one under the user's cursor stays."""
        held = (self.cursor_key or "") if self.touched else ""
        wide = width >= headings.ROOMY
        self._listed = self.choice.of(snapshot, headings=wide, held=held)
        return self._listed

    def lines(self, snapshot: Snapshot, width: int) -> tuple[int, int]:
        """How many lines the rows have, and how many of them need room before anything else."""
        listed = self.listed(snapshot, width)
        alone = len(listed.rows) - len(listed.beside)
        folded = len(headings.beside(listed, width))
        return alone + folded, _urgent(listed) + min(folded, FOLDED_LINES)

    def fill(
        self, snapshot: Snapshot | None, window: float, now: float, titled: Callable[[Line], Line]
    ) -> None:
        """Show the rows; ``titled`` makes the title with a note."""
        listed = self.listed(snapshot, self.screen.size.width)
        columns, width = self.columns(snapshot, window), self.size.width
        counts = alert_counts(snapshot.alerts) if snapshot is not None else {}
        plain = self.choice.filter.plain
        context = grid.Context(
            now, window, counts, operations.beside_rows(snapshot, now),
            NOTHING if plain.empty else plain,
        )  # fmt: skip
        shared = frozenset(listed.beside)
        names = headings.name_width(headings.folded(listed), width)

        def line(key: str) -> Line:
            row = listed.rows[key]
            match row:
                case Heading() if key in shared:
                    return headings.folded_line(row, names)
                case Heading():
                    return headings.heading_line(row, columns, width)
                case Alike():
                    return headings.alike_line(row, columns, context)
                case _:
                    return grid.row(row, columns, context)

        title = titled(self._note(snapshot, window))
        tight = (
            width < headings.ROOMY and listed.beside and len(listed.rows) + TOP > self.size.height
        )
        self.list(
            Listing(
                (title,) if tight else (title, grid.header(columns, self.choice.sort)),
                tuple(listed.rows),
                line,
                tuple(nothing_to_show(Panel.SERVICES, snapshot, self.choice.ways_back)),
                headings.beside(listed, width),
                listed.first_service,
            )
        )

    def columns(self, snapshot: Snapshot | None, window: float) -> tuple[grid.Column, ...]:
        """The columns that fit."""
        longest = _longest_name(snapshot.services if snapshot is not None else ())
        return grid.columns_for(self.size.width, longest, window, self.figures)

    def _note(self, snapshot: Snapshot | None, window: float) -> Line:
        note = self.choice.note(len(self.chosen))
        if snapshot is not None and self._listed.beside:
            note = (*note, Span(headings.summary(self._listed, snapshot), Role.MUTED))
        elif self.size.width >= ROOM_FOR_WINDOW:
            axis = console_of(self.app).time_axis
            over = f"{age(axis.seen)} so far" if axis.grows else span(window)
            note = (*note, Span(f"p95 over {over} ", Role.MUTED))
        return note

    def seek_trouble(self, step: int) -> bool:
        """Go to the next row of something that is not well. Returns whether there is one."""
        rows = self._listed.rows
        self.seek(lambda key: key in rows and is_trouble(rows[key]), step)
        return any(map(is_trouble, rows.values()))

    def toggle(self) -> None:
        """Choose or unchoose the service under the cursor."""
        if isinstance(self.row, ServiceView):
            super().toggle()
