"""The machines that the settings name: the one place where they are made and chosen.

Invariant: a host is one machine however many ask for it; all are closed together. Code that reads
or changes a host is given its machine and never makes one.
"""

from typing import TYPE_CHECKING

from opsconsole.machines.base import Machine
from opsconsole.machines.local import LocalMachine

if TYPE_CHECKING:
    from opsconsole.config.settings import HostSettings


class Machines:
    """What reaches hosts has one, and closes it. Thread-safe."""

    def __init__(self) -> None:
        self._here = LocalMachine()

    def of(self, host: "HostSettings") -> Machine:
        """The machine of a host that ``Settings.host_of`` gave."""
        return self._here

    def close(self) -> None:
        """Take no more calls; what runs is not waited for."""
        self._here.close()
