"""A list of runbooks with a cursor, of one service or of all.

Invariant: the cursor stays on a runbook; opening one runs nothing.
"""

from opsconsole.model.snapshot import Snapshot
from opsconsole.render import runbooks as render
from opsconsole.render.ink.cells import Line
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class RunbookList(GridTable):
    """``service`` is '' for the runbooks of every service."""

    def __init__(self, service: str, *, id: str) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._service = service
        self._items: dict[str, render.Listed] = {}

    @property
    def under_cursor(self) -> render.Listed | None:
        """The runbook that keys act on."""
        return self._items.get(self.cursor_key or "")

    def show_runbooks(
        self, top: tuple[Line, ...], snapshot: Snapshot | None, width: int, now: float
    ) -> None:
        """Update the rows."""
        known = snapshot.runbooks if snapshot else ()
        environment = snapshot.environment.name if snapshot else ""
        found = render.listed(known, self._service, environment)
        self._items = {item.key: item for item in found}

        def line(key: str) -> Line:
            item = self._items[key]
            run = render.run_of(snapshot, item.runbook.name, item.service)
            return render.list_row(item, run, width, now)

        empty = tuple(render.none_listed(self._service))
        self.list(Listing(top, tuple(self._items), line, empty))
