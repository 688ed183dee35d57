"""The timeline tab: the events of this service, latest first."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render.ink.cells import Line
from opsconsole.render.service import summary as render
from opsconsole.ui.screens.service.tab import LinesTab, Shown


class TimelineTab(LinesTab):
    """Events of the service."""

    NAME: ClassVar[str] = "timeline"

    def lines(self, shown: Shown) -> Sequence[Line]:
        """All of them."""
        return render.timeline(shown.service, shown.snapshot, shown.width, shown.now)
