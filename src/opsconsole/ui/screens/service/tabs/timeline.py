"""The timeline tab: what happened to this service, latest first."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render.ink.cells import Line
from opsconsole.render.service import summary as render
from opsconsole.ui.screens.service.tab import LinesTab, Sight


class TimelineTab(LinesTab):
    """Events of the service."""

    NAME: ClassVar[str] = "timeline"
    SHORT: ClassVar[str] = "time"

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All of them."""
        return render.timeline(sight.service, sight.snapshot, sight.width, sight.now)
