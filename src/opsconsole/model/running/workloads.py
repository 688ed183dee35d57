"""What is wanted and what runs, on any platform: workloads, replicas and their places.

Invariant: a Docker container, a Swarm task, a systemd unit and a pod are the same kinds of thing;
nothing here says which. Sizes are bytes, ``cpu`` is in cores; None means not known, never zero.
Names are those that people write, ids are unique among all replicas and workloads of all places.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.model.reading import is_stale
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.troubles import Trouble
from opsconsole.model.state import State


class PlaceKind(StrEnum):
    """What a place is."""

    HOST = "host"
    ENGINE = "engine"
    CLUSTER = "cluster"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something runs or is reported; ``name`` is the one that the configuration gives it."""

    kind: PlaceKind
    name: str


class Phase(StrEnum):
    """Where a replica is in its life. PENDING: it was made and has not started yet."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: ``address:public`` on the host leads to ``private`` inside."""

    private: int
    public: int | None = None
    address: str = ""
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy that runs, or ran, in ``place``. ``workload`` is what it is a copy of, '' if alone.

    ``kind`` is the word that its place has for it: container, unit. ``status`` and ``health`` are
    the words of the program that runs it, '' where it has none; ``phase`` and ``state`` are ours.
    ``loop`` is how often it has ended by itself in a loop of restarts, 0 where it is in none.
    ``start_error`` is why the latest start of one that does not run failed, '' where it did not.
    ``trouble`` is what else keeps it from serving. In a cluster it is in ``namespace``, runs on
    ``node`` and is reached there at ``address``.
    """

    id: str
    name: str
    kind: str
    place: Place
    status: str
    phase: Phase
    state: State
    workload: str = ""
    workload_id: str = ""
    image: str = ""
    image_id: str = ""
    health: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    pid: int | None = None
    ports: tuple[Port, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    detail: str = ""
    loop: int = 0
    start_error: str = ""
    trouble: Trouble | None = None
    namespace: str = ""
    node: str = ""
    address: str = ""

    @property
    def runs(self) -> bool:
        """Whether it runs at this moment."""
        return self.phase is Phase.RUNNING


ASKED_EVERY: Final = 5.0
"""Seconds between looks at what is read only while a screen shows it."""


@dataclass(frozen=True, slots=True)
class ReplicaLook:
    """What an instance was seen to run as at ``taken_at``, read because a screen shows it.

    ``name`` is what it is called where it was asked for. Either ``replica`` or ``fault`` is set.
    """

    instance: str
    name: str
    taken_at: float
    replica: Replica | None = None
    fault: Fault | None = None

    def stale(self, now: float) -> bool:
        """Whether it may no longer be shown as current."""
        return is_stale(self.taken_at, ASKED_EVERY, now)


class Update(StrEnum):
    """How the latest change of a workload goes. HELD: somebody wants it to wait."""

    NONE = ""
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What changes a workload's number of copies by itself, between ``minimum`` and ``maximum``.

    ``cpu`` and ``memory`` are the shares of what a copy asks for that it aims at, ``others`` the
    names of what else it looks at. ``wants`` is how many copies it asked for last, at
    ``scaled_at``; ``fault`` is why it does not know at present.
    """

    name: str
    minimum: int
    maximum: int
    cpu: float | None = None
    memory: float | None = None
    others: tuple[str, ...] = ()
    wants: int | None = None
    scaled_at: float | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is wanted: ``wanted`` copies that run at this moment; ``completed`` ones are done.

    ``kind`` is the word that its place has for it. ``said`` is why its update stands as it does.
    ``updated`` of its copies are as wanted now. ``trouble`` is what keeps copies from being made.
    ``may_lose`` is how many copies may be taken away at present, where somebody set a limit.
    """

    id: str
    name: str
    kind: str
    place: Place
    image: str
    wanted: int
    running: int
    completed: int = 0
    update: Update = Update.NONE
    said: str = ""
    updated: int | None = None
    revision: str = ""
    trouble: Trouble | None = None
    autoscaler: Autoscaler | None = None
    may_lose: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name without what it is in."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Unread:
    """A kind of object of a place that was not read, and why."""

    what: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that one place says it runs, at one look. ``endpoint`` is where it was asked.

    ``unread`` is what could not be read of it, for lack of rights for one. ``nodes`` are those of
    a cluster, by name.
    """

    place: Place
    endpoint: str
    version: str
    replicas: tuple[Replica, ...]
    workloads: tuple[Workload, ...] = ()
    unread: tuple[Unread, ...] = ()
    nodes: tuple[ClusterNode, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineView:
    """What an engine or a cluster said last, at ``taken_at``; asked every ``interval`` seconds."""

    inventory: Inventory
    taken_at: float
    interval: float

    def every(self, interval: float) -> "EngineView":
        """The same, asked every ``interval`` seconds from now on."""
        return self if interval == self.interval else replace(self, interval=interval)

    def stale(self, now: float) -> bool:
        """Whether it may no longer be shown as current."""
        return is_stale(self.taken_at, self.interval, now)
