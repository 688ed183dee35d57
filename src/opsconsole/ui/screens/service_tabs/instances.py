"""The instances tab: endpoints, and the containers and units that they run in."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.render.cells import Line
from opsconsole.render.service_instances import instances
from opsconsole.ui.screens.service_tab import LinesTab, Sight


class InstancesTab(LinesTab):
    """Every copy with what it uses."""

    NAME: ClassVar[str] = "instances"
    SHORT: ClassVar[str] = "inst"

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All of them."""
        return instances(sight.service, sight.snapshot, sight.width, sight.now)
