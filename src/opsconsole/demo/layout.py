"""Which processes make the fleet, and where each one's files and sockets are.

Invariant: names, ports and paths do not change while a fleet lives, so that a process that is
replaced is found where the one before it was.
"""

from __future__ import annotations

import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.demo.processes import LOOPBACK

SERVICES: Final = {"errorscope": 1, "ai-ops": 1, "ai-backend": 1, "ai-service": 3, "oatie": 1}

# Below the ports that the kernel gives to clients (ip(7), ip_local_port_range): a client of a
# dead platform cannot be given its port, take it away from the next process, or meet itself.
_PORTS: Final = range(18_000, 32_000)

# A unix socket's path is limited to 108 bytes (unix(7)); the longest name needs about thirty.
_RUN_FOLDER_LIMIT: Final = 70


@dataclass(frozen=True, slots=True)
class Member:
    """One platform process: an instance of a service."""

    service: str
    instance: str
    port: int
    folder: Path
    run_folder: Path

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def control(self) -> Path:
        """The socket that injects faults into it."""
        return self.run_folder / f"{self.instance}.sock"

    @property
    def pid_file(self) -> Path:
        """Holds its process id while it runs."""
        return self.run_folder / f"{self.instance}.pid"

    @property
    def output(self) -> Path:
        """What the process writes to its standard streams."""
        return self.run_folder / f"{self.instance}.out"


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole fleet; `folder` holds everything that is on disk but, perhaps, the sockets."""

    folder: Path
    run_folder: Path
    members: tuple[Member, ...]

    @property
    def socket(self) -> Path:
        """The supervisor's control socket."""
        return self.run_folder / "fleet.sock"

    @property
    def config(self) -> Path:
        """The configuration that the console is given."""
        return self.folder / "opsconsole.yaml"

    @property
    def notes(self) -> Path:
        """What is not there and how to get it: one JSON object."""
        return self.folder / "demo.json"

    def select(self, name: str) -> tuple[Member, ...]:
        """The members of a service, or the one instance, called `name`; ValueError if none."""
        found = tuple(m for m in self.members if name in (m.service, m.instance))
        if not found:
            known = ", ".join(dict.fromkeys(m.service for m in self.members))
            raise ValueError(f"no service or instance {name!r}; known: {known}")
        return found

    def of(self, service: str) -> tuple[Member, ...]:
        """The members of a service, in order."""
        return tuple(member for member in self.members if member.service == service)

    def remove_run_files(self) -> None:
        """Delete sockets, pid files and the processes' output, which mean nothing afterwards."""
        shutil.rmtree(self.run_folder, ignore_errors=True)

    def remove(self) -> None:
        """Delete every file of the fleet."""
        self.remove_run_files()
        shutil.rmtree(self.folder, ignore_errors=True)


def plan_layout(folder: Path) -> Layout:
    """Choose ports and make the folders below `folder`, which may exist; all are private."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    run_folder = folder / "run"
    if len(str(run_folder)) > _RUN_FOLDER_LIMIT:
        run_folder = Path(tempfile.mkdtemp(prefix="opsconsole-"))
    run_folder.mkdir(exist_ok=True, mode=0o700)
    members = []
    ports = _free_ports(sum(SERVICES.values()))
    for service, count in SERVICES.items():
        for number in range(1, count + 1):
            instance = service if count == 1 else f"{service}-{number}"
            home = folder / instance
            home.mkdir(exist_ok=True, mode=0o700)
            members.append(Member(service, instance, next(ports), home, run_folder))
    return Layout(folder, run_folder, tuple(members))


def _free_ports(count: int) -> Iterator[int]:
    """Different ports that nobody listens on at this moment; OSError when they run out."""
    found = 0
    for port in random.sample(_PORTS, len(_PORTS)):
        if found == count:
            return
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        found += 1
        yield port
    raise OSError(f"no {count} free ports from {_PORTS.start} to {_PORTS.stop - 1}")
