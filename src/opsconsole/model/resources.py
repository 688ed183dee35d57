"""What hosts, containers and processes use.

Invariant: shares are fractions of the whole (1.0 is all of it; a container's ``cpu`` of 2.0 is
two cores), sizes are bytes, rates are per second; None means not known, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class Disk:
    """One mounted file system."""

    mount: str
    used: int
    total: int

    @property
    def share(self) -> float:
        """Fraction in use, 0 to 1."""
        return self.used / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Process:
    """One of the host's busiest processes."""

    pid: int
    name: str
    cpu: float
    memory: int
    user: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """This host at one moment. ``cpu`` is the mean over cores; ``load`` the 1, 5, 15 min means."""

    name: str
    cpu: float
    cores: tuple[float, ...]
    load: tuple[float, float, float]
    memory_used: int
    memory_total: int
    swap_used: int
    swap_total: int
    disks: tuple[Disk, ...]
    received: float | None
    sent: float | None
    uptime: float
    processes: tuple[Process, ...] = ()
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: ``address:public`` on the host leads to ``private`` inside."""

    private: int
    public: int | None = None
    address: str = ""
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Container:
    """One container as the engine reports it. ``health`` is '' when no HEALTHCHECK is defined.

    ``status`` is the engine's word (running, exited, …); ``state`` is ours.
    """

    id: str
    name: str
    image: str
    image_id: str
    status: str
    state: State
    health: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    ports: tuple[Port, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SwarmService:
    """A Swarm service with its running and wanted tasks."""

    id: str
    name: str
    image: str
    running: int
    desired: int


@dataclass(frozen=True, slots=True)
class DockerView:
    """Everything that one Docker Engine says. ``endpoint`` is where it was asked."""

    endpoint: str
    version: str
    containers: tuple[Container, ...]
    swarm_services: tuple[SwarmService, ...] = ()
