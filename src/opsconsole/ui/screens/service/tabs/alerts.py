"""The alerts tab: what fires for this service, in full."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.alerts import AlertState
from opsconsole.render.ink.cells import Line
from opsconsole.render.service import summary as render
from opsconsole.ui.screens.service.tab import LinesTab, Sight


class AlertsTab(LinesTab):
    """Every alert of the service; how many are not over stands behind the tab's name."""

    NAME: ClassVar[str] = "alerts"
    SHORT: ClassVar[str] = "alrt"

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All of them."""
        return render.alert_lines(sight.service, sight.snapshot, sight.width, sight.now)

    @classmethod
    def badge(cls, sight: Sight) -> str:
        """How many there are; what is resolved is listed and not counted."""
        count = sum(
            alert.service == sight.service.name and alert.state is not AlertState.RESOLVED
            for alert in sight.snapshot.alerts
        )
        return str(count) if count else ""
