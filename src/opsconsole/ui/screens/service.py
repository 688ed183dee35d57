"""One service: why it is as it is, and everything known of it, under numbered tabs.

Invariant: the screen is bound to the service's name; when the service leaves the snapshot the
screen says so and stays.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import service as render
from opsconsole.render.cells import BLANK, Line, Role, Span, plain, titled
from opsconsole.render.keys import Scope
from opsconsole.ui import clipboard
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.lines_view import LinesView
from opsconsole.ui.widgets.prompt import Prompt

TABS = ("health", "latency", "containers", "objectives", "alerts", "timeline", "raw")


class ServiceScreen(ConsoleScreen, inherit_bindings=False):
    """Health, latency, containers, objectives, alerts, timeline and the raw bodies."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.SERVICE, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "service"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, name: str, *, raw: bool = False) -> None:
        super().__init__()
        self._name_of_service = name
        self._tab = "raw" if raw else "health"

    def compose(self) -> ComposeResult:
        """One page between header and footer."""
        yield HeaderBar(id="header")
        yield LinesView(id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the page."""
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
        top = (titled(self._name_of_service, width, focused=True), self._tabs(), BLANK)
        if service is None or snapshot is None:
            gone: Line = (Span("  this service is not in what was last read", Role.UNKNOWN),)
            self.page.show([gone], top)
            return
        self.page.show(self._lines(service, snapshot, width), top)

    def _tabs(self) -> Line:
        spans: list[Span] = []
        for number, name in enumerate(TABS, 1):
            here = name == self._tab
            spans += [
                Span(f" {number} ", Role.FAINT),
                Span(f"{name} ", Role.TITLE_FOCUSED if here else Role.MUTED),
            ]
        return tuple(spans)

    def _lines(self, service: ServiceView, snapshot: Snapshot, width: int) -> list[Line]:
        now = self.now
        boxes = snapshot.docker.containers if snapshot.docker else ()
        pages: dict[str, Callable[[], list[Line]]] = {
            "health": lambda: render.health(service, width, now),
            "latency": lambda: self._latency(service, snapshot, width),
            "containers": lambda: render.containers(service, boxes, width, now),
            "objectives": lambda: render.objectives(service),
            "alerts": lambda: render.alert_lines(service, snapshot, width, now),
            "timeline": lambda: render.timeline(service, snapshot, width, now),
            "raw": lambda: render.raw(service, width),
        }
        return pages[self._tab]()

    def _latency(self, service: ServiceView, snapshot: Snapshot, width: int) -> list[Line]:
        height = max(8, self.page.size.height - 6)
        window = self.console_app.time_axis.window
        drawn = render.latency_chart(
            service, snapshot, width - 2, height, self.now, window, full=True
        )
        return [render.latency_legend(service.latency, window), BLANK, *drawn]

    # ---- keys ----

    def action_panel(self, number: int) -> None:
        """Go to a tab by its number."""
        if 1 <= number <= len(TABS):
            self._tab = TABS[number - 1]
            self.page.move_to(0)
            self.show_body()

    def action_raw(self) -> None:
        """Go to the raw bodies, or back to health."""
        self._tab = "health" if self._tab == "raw" else "raw"
        self.page.move_to(0)
        self.show_body()

    def action_move(self, rows: int) -> None:
        """Scroll."""
        self.page.move(rows)

    def action_edge(self, end: int) -> None:
        """To the beginning or the end."""
        self.page.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self.page.page(pages)

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
        """Copy the page."""
        clipboard.copy(self.console_app, plain(self.page.whole))

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()
