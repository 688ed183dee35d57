"""What changed in a cluster, as events of the timeline. Pure.

Invariant: one thing that happened is one event, at the cluster's own time where it gives one:
the end of a container is read of its pod and not of what is said of it, a change of a template by
the workload and not by the pods that follow. Names alone are shown of what a template is made of.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.workloads import Update
from opsconsole.model.state import State
from opsconsole.sources.kubernetes.objects.cluster_events import Said
from opsconsole.sources.kubernetes.objects.containers import OUT_OF_MEMORY, Container, Ended
from opsconsole.sources.kubernetes.objects.nodes import Node
from opsconsole.sources.kubernetes.objects.pods import Pod
from opsconsole.sources.kubernetes.objects.revisions import Revision
from opsconsole.sources.kubernetes.objects.templates import Template
from opsconsole.sources.kubernetes.objects.workloads import Controller
from opsconsole.sources.marks import difference

_SIGNALS: Final = {130: "SIGINT", 137: "SIGKILL", 143: "SIGTERM"}
_PRECISION: Final = 5.0
"""Seconds by which the cluster's components may differ in when one thing was."""

_BY_CONTROLLERS: Final = "kube-controller-manager"


def of_pod(before: Pod | None, after: Pod | None, now: float) -> Iterator[Event]:
    """What happened to a pod between two looks at it."""
    if after is None:
        if before is not None and (before.counts or before.meta.deleted_at is not None):
            yield _event(EventCode.REMOVED, before, now)
        return
    known = {each.name: each for each in before.containers} if before is not None else {}
    for each in after.containers:
        yield from _of_container(after, known.get(each.name), each, now)
    yield from _evicted(before, after, now)


def _evicted(before: Pod | None, after: Pod, now: float) -> Iterator[Event]:
    """That it has to go although nothing is wrong with it, by whichever of the two signs it has."""
    if before is not None and (disrupted(before) or before.replica.status == "Evicted"):
        return
    target = after.conditions.get("DisruptionTarget")
    if after.replica.status == "Evicted":
        said = after.replica.trouble.detail if after.replica.trouble is not None else ""
        yield _event(EventCode.EVICTED, after, _in_time(after.replica.finished_at, now), said)
    elif target is not None and target.status == "True":
        yield _event(EventCode.EVICTED, after, _in_time(target.since, now), target.message)


def disrupted(pod: Pod) -> bool:
    """Whether the pod itself says that it has to go, as it does from 1.26 on."""
    target = pod.conditions.get("DisruptionTarget")
    return target is not None and target.status == "True"


def ends_of(pod: Pod, since: float) -> Iterator[Event]:
    """The ends of its containers from ``since`` on that it still reports."""
    for each in pod.containers:
        for end in (each.before, each.ended):
            if end is None or end.finished_at is None or (each.init and end.code == 0):
                continue
            if end.finished_at >= since:
                yield _ended(pod, end, end.finished_at)


def _of_container(
    pod: Pod, before: Container | None, after: Container, now: float
) -> Iterator[Event]:
    known = {end.finished_at for end in _ends(before)}
    for end in _ends(after):
        if end.finished_at not in known and not (after.init and end.code == 0):
            yield _ended(pod, end, _in_time(end.finished_at, now))
    begun = after.running_since
    if begun is not None and (before is None or before.running_since != begun) and not after.init:
        yield _event(EventCode.STARTED, pod, _in_time(begun, now), state=State.OK)


def _ends(container: Container | None) -> list[Ended]:
    found = (container.before, container.ended) if container is not None else ()
    return [each for each in found if each is not None]


def _ended(pod: Pod, end: Ended, at: float) -> Event:
    memory = end.reason == OUT_OF_MEMORY
    deleted = pod.meta.deleted_at
    ordered = deleted is not None and at >= deleted - _PRECISION and not memory
    code = end.code or 0
    return replace(
        _event(EventCode.ENDED, pod, at),
        state=State.DOWN if (code or memory) and not ordered else State.UNKNOWN,
        figure=float(code),
        memory=memory,
        name=_SIGNALS.get(code, "SIGTERM") if ordered else "",
    )


def of_controller(
    before: Controller, after: Controller, now: float, autoscaler: str = ""
) -> Iterator[Event]:
    """What was changed about a workload; ``autoscaler`` is what scales it, if anything does."""
    yield from _of_template(before.template, after, _in_time(after.changed.at, now))
    if before.replicas != after.replicas and after.replicas is not None:
        by = after.scaled.by
        if autoscaler and by in {"", _BY_CONTROLLERS}:
            by = f"autoscaler {autoscaler}"
        yield replace(
            _about(EventCode.REPLICAS_CHANGED, after, _in_time(after.scaled.at, now)),
            before="" if before.replicas is None else str(before.replicas),
            after=str(after.replicas),
            by=by,
        )
    yield from _moved(before, after, now)


def _moved(before: Controller, after: Controller, now: float) -> Iterator[Event]:
    """How its rollout goes."""
    was, present = before.workload, after.workload
    moved = _about(EventCode.ROLLOUT_MOVED, after, now)
    if before.held is not after.held:
        yield replace(moved, detail="held" if after.held else "goes on")
    ended = was.update is Update.RUNNING and present.update is Update.NONE
    if ended and present.trouble is None and before.template == after.template:
        yield replace(moved, detail="completed")
    trouble = present.trouble
    if trouble is not None and (was.trouble is None or was.trouble.code is not trouble.code):
        said = present.said or trouble.detail or trouble.code.value
        at = _in_time(trouble.at, now)
        yield replace(moved, at=at, detail=f"stopped: {said}", state=State.DEGRADED)


def rollout_of(
    controller: Controller, revisions: Iterable[Revision], since: float
) -> Iterator[Event]:
    """The latest change of a template from ``since`` on, by the revisions that are kept of it."""
    last = sorted(revisions, key=lambda each: each.number)[-2:]
    at = controller.changed.at
    if at is None and last:
        at = last[-1].meta.created_at
    if len(last) == 2 and at is not None and at >= since:
        yield from _of_template(last[0].template, controller, at)


def _of_template(before: Template, controller: Controller, at: float) -> Iterator[Event]:
    after, by = controller.template, controller.changed.by
    if before == after:
        return
    changed = False
    for name, image in after.images.items():
        old = before.images.get(name, "")
        if image != old:
            changed = True
            event = _about(EventCode.IMAGE_CHANGED, controller, at)
            yield replace(event, before=old, after=image, by=by)
    found = difference(before.made_of, after.made_of)
    if found:
        changed = True
        event = _about(EventCode.RECREATED, controller, at, found.other)
        yield replace(event, before=found.gone, after=found.new, by=by)
    if after.restarted != before.restarted and after.restarted and not changed:
        yield replace(_about(EventCode.RESTARTED, controller, at), by=by)


def of_node(before: Node | None, after: Node | None, now: float) -> Iterator[Event]:
    """What happened to a node."""
    if before is None or after is None:
        return
    name = after.meta.name
    if before.ready.status != after.ready.status:
        at = _in_time(after.ready.since, now)
        if after.ready.status == "True":
            yield Event(at, EventCode.NODE_BACK, subject=name, state=State.OK)
        elif before.ready.status == "True":
            said = after.ready.message or after.ready.reason
            yield Event(at, EventCode.NODE_LOST, said, subject=name, state=State.DOWN)
    if before.cordoned is not after.cordoned:
        code = EventCode.NODE_CORDONED if after.cordoned else EventCode.NODE_OPENED
        yield Event(now, code, subject=name)


_TELL: Final[Mapping[str, EventCode]] = {
    "Preempted": EventCode.EVICTED,
    "TaintManagerEviction": EventCode.EVICTED,
}


def of_said(said: Said) -> Event | None:
    """What a component did to a pod; None for what the pod itself says, or what is no event."""
    code = _TELL.get(said.reason)
    if code is None or said.kind != "Pod" or said.at is None:
        return None
    if said.message.startswith("Cancelling"):
        return None
    return Event(said.at, code, said.message, subject=said.name, state=State.DEGRADED)


def _event(
    code: EventCode, pod: Pod, at: float, detail: str = "", *, state: State | None = None
) -> Event:
    return Event(at, code, detail, subject=pod.meta.name, state=state)


def _about(code: EventCode, controller: Controller, at: float, detail: str = "") -> Event:
    return Event(at, code, detail, subject=controller.meta.name, about=controller.workload.name)


def _in_time(at: float | None, now: float) -> float:
    """The cluster's time, which is never ahead of ours."""
    return now if at is None else min(at, now)
