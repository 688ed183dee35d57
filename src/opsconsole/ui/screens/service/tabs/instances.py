"""The instances tab: endpoints, and the replicas that they run as."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.operation import Refusal
from opsconsole.model.questions import UnitsOf
from opsconsole.model.running.workloads import ReplicaLook
from opsconsole.render.ink.cells import Line
from opsconsole.render.service.instances import instances
from opsconsole.ui.screens.service.tab import Shown
from opsconsole.ui.screens.service.tabs.asking import AskingTab


class InstancesTab(AskingTab[tuple[ReplicaLook, ...]]):
    """Every copy with its use; systemd is read while the tab is visible, for the present only."""

    NAME: ClassVar[str] = "instances"
    SHORT: ClassVar[str] = "inst"

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self._units: tuple[ReplicaLook, ...] = ()

    @property
    def question(self) -> UnitsOf:
        """The units of the service."""
        return UnitsOf(self.service_name)

    def lines(self, shown: Shown) -> Sequence[Line]:
        """All of them."""
        live = self.host.console_app.time.is_live
        if live:
            self.ask_in_time()
        units = self._units if live else ()
        return instances(shown.service, shown.snapshot, shown.width, shown.now, units)

    def take(self, answer: tuple[ReplicaLook, ...] | Refusal) -> None:
        """Keep the units; none after a refusal."""
        self._units = () if isinstance(answer, Refusal) else answer
