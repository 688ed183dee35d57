"""One service: why it is as it is, and everything known of it, under numbered tabs.

Invariant: the screen is bound to the service's name; when the service leaves the snapshot the
screen says so and stays.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.model.alerts import Alert
from opsconsole.model.backups import BackupView
from opsconsole.model.operation import ActionKind
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import service as render
from opsconsole.render.cells import BLANK, Line, Role, Span, clip, plain, titled
from opsconsole.render.keys import Key, Scope
from opsconsole.render.objectives import objectives
from opsconsole.render.operations import badges
from opsconsole.ui import clipboard
from opsconsole.ui.bindings import bindings
from opsconsole.ui.messages import BackupsArrived, BackupVerified
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.contracts import ReadsBackups
from opsconsole.ui.widgets.backup_list import BackupList
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView
from opsconsole.ui.widgets.prompt import Prompt

TABS = ("health", "latency", "containers", "objectives", "alerts", "timeline", "raw", "backups")


class ServiceScreen(ReadsBackups, ConsoleScreen, inherit_bindings=False):
    """Health, latency, containers, objectives, alerts, timeline and the raw bodies."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.SERVICE, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "service"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, name: str, *, raw: bool = False, began: Alert | None = None) -> None:
        super().__init__()
        self._name_of_service = name
        self._began = began
        self._tab = "raw" if raw else "latency" if began else "health"

    def compose(self) -> ComposeResult:
        """One page between header and footer."""
        yield HeaderBar(id="header")
        yield LinesView(id="page")
        yield BackupList(self._name_of_service, id="backups")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the page."""
        self.query_one(BackupList).display = False
        self.page.focus()
        super().on_mount()

    @property
    def page(self) -> LinesView:
        """The page that is read."""
        return self.query_one("#page", LinesView)

    @property
    def target(self) -> ServiceView | None:
        """The service of this screen."""
        return self.snapshot.service(self._name_of_service) if self.snapshot else None

    def show_body(self) -> None:
        """Fill the page for the tab at hand."""
        width = self.page.size.width
        service, snapshot = self.target, self.snapshot
        doing = badges(snapshot, self._name_of_service, self.size.width, self.now)
        title = titled(self._name_of_service, self.size.width, focused=True)
        top = (title, self._tabs(), *doing, BLANK)
        if self._tab == "backups":
            self.query_one(BackupList).show(top, self.console_app.clock.now())
            return
        if service is None or snapshot is None:
            gone: Line = (Span("  this service is not in what was last read", Role.UNKNOWN),)
            self.page.show([gone], top)
            return
        self.page.show(self._lines(service, snapshot, width), top)

    def _tabs(self) -> Line:
        spans: list[Span] = []
        room = self.size.width // len(TABS) - 3
        short = sum(len(name) + 4 for name in TABS) > self.size.width
        for number, name in enumerate(TABS, 1):
            here = name == self._tab
            shown = clip(name, room) if short else f"{name} "
            spans += [
                Span(f" {number} ", Role.FAINT),
                Span(shown, Role.TITLE_FOCUSED if here else Role.MUTED),
            ]
        return tuple(spans)

    def _lines(self, service: ServiceView, snapshot: Snapshot, width: int) -> list[Line]:
        now = self.now
        boxes = snapshot.docker.containers if snapshot.docker else ()
        pages: dict[str, Callable[[], list[Line]]] = {
            "health": lambda: render.health(service, width, now),
            "latency": lambda: self._latency(service, snapshot, width),
            "containers": lambda: render.containers(service, boxes, width, now),
            "objectives": lambda: objectives(service, width),
            "alerts": lambda: render.alert_lines(service, snapshot, width, now),
            "timeline": lambda: render.timeline(service, snapshot, width, now),
            "raw": lambda: render.raw(service, width),
        }
        return pages[self._tab]()

    def _latency(self, service: ServiceView, snapshot: Snapshot, width: int) -> list[Line]:
        height = max(8, self.page.size.height - 6)
        window = self.console_app.time_axis.window
        drawn = render.latency_chart(
            service, snapshot, width - 2, height, self.now, window, full=True, began=self._began
        )
        legend = render.latency_legend(service.latency, window)
        return [legend, render.began_line(self._began, width, self.now), *drawn]

    # ---- keys ----

    def action_panel(self, number: int) -> None:
        """Go to a tab by its number."""
        if 1 <= number <= len(TABS):
            self._turn_to(TABS[number - 1])

    def _turn_to(self, tab: str) -> None:
        self._tab = tab
        listed, page = self.query_one(BackupList), self.page
        listed.display = tab == "backups"
        page.display = not listed.display
        self._body.focus()
        self.query_one(FooterBar).show_hints(self.hints())
        if listed.display:
            self.console_app.bridge.backups(self._name_of_service)
        page.move_to(0)
        self.show_body()

    @property
    def _body(self) -> LinesView | BackupList:
        """What keys move in."""
        return self.query_one(BackupList) if self._tab == "backups" else self.page

    def action_raw(self) -> None:
        """Go to the raw bodies, or back to health."""
        self._turn_to("health" if self._tab == "raw" else "raw")

    def action_move(self, rows: int) -> None:
        """Scroll."""
        self._body.move(rows)

    def action_edge(self, end: int) -> None:
        """To the beginning or the end."""
        self._body.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self._body.page(pages)

    def action_match(self, step: int) -> None:
        """To the next line that holds what was searched for."""
        self.page.next_match(step)

    def action_filter(self) -> None:
        """Search the page."""
        self.ask(Prompt(placeholder="search: n next, N previous"))

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        self.page.search(message.text)

    def action_copy(self) -> None:
        """Copy the page, or the backup under the cursor."""
        if self._tab == "backups":
            text = next((text for text in clipboard.rows(self.query_one(BackupList)) if text), "")
            clipboard.copy(self.console_app, text)
            return
        clipboard.copy(self.console_app, plain(self.page.whole))

    def offers(self, key: Key) -> bool:
        """Verify and restore belong to the list of backups."""
        if key.id in {"verify", "restore"}:
            return self._tab == "backups"
        return super().offers(key)

    def action_verify(self) -> None:
        """Compare the backup under the cursor with its hashes; reads only."""
        chosen = self._chosen_backup()
        if chosen is not None:
            self.query_one(BackupList).checks(chosen.id)
            self.console_app.bridge.verify_backup(self._name_of_service, chosen.id)
            self.show_body()

    def action_restore(self) -> None:
        """Open the form of a restore at the backup under the cursor."""
        chosen, service = self._chosen_backup(), self.target
        if chosen is None or service is None:
            return
        views = [view for view in service.actions if view.kind is ActionKind.RESTORE]
        if not views:
            self.say(f"{service.name} has no restore in its configuration")
            return
        from opsconsole.ui.screens.request import RequestScreen

        self.app.push_screen(RequestScreen((service,), views[0], backup=chosen.id))

    def _chosen_backup(self) -> BackupView | None:
        """The backup under the cursor; elsewhere than on their tab, go there first."""
        if self._tab != "backups":
            self._turn_to("backups")
            return None
        chosen = self.query_one(BackupList).under_cursor
        if chosen is None:
            self.say("there is no backup to choose")
        return chosen

    def backups_arrived(self, message: BackupsArrived | BackupVerified) -> None:
        """The list, or one of it after it was compared."""
        said = self.query_one(BackupList).take(message)
        if said:
            self.say(said)
        self.show_body()

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()
