"""A pod as the console has it: one copy, with the state that the cluster reports of it. Pure.

Invariant: whatever the cluster sends, reading it raises nothing, and a field that is missing or of
another type is not known. A pod that is being deleted or has ended is a copy of nothing: its
workload does not count it either. One that starts and of which nothing is wrong is DEGRADED, one
that was ready and is no longer is DOWN.

Shape: ``v1`` ``Pod`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.troubles import Trouble
from opsconsole.model.running.workloads import Phase, Place, Port, Replica
from opsconsole.model.state import State
from opsconsole.sources.json_fields import integer, listed, mapping, read_time, text
from opsconsole.sources.kubernetes.objects.containers import (
    CONTAINERS,
    CRASH_LOOP,
    OUT_OF_MEMORY,
    Condition,
    Container,
    read_conditions,
    read_containers,
)
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, Metadata, read_metadata
from opsconsole.sources.kubernetes.objects.pod_troubles import of_pod
from opsconsole.sources.kubernetes.objects.quantities import size

KIND: Final = "pod"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod; ``replica`` is what it is to the console, before what others know of it."""

    meta: Metadata
    replica: Replica
    containers: tuple[Container, ...]
    conditions: Mapping[str, Condition]
    claims: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether its workload counts it: it is neither ending nor over."""
        return self.meta.deleted_at is None and self.replica.phase is not Phase.ENDED

    @property
    def starts(self) -> bool:
        """Whether it has not been ready yet and nothing is wrong with it."""
        return (
            self.replica.state is State.DEGRADED
            and self.replica.trouble is None
            and (self.replica.loop == 0)
        )


def read_pod(item: Mapping[str, object], place: Place) -> Pod | None:
    """The pod ``item``; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    conditions = read_conditions(status)
    containers = read_containers(spec, status)
    main = [each for each in containers if not each.init]
    node = text(spec.get("nodeName"), NAME_LIMIT)
    said = text(status.get("reason"), NAME_LIMIT), text(status.get("message"), 1000)
    trouble = of_pod(*said, conditions, containers)
    phase = _phase(status, main)
    culprit = _culprit(containers)
    end = culprit.last_end if culprit is not None else None
    loops = culprit is not None and culprit.waiting == CRASH_LOOP
    first = main[0] if main else Container("")
    shown = culprit or first
    word = _word(meta, status, conditions, containers)
    replica = Replica(
        id=meta.uid,
        name=meta.name,
        kind=KIND,
        place=place,
        status=word,
        phase=phase,
        state=_state(meta, phase, conditions, main, trouble, loops=loops),
        image=first.image,
        image_id=first.image_id,
        health=_health(phase, conditions),
        exit_code=end.code
        if end is not None and not (shown.running_since and shown.ready)
        else None,
        oom_killed=end is not None and end.reason == OUT_OF_MEMORY,
        restarts=sum(each.restarts for each in containers),
        started_at=_started(main, status),
        finished_at=end.finished_at if end is not None else None,
        ports=_ports(spec),
        labels=meta.labels,
        memory_limit=_memory_limit(spec),
        detail=_detail(word, culprit, trouble),
        loop=max(1, culprit.restarts) if loops and culprit is not None else 0,
        start_error="",
        trouble=trouble,
        namespace=meta.namespace,
        node=node,
        address=text(status.get("podIP"), NAME_LIMIT),
    )
    return Pod(meta, replica, containers, conditions, _claims(spec))


def _phase(status: Mapping[str, object], main: Sequence[Container]) -> Phase:
    match status.get("phase"):
        case "Pending":
            return Phase.PENDING
        case "Succeeded" | "Failed":
            return Phase.ENDED
        case "Running":
            if any(each.running_since is not None for each in main) and not any(
                each.waiting for each in main
            ):
                return Phase.RUNNING
            return Phase.RESTARTING
    return Phase.UNKNOWN


def _culprit(containers: Iterable[Container]) -> Container | None:
    """The container that says most of what is wrong: one that waits after it ended, or has ended
    with a failure, else one that ended before."""
    known = list(containers)
    for each in known:
        if each.waiting == CRASH_LOOP:
            return each
    for each in known:
        if each.ended is not None and (each.ended.code or each.ended.reason == OUT_OF_MEMORY):
            return each
    for each in known:
        if each.before is not None and not each.ready:
            return each
    return None


def _state(
    meta: Metadata,
    phase: Phase,
    conditions: Mapping[str, Condition],
    main: Sequence[Container],
    trouble: Trouble | None,
    *,
    loops: bool,
) -> State:
    match phase:
        case Phase.UNKNOWN:
            return State.UNKNOWN
        case Phase.ENDED:
            failed = any(each.ended is not None and each.ended.code for each in main)
            return State.DOWN if failed or trouble is not None else State.UNKNOWN
        case Phase.PENDING | Phase.RESTARTING | Phase.RUNNING | Phase.PAUSED:
            pass
    if loops or trouble is not None:
        return State.DOWN
    ready = conditions.get("Ready", Condition("Unknown"))
    if phase is Phase.RUNNING and ready.status == "True":
        return State.OK
    if ready.status == "Unknown":
        return State.UNKNOWN if phase is Phase.RUNNING else State.DEGRADED
    if any(each.ended is not None and each.ended.code for each in main):
        return State.DOWN
    return State.DOWN if _was_ready(ready, main) and meta.deleted_at is None else State.DEGRADED


def _was_ready(ready: Condition, main: Sequence[Container]) -> bool:
    """Whether it stopped being ready after all of its containers had started."""
    begun = [each.running_since for each in main if each.running_since is not None]
    return bool(begun) and ready.since is not None and ready.since > max(begun) + 1.0


def _health(phase: Phase, conditions: Mapping[str, Condition]) -> str:
    ready = conditions.get("Ready")
    if phase is not Phase.RUNNING or ready is None:
        return ""
    return "ready" if ready.status == "True" else "not ready"


def _word(
    meta: Metadata,
    status: Mapping[str, object],
    conditions: Mapping[str, Condition],
    containers: Sequence[Container],
) -> str:
    """What ``kubectl get pods`` calls its status."""
    if meta.deleted_at is not None:
        return "Terminating"
    if text(status.get("reason"), NAME_LIMIT):
        return text(status.get("reason"), NAME_LIMIT)
    scheduled = conditions.get("PodScheduled")
    words = [f"Init:{why}" for each in containers if each.init and (why := _held_by(each))]
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        words.append("SchedulingGated")
    main = [each for each in containers if not each.init]
    words += [each.waiting for each in main if each.waiting]
    words += [each.ended.reason or f"ExitCode:{each.ended.code}" for each in main if each.ended]
    return words[0] if words else text(status.get("phase"), NAME_LIMIT) or "Unknown"


def _held_by(init: Container) -> str:
    """Why an init container has not let the others begin; '' where it runs or is done."""
    if _is_done(init) or init.running_since is not None or init.waiting == "PodInitializing":
        return ""
    return init.waiting or (init.ended.reason if init.ended is not None else "")


def _is_done(container: Container) -> bool:
    return container.ended is not None and container.ended.code == 0


def _detail(word: str, culprit: Container | None, trouble: Trouble | None) -> str:
    """What the cluster says of a pod that does not simply run."""
    if word == "Running" and trouble is None:
        return ""
    said = f"{word} in {culprit.name}" if culprit is not None and culprit.init else word
    end = culprit.last_end if culprit is not None else None
    if end is not None and end.code is not None:
        said = f"{said}: exit {end.code}"
        if end.reason == OUT_OF_MEMORY:
            return f"{said}, out of memory"
    if trouble is not None and trouble.detail:
        return f"{said}: {trouble.detail}"
    return said


def _started(main: Sequence[Container], status: Mapping[str, object]) -> float | None:
    begun = [each.running_since for each in main if each.running_since is not None]
    return max(begun) if begun else read_time(status.get("startTime"))


def _memory_limit(spec: Mapping[str, object]) -> int | None:
    """The limit of all containers together; None where one of them has none."""
    limits = [
        size(mapping(mapping(each.get("resources")).get("limits")).get("memory"))
        for each in map(mapping, listed(spec.get("containers"), CONTAINERS))
    ]
    known = [each for each in limits if each is not None]
    return sum(known) if known and len(known) == len(limits) else None


def _ports(spec: Mapping[str, object]) -> tuple[Port, ...]:
    found = []
    for container in map(mapping, listed(spec.get("containers"), CONTAINERS)):
        for each in map(mapping, listed(container.get("ports"), CONTAINERS)):
            private, public = integer(each.get("containerPort")), integer(each.get("hostPort"))
            if private is not None and 0 < private < 65536:
                known = public if public is not None and 0 < public < 65536 else None
                protocol = text(each.get("protocol"), 8).lower() or "tcp"
                found.append(Port(private, known, "", protocol))
    return tuple(found)


def _claims(spec: Mapping[str, object]) -> tuple[str, ...]:
    """The claims of storage that it waits for."""
    volumes = map(mapping, listed(spec.get("volumes"), CONTAINERS))
    claims = (mapping(each.get("persistentVolumeClaim")).get("claimName") for each in volumes)
    return tuple(name for each in claims if (name := text(each, NAME_LIMIT)))
