"""Replicas, workloads and engines as tests need them, in few words."""

from collections.abc import Sequence
from typing import Any

from opsconsole.model.running.workloads import (
    EngineView,
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Replica,
    Workload,
)
from opsconsole.model.state import State

DOCKER = Place(PlaceKind.ENGINE, "docker")


def replica(
    name: str, phase: Phase = Phase.RUNNING, state: State | None = None, **more: Any
) -> Replica:
    """One that is ok where it runs and down where it does not, unless ``state`` says otherwise."""
    usual = State.OK if phase is Phase.RUNNING else State.DOWN
    place = more.pop("place", DOCKER)
    workload = more.pop("workload", "")
    return Replica(
        id=more.pop("id", name),
        name=name,
        kind=more.pop("kind", "container"),
        place=place,
        status=more.pop("status", phase.value),
        phase=phase,
        state=usual if state is None else state,
        workload=workload,
        workload_id=more.pop("workload_id", f"{place.name}:{workload}" if workload else ""),
        **more,
    )


def workload(name: str, running: int, wanted: int, **more: Any) -> Workload:
    """One of ``place``, whose id is that of its replicas here."""
    place = more.pop("place", DOCKER)
    id_ = more.pop("id", f"{place.name}:{name}")
    return Workload(id_, name, "Swarm service", place, "web:1", wanted, running, **more)


def inventory(
    *replicas: Replica, workloads: Sequence[Workload] = (), place: Place = DOCKER
) -> Inventory:
    """What an engine says at one look."""
    return Inventory(place, f"unix:///{place.name}", "28.1", replicas, tuple(workloads))


def engine(
    *replicas: Replica,
    at: float,
    workloads: Sequence[Workload] = (),
    place: Place = DOCKER,
    interval: float = 5.0,
) -> EngineView:
    """What an engine said at the moment ``at``."""
    told = inventory(*replicas, workloads=workloads, place=place)
    return EngineView(told, at, interval)
