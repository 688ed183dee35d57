"""One service: the reason for its state, and everything known about it, under numbered tabs.

Invariant: the screen is bound to the service's name; when the service leaves the snapshot the
screen says so and stays. One tab is visible; its keys take precedence over the screen's.
"""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.operation import ActionKind
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.frame import keys
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.frame.replay import live_lines
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.operations import badges
from opsconsole.render.service.head import TabName, tabs
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.alerts.keys import AlertKeys
from opsconsole.ui.screens.service.tab import ServiceTab, Shown
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from opsconsole.ui.screens.service.tabs.copies import CopiesTab
from opsconsole.ui.screens.service.tabs.latency import LatencyTab
from opsconsole.ui.screens.service.tabs.logs import LogsTab
from opsconsole.ui.screens.service.tabs.why import WhyTab
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.prompt import Prompt


class ServiceScreen(AlertKeys, inherit_bindings=False):
    """A service with its tabs. ``began`` is the alert that led here, ``tab`` the one to begin with;
    ``raw`` opens the raw bodies."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.DECLARE, Scope.TRIAGE, Scope.SERVICE, Scope.ALERTS, Scope.CHANGE, Scope.LIST,
        Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "service"
    ABOUT_ONE = True
    BINDINGS = bindings(*SCOPES)

    def __init__(
        self, name: str, *, raw: bool = False, tab: str = "", began: Alert | None = None
    ) -> None:
        super().__init__()
        self._name_of_service = name
        self._made: dict[type[ServiceTab], ServiceTab] = {}
        first = "copies" if raw else tab
        kind = next((each for each in TABS if first == each.NAME), WhyTab)
        self._began = began
        self._tab: ServiceTab = self._make(kind)
        if isinstance(self._tab, CopiesTab):
            self._tab.is_raw = raw

    def _make(self, kind: type[ServiceTab]) -> ServiceTab:
        made = self._made[kind] = kind(self._name_of_service)
        if isinstance(made, WhyTab | LatencyTab):
            made.began = self._began
        return made

    def compose(self) -> ComposeResult:
        """One tab between header and footer."""
        yield HeaderBar(id="header")
        yield self._tab.add_class("tab")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Keys go to the tab."""
        self._tab.focus()
        self._tab.opened()
        super().on_mount()

    def on_unmount(self) -> None:
        """The visible tab releases what it holds."""
        self._tab.closed()

    @property
    def tab(self) -> ServiceTab:
        """The visible tab."""
        return self._tab

    @property
    def target(self) -> ServiceView | None:
        """The service of this screen."""
        return self.snapshot.service(self._name_of_service) if self.snapshot else None

    @property
    def alert(self) -> Alert | None:
        """The alert that led here, as long as a source reports it."""
        if self._began is None or self.snapshot is None:
            return None
        wanted = self._began.key
        return next((each for each in self.snapshot.alerts if each.key == wanted), None)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The tab's own scopes, then those of the screen."""
        return (*self._tab.SCOPES, *self.SCOPES)

    @property
    def actors(self) -> tuple[Widget, ...]:
        """The tab's actions take precedence over the screen's."""
        return (self._tab, self)

    def show_body(self) -> None:
        """Update the visible tab."""
        doing = badges(self.snapshot, self._name_of_service, self.size.width, self.now)
        size = self._tab.size
        title = titled(self._name_of_service, self.size.width, focused=True, note=self._about())
        height = max(0, size.height - len(doing) - 3)
        shown = self._shown(size.width, height)
        live = live_lines(self.console_app.time.is_live or not self._tab.LIVE)
        self._tab.show_tab((title, self._tabs(shown), *live, *doing, BLANK), shown)

    def _about(self) -> Line:
        """Where the service belongs and what of it runs."""
        target = self.target
        if target is None:
            return ()
        needs = f"needs {', '.join(target.depends_on)}" if target.depends_on else ""
        said = " · ".join(part for part in (target.group, target.version, needs) if part)
        return (Span(said, Role.MUTED),) if said else ()

    def _shown(self, width: int, height: int) -> Shown | None:
        service, snapshot = self.target, self.snapshot
        if service is None or snapshot is None:
            return None
        return Shown(service, snapshot, self.now, width, height)

    def _tabs(self, shown: Shown | None) -> Line:
        names = [
            TabName(kind.NAME, kind.badge(shown) if shown is not None else "") for kind in TABS
        ]
        return tabs(names, TABS.index(type(self._tab)), self.size.width)

    # ---- tabs ----

    def action_panel(self, number: int) -> None:
        """Go to a tab by its number."""
        if 1 <= number <= len(TABS):
            self.turn_to(TABS[number - 1])

    def action_tab_step(self, step: int) -> None:
        """To the next tab, wrapping around."""
        here = TABS.index(type(self._tab))
        self.turn_to(TABS[(here + step) % len(TABS)])

    def turn_to(self, kind: type[ServiceTab]) -> None:
        """Show the tab of ``kind``."""
        before = self._tab
        if type(before) is kind:
            return
        before.closed()
        before.display = False
        tab = self._made.get(kind)
        if tab is None:
            tab = self._make(kind)
            self.mount(tab.add_class("tab"), after=before)
        self._tab = tab
        tab.display = True
        # At once: the next key is the tab's already.
        self.set_focus(tab)
        tab.opened()
        self.show()

    # ---- keys ----

    def action_raw(self) -> None:
        """Show the tab's raw form; tabs without one open the copies tab."""
        if isinstance(self._tab, CopiesTab) or type(self._tab).raw is not ServiceTab.raw:
            self._tab.raw()
            return
        self.turn_to(CopiesTab)
        copies = self._tab
        if isinstance(copies, CopiesTab) and not copies.is_raw:
            copies.raw()

    def action_change(self, kinds: str) -> None:
        """As everywhere; on a row of a copy, a restart is for that one."""
        copy = self._tab.copy_meant if kinds == ActionKind.RESTART else ""
        if copy is None:
            self.say("the copy under the cursor is gone")
        elif copy and self.target is not None:
            self.restart_copy(self.target, copy)
        else:
            super().action_change(kinds)

    def action_move(self, rows: int) -> None:
        """Move or scroll."""
        self._tab.move(rows)

    def action_edge(self, end: int) -> None:
        """To the beginning or the end."""
        self._tab.move_to(10**9 if end else 0)

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self._tab.page(pages)

    def action_match(self, step: int) -> None:
        """Go to the next line that contains the searched text."""
        self._tab.next_match(step)

    def action_filter(self) -> None:
        """Search or filter the tab."""
        prompt = self._tab.prompt()
        if prompt is not None:
            self.ask(prompt)

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        with self.console_app.pressed(message.at):
            self._tab.typed(message.text)

    def action_pause(self) -> None:
        """Hold the tab if it can be held separately, else the whole console."""
        if not self._tab.pause():
            super().action_pause()

    def action_copy(self) -> None:
        """Copy the tab, or the row under its cursor."""
        clipboard.copy(self.console_app, self._tab.copied)

    def label_of(self, key: Key) -> str:
        """On the tab of the logs their key gives them the whole screen."""
        here = key.id == "logs" and isinstance(self._tab, LogsTab)
        return "whole screen" if here else super().label_of(key)

    def offers(self, key: Key) -> bool:
        """The tab decides about its keys; then every screen's keys, except those that the tab
        shadows."""
        if key.scope not in self._tab.SCOPES and self._is_shadowed(key):
            return False
        if key.scope is Scope.ALERTS and self.alert is None:
            return False
        return self._tab.offers(key) and super().offers(key)

    def _is_shadowed(self, key: Key) -> bool:
        """Whether the tab gives the key another meaning."""
        taken = {name for each in keys.of(self._tab.SCOPES) for name in each.keys.split(",")}
        return bool(taken & set(key.keys.split(",")))

    def action_back(self) -> None:
        """Undo what was typed in the tab, then go back to the previous screen."""
        if not self._tab.back():
            self.dismiss()
