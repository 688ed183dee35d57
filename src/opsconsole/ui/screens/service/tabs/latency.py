"""The latency tab: a chart with the objective's line and the marks of events."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.alerting.alerts import Alert
from opsconsole.render.ink.cells import Line, clip_line
from opsconsole.render.service import latency as render
from opsconsole.ui.screens.service.tab import LinesTab, Shown


class LatencyTab(LinesTab):
    """``began`` is the alert whose start is marked."""

    NAME: ClassVar[str] = "latency"

    began: Alert | None = None

    def lines(self, shown: Shown) -> Sequence[Line]:
        """The legend, the alert's start, the chart."""
        window = self.host.console_app.time_axis.window
        drawn = render.latency_chart(
            shown.service, shown.snapshot, shown.width - 2, max(8, shown.height - 2), shown.now,
            window, full=True, began=self.began,
        )  # fmt: skip
        target = render.latency_objective(shown.service)
        legend = clip_line(
            render.latency_legend(shown.service.latency, window, target), shown.width
        )
        return [legend, render.began_line(self.began, shown.width, shown.now), *drawn]
