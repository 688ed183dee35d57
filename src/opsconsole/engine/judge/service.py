"""From probes to an instance, from instances and replicas to a service. Pure.

Invariant: a reason names what is wrong first; it is '' only when the state is OK, and not even then
if there is something to point out. An instance is OK only when every probe of it was seen to be, a
service only when every instance was.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.health import NOT_LOOKED, Judged
from opsconsole.model.health import ProbeKind
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.workloads import Phase, Replica, Update, Workload
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State, combine_instances, worst


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state with its reason in one line."""

    state: State
    reason: str = ""
    flapping: bool = False


NOT_RUNNING: Final = frozenset({Phase.PENDING, Phase.ENDED})
"""The phases of a replica that was never started or has ended."""

_PREFIX: Final = {
    ProbeKind.HEALTH: "",
    ProbeKind.LIVE: "not alive: ",
    ProbeKind.READY: "not ready: ",
    ProbeKind.STARTUP: "starting: ",
}


def judge_instance(probes: Sequence[tuple[ProbeKind, Judged]]) -> Judgement:
    """Kubernetes' meanings: not alive is down; not ready or not started is degraded at worst."""
    found = [_of_probe(kind, judged) for kind, judged in probes]
    if not found:
        return Judgement(State.UNKNOWN, "nothing to look at is configured")
    first = max(found, key=lambda judgement: judgement.state.urgency)
    return Judgement(first.state, first.reason, any(each.flapping for each in found))


def judge_replica(replica: Replica, *, meant: bool = True) -> Judgement:
    """A replica that the configuration names is ``meant`` to run: an end of any kind is DOWN.

    Of one that was only found nobody knows whether it was to end, so that only a failure is.
    """
    if replica.state is State.OK:
        return Judgement(State.OK)
    said = replica.detail or replica.health or replica.status
    state = State.DOWN if meant and replica.phase in NOT_RUNNING else replica.state
    return Judgement(state, f"{replica.kind} {replica.name} {said}")


def judge_node(node: ClusterNode) -> Judgement:
    """A node of a cluster; one that the cluster does not hear of is DOWN, as what times out is.

    One on which no pod is placed is OK, with that as its reason: somebody wanted it.
    """
    if node.ready is not True:
        said = f": {node.said}" if node.said else ""
        how = "is not ready" if node.ready is False else "is not heard of"
        return Judgement(State.DOWN, f"node {node.name} {how}{said}")
    if node.presses:
        return Judgement(State.DEGRADED, f"node {node.name}: {', '.join(node.presses)}")
    return Judgement(State.OK, f"node {node.name} is cordoned" if node.cordoned else "")


def judge_workload(workload: Workload) -> Judgement:
    """DOWN if none of the wanted copies runs; DEGRADED if only some do, or if an update stopped.

    If all run although an update was rolled back or is held it is OK, with that as its reason;
    so is one of which no copy is wanted, which serves nobody.
    """
    said = f" ({workload.said})" if workload.said else ""
    if workload.running < workload.wanted:
        state = State.DEGRADED if workload.running else State.DOWN
        few = f"{workload.label}: {workload.running} of {workload.wanted} copies run"
        return Judgement(
            state, few if workload.update is Update.NONE else f"{few}, {_update(workload)}"
        )
    match workload.update:
        case Update.PAUSED:
            return Judgement(State.DEGRADED, f"{workload.label}: {_update(workload)}{said}")
        case Update.ROLLED_BACK | Update.HELD:
            return Judgement(State.OK, f"{workload.label}: {_update(workload)}{said}")
        case Update.NONE | Update.RUNNING | Update.ROLLING_BACK | Update.UNKNOWN:
            none = not (workload.wanted or workload.running or workload.completed)
            return Judgement(State.OK, f"{workload.label}: no copy is wanted" if none else "")


def _update(workload: Workload) -> str:
    return f"update {workload.update}"


def judge_service(instances: Sequence[InstanceView], beside: Sequence[Judgement]) -> Judgement:
    """A service, from its instances and from what is ``beside`` them: other replicas, workloads.

    A failure beside healthy instances makes it DEGRADED; without instances only ``beside`` counts.
    An OK service has a reason if there is something to point out.
    """
    bad = [judgement for judgement in beside if judgement.state in {State.DOWN, State.DEGRADED}]
    well = next((judgement.reason for judgement in beside if judgement.reason), "")
    if not instances:
        state = combine_instances(judgement.state for judgement in beside)
        unseen = (each.reason for each in beside if each.state is State.UNKNOWN and each.reason)
        reason = bad[0].reason if bad else next(unseen, "no copy is known")
        return Judgement(state, well if state is State.OK else reason)
    state = combine_instances(instance.state for instance in instances)
    reason = _of_instances(instances)
    if bad:
        state = worst((state, State.DEGRADED))
        reason = reason or bad[0].reason
    flapping = any(instance.flapping for instance in instances)
    return Judgement(state, well if state is State.OK else reason, flapping)


def _of_probe(kind: ProbeKind, judged: Judged) -> Judgement:
    state = judged.state
    if state is State.DOWN and kind in {ProbeKind.READY, ProbeKind.STARTUP}:
        state = State.DEGRADED
    if not judged.reason or judged.reason == NOT_LOOKED:
        return Judgement(state, judged.reason, judged.flapping)
    return Judgement(state, f"{_PREFIX[kind]}{judged.reason}", judged.flapping)


def _of_instances(instances: Sequence[InstanceView]) -> str:
    troubled = [instance for instance in instances if instance.state is not State.OK]
    if not troubled:
        return ""
    first = max(troubled, key=lambda instance: instance.state.urgency)
    if len(instances) == 1:
        return first.reason
    if all(instance.reason == NOT_LOOKED for instance in instances):
        return NOT_LOOKED
    same = sum(instance.state is first.state for instance in troubled)
    count = f"{same} of {len(instances)} instances {first.state}"
    said = first.reason if first.name in first.reason.split() else f"{first.name} {first.reason}"
    return f"{count}: {said}".strip()
