"""The metrics tab: every declared metric, then the objectives."""

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
        return metrics(shown.service, shown.width, shown.now, window)
