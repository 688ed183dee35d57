"""The machines that the settings name: the one place where they are made and chosen.

Invariant: a host is one machine however many ask for it; all are closed together. Code that reads
or changes a host is given its machine and never makes one. A host that the settings have under the
same name and reach in another way is another machine, and the one before is closed.
"""

import threading
from collections.abc import Container
from typing import TYPE_CHECKING

from opsconsole.machines.base import Machine
from opsconsole.machines.local import LocalMachine

if TYPE_CHECKING:
    from opsconsole.config.hosts import HostSettings, RemoteHost
    from opsconsole.machines.ssh.machine import SshMachine


class Machines:
    """What reaches hosts has one, and closes it. Thread-safe.

    ``errand`` is the operation that it is for; what another process left of it at a host is ended.
    """

    def __init__(self, errand: str = "") -> None:
        self._errand = errand
        self._lock = threading.Lock()
        self._hosts: dict[str, SshMachine] = {}
        self._here = LocalMachine()

    def of(self, host: "HostSettings") -> Machine:
        """The machine of a host that ``Settings.host_of`` gave."""
        from opsconsole.config.hosts import RemoteHost

        if isinstance(host, RemoteHost):
            return self.over_ssh(host)
        return self._here

    def over_ssh(self, host: "RemoteHost") -> "SshMachine":
        """The machine of another host."""
        from opsconsole.machines.ssh.logins import GATE, Target
        from opsconsole.machines.ssh.machine import SshMachine

        target = Target(host.name, host.destination, host.ssh_config or "", host.sudo, self._errand)
        with self._lock:
            known = self._hosts.get(host.name)
            if known is not None and known.target == target:
                return known
            found = self._hosts[host.name] = SshMachine(target, GATE)
        if known is not None:
            known.close()
        return found

    def retain(self, names: Container[str]) -> None:
        """Close the hosts that the settings no longer have."""
        with self._lock:
            gone = [name for name in self._hosts if name not in names]
            hosts = [self._hosts.pop(name) for name in gone]
        for host in hosts:
            host.close()

    def close(self) -> None:
        """Take no more calls; what runs is not waited for."""
        with self._lock:
            hosts, self._hosts = list(self._hosts.values()), {}
        for host in hosts:
            host.close()
        self._here.close()
