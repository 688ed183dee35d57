"""The machines that the settings name: the one place where they are made and chosen.

Invariant: a host is one machine, whoever asks for it; all are closed together. Code that reads or
changes a host is given its machine and never makes one.
"""

from opsconsole.config.settings import HostSettings
from opsconsole.machines.base import Machine
from opsconsole.machines.local import LocalMachine


class Machines:
    """One for each process that reaches hosts; whoever makes it closes it. Thread-safe."""

    def __init__(self) -> None:
        self._here = LocalMachine()

    def of(self, host: HostSettings) -> Machine:
        """The machine of a host that ``Settings.host_of`` gave."""
        return self._here

    def close(self) -> None:
        """Take no more calls; what runs is not waited for."""
        self._here.close()
