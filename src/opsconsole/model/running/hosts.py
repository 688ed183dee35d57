"""What hosts and their processes use.

Invariant: shares are fractions of the whole, sizes are bytes, rates are per second; None means not
known, never zero.
"""

from dataclasses import replace

from opsconsole.dataclass import dataclass
from opsconsole.model.reading import is_stale
from opsconsole.model.running.host_certificates import HostCertificate


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
class Pressure:
    """The share of the last ten seconds, 0 to 1, in which some task waited for each."""

    cpu: float
    memory: float
    io: float


@dataclass(frozen=True, slots=True)
class Host:
    """One host at one moment. ``cpu`` is the mean over cores; ``load`` the 1, 5, 15 min means.

    ``ahead`` is how many seconds its clock is before the console's; 0 where no difference is seen.
    ``failed`` are the systemd units of another host that failed, ``certificates`` those in its
    files that are watched.
    """

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
    ahead: float | None = None
    pressure: Pressure | None = None
    failed: tuple[str, ...] = ()
    certificates: tuple[HostCertificate, ...] = ()


@dataclass(frozen=True, slots=True)
class HostView:
    """One host as it was last seen, at ``taken_at``; it is read every ``interval`` seconds.

    ``elsewhere``: it is not the console's own.
    """

    host: Host
    taken_at: float
    interval: float
    elsewhere: bool = False

    def every(self, interval: float) -> "HostView":
        """The same, looked at every ``interval`` seconds from now on."""
        return self if interval == self.interval else replace(self, interval=interval)

    def stale(self, now: float) -> bool:
        """Whether it may no longer be shown as current."""
        return is_stale(self.taken_at, self.interval, now)
