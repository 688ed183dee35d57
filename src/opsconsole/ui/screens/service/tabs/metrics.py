"""The metrics tab: the declared metrics, the objectives, and what is known of any service."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render.ink.cells import Line
from opsconsole.render.service.metrics import metrics
from opsconsole.ui.screens.service.tab import LinesTab, Shown


class MetricsTab(LinesTab):
    """Figures compared with their targets."""

    NAME: ClassVar[str] = "metrics"

    def lines(self, shown: Shown) -> Sequence[Line]:
        """All of them."""
        window = self.host.console_app.time_axis.window
        copies = [each for each, _ in shown.snapshot.replicas_of(shown.service).values()]
        return metrics(shown.service, copies, shown.width, shown.now, window)
