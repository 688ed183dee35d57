"""One alert in full: its text, its sources, its silences, every label.

Invariant: the screen is bound to the alert's key; when no source reports it any more it says so.
"""

from typing import ClassVar

from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.runbooks.runbook import of_alert
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.alerts import rows as render
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.alerts.keys import AlertKeys
from opsconsole.ui.screens.layouts import PageScreen


class AlertScreen(PageScreen, AlertKeys, inherit_bindings=False):
    """A page to read."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.DECLARE, Scope.TRIAGE, Scope.ALERTS, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "alert"
    ABOUT_ONE = True
    BINDINGS = bindings(*SCOPES)

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    @property
    def alert(self) -> Alert | None:
        """The alert, as long as a source reports it."""
        found = self.snapshot.alerts if self.snapshot else ()
        return next((each for each in found if each.key == self._key), None)

    @property
    def target(self) -> ServiceView | None:
        """The alert's service."""
        alert, snapshot = self.alert, self.snapshot
        return snapshot.service(alert.service) if alert and snapshot else None

    def show_body(self) -> None:
        """Everything known about it."""
        alert, width = self.alert, self.page.size.width
        top = (titled("Alert", width, focused=True), BLANK)
        if alert is None:
            gone: Line = (Span("  no source reports this alert any more", Role.UNKNOWN),)
            self.page.show([gone], top)
            return
        latest = self.console_app.bridge.latest
        found = of_alert(latest.runbooks, alert) if latest else None
        title = found.title.replace("{service}", alert.service) if found else ""
        self.page.show(render.page(alert, width, self.now, runbook=title), top)

    def action_open(self) -> None:
        """To its service."""
        if self.alert is not None:
            self.open_service_at(self.alert)

    def action_describe(self) -> None:
        """This screen is the description."""
        self.say("this is everything known about it")
