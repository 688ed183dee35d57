"""A host over ssh as a machine, on a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.machines.ssh.logins import Gate, Target
from opsconsole.machines.ssh.machine import SshMachine
from tests.machines.contract import MachineContract
from tests.servers.hosts import Fleet, Host


@pytest.fixture(scope="module")
def host(hosts: Fleet) -> Host:
    return hosts["app-1"]


@pytest.fixture(scope="module")
def the_machine(host: Host) -> Iterator[SshMachine]:
    machine = SshMachine(Target("app-1", "app-1", str(host.ssh_config)), Gate())
    yield machine
    machine.close()


class TestSshMachine(MachineContract):
    """It keeps what every machine must."""

    _host: Host

    @pytest.fixture
    def machine(self, the_machine: SshMachine, host: Host) -> SshMachine:
        self._host = host
        return the_machine

    @pytest.fixture
    def folder(self, host: Host, tmp_path: Path) -> Path:
        folder = host.shared / tmp_path.name
        folder.mkdir()
        return folder

    @pytest.fixture
    def here(self, folder: Path) -> Path:
        return folder

    def pid_here(self, pid: int) -> int | None:
        return self._host.pid_here(pid)
