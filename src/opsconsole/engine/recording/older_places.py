"""Reads recordings that know only one host and one set of Docker Engines.

Invariant: what such a recording has of its host and its Docker Engine is shown in the present form;
times, states and names are those that were recorded. What it does not have is unknown.
"""

from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.recording.codec import Decoder, Layout
from opsconsole.engine.recording.delta import Tree
from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.running.workloads import (
    EngineView,
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Port,
    Replica,
    Workload,
)
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State

_INTERVAL: Final = 5.0
"""Interval, in seconds, of a place for which the recording has no source."""

_PHASES: Final = {
    "created": Phase.PENDING,
    "running": Phase.RUNNING,
    "paused": Phase.PAUSED,
    "restarting": Phase.RESTARTING,
    "exited": Phase.ENDED,
    "dead": Phase.ENDED,
    "removing": Phase.ENDED,
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it was recorded. The class and its fields have the recording's names."""

    id: str
    name: str
    image: str
    image_id: str
    status: str
    state: State
    health: str
    exit_code: int | None
    oom_killed: bool
    restarts: int | None
    started_at: float | None
    finished_at: float | None
    ports: tuple[Port, ...]
    labels: Mapping[str, str]
    cpu: float | None
    memory: int | None
    memory_limit: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class SwarmService:
    """A Swarm service as it was recorded."""

    id: str
    name: str
    image: str
    running: int
    desired: int


@dataclass(frozen=True, slots=True)
class DockerView:
    """What all Docker Engines together reported, as it was recorded."""

    endpoint: str
    version: str
    containers: tuple[Container, ...]
    swarm_services: tuple[SwarmService, ...]


def is_older(layout: Layout) -> bool:
    """Whether ``layout`` is the layout of such a recording."""
    return DockerView.__name__ in layout


def completed(snapshot: Snapshot, layout: Layout, decoder: Decoder, tree: Tree) -> Snapshot:
    """``snapshot``, decoded from ``tree``, with what only the older fields hold."""
    take = {name: tree[index] for index, name in enumerate(layout[Snapshot.__name__])}
    intervals = {each.name: each.interval for each in snapshot.sources}
    hosts: tuple[HostView, ...] = ()
    if take["host"] is not None:
        host = decoder.decode(Host, take["host"])
        hosts = (HostView(host, take["host_at"], intervals.get("host", _INTERVAL)),)
    if take["docker"] is None:
        return replace(snapshot, hosts=hosts)
    docker = decoder.decode(DockerView, take["docker"])
    name = next(
        (each.name for each in snapshot.sources if each.endpoint == docker.endpoint), "docker"
    )
    inventory = _inventory(docker, Place(PlaceKind.ENGINE, name))
    engine = EngineView(inventory, take["docker_at"], intervals.get(name, _INTERVAL))
    ids = {each.name: each.id for each in docker.containers}
    rows = zip(snapshot.services, take["services"], strict=True)
    return replace(
        snapshot,
        hosts=hosts,
        engines=(engine,),
        services=tuple(_service(service, layout, row, ids) for service, row in rows),
    )


def _service(
    service: ServiceView, layout: Layout, tree: Tree, ids: Mapping[str, str]
) -> ServiceView:
    """With the ids of the replicas that it was matched to by name."""
    fields = layout[ServiceView.__name__]
    names, rows = (itemgetter(fields.index(each))(tree) for each in ("containers", "instances"))
    place = layout[InstanceView.__name__].index("container")
    return replace(
        service,
        replicas=tuple(ids[name] for name in names if name in ids),
        instances=tuple(
            replace(
                instance,
                runs_as=row[place],
                replicas=(ids[row[place]],) if row[place] in ids else (),
            )
            for instance, row in zip(service.instances, rows, strict=True)
        ),
    )


def _inventory(docker: DockerView, place: Place) -> Inventory:
    return Inventory(
        place,
        docker.endpoint,
        docker.version,
        tuple(_replica(each, place) for each in docker.containers),
        tuple(
            Workload(
                each.id, each.name, "Swarm service", place, each.image, each.desired, each.running
            )
            for each in docker.swarm_services
        ),
    )


def _replica(container: Container, place: Place) -> Replica:
    return Replica(
        id=container.id,
        name=container.name,
        kind="container",
        place=place,
        status=container.status,
        phase=_PHASES.get(container.status, Phase.UNKNOWN),
        state=container.state,
        image=container.image,
        image_id=container.image_id,
        health=container.health,
        exit_code=container.exit_code,
        oom_killed=container.oom_killed,
        restarts=container.restarts,
        started_at=container.started_at,
        finished_at=container.finished_at,
        ports=container.ports,
        labels=container.labels,
        cpu=container.cpu,
        memory=container.memory,
        memory_limit=container.memory_limit,
        detail=container.detail,
    )
