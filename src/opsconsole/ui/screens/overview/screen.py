"""The first screen: the whole fleet, failing services first, with what explains them beside it.

Invariant: the selection is a service's name, never a row; all panels show the same snapshot.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.operation import ActionKind
from opsconsole.model.snapshot import ServiceView
from opsconsole.render import operations, places, resources
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.empty_panels import nothing_to_show
from opsconsole.render.fleet.members import members_lines
from opsconsole.render.fleet.rows import Alike, Heading
from opsconsole.render.frame.header import too_small_lines
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.overview import Panel, Placement, arrange, too_small, zoomed
from opsconsole.render.selected import selected_lines
from opsconsole.render.service import columns as grid
from opsconsole.render.timeline import rows as events
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import AlertPage, PlacePage, ServicePage
from opsconsole.ui.screens.overview.look_keys import LookKeys
from opsconsole.ui.screens.overview.rows import AlertRows, EventRows
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.line_widget import LineWidget

LIKELY_SERVICES = 9
"""How many services to make room for before the first snapshot."""
ROOM_TO_BREATHE = 5
STRIPS = 3
TALL = 36
"""Rows of a screen from which on up to ``STRIPS`` operations have a line above the keys."""


class OverviewScreen(LookKeys, inherit_bindings=False):
    """Services, alerts, the selected service, resources and the timeline."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.DECLARE, Scope.TRIAGE, Scope.OVERVIEW, Scope.ALERTS, Scope.OPEN, Scope.CHANGE,
        Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "overview"
    BINDINGS = bindings(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._unfolded: frozenset[str] = frozenset()
        self._alerts = AlertRows()
        self._events = EventRows()
        self._zoomed: Panel | None = None
        self._placements: tuple[Placement, ...] = ()
        self._below = 0

    def compose(self) -> ComposeResult:
        """All panels; the place of each is computed for the present size."""
        yield HeaderBar(id="header")
        yield self._services
        yield GridTable(id=Panel.ALERTS)
        yield LineWidget(id=Panel.SELECTED)
        yield GridTable(id=Panel.PLACES)
        yield GridTable(id=Panel.TIMELINE)
        yield LineWidget(id="under-way")
        yield LineWidget(id="too-small")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the services first."""
        self.table(Panel.SERVICES).focus()
        super().on_mount()

    def table(self, panel: Panel) -> GridTable:
        """The table of a panel."""
        return self.query_one(f"#{panel}", GridTable)

    @property
    def focused_panel(self) -> Panel:
        """The panel that keys go to."""
        name = self.focused.id if self.focused is not None else None
        return Panel(name) if name in set(Panel) else Panel.SERVICES

    @property
    def target(self) -> ServiceView | None:
        """The service under the cursor."""
        key = self.table(Panel.SERVICES).cursor_key if self.is_mounted else None
        return self.snapshot.service(key) if self.snapshot is not None and key else None

    @property
    def targets(self) -> tuple[ServiceView, ...]:
        """The chosen services, or the one under the cursor."""
        chosen = self.table(Panel.SERVICES).chosen
        if not chosen or self.snapshot is None:
            return super().targets
        found = (self.snapshot.service(name) for name in chosen)
        return tuple(service for service in found if service is not None)

    # ---- showing ----

    def show_body(self) -> None:
        """Place the panels for this size and fill the visible ones."""
        choices = self.console_app.choosing.now
        self.ways.follow(choices)
        self._services.figures = tuple(each for each in choices.columns if each in grid.CHOOSABLE)
        width, height = self.size
        excuse = too_small(width, height)
        rows = 0 if excuse else self._show_strip(width, height)
        notices = 0 if excuse else self.query_one(HeaderBar).notice_rows
        self._place(width, height - rows - notices, excuse, below=notices)
        if excuse:
            lines = too_small_lines(excuse, self.snapshot, width)
            self.query_one("#too-small", LineWidget).paint_lines(lines)
            return
        for placement in self._placements:
            self._fill(placement.panel)

    def _show_strip(self, width: int, height: int) -> int:
        """Show the lines above the keys, if there is something to show. Returns how many."""
        app, strip = self.console_app, self.query_one("#under-way", LineWidget)
        snapshot = self.snapshot
        away = not app.away_over
        most = STRIPS if height >= TALL else 1
        lines = operations.strips(snapshot, width, self.now, away=away, most=most)
        app.away_shown = away and bool(snapshot and snapshot.missed)
        strip.display = bool(lines)
        strip.styles.height = max(1, len(lines))
        strip.styles.offset = (0, height - 1 - len(lines))
        strip.paint_lines(lines)
        return len(lines)

    def _place(self, width: int, height: int, excuse: str, *, below: int) -> None:
        """Put the panels into ``height`` lines, moved down by ``below``."""
        snapshot = self.snapshot
        count, urgent = self._services.lines(snapshot, width) if snapshot else (LIKELY_SERVICES, 0)
        ringing = len(self._alerts.of(snapshot))
        used = len(places.rows(snapshot, width // 2, self.now, self._unfolded)) if snapshot else 0
        lost = places.in_trouble(snapshot, self.now) if snapshot else 0
        wanted = () if excuse else arrange(width, height, count, ringing, used, urgent, lost)
        if self._zoomed is not None and not excuse:
            wanted = zoomed(self._zoomed, width, height)
        self.query_one("#too-small").display = bool(excuse)
        for bar in ("#header", "#footer"):
            self.query_one(bar).display = not excuse
        if (wanted, below) == (self._placements, self._below):
            return
        self._placements, self._below = wanted, below
        placed = {placement.panel: placement for placement in wanted}
        for panel in Panel:
            self._put(self.query_one(f"#{panel}", LineWidget), placed.get(panel))

    def _put(self, widget: LineWidget, placement: Placement | None) -> None:
        widget.display = placement is not None
        if placement is not None:
            widget.styles.offset = (placement.x, placement.y + self._below)
            widget.styles.width = placement.width
            widget.styles.height = placement.height

    def _fill(self, panel: Panel) -> None:
        fill = {
            Panel.SERVICES: self._fill_services,
            Panel.ALERTS: self._fill_alerts,
            Panel.SELECTED: self._fill_selected,
            Panel.PLACES: self._fill_places,
            Panel.TIMELINE: self._fill_timeline,
        }
        fill[panel]()

    def _fill_services(self) -> None:
        window = self.console_app.time_axis.window
        self._services.fill(
            self.snapshot, window, self.now, lambda note: self._title(Panel.SERVICES, note)
        )

    def _fill_alerts(self) -> None:
        table, snapshot, now = self.table(Panel.ALERTS), self.snapshot, self.now
        found = self._alerts.of(snapshot)

        def line(key: str) -> Line:
            row, width = found[key], table.size.width
            return alerts.row(row.alert, width, now, folded=row.folded, depth=row.depth).line

        self._list(
            Panel.ALERTS,
            tuple(found),
            line,
            (Span(alerts.count(snapshot.alerts), Role.MUTED),) if snapshot and found else (),
        )

    def _fill_places(self) -> None:
        snapshot = self.snapshot
        width = self.table(Panel.PLACES).size.width
        found = places.rows(snapshot, width, self.now, self._unfolded) if snapshot else []
        rows = {row.key: row.line for row in found}
        note = places.summary(snapshot) if snapshot else ""
        self._list(Panel.PLACES, tuple(rows), rows.__getitem__, (Span(note, Role.MUTED),))

    def _fill_timeline(self) -> None:
        rows, now = self._events.of(self.snapshot), self.now
        width = self.table(Panel.TIMELINE).size.width
        self._list(Panel.TIMELINE, tuple(rows), lambda key: events.row(rows[key], width, now).line)

    def _list(self, panel: Panel, keys: tuple[str, ...], line, note: Line = ()) -> None:  # type: ignore[no-untyped-def]
        table = self.table(panel)
        empty = tuple(nothing_to_show(panel, self.snapshot))
        if table.size.height < ROOM_TO_BREATHE:
            empty = empty[1:]
        table.list(Listing((self._title(panel, note),), keys, line, empty))

    def _title(self, panel: Panel, note: Line = ()) -> Line:
        table = self.table(panel)
        place = table.place
        tail = (*note, Span(f"  {place}", Role.MUTED)) if place else note
        digit = self._digits().get(panel, "")
        return titled(
            f"{digit} {panel.value.capitalize()}".lstrip(), table.size.width,
            focused=self.focused_panel is panel, note=tail,
        )  # fmt: skip

    def _fill_selected(self) -> None:
        widget = self.query_one(f"#{Panel.SELECTED}", LineWidget)
        width, height = widget.size
        service, snapshot = self.target, self.snapshot
        row = self._services.row
        if isinstance(row, Heading | Alike):
            widget.paint_lines(members_lines(row, width, height))
            return
        if service is None or snapshot is None:
            hint: Line = (Span("  latency and objectives of the selected service", Role.MUTED),)
            widget.paint_lines([titled("Service", width), BLANK, hint])
            return
        window = self.console_app.time_axis.window
        widget.paint_lines(selected_lines(service, snapshot, width, height, self.now, window))

    @on(GridTable.CursorMoved, f"#{Panel.SERVICES}")
    def _cursor_moved(self) -> None:
        self._fill_selected()
        self.query_one(FooterBar).show_hints(self.hints())

    @on(GridTable.CursorMoved, f"#{Panel.PLACES}")
    def _other_used(self) -> None:
        self.query_one(FooterBar).show_hints(self.hints())

    @on(GridTable.Opened)
    def _opened(self) -> None:
        self.action_open()

    def on_descendant_focus(self) -> None:
        """The focused panel's title is marked, and its keys are offered."""
        self.show_body()
        self.query_one(FooterBar).show_hints(self.hints())

    # ---- keys ----

    def action_move(self, rows: int) -> None:
        """Move in the focused panel."""
        self.table(self.focused_panel).move(rows)

    def action_edge(self, end: int) -> None:
        """Go to the first or the last row."""
        self.table(self.focused_panel).move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll the focused panel; never acts."""
        self.table(self.focused_panel).page(pages)

    def action_match(self, step: int) -> None:
        """Go to the next service that is not well."""
        if not self._services.seek_trouble(step):
            self.say("no other row is not ok")

    def _digits(self) -> dict[Panel, str]:
        """The digits of the panels that are there and take keys."""
        panels = {placement.panel for placement in self._placements} - {Panel.SELECTED}
        wanted = [panel for panel in Panel if panel in panels]
        return {panel: str(number) for number, panel in enumerate(wanted, 1)}

    def action_panel(self, number: int) -> None:
        """Focus a panel by its number."""
        for panel, digit in self._digits().items():
            if digit == str(number):
                self.table(panel).focus()

    def action_panel_step(self, step: int) -> None:
        """Focus the next visible panel."""
        shown = {placement.panel for placement in self._placements} - {Panel.SELECTED}
        panels = [panel for panel in Panel if panel in shown]
        if panels:
            at = panels.index(self.focused_panel) if self.focused_panel in panels else 0
            self.table(panels[(at + step) % len(panels)]).focus()

    def action_open(self) -> None:
        """Open the service that the focused row is about; never acts."""
        alert = self.alert
        if alert is not None:
            if self._alerts.of(self.snapshot)[alert.key].folded:
                self.action_unfold(1)
            else:
                self.open_service_at(alert)
            return
        row = self._services.row
        if self.focused_panel is Panel.SERVICES and isinstance(row, Heading | Alike):
            self.action_unfold(not (row.whole if isinstance(row, Heading) else row.is_open))
            return
        key = self.table(self.focused_panel).cursor_key
        if self.focused_panel is Panel.PLACES and key is not None:
            if place := places.page_of(key):
                self.console_app.open(PlacePage(place))
                return
            if places.folds(key):
                self.action_unfold(key not in self._unfolded)
                return
        name = self._service_in_focus()
        if name and self.snapshot is not None and self.snapshot.service(name):
            self.console_app.open(ServicePage(name))
        else:
            known = self.snapshot is not None
            self.say("this row belongs to no service" if known else "nothing is read yet")

    def _service_in_focus(self) -> str:
        snapshot, panel = self.snapshot, self.focused_panel
        key = self.table(panel).cursor_key
        if snapshot is None or key is None:
            return ""
        if panel is Panel.SERVICES:
            return key
        if panel is Panel.TIMELINE:
            rows = self._events.of(snapshot)
            return rows[key].service if key in rows else ""
        return resources.owner(snapshot, key)

    def action_describe(self) -> None:
        """Open the alert, or the place, in full; for a row of a service, its copies."""
        alert = self.alert
        if alert is not None:
            self.console_app.open(AlertPage(alert.key))
            return
        snapshot, panel = self.snapshot, self.focused_panel
        key = self.table(panel).cursor_key or ""
        if snapshot and panel is Panel.PLACES and (place := places.place_of(snapshot, key)):
            self.console_app.open(PlacePage(place))
            return
        name = self._service_in_focus()
        if name and self.snapshot is not None and self.snapshot.service(name):
            self.console_app.open(ServicePage(name, tab="copies"))
        else:
            self.say(f"{key_of('describe', 'd')} describes an alert, a service or a place")

    @property
    def alert(self) -> Alert | None:
        """The alert under the cursor, while keys go to the alerts."""
        if self.snapshot is None or self.focused_panel is not Panel.ALERTS:
            return None
        row = self._alerts.of(self.snapshot).get(self.table(Panel.ALERTS).cursor_key or "")
        return row.alert if row else None

    def action_unfold(self, wanted: int) -> None:
        """Unfold or fold what is under the cursor: a group, services or alerts."""
        if self.focused_panel is Panel.SERVICES:
            self._unfold_services(wanted=bool(wanted))
        elif self.focused_panel is Panel.PLACES:
            self._unfold_place(wanted=bool(wanted))
        elif self.alert is not None:
            key = self._alerts.unfold(self.alert, wanted=bool(wanted))
            self.show_body()
            self.table(Panel.ALERTS).move_to_key(key)

    def _unfold_place(self, *, wanted: bool) -> None:
        """Show or hide what is on the place under the cursor, or on the one that the row is of."""
        table = self.table(Panel.PLACES)
        at, keys = table.cursor_key or "", list(table.keys)
        above = keys[: keys.index(at) + 1] if at in keys else []
        key = next((each for each in reversed(above) if places.folds(each)), None)
        if key is None or wanted is (key in self._unfolded):
            self.say("nothing is folded here")
            return
        self._unfolded = self._unfolded | {key} if wanted else self._unfolded - {key}
        self.show_body()
        table.move_to_key(key)

    def _unfold_services(self, *, wanted: bool) -> None:
        key = self._services.cursor_key
        to = self._services.choice.unfold(key, wanted=wanted) if key is not None else None
        if to is None:
            self.say("nothing is folded here")
            return
        self.show_body()
        self._services.move_to_key(to)

    def offers(self, key: Key) -> bool:
        """While the alerts have the focus, their keys are offered instead of those of services."""
        on_alerts = self.focused_panel is Panel.ALERTS
        if key.scope is Scope.ALERTS:
            return on_alerts and self.alert is not None
        if key.id in {"filter", "failing", "sort"}:
            return self.snapshot is not None and bool(self.snapshot.services)
        if key.id == "open":
            return self.table(self.focused_panel).cursor_key is not None
        if key.id == "what-changed":
            return self.alert is not None or self.target is not None
        if key.id == "restart" and self.focused_panel is Panel.PLACES:
            used = self.snapshot.service(self._service_in_focus()) if self.snapshot else None
            return used is not None and any(v.kind is ActionKind.RESTART for v in used.actions)
        return super().offers(key) and not (on_alerts and key.scope is Scope.CHANGE)

    def blocked(self, key: Key) -> str:
        """What acknowledging and silencing need: a console that may change things."""
        if key.scope is Scope.ALERTS and self.console_app.read_only:
            return "read-only"
        return super().blocked(key)

    def action_raw(self) -> None:
        """Open the service at its raw bodies."""
        if self.target is None:
            self.say("no service is selected")
        else:
            self.console_app.open(ServicePage(self.target.name, raw=True))

    def action_select(self) -> None:
        """Choose the service under the cursor, while keys go to the services."""
        chooses = f"{key_of('select', 'space')} chooses services"
        if self.focused_panel is not Panel.SERVICES:
            self.say(f"{chooses}: {key_of('panel-1', '1')} goes to them")
            return
        if isinstance(self._services.row, Heading | Alike):
            self.say(f"{chooses}: {key_of('unfold', '→')} shows those of this row")
            return
        if self.target is None:
            self.say("no service is selected")
            return
        self._services.toggle()
        self.show_body()
        count = len(self._services.chosen)
        self.say(
            f"{count} chosen: a key that changes something is for all of them" if count else ""
        )

    def action_change(self, kinds: str) -> None:
        """As everywhere; the cursor then stays with the row that was acted on.

        While keys go to the resources, a restart is for what is under the cursor there.
        """
        if kinds == ActionKind.RESTART and self.focused_panel is Panel.PLACES:
            self._restart_used()
            return
        self.table(Panel.SERVICES).move(0)
        super().action_change(kinds)

    def _restart_used(self) -> None:
        """Restart the copy under the cursor, or all copies of a workload's service."""
        snapshot, table = self.snapshot, self.table(Panel.PLACES)
        key = table.cursor_key
        if snapshot is None or key is None:
            self.say("no copy is selected")
            return
        table.move(0)
        name = resources.owner(snapshot, key)
        service, copy = snapshot.service(name), resources.copy_of(snapshot, key)
        if service is not None:
            self.restart_copy(service, copy)
        elif copy:
            self.say(f"{copy} belongs to no service: name it under containers: of one")
        elif key not in table.keys:
            self.say("what was under the cursor is gone")
        else:
            self.say("this row is no copy of a service: 1 goes to the services")

    def action_zoom(self) -> None:
        """The focused panel on the whole screen, and back."""
        self._zoomed = None if self._zoomed is not None else self.focused_panel
        self.show_body()

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        table = self.table(self.focused_panel)
        text = next((text for text in clipboard.rows(table) if text), "")
        clipboard.copy(self.console_app, text)

    def action_back(self) -> None:
        """Undo one thing: replay, zoom, choices, filter; with nothing to undo say how to leave."""
        if not self.console_app.time.is_live:
            self.console_app.time.go_live()
            return
        if self._zoomed is not None:
            self._zoomed = None
        elif self.table(Panel.SERVICES).chosen:
            self.table(Panel.SERVICES).clear_chosen()
            self.say("none is chosen any more")
        elif self.ways.leave() or self._services.choice.filtered:
            self._services.choice.clear()
        else:
            self.say(f"this is the top: {key_of('quit', 'ctrl-c')} twice or :q leaves the console")
        self.show_body()
