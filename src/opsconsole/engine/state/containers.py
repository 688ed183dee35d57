"""Which containers belong to which service. Pure.

Invariant: a container belongs to a service by a name that the configuration gives: its own name,
its Compose service's or its Swarm service's. Nothing is joined by likeness.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opsconsole.model.resources import Container, DockerView, SwarmService
from opsconsole.model.source_id import SourceId

_COMPOSE: Final = "com.docker.compose.service"
_SWARM: Final = "com.docker.swarm.service.name"


class ContainerIndex:
    """The containers of all engines by every name that they answer to."""

    def __init__(self, views: Iterable[DockerView]) -> None:
        self._by_name: dict[str, Container] = {}
        self._by_group: defaultdict[str, list[Container]] = defaultdict(list)
        self._swarm: dict[str, SwarmService] = {}
        for view in views:
            self._swarm.update((each.name, each) for each in view.swarm_services)
            for container in view.containers:
                self._by_name[container.name] = container
                self._group(container)

    def find(self, name: str) -> tuple[Container, ...]:
        """The container called ``name``, else those of the Compose or Swarm service."""
        alone = self._by_name.get(name)
        return (alone,) if alone is not None else tuple(self._by_group.get(name, ()))

    def join(self, names: Sequence[str]) -> tuple[Container, ...]:
        """Those of all ``names``, each once, in order."""
        found = {each.id: each for name in names for each in self.find(name)}
        return tuple(found.values())

    def knows(self, name: str) -> bool:
        """Whether anything is called ``name``."""
        return name in self._by_name or name in self._by_group or name in self._swarm

    def swarm(self, names: Sequence[str]) -> tuple[SwarmService, ...]:
        """The Swarm services among ``names``."""
        return tuple(self._swarm[name] for name in names if name in self._swarm)

    def _group(self, container: Container) -> None:
        for label in (_COMPOSE, _SWARM):
            group = container.labels.get(label)
            # Ended tasks are Swarm's history; what is wanted is in the Swarm service's count.
            if group and (label == _COMPOSE or container.status == "running"):
                self._by_group[group].append(container)


def merge_views(views: Mapping[SourceId, DockerView]) -> DockerView | None:
    """One view of all engines; that of a single engine is the same object."""
    found = list(views.values())
    if len(found) <= 1:
        return found[0] if found else None
    return DockerView(
        endpoint=", ".join(view.endpoint for view in found),
        version=found[0].version,
        containers=tuple(each for view in found for each in view.containers),
        swarm_services=tuple(each for view in found for each in view.swarm_services),
    )
