"""The health tab: each instance with its probes and its components; the raw bodies on ``y``."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render import service as render
from opsconsole.render.cells import Line
from opsconsole.ui.screens.service_tab import LinesTab, Sight


class HealthTab(LinesTab):
    """Components as a tree, or the bodies as they came."""

    NAME: ClassVar[str] = "health"
    SHORT: ClassVar[str] = "heal"

    is_raw = False

    def lines(self, sight: Sight) -> Sequence[Line]:
        """The tree or the bodies."""
        if self.is_raw:
            return render.raw(sight.service, sight.width)
        return render.health(sight.service, sight.width, sight.now)

    def raw(self) -> None:
        """Turn between the two."""
        self.is_raw = not self.is_raw
        self.move_to(0)
        self.host.show()
