"""The latency tab: a chart with the objective's line and the marks of what happened."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.alerts import Alert
from opsconsole.render.ink.cells import Line, clip_line
from opsconsole.render.service import latency as render
from opsconsole.ui.screens.service.tab import LinesTab, Sight


class LatencyTab(LinesTab):
    """``began`` is the alert that one came from: its start is marked."""

    NAME: ClassVar[str] = "latency"
    SHORT: ClassVar[str] = "late"

    began: Alert | None = None

    def lines(self, sight: Sight) -> Sequence[Line]:
        """The legend, the alert's start, the chart."""
        window = self.host.console_app.time_axis.window
        drawn = render.latency_chart(
            sight.service, sight.snapshot, sight.width - 2, max(8, sight.height - 2), sight.now,
            window, full=True, began=self.began,
        )  # fmt: skip
        target = render.latency_objective(sight.service)
        legend = clip_line(
            render.latency_legend(sight.service.latency, window, target), sight.width
        )
        return [legend, render.began_line(self.began, sight.width, sight.now), *drawn]
