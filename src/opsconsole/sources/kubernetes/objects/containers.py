"""The containers of a pod and its conditions, as the cluster reports them. Pure.

Invariant: reading raises nothing; an init container that runs beside the others is one of them.

Shape: ``status`` of a ``v1`` ``Pod`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import integer, listed, mapping, read_time, text
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, VALUE_LIMIT

CRASH_LOOP: Final = "CrashLoopBackOff"
OUT_OF_MEMORY: Final = "OOMKilled"
CONTAINERS: Final = 64
"""Containers, volumes and conditions that are read of one pod."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of a container ended."""

    code: int | None
    reason: str = ""
    message: str = ""
    started_at: float | None = None
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod. ``waiting`` is the reason for which it waits, '' where it does not.

    ``ended`` is its present end, ``before`` that of the run before this one.
    """

    name: str
    image: str = ""
    image_id: str = ""
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    said: str = ""
    running_since: float | None = None
    ended: Ended | None = None
    before: Ended | None = None
    init: bool = False

    @property
    def last_end(self) -> Ended | None:
        """The end that is known best: the present one, else the one before."""
        return self.ended or self.before


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an object; ``status`` is True, False or Unknown."""

    status: str
    reason: str = ""
    message: str = ""
    since: float | None = None


def read_conditions(status: Mapping[str, object]) -> dict[str, Condition]:
    """The conditions of an object by their type."""
    return {
        text(each.get("type"), NAME_LIMIT): Condition(
            text(each.get("status"), 16),
            text(each.get("reason"), NAME_LIMIT),
            text(each.get("message"), 1000),
            read_time(each.get("lastTransitionTime")),
        )
        for each in map(mapping, listed(status.get("conditions"), CONTAINERS))
    }


def read_containers(
    spec: Mapping[str, object], status: Mapping[str, object]
) -> tuple[Container, ...]:
    """The init containers, then the others, as the specification has them."""
    found: list[Container] = []
    for of, statuses, init in (
        ("initContainers", "initContainerStatuses", True),
        ("containers", "containerStatuses", False),
    ):
        said = {
            text(each.get("name"), NAME_LIMIT): each
            for each in map(mapping, listed(status.get(statuses), CONTAINERS))
        }
        for each in map(mapping, listed(spec.get(of), CONTAINERS)):
            name = text(each.get("name"), NAME_LIMIT)
            # An init container that is always restarted runs beside the others, from 1.28 on.
            alone = init and each.get("restartPolicy") != "Always"
            image = text(each.get("image"), VALUE_LIMIT)
            found.append(_container(name, image, said.get(name, {}), init=alone))
    return tuple(found)


def _container(name: str, image: str, status: Mapping[str, object], *, init: bool) -> Container:
    state, last = mapping(status.get("state")), mapping(status.get("lastState"))
    waiting, running = mapping(state.get("waiting")), mapping(state.get("running"))
    return Container(
        name,
        image,
        text(status.get("imageID"), VALUE_LIMIT).rpartition("://")[2],
        status.get("ready") is True,
        integer(status.get("restartCount")) or 0,
        text(waiting.get("reason"), NAME_LIMIT),
        text(waiting.get("message"), 1000),
        read_time(running.get("startedAt")),
        _ended(state.get("terminated")),
        _ended(last.get("terminated")),
        init=init,
    )


def _ended(value: object) -> Ended | None:
    found = mapping(value)
    if not found:
        return None
    return Ended(
        integer(found.get("exitCode")),
        text(found.get("reason"), NAME_LIMIT),
        text(found.get("message"), 1000),
        read_time(found.get("startedAt")),
        read_time(found.get("finishedAt")),
    )
