"""Real hosts for tests: machines with systemd, journald, sshd and an address of their own.

Invariant: a host is a container of the tests' engine and ends with it. The key that logs in is made
for the run, and host keys are those of the run: nothing of the user's own ``~/.ssh`` is read.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from opsconsole.demo import binaries
from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.demo.processes import ServerError
from tests.patience import LONGEST, until

if TYPE_CHECKING:
    from docker.models.containers import Container

TAG: Final = "1"
_CONFIG: Final = """\
Host *
  User root
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
"""
_NAMED: Final = """\
Host {name}
  HostName {address}
"""


def archive() -> Path | None:
    """The tree that a host is made of; None where it was not fetched."""
    return binaries.find_file("host.tar")


class Host:
    """One host. ``shared`` is a folder that has the same path there and here."""

    def __init__(self, name: str, container: "Container", fleet: "Fleet") -> None:
        self.name, self._container, self._fleet = name, container, fleet

    @property
    def shared(self) -> Path:
        """The folder that all hosts and this process have in common."""
        return self._fleet.shared

    @property
    def ssh_config(self) -> Path:
        """With it ``ssh NAME`` logs in as root, and as another user with ``ssh USER@NAME``."""
        return self._fleet.folder / "config"

    @cached_property
    def address(self) -> str:
        """Its address on the engine's bridge."""
        self._container.reload()
        settings = self._container.attrs["NetworkSettings"]
        found = settings["IPAddress"] or next(iter(settings["Networks"].values()))["IPAddress"]
        return str(found)

    def sh(self, script: str, *words: str) -> str:
        """What a script says there, run by its shell as root. Raises ServerError."""
        code, said = self._try("sh", "-c", script, "sh", *words)
        if code:
            raise ServerError(f"{self.name}: {script!r} ended with {code}: {said}")
        return said

    def _try(self, *argv: str) -> tuple[int, str]:
        """Its exit code and output, by a file: a busy engine loses what a short program says."""
        said = self.shared / f"said-{secrets.token_hex(8)}"
        script = 'exec "$@" >"$0" 2>&1'
        done = self._container.exec_run(["sh", "-c", script, str(said), *argv])
        try:
            return done.exit_code or 0, said.read_text("utf-8", "replace")
        except FileNotFoundError:
            return done.exit_code or 1, str(done.output)
        finally:
            said.unlink(missing_ok=True)

    def add_user(self, name: str, shell: str = "/bin/sh") -> None:
        """A user whom the key of the run lets in."""
        if self._try("id", name)[0]:
            self.sh('useradd --create-home --shell "$2" "$1"', name, shell)
            self.sh('cp -r /root/.ssh "/home/$1/.ssh" && chown -R "$1:$1" "/home/$1/.ssh"', name)

    def wait_running(self) -> None:
        """Return once systemd has started all, and sshd listens."""
        until(lambda: "running" in self._try("systemctl", "is-system-running")[1], every=0.1)
        until(lambda: self._try("systemctl", "is-active", "ssh")[0] == 0, every=0.1)

    def pause(self) -> None:
        """Freeze it: it is there and answers nothing."""
        self._container.pause()

    def resume(self) -> None:
        """Let a frozen host go on."""
        with contextlib.suppress(Exception):
            self._container.unpause()

    def cut(self) -> None:
        """Take its line away; what is connected learns nothing of it."""
        self._network().disconnect(self._container)

    def reconnect(self) -> None:
        """Give it its line back, at the same address as the engine gives them in turn."""
        self._network().connect(self._container)
        self.__dict__.pop("address", None)
        self._fleet.write_config()

    def _network(self) -> Any:
        return self._fleet.engine.client().networks.get("bridge")

    def pid_here(self, pid: int) -> int | None:
        """What this machine calls the process that is called ``pid`` there; None if it is gone."""
        namespace = self._namespace
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(folder / "ns/pid") != namespace:
                    continue
                lines = (folder / "status").read_text().splitlines()
            except OSError:
                continue
            ids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [""])
            if ids[-1] == str(pid):
                return int(folder.name)
        return None

    @cached_property
    def _namespace(self) -> str:
        return self.sh("readlink /proc/1/ns/pid").strip()


class Fleet:
    """The hosts of a run, each started when it is first asked for."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.shared = folder / "shared"
        self.shared.mkdir()
        self._hosts: dict[str, Host] = {}
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests"]
        key += ["-f", str(folder / "key")]
        subprocess.run(key, check=True, stdin=subprocess.DEVNULL)

    def __getitem__(self, name: str) -> Host:
        """The host that is called ``name``."""
        if name not in self._hosts:
            self._hosts[name] = self._started(name)
            self.write_config()
        return self._hosts[name]

    def write_config(self) -> None:
        """Name every host to ssh, by its address and with its key."""
        config, known = "", ""
        for host in self._hosts.values():
            config += _NAMED.format(name=host.name, address=host.address)
            key = host.sh("cat /etc/ssh/ssh_host_ed25519_key.pub").split()
            known += f"{host.address} {key[0]} {key[1]}\n"
        (self.folder / "known_hosts").write_text(known)
        (self.folder / "config").write_text(config + _CONFIG.format(folder=self.folder))

    def _started(self, name: str) -> Host:
        container = self.engine.client().containers.run(
            self._image,
            command=["/sbin/init"],
            name=f"{name}-{secrets.token_hex(4)}",
            hostname=name,
            detach=True,
            cap_add=["SYS_ADMIN"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            cgroupns="private",
            tmpfs={"/run": "exec", "/tmp": "exec,mode=1777"},
            volumes={str(self.shared): {"bind": str(self.shared), "mode": "rw"}},
            labels={LABEL: f"{self.engine.owner}-hosts"},
        )
        host = Host(name, container, self)
        host.wait_running()
        public = (self.folder / "key.pub").read_text()
        host.sh('mkdir -m 700 -p /root/.ssh && printf %s "$1" > /root/.ssh/authorized_keys', public)
        # One of these tests logs in more often at once than sshd lets in by itself.
        host.sh("echo MaxStartups 100 > /etc/ssh/sshd_config.d/tests.conf && systemctl restart ssh")
        return host

    @cached_property
    def _image(self) -> str:
        found = archive()
        if found is None:
            raise ServerError("the tree of the hosts is not there", remedy="run make servers")
        repository = f"{self.engine.repository}-host"
        # Hundreds of megabytes, on a disk that others write to as well.
        api = self.engine.client().api
        api.timeout = int(LONGEST)
        api.import_image_from_file(
            str(found), repository=repository, tag=TAG, changes=[f"LABEL {LABEL}=host"]
        )
        return f"{repository}:{TAG}"

    def close(self) -> None:
        """Remove every host and what they are made of."""
        for host in self._hosts.values():
            host.resume()
            host._container.remove(force=True, v=True)
        if "_image" in self.__dict__:
            self.engine.client().images.remove(self._image, force=True)


def lack() -> str:
    """What hosts need that is not here; '' when nothing."""
    missing: Sequence[str] = [each for each in ("ssh", "ssh-keygen") if not shutil.which(each)]
    if missing:
        return f"{' and '.join(missing)} not found: install openssh-client"
    return "" if archive() else "run make servers"


@contextlib.contextmanager
def fleet_of(engine: Engine, folder: Path) -> Iterator[Fleet]:
    """Hosts on ``engine``, ended when the block is."""
    fleet = Fleet(engine, folder)
    try:
        yield fleet
    finally:
        fleet.close()
