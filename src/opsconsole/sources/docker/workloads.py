"""What Docker runs copies of: Swarm services, and the services of Compose projects. Pure.

Invariant: a Swarm service is reported with what it wants now; for a job that is what its completed
tasks leave to be done. A task that has ended is history and a copy of nothing, and so is what
``compose run`` has made.

Shape: ``GET /services`` of the Docker Engine API 1.41 to 1.51; before, no tasks are counted.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.running.workloads import Place, Update, Workload
from opsconsole.sources.json_fields import integer, mapping, text
from opsconsole.sources.one_of_many import each_alone

COMPOSE: Final = "com.docker.compose."
COMPOSE_SERVICE: Final = f"{COMPOSE}service"
SWARM: Final = "com.docker.swarm.service."
_SERVICES_LIMIT: Final = 10_000
_NAME_LIMIT: Final = 128
_VALUE_LIMIT: Final = 256
_UPDATES: Final = {
    "": Update.NONE,
    "completed": Update.NONE,
    "updating": Update.RUNNING,
    "paused": Update.PAUSED,
    "rollback_paused": Update.PAUSED,
    "rollback_started": Update.ROLLING_BACK,
    "rollback_completed": Update.ROLLED_BACK,
}


def copy_of(labels: Mapping[str, str], place: Place, *, runs: bool) -> tuple[str, str]:
    """Name and id of what a container with ``labels`` is a copy of; empty where of nothing."""
    service = labels.get(f"{SWARM}name", "")
    if service:
        return (service, labels.get(f"{SWARM}id") or service) if runs else ("", "")
    service = labels.get(COMPOSE_SERVICE, "")
    if not service or labels.get(f"{COMPOSE}oneoff", "").lower() == "true":
        return "", ""
    project = labels.get(f"{COMPOSE}project", "")
    name = f"{project}/{service}" if project else service
    return name, f"{place.name}:{name}"


def read_services(answer: object, place: Place) -> tuple[Workload, ...]:
    """Swarm services whose task counts the engine reports, by name."""
    items = _list(answer)[:_SERVICES_LIMIT]
    found = (each_alone(lambda item: _service(mapping(item), place), item) for item in items)
    return tuple(sorted((each for each in found if each), key=lambda each: each.name))


def _service(service: Mapping[str, object], place: Place) -> Workload | None:
    spec, status = mapping(service.get("Spec")), mapping(service.get("ServiceStatus"))
    template = mapping(mapping(spec.get("TaskTemplate")).get("ContainerSpec"))
    update = mapping(service.get("UpdateStatus"))
    running, desired = (integer(status.get(key)) for key in ("RunningTasks", "DesiredTasks"))
    name = text(spec.get("Name"), _NAME_LIMIT)
    if not name or running is None or desired is None:
        return None
    completed = integer(status.get("CompletedTasks")) or 0
    word = text(update.get("State"), _NAME_LIMIT)
    return Workload(
        id=text(service.get("ID"), _NAME_LIMIT) or name,
        name=name,
        kind="Swarm service",
        place=place,
        image=text(template.get("Image"), _VALUE_LIMIT).partition("@")[0],
        wanted=_wanted(mapping(spec.get("Mode")), desired, completed),
        running=running,
        completed=completed,
        update=_UPDATES.get(word, Update.UNKNOWN),
        said=text(update.get("Message"), _VALUE_LIMIT),
    )


def _wanted(mode: Mapping[str, object], desired: int, completed: int) -> int:
    """Tasks that should run now: of a job no more than are left, and that many at a time."""
    if "ReplicatedJob" not in mode and "GlobalJob" not in mode:
        return desired
    total = integer(mapping(mode.get("ReplicatedJob")).get("TotalCompletions"))
    return min(desired, max(0, (desired if total is None else total) - completed))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
