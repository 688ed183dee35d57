"""The why tab: the verdict, its explanations with their facts, and what can be done about it.

Invariant: enter on a fact goes to where it is from; on a remedy it asks for the plan, as its key
does. Nothing starts from here.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual import on

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.runbooks.runbook import of_alert
from opsconsole.render.alerts.rows import offers, standing
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, plain, wrap
from opsconsole.render.ink.own_keys import enter, key_of
from opsconsole.render.service.diagnosis import Leads, WhyRow, rows
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import RunbookPage, ServicePage
from opsconsole.ui.screens.service.tab import Bindings, ServiceTab, Shown
from opsconsole.ui.widgets.grid_table import GridTable, Listing

_TEXT: Final = 2
"""Lines of an alert's own text."""


class WhyTab(GridTable, ServiceTab):
    """``began`` is the alert from which it was opened: its text and its runbook stand on top."""

    NAME: ClassVar[str] = "why"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.OPEN,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    began: Alert | None = None

    def __init__(self, service: str) -> None:
        super().__init__(id="tab-why")
        self.service_name = service
        self._held: dict[str, WhyRow] = {}

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """The whole page."""
        if shown is None:
            gone: Line = (Span("  this service is not in the latest snapshot", Role.UNKNOWN),)
            self._held = {}
            self.list(Listing(top, (), lambda _key: BLANK, (gone,)))
            return
        head = self._head(shown.snapshot.alerts, shown.width, shown.now)
        window = self.host.console_app.time_axis.window
        height = shown.height - len(head)
        found = rows(shown.service, shown.snapshot, shown.width, height, shown.now, window)
        held = self._held = {each.row.key: each for each in found}
        # Rows are drawn from what is listed with them, whatever is held meanwhile.
        self.list(Listing((*top, *head), tuple(held), lambda key: held[key].row.line))

    def _head(self, alerts: Iterable[Alert], width: int, now: float) -> tuple[Line, ...]:
        """The alert that led here, in its own words, as it is now."""
        if self.began is None:
            return ()
        key = self.began.key
        alert = next((each for each in alerts if each.key == key), self.began)
        over = alert.state is AlertState.RESOLVED
        said = standing(alert, now) if over else f"{figures.age(now - alert.since)} ago"
        name: Line = (
            Span(f" {alert.name}", Role.STRONG),
            Span(f"  began at {figures.zoned(alert.since)}, {said}", Role.MUTED),
        )
        about = alert.summary or alert.description
        text = [(Span(f" {part}"),) for part in wrap(about, max(8, width - 2))[:_TEXT]]
        books = self.host.console_app.bridge.latest
        book = of_alert(books.runbooks, alert) if books else None
        known = alert.runbook and f"runbook {alert.runbook}"
        if book is not None:
            title = book.title.replace("{service}", alert.service)
            known = f"{key_of('runbooks', 'b')} runbook {title}"
        keys = " · ".join(part for part in (*offers(alert), known) if part)
        below: tuple[Line, ...] = ((Span(clip(f" {keys}", width), Role.MUTED),),) if keys else ()
        return (name, *text, *below, BLANK)

    def next_match(self, step: int) -> None:
        """To the next fact or remedy."""
        self.seek(lambda key: self._leads(self._held.get(key)), step)

    def _leads(self, row: WhyRow | None) -> bool:
        """Whether enter opens something; a row that was listed when the key came may be gone."""
        return row is not None and (row.leads is not Leads.NOWHERE or row.remedy is not None)

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """To where the fact is from, or to the plan of the remedy."""
        row = self._held.get(self.cursor_key or "")
        if row is None or not self._leads(row):
            self.host.say(
                f"{enter()} opens a fact or a remedy: {key_of('next-match', 'n')} goes to the next"
            )
        elif row.remedy is not None:
            self._do(row)
        elif row.leads is Leads.SERVICE:
            self.host.console_app.open(ServicePage(row.subject))
        else:
            self.host.console_app.open(ServicePage(self.service_name, tab=row.leads.value))

    def action_describe(self) -> None:
        """The copies of the service."""
        self.host.console_app.open(ServicePage(self.service_name, tab=Leads.COPIES.value))

    def _do(self, row: WhyRow) -> None:
        remedy, target = row.remedy, self.host.target
        if remedy is None or target is None:
            return
        if remedy.action is None:
            self.host.console_app.open(RunbookPage(remedy.runbook, target.name))
        elif not self.host.refuses():
            self.host.console_app.changes.request((target,), remedy.action)

    @property
    def copied(self) -> str:
        """All of it."""
        return plain(each.row.line for each in self._held.values())
