"""The metrics tab: every declared metric, then the objectives."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render.ink.cells import Line
from opsconsole.render.service.metrics import metrics
from opsconsole.ui.screens.service.tab import LinesTab, Sight


class MetricsTab(LinesTab):
    """Figures and how they stand to their targets."""

    NAME: ClassVar[str] = "metrics"
    SHORT: ClassVar[str] = "metr"

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All of them."""
        window = self.host.console_app.time_axis.window
        return metrics(sight.service, sight.width, sight.now, window)
