"""All events, the latest first, above the details of the row under the cursor.

Invariant: the selection is an event, never a row; a filter leaves events out and says so.
"""

from typing import ClassVar

from textual import on

from opsconsole.model.events import Event
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.incident.causes_page import described
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, titled
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.own_keys import enter
from opsconsole.render.timeline import rows as events
from opsconsole.render.timeline import selection as timeline
from opsconsole.render.timeline.selection import Choice, Kinds
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import ServicePage
from opsconsole.ui.screens.incident.keys import TriageKeys
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.prompt import Prompt

DETAILS = 6
_ROOMY = 100
_KINDS = tuple(Kinds)


class TimelineScreen(ListScreen, TriageKeys, inherit_bindings=False):
    """The timeline of the whole fleet."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.DECLARE, Scope.TRIAGE, Scope.TIMELINE, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "timeline"
    TABLE = "timeline-list"
    BINDINGS = bindings(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._choice = Choice()
        self._rows: dict[str, Event] = {}
        self._known: tuple[tuple[Event, ...], Choice] | None = None

    @property
    def event(self) -> Event | None:
        """The event under the cursor."""
        return self._rows.get(self.table.cursor_key or "") if self.is_mounted else None

    @property
    def target(self) -> ServiceView | None:
        """The service of the row under the cursor."""
        event, snapshot = self.event, self.snapshot
        return snapshot.service(event.service) if event and snapshot else None

    def show_body(self) -> None:
        """List the chosen events, then the details of the row under the cursor."""
        happened = self.snapshot.events if self.snapshot else ()
        width, now, rows = self.table.size.width, self.now, self._select(happened)
        self.details.styles.height = min(DETAILS, max(5, self.size.height // 5))
        opened = figures.when(self.console_app.opened_at, now).strip()
        since: Line = (Span(f"this console looks since {opened} · ", Role.MUTED),)
        note = (*(since if width >= _ROOMY else ()),
                *timeline.note(self._choice, len(rows), len(happened)))  # fmt: skip
        place = self.table.place
        tail = (*note, Span(f"  {place}", Role.MUTED)) if place else note
        self.table.list(
            Listing(
                (titled("Timeline", width, focused=True, note=tail),),
                tuple(rows),
                lambda key: events.row(rows[key], width, now, aged=True).line,
                tuple(timeline.nothing(self._choice)),
            )
        )
        self._show_details()

    def _select(self, happened: tuple[Event, ...]) -> dict[str, Event]:
        asked = (happened, self._choice)
        if self._known is None or self._known[0] is not happened or self._known[1] != self._choice:
            self._known = asked
            chosen = timeline.select(happened, self._choice)
            self._rows = {events.key(event): event for event in chosen}
        return self._rows

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        view, event = self.details, self.event
        width = view.size.width
        note: Line = (Span(f"{enter()} opens the service", Role.MUTED),) if self.target else ()
        lines = described(event, width, self.now) if event is not None else []
        about = (event.subject or event.service or event.kind.value) if event else ""
        view.show(lines, (titled(about, width, note=note),))

    # ---- keys ----

    def offers(self, key: Key) -> bool:
        """This screen is the timeline; only an event of a service leads anywhere."""
        if key.id in {"open", "what-changed"}:
            return self.target is not None
        return key.id != "timeline" and super().offers(key)

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """To the service of the row; never acts."""
        if self.target is None:
            self.say("this event belongs to no service")
            return
        self.console_app.open(ServicePage(self.target.name))

    def action_describe(self) -> None:
        """The same as open."""
        self.action_open()

    def action_match(self, step: int) -> None:
        """To the next event that is not good."""
        self.table.seek(lambda key: timeline.is_bad(self._rows[key]), step)

    def action_kinds(self) -> None:
        """Show only the next kind of events."""
        at = _KINDS.index(self._choice.kinds)
        self._choose(kinds=_KINDS[(at + 1) % len(_KINDS)])
        self.say(f"shown: {self._choice.kinds.value}")

    def action_only_service(self) -> None:
        """Only the service of the row, or all again."""
        if self._choice.service:
            self._choose(service="")
        elif self.target is not None:
            self._choose(service=self.target.name)
        else:
            self.say("this event belongs to no service")

    def action_filter(self) -> None:
        """Type a filter at the bottom."""
        text = self._choice.filter.text
        self.ask(Prompt(text, placeholder="filter: ! inverts, esc clears"))

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        with self.console_app.pressed(message.at):
            self._choose(filter_=Filter(message.text))

    def _choose(
        self,
        *,
        kinds: Kinds | None = None,
        service: str | None = None,
        filter_: Filter | None = None,
    ) -> None:
        before = self._choice
        self._choice = Choice(
            before.kinds if kinds is None else kinds,
            before.filter if filter_ is None else filter_,
            before.service if service is None else service,
        )
        self.show_body()

    def action_back(self) -> None:
        """Show all again; then go back to the previous screen."""
        if self._choice.is_all:
            self.dismiss()
        else:
            self._choice = Choice()
            self.show_body()
