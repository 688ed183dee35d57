"""The backups of a service as a table with a cursor.

Invariant: the list is requested and shown when it arrives; until then a line says that it is
loading. Nothing is read here.
"""

from opsconsole.model.asked.backups import BackupState, BackupView
from opsconsole.model.operation import Refusal
from opsconsole.render import backups as render
from opsconsole.render.ink.cells import Line
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class BackupList(GridTable):
    """What is known about the backups of ``service``."""

    def __init__(self, service: str, *, id: str) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._service = service
        self._backups: dict[str, BackupView] = {}
        self._refusal: Refusal | None = None
        self._is_loading = True
        self._checking: set[str] = set()

    @property
    def under_cursor(self) -> BackupView | None:
        """The backup under the cursor."""
        return self._backups.get(self.cursor_key or "")

    @property
    def restorable(self) -> BackupView | None:
        """The backup under the cursor, unless it is damaged."""
        found = self.under_cursor
        return None if found is None or found.state is BackupState.DAMAGED else found

    def checks(self, backup: str) -> None:
        """Show that ``backup`` is being verified."""
        self._checking.add(backup)

    def take(self, answer: tuple[BackupView, ...] | Refusal) -> None:
        """The list has arrived, or why there is none."""
        self._is_loading = False
        self._refusal = answer if isinstance(answer, Refusal) else None
        self._backups = {} if isinstance(answer, Refusal) else {each.id: each for each in answer}

    def compared(self, backup: str, answer: BackupView | Refusal) -> str:
        """Take the result of comparing ``backup`` with its hashes. Returns the notice."""
        self._checking.discard(backup)
        if isinstance(answer, Refusal):
            return f"{backup} could not be compared: {answer}"
        self._backups[backup] = answer
        if answer.fault:
            return f"{backup} is damaged: {answer.fault}"
        return f"{backup} is verified: every byte is as it was written"

    def show(self, top: tuple[Line, ...], now: float) -> None:
        """Update the rows below the fixed lines ``top``."""
        width = self.size.width
        empty = render.nothing(self._service, self._refusal, width, loading=self._is_loading)
        heads = (*top, render.header(width)) if self._backups else top
        self.list(
            Listing(
                heads,
                tuple(self._backups),
                lambda key: render.row(
                    self._backups[key], width, now, checking=key in self._checking
                ),
                tuple(empty),
            )
        )
