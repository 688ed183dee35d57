"""What changed before a service or an alert first went wrong, the likeliest cause first.

Invariant: the question is bound to the service's name or the alert's key; the answer is computed
again only for a new snapshot. ``enter`` goes to the service of a row; nothing here acts.
"""

from typing import ClassVar

from textual import on

from opsconsole.engine.past.what_changed import before_alert, before_service
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.causes import Cause, Changes
from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.incident import causes_page as render
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import enter
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import ChangedPage, ServicePage
from opsconsole.ui.screens.incident.keys import TriageKeys
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.widgets.grid_table import GridTable, Listing

DETAILS = 7
"""Rows for the details of the row under the cursor."""

ROOMY = 30
"""From this height on the sentences on top have blank lines around them."""


class ChangedScreen(ListScreen, TriageKeys, inherit_bindings=False):
    """The answer for ``service``, or for the alert with the key ``alert``."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.DECLARE, Scope.TRIAGE, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "what changed"
    TABLE = "changed"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, *, service: str = "", alert: str = "") -> None:
        super().__init__()
        self._service = service
        self._alert = alert
        self._answer: Changes | None = None
        self._of: Snapshot | None = None
        self._rows: dict[str, Cause | Event | None] = {}

    @property
    def alert(self) -> Alert | None:
        """The alert in question, as long as a source reports it."""
        found = self.snapshot.alerts if self.snapshot else ()
        return next((each for each in found if self._alert and each.key == self._alert), None)

    @property
    def target(self) -> ServiceView | None:
        """The service of the row under the cursor, else the one in question."""
        snapshot, event = self.snapshot, self.event
        if snapshot is None:
            return None
        of_row = snapshot.service(event.service) if event is not None else None
        return of_row or snapshot.service(self._service)

    @property
    def event(self) -> Event | None:
        """The event under the cursor."""
        entry = self._rows.get(self.table.cursor_key or "") if self.is_mounted else None
        return entry.event if isinstance(entry, Cause) else entry

    def show_body(self) -> None:
        """Show the answer, then the details of the row under the cursor."""
        changes, width = self._changes(), self.table.size.width
        self.details.styles.height = min(DETAILS, max(4, self.size.height // 4))
        if changes is None:
            return
        places = {key: number for number, key in enumerate(self._rows, 1)}
        now, rows, reason = self.now, self._rows, render.reason_width(changes, width)
        self.table.list(
            Listing(
                self._top(changes, width),
                tuple(rows),
                lambda key: render.row(key, rows[key], places[key], width, now, reason),
                tuple(render.no_cause()),
            )
        )
        self._show_details()

    def _changes(self) -> Changes | None:
        snapshot = self.snapshot
        if snapshot is None or snapshot is self._of:
            return self._answer
        self._of, alert = snapshot, self.alert
        if alert is not None:
            self._answer = before_alert(snapshot, alert)
        else:
            self._answer = before_service(snapshot, self._service)
        self._rows = render.entries(self._answer)
        return self._answer

    def _top(self, changes: Changes, width: int) -> tuple[Line, ...]:
        space = (BLANK,) if self.size.height >= ROOMY else ()
        said = render.moment(changes, self.now)
        return (
            titled(render.title(changes), width, focused=True),
            *space,
            (Span(f"  {said}", Role.STRONG),),
            (Span(f"  {render.looked_at(changes)}", Role.MUTED),),
            *space,
        )

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        view = self.details
        width = view.size.width
        entry = self._rows.get(self.table.cursor_key or "")
        note: Line = (Span(f"{enter()} opens the service", Role.MUTED),) if entry else ()
        event = self.event
        about = (event.subject or event.service or event.kind.value) if event else ""
        view.show(render.details(entry, width, self.now), (titled(about, width, note=note),))

    # ---- keys ----

    def offers(self, key: Key) -> bool:
        """This screen says what changed; only a row can be opened."""
        if key.id == "open":
            return self.event is not None
        return key.id != "what-changed" and super().offers(key)

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """To the service of the row; never acts."""
        event, snapshot = self.event, self.snapshot
        if event is None or snapshot is None or snapshot.service(event.service) is None:
            self.say("this row belongs to no service")
            return
        self.console_app.open(ServicePage(event.service))

    def action_describe(self) -> None:
        """The same as open."""
        self.action_open()

    def action_move(self, rows: int) -> None:
        """Move over the headings."""
        self.table.move(rows)
        if (self.table.cursor_key or "").startswith(render.HEADING):
            self.table.move(1 if rows > 0 else -1)

    def action_match(self, step: int) -> None:
        """To the next likely cause."""
        self.table.seek(lambda key: isinstance(self._rows[key], Cause), step)

    def action_what_changed(self) -> None:
        """This screen is the answer; for the service of another row it opens a new one."""
        event = self.event
        if event is None or event.service in {"", self._service}:
            self.say(f"this is what changed: {enter()} goes to the service of a row")
            return
        self.console_app.open(ChangedPage(event.service))
