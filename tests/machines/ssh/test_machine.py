"""A host over ssh as a machine, on a real one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.machines.ssh.logins import Gate, Target
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.running.machine import Failure, MachineError
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


@pytest.fixture
def there(host: Host, tmp_path: Path) -> Path:
    folder = host.shared / f"{tmp_path.name}-own"
    folder.mkdir()
    return folder


async def test_what_others_could_exchange_is_not_changed(
    the_machine: SshMachine, there: Path
) -> None:
    (there / "open").mkdir()
    (there / "open").chmod(0o777)
    (there / "open/file").write_bytes(b"old")
    (there / "open/current").symlink_to("v1")
    for change in (
        the_machine.replace(there / "open/file", b"new"),
        the_machine.replace_link(there / "open/current", "v2"),
    ):
        with pytest.raises(MachineError) as raised:
            await change
        assert (raised.value.failure, raised.value.begun) == (Failure.DENIED, False)
        assert f"chmod go-w {there}/open" in raised.value.remedy
    assert (there / "open/file").read_bytes() == b"old"
    assert os.readlink(there / "open/current") == "v1"


async def test_another_user_s_link_is_not_followed(the_machine: SshMachine, there: Path) -> None:
    (there / "file").write_bytes(b"secret")
    (there / "link").symlink_to("file")
    os.chown(there / "link", 4711, 4711, follow_symlinks=False)
    with pytest.raises(MachineError) as raised:
        await the_machine.read(there / "link", 100)
    assert raised.value.failure is Failure.DENIED
    assert "belongs to user 4711" in str(raised.value)
    assert await the_machine.read(there / "file", 100) == b"secret"


async def test_a_disk_that_is_full_leaves_what_was_there(
    the_machine: SshMachine, host: Host
) -> None:
    host.sh("mkdir -p /run/full && mount -t tmpfs -o size=8k,mode=755 none /run/full")
    try:
        host.sh("echo old >/run/full/file")
        with pytest.raises(MachineError) as raised:
            await the_machine.replace(Path("/run/full/file"), b"x" * 100_000)
        assert not raised.value.begun
        assert "No space left" in str(raised.value)
        assert host.sh("cat /run/full/file; ls -A /run/full").split() == ["old", "file"]
    finally:
        host.sh("umount -l /run/full")


async def test_a_large_file_arrives_whole(the_machine: SshMachine, there: Path) -> None:
    data = os.urandom(400_000)
    (there / "file").write_bytes(b"")
    await the_machine.replace(there / "file", data)
    assert (there / "file").read_bytes() == data
    assert await the_machine.read(there / "file", 500_000) == data
