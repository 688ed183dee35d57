"""The instances tab: endpoints, and the replicas that they run as."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.workloads import ReplicaLook
from opsconsole.render.ink.cells import Line
from opsconsole.render.service.instances import instances
from opsconsole.ui.messages import UnitsArrived
from opsconsole.ui.screens.service_tab import Sight
from opsconsole.ui.screens.service_tabs.asking import AskingTab


class InstancesTab(AskingTab):
    """Every copy with what it uses; systemd is asked while one looks, of the present alone."""

    NAME: ClassVar[str] = "instances"
    SHORT: ClassVar[str] = "inst"

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self._units: tuple[ReplicaLook, ...] = ()

    def ask(self) -> bool:
        """Ask for the units of the service."""
        return self.host.console_app.bridge.units(self.service_name, self.post_message)

    def lines(self, sight: Sight) -> Sequence[Line]:
        """All of them."""
        live = self.host.console_app.is_live
        if live:
            self.ask_in_time()
        units = self._units if live else ()
        return instances(sight.service, sight.snapshot, sight.width, sight.now, units)

    def on_units_arrived(self, message: UnitsArrived) -> None:
        """Show the answer."""
        message.stop()
        self._units = message.units or ()
        self.answered()
