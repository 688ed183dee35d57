"""The alerts tab: what fires for this service, in full."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.alerting.alerts import AlertState
from opsconsole.render.ink.cells import Line
from opsconsole.render.service import summary as render
from opsconsole.ui.screens.service.tab import LinesTab, Shown


class AlertsTab(LinesTab):
    """Every alert of the service; the count of active ones is after the tab's name."""

    NAME: ClassVar[str] = "alerts"

    def lines(self, shown: Shown) -> Sequence[Line]:
        """All of them."""
        return render.alert_lines(shown.service, shown.snapshot, shown.width, shown.now)

    @classmethod
    def badge(cls, shown: Shown) -> str:
        """How many there are; resolved alerts are listed but not counted."""
        count = sum(
            alert.service == shown.service.name and alert.state is not AlertState.RESOLVED
            for alert in shown.snapshot.alerts
        )
        return str(count) if count else ""
